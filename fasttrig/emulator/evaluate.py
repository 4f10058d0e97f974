"""The reference emulator: the graph on raw integers, in NumPy, bit for bit.

`carriers.py` says which number formats carry integers, `plan.py` decides which one each op gets, `steps.py` has one row
per op.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.errors import DataError, near_names
from fasttrig.base.fixed import INT64_BITS, FixedType, IntArray
from fasttrig.emulator.arithmetic_steps import sum_type
from fasttrig.emulator.carriers import convert
from fasttrig.emulator.plan import plan, run_steps
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Input, Value

__all__ = ["CHUNK_EVENTS", "Evaluation", "check_inputs", "evaluate", "sum_type"]

CHUNK_EVENTS = 4096
"""Events evaluated at a time: enough for BLAS, few enough for the second-level cache."""

CHUNK_NUMBERS = 1 << 20
"""Numbers of the largest tensor in a chunk: images are evaluated few at a time."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Results of a run of the graph.

    Attributes
    ----------
    outputs : dict of str to int64 array, shape (n_events, *value.shape)
        Raw integers of the graph's outputs, by name (Python integers where the type is wider than 62 bits).
    trace : dict of str to int64 array
        Raw integers of the values asked for by `keep`.
    overflows : dict of str to int
        Elements changed by an overflow, per op that can overflow by its kind (Cast, narrowed MatMul).
    """

    outputs: dict[str, IntArray]
    trace: dict[str, IntArray]
    overflows: dict[str, int]


def evaluate(
    graph: Graph,
    inputs: Mapping[str, IntArray] | IntArray,
    *,
    keep: Collection[str] = (),
    chunk_events: int | None = None,
) -> Evaluation:
    """Run `graph` on raw integers.

    Parameters
    ----------
    inputs : int array, shape (n_events, *shape), or a mapping of input name to such an array
        Raw integers of the graph's inputs; a bare array where there is one input.
    keep : names
        Values to return in `trace` in addition to the outputs.

    Raises
    ------
    DataError
        If an input is missing, has the wrong shape, is not integer or lies outside its type; if `keep` names no value.
    GraphError
        If the graph is not well formed.
    """
    steps = plan(graph)
    arrays = check_inputs(graph, inputs)
    wanted = _wanted(graph, keep)
    n_events = len(next(iter(arrays.values())))
    results = {value: _empty(n_events, value) for value in dict.fromkeys((*graph.outputs, *wanted))}
    tally = {op.name: 0 for op in graph.ops if op.counts_overflows}
    largest = max(op.result.size for op in graph.ops)
    chunk = min(CHUNK_EVENTS, max(1, CHUNK_NUMBERS // largest)) if chunk_events is None else max(1, chunk_events)
    for start in range(0, n_events, chunk):
        rows = slice(start, min(start + chunk, n_events))
        given = {name: array[rows] for name, array in arrays.items()}
        for value, made in run_steps(steps, given, results, tally).items():
            results[value][rows] = convert(made, results[value].dtype)
    return Evaluation(
        {value.name: results[value] for value in graph.outputs},
        {value.name: results[value] for value in wanted},
        tally,
    )


def _wanted(graph: Graph, keep: Collection[str]) -> list[Value]:
    known = {op.name: op.result for op in graph.ops}
    for name in keep:
        if name not in known:
            raise DataError(
                "unknown name of a value to keep",
                where=f"graph '{graph.name}'",
                got=repr(name),
                try_=near_names(name, known),
            )
    return [value for name, value in known.items() if name in set(keep)]


def check_inputs(graph: Graph, inputs: Mapping[str, IntArray] | IntArray) -> dict[str, IntArray]:
    """The raw integers of each input as int64 (objects beyond 62 bits), checked against shape and types."""
    if not isinstance(inputs, Mapping):
        if len(graph.inputs) != 1:
            names = ", ".join(op.name for op in graph.inputs)
            raise DataError("the graph has several inputs", got="one array", want=f"a mapping with {names}")
        inputs = {graph.inputs[0].name: inputs}
    known = [op.name for op in graph.inputs]
    for name in inputs:
        if name not in known:
            raise DataError(
                "unknown input name", where=f"graph '{graph.name}'", got=repr(name), try_=near_names(name, known)
            )
    arrays = {}
    for op in graph.inputs:
        if op.name not in inputs:
            raise DataError("an input is missing", got=", ".join(inputs), want=op.name)
        arrays[op.name] = _check_input(op, np.asarray(inputs[op.name]))
    if len({len(array) for array in arrays.values()}) != 1:
        got = ", ".join(f"{name}: {len(array)}" for name, array in arrays.items())
        raise DataError("the inputs have different numbers of events", got=got)
    return arrays


def _check_input(op: Input, raw: IntArray) -> IntArray:
    where = f"input '{op.name}'"
    if not _all_integers(raw):
        raise DataError(
            "raw inputs must be integers",
            where=where,
            got=f"dtype {raw.dtype}",
            want="an integer dtype",
            try_="quantise real values first, for example with design.emulate(x)",
        )
    if raw.shape[1:] != op.result.shape or raw.ndim == 0:
        want = f"(n_events, {', '.join(map(str, op.result.shape))})"
        raise DataError("wrong input shape", where=where, got=str(raw.shape), want=want)
    low, high = (int(raw.min()), int(raw.max())) if raw.size else (0, 0)
    if not op.result.type.holds(low, high):
        want = f"{op.result.type}: {op.result.type.min_raw} to {op.result.type.max_raw}"
        raise DataError("raw inputs outside the range of their type", where=where, got=f"{low} to {high}", want=want)
    checked: Any = raw.astype(np.int64, copy=False) if op.result.type.width <= INT64_BITS else raw.astype(object)
    columns = checked.reshape(-1, max(1, len(op.channel_types)))
    for channel, fixed_type in enumerate(op.channel_types):
        _check_channel(op, channel, fixed_type, columns[:, channel])
    return checked


def _all_integers(raw: IntArray) -> bool:
    if raw.dtype != object:
        return bool(np.issubdtype(raw.dtype, np.integer))
    return all(isinstance(number, (int, np.integer)) for number in raw.flat)


def _check_channel(op: Input, channel: int, fixed_type: FixedType, column: IntArray) -> None:
    shift = op.result.type.fraction_bits - fixed_type.fraction_bits
    where = f"input '{op.name}', channel {channel}"
    off_grid = (column & ((1 << shift) - 1)) != 0
    if off_grid.any():
        raise DataError(
            "raw inputs off the grid of their feature type",
            where=where,
            got=f"raw {column[off_grid][0]}",
            want=f"{fixed_type}: multiples of {1 << shift}",
        )
    low, high = (int(column.min()) >> shift, int(column.max()) >> shift) if column.size else (0, 0)
    if not fixed_type.holds(low, high):
        raise DataError(
            "raw inputs outside the range of their feature type",
            where=where,
            got=f"raw {low} to {high}",
            want=f"{fixed_type}: {fixed_type.min_raw} to {fixed_type.max_raw}",
        )


def _empty(n_events: int, value: Value) -> IntArray:
    dtype = np.int64 if value.type.width <= INT64_BITS else object
    return np.empty((n_events, *value.shape), dtype=dtype)
