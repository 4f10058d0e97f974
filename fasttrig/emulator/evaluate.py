"""The reference emulator: the graph on raw integers, in NumPy, bit for bit.

Integer matrix products run on the floating-point units wherever the range analysis proves that no partial sum
leaves the exact integers of that format (2**24 for float32, 2**53 for float64), on int64 elsewhere, and on Python
integers beyond 62 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fasttrig.errors import DataError
from fasttrig.fixed import INT64_BITS, FixedType, IntArray, Overflow, Rounding, cast_raw, overflow_raw, round_raw
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import (
    Add,
    ArgMax,
    Cast,
    Concat,
    Input,
    MatMul,
    Op,
    Relu,
    Reshape,
    Scale,
    Softmax,
    Table,
    require_rows,
)
from fasttrig.ir.ranges import exact_fraction_bits, exact_fraction_bits_of_matmul, relu_raw

CHUNK_EVENTS = 8192
"""Events evaluated at a time: large enough for BLAS, small enough for the second-level cache."""

FLOAT32_EXACT, FLOAT64_EXACT = 1 << 24, 1 << 53


@dataclass(slots=True)
class Counts:
    """How often casts lost the integer part, per op: elements whose integer an overflow changed."""

    overflows: dict[str, int] = field(default_factory=dict)

    def add(self, op: Op, changed: Any) -> None:
        self.overflows[op.name] = self.overflows.get(op.name, 0) + int(np.count_nonzero(changed))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a run of the graph gave.

    Attributes
    ----------
    outputs : dict of str to int64 array, shape (n_events, *value.shape)
        Raw integers of the graph's outputs, by name.
    trace : dict of str to int64 array
        Raw integers of the values asked for by `keep`.
    overflows : dict of str to int
        Elements changed by an overflow, per op that can overflow.
    """

    outputs: dict[str, IntArray]
    trace: dict[str, IntArray]
    overflows: dict[str, int]


def evaluate(
    graph: Graph,
    inputs: Mapping[str, IntArray] | IntArray,
    *,
    keep: Collection[str] = (),
    chunk_events: int = CHUNK_EVENTS,
) -> Evaluation:
    """Run `graph` on raw integers.

    Parameters
    ----------
    inputs : int array, shape (n_events, *shape), or a mapping of input name to such an array
        Raw integers of the graph's inputs; a bare array where there is one input.
    keep : names
        Values to return in `trace` beside the outputs.

    Raises
    ------
    DataError
        If an input is missing, has the wrong shape, is not integer or lies outside its type.
    """
    arrays = check_inputs(graph, inputs)
    n_events = len(next(iter(arrays.values())))
    wanted = [value for value in dict.fromkeys([op.result for op in graph.ops]) if value.name in set(keep)]
    results = {value: _empty(n_events, value) for value in dict.fromkeys((*graph.outputs, *wanted))}
    counts = Counts()
    last_use = {value: index for index, op in enumerate(graph.ops) for value in op.operands}
    for start in range(0, n_events, chunk_events):
        rows = slice(start, min(start + chunk_events, n_events))
        alive: dict[Any, IntArray] = {}
        for index, op in enumerate(graph.ops):
            given = [arrays[op.name][rows]] if isinstance(op, Input) else [alive[value] for value in op.operands]
            alive[op.result] = emulate_op(op, given, counts)
            if op.result in results:
                results[op.result][rows] = alive[op.result]
            for value in op.operands:
                if last_use[value] == index:
                    alive.pop(value, None)
    return Evaluation(
        {value.name: results[value] for value in graph.outputs},
        {value.name: results[value] for value in wanted},
        counts.overflows,
    )


def emulate_op(op: Op, operands: list[IntArray], counts: Counts) -> IntArray:
    """One op on raw integers; shapes (n_events, *operand.shape) -> (n_events, *result.shape)."""
    return _EMULATE[type(op)](op, counts, *operands)


def check_inputs(graph: Graph, inputs: Mapping[str, IntArray] | IntArray) -> dict[str, IntArray]:
    """The raw integers of each input as int64, checked against shape and type."""
    if not isinstance(inputs, Mapping):
        if len(graph.inputs) != 1:
            names = ", ".join(op.name for op in graph.inputs)
            raise DataError("this graph has several inputs", got="one array", want=f"a mapping with {names}")
        inputs = {graph.inputs[0].name: inputs}
    arrays = {}
    for op in graph.inputs:
        if op.name not in inputs:
            raise DataError("an input is missing", got=", ".join(inputs), want=op.name)
        arrays[op.name] = _check_input(op, np.asarray(inputs[op.name]))
    if len({len(array) for array in arrays.values()}) != 1:
        got = ", ".join(f"{name}: {len(array)}" for name, array in arrays.items())
        raise DataError("inputs differ in their number of events", got=got)
    return arrays


