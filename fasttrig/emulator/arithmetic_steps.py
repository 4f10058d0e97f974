"""Arithmetic, tables, decisions and trees on carried integers: bounds of everything on the way, and what runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from fasttrig.base.fixed import (
    INT64_BITS,
    FixedType,
    IntArray,
    Overflow,
    Rounding,
    cast_raw,
    overflow_raw,
    overflow_whole,
    round_raw,
    round_whole,
)
from fasttrig.emulator.carriers import CarriedArray, Carrier, OpSite, Run, Tally, convert, magnitude
from fasttrig.emulator.forest import emulate_forest
from fasttrig.ir.interval import Interval
from fasttrig.ir.op_table import OpTable
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
)

BOUNDS: OpTable[[tuple[Interval, ...], Interval], int] = OpTable("bounds")
PREPARE: OpTable[[OpSite], Run] = OpTable("emulator functions")


def sum_type(term: FixedType, n_terms: int) -> FixedType:
    """The narrowest type that holds the sum of `n_terms` numbers of type `term`."""
    return FixedType.covering(term.min_raw * n_terms, term.max_raw * n_terms, term.fraction_bits)


def product_type(a: FixedType, b: FixedType) -> FixedType:
    """A type that holds every product, as ``ap_fixed`` makes it."""
    return FixedType(a.width + b.width, a.integer_bits + b.integer_bits, a.signed or b.signed)


# --- MatMul ---------------------------------------------------------------------------------------------------------


@BOUNDS.row(MatMul)
def _matmul_bound(op: MatMul, operands: tuple[Interval, ...], result: Interval) -> int:
    shift, bias_shift = op.shifts
    leading = tuple(range(operands[0].low.ndim - 1))
    largest: Any = np.maximum(abs(operands[0].low), abs(operands[0].high)).max(axis=leading)
    weight: Any = abs(op.weight.raw.astype(object))
    bias: Any = abs(op.bias.raw.astype(object))
    sums = ((largest[:, None] * weight).sum(axis=0) << max(0, shift)) + (bias << max(0, bias_shift))
    total = max(int(sums.max()), int(weight.max()) << max(0, shift))
    if not op.narrowed:
        return total
    halves = (1 << max(0, -shift)) + (1 << max(0, -bias_shift))
    return total + halves + len(largest) + 1 + (4 << op.accum_type.width)


@PREPARE.row(MatMul)
def _prepare_matmul(op: MatMul, site: OpSite) -> Run:
    if op.narrowed and not op.wraps_once:
        return _prepare_ordered_matmul(op, site)
    weight, bias = (convert(constant, site.compute.dtype) for constant in op.aligned())
    n_in, n_out = weight.shape

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        operand = operands[0]
        total = operand.reshape(-1, n_in) @ weight
        total += bias
        if op.narrowed:
            total, changed = _overflowed(total, op.accum_type, Overflow.WRAP)
            tally[op.name] += changed
        return total.reshape(*operand.shape[:-1], n_out)

    return run


def _prepare_ordered_matmul(op: MatMul, site: OpSite) -> Run:
    """Bias, then products by rising input index, each cast to the accumulator before it is added.

    Beside it runs the sum with unlimited integer bits: an element counts as overflowed when the two differ. Under WRAP
    the unlimited sum is all that is needed.
    """
    accum, overflow = op.accum_type, op.accum_overflow
    weight, bias = convert(op.weight.raw, site.compute.dtype), convert(op.bias.raw, site.compute.dtype)
    product = op.product_type
    bias_rounded = _rounded(bias.copy(), op.bias.type, accum, op.accum_rounding)

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        operand = operands[0]
        unlimited = np.broadcast_to(bias_rounded, (*operand.shape[:-1], len(bias))).copy()
        total, _ = _overflowed(unlimited.copy(), accum, overflow)
        for index in range(operand.shape[-1]):
            term = _rounded(operand[..., index : index + 1] * weight[index], product, accum, op.accum_rounding)
            unlimited += term
            if overflow is not Overflow.WRAP:
                total += _overflowed(term, accum, overflow)[0]
                total, _ = _overflowed(total, accum, overflow)
        if overflow is Overflow.WRAP:
            total, changed = _overflowed(unlimited, accum, overflow)
        else:
            changed = int(np.count_nonzero(total != unlimited))
        tally[op.name] += changed
        return total

    return run


def _rounded(raw: CarriedArray, source: FixedType, target: FixedType, rounding: Rounding) -> CarriedArray:
    """Move to the target's fraction bits, in the carrier of `raw`, which is overwritten where it is float."""
    if raw.dtype.kind == "f":
        return round_whole(raw, source.fraction_bits - target.fraction_bits, rounding)
    return round_raw(raw, source, target.fraction_bits, rounding).astype(raw.dtype, copy=False)


