"""A graph in real numbers: the same constants, nothing rounded, nothing clipped; and what each op loses on its own.

This is no emulator. It says what the design would give with unlimited bits, so that a reader sees where the bits it has
cost something. A `Cast` that drops the sign is the ReLU of the model and stays one; any other cast does nothing here. A
`Table` is read between its entries by a straight line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from fasttrig.base.fixed import FixedType, FloatArray, IntArray, Overflow, Rounding, to_value
from fasttrig.emulator.forest import leaf_indices
from fasttrig.ir.graph import Graph
from fasttrig.ir.op_table import OpTable
from fasttrig.ir.ops import (
    PAD,
    PLAIN_OPS,
    Add,
    ArgMax,
    Cast,
    Compare,
    Concat,
    Const,
    ElementCast,
    Forest,
    Gather,
    GatherBy,
    Input,
    MatMul,
    Multiply,
    Op,
    Reduce,
    Reduction,
    Relu,
    Reshape,
    Rewiring,
    Scale,
    Select,
    Softmax,
    Table,
    TopK,
    Transpose,
    Window,
)

Reals = Sequence[FloatArray]

_REAL: OpTable[[Reals], FloatArray] = OpTable("real numbers")
_LOSSES: OpTable[[IntArray, IntArray], FloatArray] = OpTable("losses")
"""The loss of each kind of op that can lose bits, from its raw operand and its raw result."""
_ALLOWANCES: OpTable[[], float] = OpTable("allowances")
"""The largest loss by rounding alone, of the same kinds."""


def evaluate_real(graph: Graph, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Real numbers of every op, by name.

    Parameters
    ----------
    inputs : dict of input name to float array, shape (n_events, *shape)
        Values of the graph's inputs: scaled, but neither rounded nor clipped.

    Returns
    -------
    dict of str to float array, shape (n_events, *op.result.shape)
    """
    found: dict[str, FloatArray] = {}
    for op in graph.ops:
        given = [found[value.name] for value in op.operands] or [inputs[op.name]]
        found[op.name] = _REAL(op, [np.asarray(array, dtype=np.float64) for array in given])
    return found


def rounding_loss(op: Op, operands: Sequence[IntArray], result: IntArray) -> FloatArray:
    """Loss of the op itself: its exact result on the same raw operands minus its raw result, in LSBs of the result.

    Zero for every op that is exact. A number within `rounding_allowance` was rounded, one beyond it overflowed (or, in
    a Softmax, was lost to the resolution of its tables). Shapes: `result` (n_events, ...) -> same.
    """
    return _LOSSES(op, operands[0], result) if op.loses_bits else np.zeros(result.shape)


def rounding_allowance(op: Op) -> float:
    """The most that rounding alone can lose, in LSBs of the result."""
    return _ALLOWANCES(op) if op.loses_bits else 0.0


def drops_sign(op: Cast) -> bool:
    """Whether the cast is a ReLU: from signed to unsigned, negative numbers becoming zero."""
    return op.operand.type.signed and not op.result.type.signed and op.overflow is not Overflow.WRAP


def _step(rounding: Rounding, dropped_bits: int) -> float:
    if dropped_bits <= 0:
        return 0.0
    return 1.0 if rounding in (Rounding.TRN, Rounding.TRN_ZERO) else 0.5


@_ALLOWANCES.row(Cast)
def _cast_allowance(op: Cast) -> float:
    return _step(op.rounding, op.dropped_bits)


@_ALLOWANCES.row(ElementCast)
def _element_cast_allowance(op: ElementCast) -> float:
    return max(float(np.ldexp(_cast_allowance(cast), shift)) for cast, _, shift in op.groups)


@_ALLOWANCES.row(MatMul)
def _matmul_allowance(op: MatMul) -> float:
    shift, bias_shift = op.shifts
    return op.operand.shape[-1] * _step(op.accum_rounding, -shift) + _step(op.accum_rounding, -bias_shift)


@_ALLOWANCES.row(Softmax)
def _softmax_allowance(op: Softmax) -> float:
    return 1.0


@_LOSSES.row(Softmax)
def _softmax_loss(op: Softmax, operand: IntArray, result: IntArray) -> FloatArray:
    exact = _softmax(op, [to_value(operand, op.operand.type)])
    return np.ldexp(exact, op.result.type.fraction_bits) - result.astype(np.float64)


@_LOSSES.row(Cast)
def _cast_loss(op: Cast, operand: IntArray, result: IntArray) -> FloatArray:
    exact: Any = operand.astype(object)  # Python integers: exact at any width
    if drops_sign(op):
        exact = np.maximum(exact, 0)
    return _difference(exact, op.operand.type.fraction_bits, result, op.result.type)


@_LOSSES.row(ElementCast)
def _element_cast_loss(op: ElementCast, operand: IntArray, result: IntArray) -> FloatArray:
    given, made = operand.reshape(len(operand), -1), result.reshape(len(result), -1)
    lost = np.zeros(made.shape)
    for cast, places, shift in op.groups:
        lost[:, places] = np.ldexp(_cast_loss(cast, given[:, places], made[:, places] >> shift), shift)
    return lost.reshape(result.shape)


@_LOSSES.row(MatMul)
def _matmul_loss(op: MatMul, operand: IntArray, result: IntArray) -> FloatArray:
    bits = op.product_bits
    shift = op.bias.type.fraction_bits - bits
    products: Any = operand.astype(object) @ op.weight.raw.astype(object)
    exact = (products << max(0, shift)) + (op.bias.raw.astype(object) << max(0, -shift))
    return _difference(exact, bits + max(0, shift), result, op.result.type)