def _check_input(op: Input, raw: IntArray) -> IntArray:
    where = f"input '{op.name}'"
    if not np.issubdtype(raw.dtype, np.integer) and raw.dtype != object:
        raise DataError("raw inputs must be integers", where=where, got=f"dtype {raw.dtype}", want="an integer dtype",
                        try_="quantise real values first: design.emulate(x) does")  # fmt: skip
    if raw.shape[1:] != op.result.shape:
        want = f"(n_events, {', '.join(map(str, op.result.shape))})"
        raise DataError("wrong input shape", where=where, got=str(raw.shape), want=want)
    low, high = (int(raw.min()), int(raw.max())) if raw.size else (0, 0)
    if not op.result.type.holds(low, high):
        want = f"{op.result.type}: {op.result.type.min_raw} to {op.result.type.max_raw}"
        raise DataError("raw inputs outside their type", where=where, got=f"{low} to {high}", want=want)
    return raw.astype(np.int64, copy=False) if op.result.type.width <= INT64_BITS else raw.astype(object)


def _empty(n_events: int, value: Any) -> IntArray:
    dtype = np.int64 if value.type.width <= INT64_BITS else object
    return np.empty((n_events, *value.shape), dtype=dtype)


def _input(op: Input, counts: Counts, raw: IntArray) -> IntArray:
    """Shapes: (n_events, *shape) -> same."""
    if not op.channel_types:
        return raw
    for channel, fixed_type in enumerate(op.channel_types):
        shift = op.result.type.fraction_bits - fixed_type.fraction_bits
        column = raw[..., channel]
        off_grid = (column & ((1 << shift) - 1)) != 0
        outside = (column >> shift < fixed_type.min_raw) | (column >> shift > fixed_type.max_raw)
        if (off_grid | outside).any():
            raise DataError("raw inputs outside the type of their feature", where=f"input '{op.name}', {channel}",
                            want=str(fixed_type))  # fmt: skip
    return raw


def _matmul(op: MatMul, counts: Counts, operand: IntArray) -> IntArray:
    """Shapes: (n_events, ..., n_in) -> (n_events, ..., n_out)."""
    exact_bits = exact_fraction_bits_of_matmul(op)
    if not op.narrowed:
        return _exact_matmul(op, operand, exact_bits)
    modular = op.accum_overflow is Overflow.WRAP and op.accum_type.fraction_bits >= exact_bits
    if not modular:
        return _ordered_matmul(op, counts, operand)
    exact = _exact_matmul(op, operand, exact_bits) << (op.accum_type.fraction_bits - exact_bits)
    result = overflow_raw(exact, op.accum_type, Overflow.WRAP)
    counts.add(op, exact != result)
    return result


def _exact_matmul(op: MatMul, operand: IntArray, fraction_bits: int) -> IntArray:
    """The full sum at `fraction_bits`, on the fastest units that are exact for this op's range."""
    shift = fraction_bits - op.operand.type.fraction_bits - op.weight.type.fraction_bits
    bias_shift = fraction_bits - op.bias.type.fraction_bits
    bound = _sum_bound(op, shift, bias_shift)
    if bound >= 1 << INT64_BITS:
        weight = op.weight.raw.astype(object) << shift
        return operand.astype(object) @ weight + (op.bias.raw.astype(object) << bias_shift)
    weight, bias = op.weight.raw << shift, op.bias.raw << bias_shift
    if bound >= FLOAT64_EXACT:
        return operand @ weight + bias
    dtype = np.float32 if bound < FLOAT32_EXACT else np.float64
    total = operand.astype(dtype) @ weight.astype(dtype)
    total += bias.astype(dtype)
    return total.astype(np.int64)


def _sum_bound(op: MatMul, shift: int, bias_shift: int) -> int:
    """A number that no operand, weight, product or partial sum exceeds in magnitude."""
    largest = max(-op.operand.type.min_raw, op.operand.type.max_raw)
    column_sums = np.abs(op.weight.raw.astype(object)).sum(axis=0) << shift
    totals = column_sums * largest + (np.abs(op.bias.raw.astype(object)) << bias_shift)
    return max(largest, int(totals.max()), int(column_sums.max()))


def _ordered_matmul(op: MatMul, counts: Counts, operand: IntArray) -> IntArray:
    """Bias, then products by rising input index, each cast to the accumulator before it is added."""
    accum = op.accum_type
    product_type = _product_type(op)

    def cast(raw: IntArray, source: FixedType) -> IntArray:
        rounded = round_raw(raw, source, accum.fraction_bits, op.accum_rounding)
        result = overflow_raw(rounded, accum, op.accum_overflow)
        counts.add(op, rounded != result)
        return result

    bias = cast(op.bias.raw, op.bias.type)
    total = np.broadcast_to(bias, (*operand.shape[:-1], len(bias)))
    wide = product_type.width > INT64_BITS
    for index in range(operand.shape[-1]):
        factor = operand[..., index : index + 1].astype(object) if wide else operand[..., index : index + 1]
        sums = total + cast(factor * op.weight.raw[index], product_type)
        total = overflow_raw(sums, accum, op.accum_overflow)
        counts.add(op, sums != total)
    return total


