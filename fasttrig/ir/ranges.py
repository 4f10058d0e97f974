"""Interval arithmetic over raw integers: which numbers each element of each tensor can hold.

Intervals are kept per element as two integer arrays of the value's shape, at the value's fraction bits. Python
integers (dtype object) throughout: exact for any width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray, Overflow, overflow_raw, round_raw
from fasttrig.ir.forest import output_bounds, partial_sum_bounds
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import (
    Add,
    ArgMax,
    Cast,
    Concat,
    Forest,
    Input,
    MatMul,
    Op,
    Relu,
    Reshape,
    Scale,
    Softmax,
    Table,
    Value,
    require_rows,
)


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Lowest and highest raw integer of each element; arrays of the value's shape."""

    low: IntArray
    high: IntArray

    @property
    def bounds(self) -> tuple[int, int]:
        return int(self.low.min()), int(self.high.max())

    @classmethod
    def of_type(cls, fixed_type: FixedType, shape: tuple[int, ...]) -> Interval:
        full = np.empty(shape, dtype=object)
        return cls(_filled(full, fixed_type.min_raw), _filled(full, fixed_type.max_raw))

    def shifted(self, left_bits: int) -> Interval:
        return Interval(self.low << left_bits, self.high << left_bits)

    def type(self, fraction_bits: int, *, signed: bool | None = None) -> FixedType:
        """The narrowest type that holds the interval."""
        return FixedType.covering(*self.bounds, fraction_bits, signed=signed)


Ranges: TypeAlias = dict[Value, Interval]


def infer_ranges(graph: Graph) -> Ranges:
    """The interval of every value of `graph`, from the inputs' types and the constants alone."""
    ranges: Ranges = {}
    for op in graph.ops:
        ranges[op.result] = interval_of(op, [ranges[value] for value in op.operands])
    return ranges


def interval_of(op: Op, operands: list[Interval]) -> Interval:
    """The interval of the result of `op` when its operands lie in `operands`."""
    return _INTERVALS[type(op)](op, *operands)


def exact_fraction_bits(op: Op) -> int:
    """Fraction bits at which `op` loses nothing (for Cast, Table and the like: those of the result type)."""
    return _FRACTION_BITS[type(op)](op)


def accumulator_interval(op: MatMul, operand: Interval) -> tuple[int, int]:
    """Bounds of every partial sum of `op`, products and bias alone included, whatever the order of the sum."""
    up, down, bias = _aligned_constants(op)
    low, high = np.minimum(operand.low, 0), np.maximum(operand.high, 0)
    least = low @ up + high @ down + np.minimum(bias, 0)
    greatest = high @ up + low @ down + np.maximum(bias, 0)
    return int(least.min()), int(greatest.max())


def exact_type(op: Op, operands: list[Interval]) -> FixedType:
    """The narrowest result type in which `op` is exact. An accumulator holds every partial sum (MatMul's is signed)."""
    if isinstance(op, Forest):
        low, high = partial_sum_bounds(op, operands[0].low, operands[0].high)
        return FixedType.covering(low, high, exact_fraction_bits(op))
    if isinstance(op, MatMul):
        return FixedType.covering(*accumulator_interval(op, operands[0]), exact_fraction_bits(op), signed=True)
    return interval_of(op, operands).type(exact_fraction_bits(op))


def _aligned_constants(op: MatMul) -> tuple[IntArray, IntArray, IntArray]:
    """The positive and the negative weights (zero elsewhere), shape (n_in, n_out), and the bias, at the sum's grid."""
    fraction_bits = exact_fraction_bits_of_matmul(op)
    shift = fraction_bits - op.operand.type.fraction_bits - op.weight.type.fraction_bits
    weight = op.weight.raw.astype(object) << shift
    bias = op.bias.raw.astype(object) << (fraction_bits - op.bias.type.fraction_bits)
    return np.maximum(weight, 0), np.minimum(weight, 0), bias


def exact_fraction_bits_of_matmul(op: MatMul) -> int:
    """Fraction bits of the exact sum: those of the products, or of the bias where its grid is finer."""
    return max(op.operand.type.fraction_bits + op.weight.type.fraction_bits, op.bias.type.fraction_bits)


def _of_input(op: Input) -> Interval:
    if not op.channel_types:
        return Interval.of_type(op.result.type, op.result.shape)
    shifts = [op.result.type.fraction_bits - t.fraction_bits for t in op.channel_types]
    low = np.array([t.min_raw << s for t, s in zip(op.channel_types, shifts, strict=True)], dtype=object)
    high = np.array([t.max_raw << s for t, s in zip(op.channel_types, shifts, strict=True)], dtype=object)
    return Interval(np.broadcast_to(low, op.result.shape), np.broadcast_to(high, op.result.shape))


def _of_matmul(op: MatMul, operand: Interval) -> Interval:
    if op.narrowed:
        return Interval.of_type(op.result.type, op.result.shape)
    up, down, bias = _aligned_constants(op)
    return Interval(operand.low @ up + operand.high @ down + bias, operand.high @ up + operand.low @ down + bias)