def _overflowed(
    raw: CarriedArray, target: FixedType, overflow: Overflow, *, below: bool = True, above: bool = True
) -> tuple[CarriedArray, int]:
    """Into the range of `target`, in the carrier of `raw` (overwritten where it is float), and how many changed."""
    if raw.dtype.kind == "f":
        return raw, overflow_whole(raw, target, overflow, below=below, above=above)
    result = overflow_raw(raw, target, overflow).astype(raw.dtype, copy=False)
    return result, int(np.count_nonzero(result != raw))


# --- the other ops --------------------------------------------------------------------------------------------------


@BOUNDS.row(Input, Reshape, Table, Softmax, ArgMax, Forest)
def _no_more(op: Op, operands: tuple[Interval, ...], result: Interval) -> int:
    return 0


@PREPARE.row(Input)
def _prepare_same(op: Input, site: OpSite) -> Run:
    return lambda tally, owns, operands: operands[0]


@BOUNDS.row(Cast)
def cast_bound(op: Cast, operands: tuple[Interval, ...], result: Interval) -> int:
    dropped = op.dropped_bits
    largest = max(1, magnitude(operands[0]))
    moved = (largest << -dropped) if dropped <= 0 else largest + (1 << dropped)
    return moved + (2 << op.result.type.width) if any(op.overflows(operands[0])) else moved


@PREPARE.row(Cast)
def prepare_cast(op: Cast, site: OpSite) -> Run:
    below, above = op.overflows(site.operands[0])
    source, target = op.operand.type, op.result.type

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        raw = operands[0] if owns or not site.compute.is_float else operands[0].copy()
        rounded = _rounded(raw, source, target, op.rounding)
        if not (below or above):
            return rounded
        result, changed = _overflowed(rounded, target, op.overflow, below=below, above=above)
        tally[op.name] += changed
        return result

    return run


@BOUNDS.row(Scale)
def _scale_bound(op: Scale, operands: tuple[Interval, ...], result: Interval) -> int:
    scale, offset = op.aligned()
    return max(1, magnitude(operands[0])) * int(abs(scale).max()) + int(abs(offset).max())


@PREPARE.row(Scale)
def _prepare_scale(op: Scale, site: OpSite) -> Run:
    scale, offset = (convert(constant, site.compute.dtype) for constant in op.aligned())
    return lambda tally, owns, operands: operands[0] * scale + offset


@BOUNDS.row(Relu)
def _relu_bound(op: Relu, operands: tuple[Interval, ...], result: Interval) -> int:
    return max(1, magnitude(operands[0])) << (op.negative_shift or 0)


@PREPARE.row(Relu)
def _prepare_relu(op: Relu, site: OpSite) -> Run:
    shift = op.negative_shift
    limit = op.limit_raw if (op.limit_raw or 0) < _relu_bound(op, site.operands, site.result) else None

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        raw = operands[0]
        if shift is None:
            result = np.maximum(raw, 0, out=raw if owns else None)
        else:
            result = np.maximum(raw, 0) * (1 << shift) + np.minimum(raw, 0)
        return result if limit is None else np.minimum(result, limit, out=result)

    return run