def _product_type(op: MatMul) -> FixedType:
    a, b = op.operand.type, op.weight.type
    return FixedType(a.width + b.width, a.integer_bits + b.integer_bits, a.signed or b.signed)


def _scale(op: Scale, counts: Counts, operand: IntArray) -> IntArray:
    """Shapes: (n_events, ..., n) -> same."""
    bits = exact_fraction_bits(op)
    shift = bits - op.operand.type.fraction_bits - op.scale.type.fraction_bits
    wide = op.operand.type.width + op.scale.type.width + shift > INT64_BITS or op.result.type.width > INT64_BITS
    dtype: Any = object if wide else np.int64
    scale, offset = op.scale.raw.astype(dtype) << shift, op.offset.raw.astype(dtype)
    return operand.astype(dtype) * scale + (offset << (bits - op.offset.type.fraction_bits))


def _cast(op: Cast, counts: Counts, operand: IntArray) -> IntArray:
    """Shapes: any -> same."""
    rounded = round_raw(operand, op.operand.type, op.result.type.fraction_bits, op.rounding)
    result = overflow_raw(rounded, op.result.type, op.overflow)
    counts.add(op, rounded != result)
    return result


def _aligned(raw: IntArray, source: FixedType, target: FixedType) -> IntArray:
    """Exact move to a finer or equal grid."""
    wide = raw.astype(object) if target.width > INT64_BITS else raw
    return wide << (target.fraction_bits - source.fraction_bits)


def _relu(op: Relu, counts: Counts, operand: IntArray) -> IntArray:
    """Shapes: any -> same."""
    return relu_raw(op, operand)


def _add(op: Add, counts: Counts, left: IntArray, right: IntArray) -> IntArray:
    """Shapes: both (n_events, *shape) -> same."""
    return _aligned(left, op.left.type, op.result.type) + _aligned(right, op.right.type, op.result.type)


def _concat(op: Concat, counts: Counts, *parts: IntArray) -> IntArray:
    """Shapes: differ along `axis` only."""
    aligned = [_aligned(part, value.type, op.result.type) for part, value in zip(parts, op.parts, strict=True)]
    return np.concatenate(aligned, axis=op.axis + 1)


def _reshape(op: Reshape, counts: Counts, operand: IntArray) -> IntArray:
    """Shapes: (n_events, *operand.shape) -> (n_events, *result.shape)."""
    return operand.reshape(len(operand), *op.result.shape)


def _table(op: Table, counts: Counts, operand: IntArray) -> IntArray:
    """Shapes: any -> same."""
    return op.table.raw[operand - op.operand.type.min_raw]


def _softmax(op: Softmax, counts: Counts, operand: IntArray) -> IntArray:
    """Shapes: (n_events, ..., n) -> same; the casts of SPEC.md in their order."""
    source = op.operand.type
    distance_type = FixedType(source.width, source.integer_bits, signed=False)
    distance = operand.max(axis=-1, keepdims=True) - operand
    index = round_raw(distance, distance_type, op.index_type.fraction_bits, Rounding.TRN)
    exponential = op.exp_table.raw[overflow_raw(index, op.index_type, Overflow.SAT)]
    total = exponential.sum(axis=-1, keepdims=True)
    total_type = sum_type(op.exp_table.type, op.operand.shape[-1])
    index = round_raw(total, total_type, op.inverse_index_type.fraction_bits, Rounding.TRN)
    inverse = op.inverse_table.raw[overflow_raw(index, op.inverse_index_type, Overflow.SAT)]
    product = exponential * inverse
    a, b = op.exp_table.type, op.inverse_table.type
    product_type = FixedType(a.width + b.width, a.integer_bits + b.integer_bits, signed=False)
    return cast_raw(product, product_type, op.result.type, op.rounding, op.overflow)


def sum_type(term: FixedType, n_terms: int) -> FixedType:
    """The narrowest type that holds the sum of `n_terms` numbers of type `term`."""
    return FixedType.covering(term.min_raw * n_terms, term.max_raw * n_terms, term.fraction_bits)


def _argmax(op: ArgMax, counts: Counts, operand: IntArray) -> IntArray:
    """Shapes: (n_events, ..., n) -> (n_events, ..., 1)."""
    return np.argmax(operand, axis=-1, keepdims=True).astype(np.int64)


_EMULATE: dict[type[Op], Callable[..., IntArray]] = {
    Input: _input,
    MatMul: _matmul,
    Scale: _scale,
    Cast: _cast,
    Relu: _relu,
    Add: _add,
    Concat: _concat,
    Reshape: _reshape,
    Table: _table,
    Softmax: _softmax,
    ArgMax: _argmax,
}
require_rows(_EMULATE, "emulator functions")