def _difference(exact: Any, fraction_bits: int, result: IntArray, result_type: FixedType) -> FloatArray:
    lsb = Fraction(2) ** (fraction_bits - result_type.fraction_bits)
    lost = [float(Fraction(int(e)) / lsb - int(r)) for e, r in zip(exact.flat, result.flat, strict=True)]
    return np.array(lost, dtype=np.float64).reshape(result.shape)


def _value(const: Const) -> FloatArray:
    return to_value(const.raw, const.type)


@_REAL.row(MatMul)
def _matmul(op: MatMul, operands: Reals) -> FloatArray:
    return operands[0] @ _value(op.weight) + _value(op.bias)


@_REAL.row(Scale)
def _scale(op: Scale, operands: Reals) -> FloatArray:
    return operands[0] * _value(op.scale) + _value(op.offset)


@_REAL.row(Cast)
def _cast(op: Cast, operands: Reals) -> FloatArray:
    return np.maximum(operands[0], 0.0) if drops_sign(op) else operands[0]


@_REAL.row(ElementCast)
def _element_cast(op: ElementCast, operands: Reals) -> FloatArray:
    made = operands[0].reshape(len(operands[0]), -1).copy()
    for cast, places, _ in op.groups:
        made[:, places] = _cast(cast, [made[:, places]])
    return made.reshape(operands[0].shape)


@_REAL.row(TopK)
def _top_k(op: TopK, operands: Reals) -> FloatArray:
    return np.argsort(-operands[0], axis=-1, kind="stable")[..., : op.k].astype(np.float64)


@_REAL.row(GatherBy)
def _gather_by(op: GatherBy, operands: Reals) -> FloatArray:
    index = np.clip(np.rint(operands[1]), 0, op.operand.shape[0] - 1).astype(np.intp)
    events = np.arange(len(index)).reshape(-1, *(1,) * (index.ndim - 1))
    return operands[0][events, index]


@_REAL.row(Relu)
def _relu(op: Relu, operands: Reals) -> FloatArray:
    x = operands[0]
    result = np.maximum(x, 0.0)
    if op.negative_shift is not None:
        result = result + np.ldexp(np.minimum(x, 0.0), -op.negative_shift)
    return result if op.limit_raw is None else np.minimum(result, np.ldexp(op.limit_raw, -op.result.type.fraction_bits))


@_REAL.row(Reduce)
def _reduce(op: Reduce, operands: Reals) -> FloatArray:
    function = {Reduction.SUM: np.add, Reduction.MAX: np.maximum, Reduction.MIN: np.minimum}[op.reduction]
    made = np.asarray(function.reduce(operands[0], axis=op.axis + 1), dtype=np.float64)
    return made.reshape(len(operands[0]), *op.result.shape)


@_REAL.row(Transpose, Gather, Window)
def _rewiring(op: Rewiring, operands: Reals) -> FloatArray:
    sources = op.sources.ravel()
    made = operands[0].reshape(len(operands[0]), -1)[:, np.maximum(sources, 0)]
    made[:, sources == PAD] = np.ldexp(float(op.pad), -op.fraction_bits)
    return made.reshape(-1, *op.result.shape)


@_REAL.row(Table)
def _table(op: Table, operands: Reals) -> FloatArray:
    kind = op.operand.type
    grid = np.ldexp(np.arange(len(op.table.raw), dtype=np.float64) + kind.min_raw, -kind.fraction_bits)
    return np.interp(operands[0], grid, _value(op.table))


@_REAL.row(Softmax)
def _softmax(op: Softmax, operands: Reals) -> FloatArray:
    powers = np.exp(operands[0] - operands[0].max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@_REAL.row(Forest)
def _forest(op: Forest, operands: Reals) -> FloatArray:
    """``raw < threshold`` is ``value * 2**F < threshold``: the same trees on features that were not rounded."""
    floor: Any = np.floor(np.ldexp(operands[0], op.operand.type.fraction_bits))
    exits = leaf_indices(op, np.clip(floor, -(2.0**61), 2.0**61).astype(np.int64))
    leaves, outputs = _value(op.leaf), op.tree_output.raw
    total = np.tile(_value(op.base_margin), (len(exits), 1))
    for tree, output in enumerate(outputs.tolist()):
        total[:, output : output + op.n_targets] += leaves[exits[:, tree]]
    return total


@_REAL.row(Input)
def _input(op: Input, operands: Reals) -> FloatArray:
    return operands[0]


@_REAL.row(Add)
def _add(op: Add, operands: Reals) -> FloatArray:
    return operands[0] + operands[1]


@_REAL.row(Concat)
def _concat(op: Concat, operands: Reals) -> FloatArray:
    return np.concatenate(operands, axis=op.axis + 1)


@_REAL.row(Reshape)
def _reshape(op: Reshape, operands: Reals) -> FloatArray:
    return operands[0].reshape(len(operands[0]), *op.result.shape)


@_REAL.row(ArgMax)
def _argmax(op: ArgMax, operands: Reals) -> FloatArray:
    return np.argmax(operands[0], axis=-1, keepdims=True).astype(np.float64)


@_REAL.row(Multiply)
def _multiply(op: Multiply, operands: Reals) -> FloatArray:
    return operands[0] * operands[1]


@_REAL.row(Compare)
def _compare(op: Compare, operands: Reals) -> FloatArray:
    return (operands[0] < operands[1]).astype(np.float64)


@_REAL.row(Select)
def _select(op: Select, operands: Reals) -> FloatArray:
    return np.where(operands[0] >= 0.5, operands[1], operands[2])


_REAL.complete(PLAIN_OPS)
_LOSSY = [kind for kind in PLAIN_OPS if kind.loses_bits is not Op.loses_bits]
_LOSSES.complete(_LOSSY)
_ALLOWANCES.complete(_LOSSY)
