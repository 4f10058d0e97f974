"""Sensitivity to one bit less: each op is re-run with one fraction bit removed, on the labelled events.

The narrowed graph runs in the bit-accurate emulator; no figure is estimated. A result is narrowed by a cast to the
coarser type and one back, so all that follows keeps its types; weights and leaves are rounded to every second integer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding, overflow_raw, round_raw
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Cast, Const, Op, Value
from fasttrig.ir.ranges import infer_ranges
from fasttrig.ir.verify import verify
from fasttrig.passes.narrow_types import NarrowTypes

NarrowedPart = Literal["result", "weights", "leaves"]
MeasureFigures = Callable[[dict[str, IntArray], IntArray], dict[str, float]]
"""``quality(raw outputs, events)`` -> named figures, such as the AUC of each class; `events` are the rows that ran."""

InputsOf = Callable[[dict[str, IntArray]], dict[str, IntArray]]
MAX_EVENTS, MIN_EVENTS, MAX_WORK, SEED = 50_000, 2_000, 40_000_000_000, 1
"""`MAX_WORK` bounds the multiplications, comparisons and casts of all runs together: some seconds."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One narrowed part. `change` is the figure with one bit less minus the figure as built, by the figure's name."""

    op: str
    part: NarrowedPart
    type: FixedType
    narrowed: FixedType
    n_events: int
    change: dict[str, float]


def sensitivities(graph: Graph, inputs: dict[str, IntArray], quality: MeasureFigures) -> tuple[Sensitivity, ...]:
    """Every op of `graph` with one fraction bit less, in the order of the ops.

    Parameters
    ----------
    inputs : mapping of input name to int array, shape (n_events, *shape)
        Of many, or for a large graph, a seeded choice of them is used.
    """
    n_events = len(next(iter(inputs.values())))
    events = np.arange(n_events)
    limit = min(MAX_EVENTS, max(MIN_EVENTS, MAX_WORK // (2 * len(graph.ops) * sum(op.work for op in graph.ops))))
    if n_events > limit:
        events = np.sort(np.random.default_rng(SEED).choice(n_events, limit, replace=False))
    given = {name: array[events] for name, array in inputs.items()}
    before = quality(evaluate(graph, given).outputs, events)
    found = []
    for op, part, type_, narrowed, inputs_of in _variants(graph):
        outputs = evaluate(narrowed, inputs_of(given)).outputs
        renamed = {value.name: outputs[new.name] for value, new in zip(graph.outputs, narrowed.outputs, strict=True)}
        after = quality(renamed, events)
        change = {name: after[name] - before[name] for name in before}
        found.append(Sensitivity(op.name, part, type_, coarser(type_), len(events), change))
    return tuple(found)


def coarser(type_: FixedType) -> FixedType:
    """The type with one fraction bit less."""
    return replace(type_, width=type_.width - 1)


def _variants(graph: Graph) -> Iterator[tuple[Op, NarrowedPart, FixedType, Graph, InputsOf]]:
    """Every op and part with its type, the changed graph, and the change of the inputs."""
    for op in graph.ops:
        if not op.operands and op.result.type.width > 1:  # an input
            yield op, "result", op.result.type, graph, partial(_coarse_inputs, op)
            continue
        if op.weights is not None and op.weights.type.width > 1:
            part: NarrowedPart = "weights" if op.own_bits else "leaves"
            yield op, part, op.weights.type, _with(graph, op, _coarse_weights), dict
        if op.own_bits and op.result.type.width > 1:
            yield op, "result", op.result.type, _with(graph, op, _coarse_result), dict


def _coarse_inputs(op: Op, given: dict[str, IntArray]) -> dict[str, IntArray]:
    """Each feature on every second step of its own grid, inside its own range."""
    common = op.result.type
    array = given[op.name]
    columns = array.reshape(-1, len(op.element_types))
    made = np.empty_like(columns)
    for k, own in enumerate(op.element_types):
        half = coarser(own) if own.width > 1 else own
        rounded = round_raw(columns[:, k], common, half.fraction_bits, Rounding.RND_CONV)
        made[:, k] = overflow_raw(rounded, half, Overflow.SAT) << (common.fraction_bits - half.fraction_bits)
    return {**given, op.name: made.reshape(array.shape)}


def _with(graph: Graph, target: Op, change: Callable[[Op, Any], tuple[Op, ...]]) -> Graph:
    """`graph` with `target` changed; exact ops after it get room for numbers that reach further."""
    ranges = infer_ranges(graph)
    operands = [ranges[value] for value in target.operands]
    changed = NarrowTypes().run(rewrite(graph, lambda op: change(op, operands) if op.name == target.name else op))
    verify(changed, after="narrowing by one bit")
    return changed


def _coarse_result(op: Op, operands: Any) -> tuple[Op, ...]:
    """A cast rounds as it did; any other result is rounded to the nearest."""
    type_ = op.result.type
    if op.pointwise and op.loses_bits:  # a cast
        first: Op = replace(op, result=_named(op.result, "narrow", coarser(type_)))
        return first, _cast(op, first.result, type_)
    kept = replace(op, result=_named(op.result, "exact", type_))
    narrow = _cast(op, kept.result, coarser(type_), "narrow")
    return kept, narrow, _cast(op, narrow.result, type_)


def _coarse_weights(op: Any, operands: Any) -> tuple[Op, ...]:
    return _retyped(op, replace(op, **{op.weights_field: _coarse_constant(op.weights)}), operands)


def _retyped(op: Op, narrow: Op, operands: Any) -> tuple[Op, ...]:
    """Rounded constants may sum to a little more: use the exact type first, then cast back to the original type."""
    if not op.exact:
        return (narrow,)
    wide = replace(narrow, result=_named(op.result, "wide", narrow.exact_type(operands)))
    return wide, _cast(op, wide.result, op.result.type)


def _coarse_constant(constant: Const) -> Const:
    """Every integer rounded to an even one (halves to the multiple of four), inside the type."""
    half = coarser(constant.type)
    rounded = round_raw(constant.raw, constant.type, half.fraction_bits, Rounding.RND_CONV)
    raw = overflow_raw(rounded, half, Overflow.SAT) * 2
    return replace(constant, name=f"{constant.name}__narrow", raw=raw)


def _cast(op: Op, operand: Value, type_: FixedType, suffix: str = "") -> Cast:
    result = _named(op.result, suffix, type_) if suffix else replace(op.result, type=type_)
    return Cast(result=result, operand=operand, rounding=Rounding.RND_CONV, overflow=Overflow.SAT, origin=op.origin)


def _named(value: Value, suffix: str, type_: FixedType) -> Value:
    return replace(value, name=f"{value.name}__{suffix}", type=type_)