def _aligned_bound(op: Add | Concat, operands: tuple[Interval, ...], result: Interval) -> int:
    pairs = zip(operands, op.shifts, strict=True)
    return sum(max(1, magnitude(interval)) << shift for interval, shift in pairs)


def _aligned(op: Add | Concat, operands: list[CarriedArray]) -> list[CarriedArray]:
    return shifted(operands, op.shifts)


def shifted(operands: list[CarriedArray], shifts: tuple[int, ...]) -> list[CarriedArray]:
    return [raw * (1 << shift) if shift else raw for raw, shift in zip(operands, shifts, strict=True)]


@PREPARE.row(Add)
def _prepare_add(op: Add, site: OpSite) -> Run:
    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        left, right = _aligned(op, operands)
        return left + right

    return run


@PREPARE.row(Concat)
def _prepare_concat(op: Concat, site: OpSite) -> Run:
    axis = op.axis + 1
    return lambda tally, owns, operands: np.concatenate(_aligned(op, operands), axis=axis)


@PREPARE.row(Reshape)
def _prepare_reshape(op: Reshape, site: OpSite) -> Run:
    shape = op.result.shape
    return lambda tally, owns, operands: operands[0].reshape(len(operands[0]), *shape)


@PREPARE.row(Table)
def _prepare_table(op: Table, site: OpSite) -> Run:
    table = convert(op.table.raw, Carrier.for_bound(op.table.largest).dtype)
    first = op.operand.type.min_raw
    return lambda tally, owns, operands: table[operands[0].astype(np.intp) - first]


@PREPARE.row(Softmax)
def _prepare_softmax(op: Softmax, site: OpSite) -> Run:
    return lambda tally, owns, operands: softmax_raw(op, _as_integers(operands[0]))


def _as_integers(raw: CarriedArray) -> IntArray:
    return raw.astype(np.int64) if raw.dtype.kind == "f" else raw


def softmax_raw(op: Softmax, operand: IntArray) -> IntArray:
    """Shapes: (n_events, ..., n) -> same; the casts of SPEC.md in their order."""
    source = op.operand.type
    total_type = sum_type(op.exp_table.type, op.operand.shape[-1])
    weighted_type = product_type(op.exp_table.type, op.inverse_table.type)
    distance = operand.max(axis=-1, keepdims=True) - operand
    distance_type = FixedType(source.width, source.integer_bits, signed=False)
    index = _table_index(distance, distance_type, op.index_type)
    wide = max(total_type.width, weighted_type.width) > INT64_BITS
    exponential = op.exp_table.raw.astype(object if wide else np.int64, copy=False)[index]
    total = exponential.sum(axis=-1, keepdims=True)
    inverse = op.inverse_table.raw[_table_index(total, total_type, op.inverse_index_type)]
    return cast_raw(exponential * inverse, weighted_type, op.result.type, op.rounding, op.overflow)


def _table_index(raw: IntArray, source: FixedType, index_type: FixedType) -> IntArray:
    rounded = round_raw(raw, source, index_type.fraction_bits, Rounding.TRN)
    return overflow_raw(rounded, index_type, Overflow.SAT).astype(np.intp)


@PREPARE.row(ArgMax)
def _prepare_argmax(op: ArgMax, site: OpSite) -> Run:
    return lambda tally, owns, operands: np.argmax(operands[0], axis=-1, keepdims=True)


@PREPARE.row(Forest)
def _prepare_forest(op: Forest, site: OpSite) -> Run:
    """Trees bring their own formats: the carriers only hand the features in and the sums out."""
    return lambda tally, owns, operands: emulate_forest(op, operands[0])


BOUNDS.row(Add)(_aligned_bound)
BOUNDS.row(Concat)(_aligned_bound)