def _of_scale(op: Scale, operand: Interval) -> Interval:
    fraction_bits = exact_fraction_bits(op)
    shift = fraction_bits - op.operand.type.fraction_bits - op.scale.type.fraction_bits
    scale = op.scale.raw.astype(object) << shift
    offset = op.offset.raw.astype(object) << (fraction_bits - op.offset.type.fraction_bits)
    first, second = operand.low * scale, operand.high * scale
    return Interval(np.minimum(first, second) + offset, np.maximum(first, second) + offset)


def _of_cast(op: Cast, operand: Interval) -> Interval:
    source, target = op.operand.type, op.result.type
    low = round_raw(operand.low, source, target.fraction_bits, op.rounding).astype(object)
    high = round_raw(operand.high, source, target.fraction_bits, op.rounding).astype(object)
    inside = (low >= target.min_raw) & (high <= target.max_raw)
    if op.overflow in (Overflow.SAT, Overflow.SAT_SYM):
        ends = (overflow_raw(end, target, op.overflow).astype(object) for end in (low, high))
        return Interval(*ends)
    full = Interval.of_type(target, op.result.shape)
    return Interval(np.where(inside, low, full.low), np.where(inside, high, full.high))


def _of_relu(op: Relu, operand: Interval) -> Interval:
    return Interval(relu_raw(op, operand.low), relu_raw(op, operand.high))


def relu_raw(op: Relu, raw: IntArray) -> IntArray:
    """The formula of `Relu` on raw integers of the operand; monotone, so it serves intervals too."""
    shift = op.negative_shift or 0
    result = np.maximum(raw, 0) << shift
    if op.negative_shift is not None:
        result = result + np.minimum(raw, 0)
    return result if op.limit_raw is None else np.minimum(result, op.limit_raw)


def _of_add(op: Add, left: Interval, right: Interval) -> Interval:
    fraction_bits = exact_fraction_bits(op)
    a = left.shifted(fraction_bits - op.left.type.fraction_bits)
    b = right.shifted(fraction_bits - op.right.type.fraction_bits)
    return Interval(a.low + b.low, a.high + b.high)


def _of_concat(op: Concat, *parts: Interval) -> Interval:
    fraction_bits = exact_fraction_bits(op)
    aligned = [
        part.shifted(fraction_bits - value.type.fraction_bits) for part, value in zip(parts, op.parts, strict=True)
    ]
    return Interval(
        np.concatenate([part.low for part in aligned], axis=op.axis),
        np.concatenate([part.high for part in aligned], axis=op.axis),
    )


def _of_reshape(op: Reshape, operand: Interval) -> Interval:
    return Interval(operand.low.reshape(op.result.shape), operand.high.reshape(op.result.shape))


def _of_table(op: Table, operand: Interval) -> Interval:
    first = op.operand.type.min_raw
    low, high = np.empty(op.result.shape, dtype=object), np.empty(op.result.shape, dtype=object)
    for index in np.ndindex(op.result.shape):
        reachable = op.table.raw[int(operand.low[index]) - first : int(operand.high[index]) - first + 1]
        low[index], high[index] = int(reachable.min()), int(reachable.max())
    return Interval(low, high)


def _of_type(op: Op, *operands: Interval) -> Interval:
    return Interval.of_type(op.result.type, op.result.shape)


def _of_argmax(op: ArgMax, operand: Interval) -> Interval:
    low = np.zeros(op.result.shape, dtype=object)
    return Interval(low, _filled(low, op.operand.shape[-1] - 1))


def _filled(like: IntArray, content: int) -> IntArray:
    array = np.empty(like.shape, dtype=object)
    array.fill(content)
    return array


def _of_forest(op: Forest, operand: Interval) -> Interval:
    return Interval(*output_bounds(op, operand.low, operand.high))


_INTERVALS: dict[type[Op], Callable[..., Interval]] = {
    Input: _of_input,
    MatMul: _of_matmul,
    Scale: _of_scale,
    Cast: _of_cast,
    Relu: _of_relu,
    Add: _of_add,
    Concat: _of_concat,
    Reshape: _of_reshape,
    Table: _of_table,
    Softmax: _of_type,
    ArgMax: _of_argmax,
    Forest: _of_forest,
}
require_rows(_INTERVALS, "intervals")

_FRACTION_BITS: dict[type[Op], Callable[[Any], int]] = {
    Input: lambda op: op.result.type.fraction_bits,
    MatMul: lambda op: op.result.type.fraction_bits if op.narrowed else exact_fraction_bits_of_matmul(op),
    Scale: lambda op: max(op.operand.type.fraction_bits + op.scale.type.fraction_bits, op.offset.type.fraction_bits),
    Cast: lambda op: op.result.type.fraction_bits,
    Relu: lambda op: op.operand.type.fraction_bits + (op.negative_shift or 0),
    Add: lambda op: max(op.left.type.fraction_bits, op.right.type.fraction_bits),
    Concat: lambda op: max(part.type.fraction_bits for part in op.parts),
    Reshape: lambda op: op.operand.type.fraction_bits,
    Table: lambda op: op.table.type.fraction_bits,
    Softmax: lambda op: op.result.type.fraction_bits,
    ArgMax: lambda op: 0,
    Forest: lambda op: op.leaf.type.fraction_bits,
}
require_rows(_FRACTION_BITS, "fraction bits")
