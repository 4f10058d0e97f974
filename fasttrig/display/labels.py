"""An op in a few words: what its kind and its numbers are."""

from __future__ import annotations

import numpy as np

from fasttrig.ir.forest import tree_depths
from fasttrig.ir.op_table import OpTable
from fasttrig.ir.ops import (
    Add,
    ArgMax,
    Cast,
    Compare,
    Concat,
    ElementCast,
    Forest,
    Gather,
    GatherBy,
    Input,
    MatMul,
    Multiply,
    Op,
    Reduce,
    Relu,
    Reshape,
    Scale,
    Scan,
    Select,
    Softmax,
    Table,
    TopK,
    Transpose,
    Window,
    require_rows,
)

_DETAILS: OpTable[[], str] = OpTable("details")


def family(op: Op) -> str:
    """The group by which drawings colour ops: io, sum, trees, cast, function or wiring."""
    return _FAMILIES[type(op)]


def details(op: Op) -> str:
    """Sizes and modes of `op`."""
    return _DETAILS(op)


def shape_text(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


@_DETAILS.row(Input)
def _input(op: Input) -> str:
    narrowed = f", {len(set(op.channel_types))} types" if len(set(op.channel_types)) > 1 else ""
    return f"{shape_text(op.result.shape)} numbers{narrowed}"


@_DETAILS.row(MatMul)
def _matmul(op: MatMul) -> str:
    n_in, n_out = op.weight.shape
    nonzero = int(np.count_nonzero(op.weight.raw))
    modes = f"; sums {op.accum_rounding.value}, {op.accum_overflow.value}" if op.narrowed else ""
    return f"{n_in} → {n_out}, {nonzero:,} weights, {op.weight.type.width} bits{modes}"


@_DETAILS.row(Cast)
def _cast(op: Cast) -> str:
    return f"{op.rounding.value}, {op.overflow.value}"


@_DETAILS.row(Relu)
def _relu(op: Relu) -> str:
    slope = f", 2^−{op.negative_shift} below zero" if op.negative_shift is not None else ""
    limit = f"at most {op.limit_raw}" if op.limit_raw is not None else "no limit"
    return limit + slope


@_DETAILS.row(Forest)
def _forest(op: Forest) -> str:
    depth = int(tree_depths(op).max(initial=0))
    return f"{op.n_trees} trees, {op.n_nodes:,} splits, depth {depth}"


_FAMILIES: dict[type[Op], str] = {
    Input: "io",
    MatMul: "sum",
    Scale: "sum",
    Add: "sum",
    Forest: "trees",
    Cast: "cast",
    ElementCast: "cast",
    Relu: "function",
    Table: "function",
    Softmax: "function",
    ArgMax: "function",
    Concat: "wiring",
    Multiply: "sum",
    Reduce: "sum",
    Compare: "function",
    TopK: "function",
    GatherBy: "function",
    Select: "function",
    Transpose: "wiring",
    Gather: "wiring",
    Window: "wiring",
    Reshape: "wiring",
    Scan: "function",
}
require_rows(_FAMILIES, "families")


@_DETAILS.row(Scale)
def _scale(op: Scale) -> str:
    return f"{op.scale.raw.size} factors, {op.scale.type.width} bits"


@_DETAILS.row(Add, Multiply, Compare, Select)
def _size(op: Op) -> str:
    return shape_text(op.result.shape)


@_DETAILS.row(ElementCast)
def _element_cast(op: ElementCast) -> str:
    return f"{len(op.groups)} types; {op.rounding.value}, {op.overflow.value}"


@_DETAILS.row(TopK)
def _top_k(op: TopK) -> str:
    return f"{op.k} of {op.operand.shape[-1]}"


@_DETAILS.row(GatherBy)
def _gather_by(op: GatherBy) -> str:
    return f"{op.index.size} of {op.operand.shape[0]}"


@_DETAILS.row(Concat)
def _concat(op: Concat) -> str:
    return f"{len(op.parts)} parts, axis {op.axis}"


@_DETAILS.row(Reshape)
def _reshape(op: Reshape) -> str:
    return f"{shape_text(op.operand.shape)} → {shape_text(op.result.shape)}"


@_DETAILS.row(Transpose)
def _transpose(op: Transpose) -> str:
    return f"{shape_text(op.operand.shape)} → {shape_text(op.result.shape)}"


@_DETAILS.row(Table)
def _table(op: Table) -> str:
    return f"{op.function}, {op.table.raw.size:,} entries"


@_DETAILS.row(Softmax)
def _softmax(op: Softmax) -> str:
    return f"{op.operand.shape[-1]} classes, {op.exp_table.raw.size:,} entries"


@_DETAILS.row(Scan)
def _scan(op: Scan) -> str:
    return f"{op.n_steps} steps of {len(op.body.ops) - len(op.body.inputs)} ops, {len(op.states)} states"


@_DETAILS.row(ArgMax)
def _argmax(op: ArgMax) -> str:
    return f"of {op.operand.shape[-1]}"


@_DETAILS.row(Reduce)
def _reduce(op: Reduce) -> str:
    return f"{op.reduction.value} of {op.operand.shape[op.axis]}"


@_DETAILS.row(Gather)
def _gather(op: Gather) -> str:
    return f"{len(op.index)} of {op.operand.shape[op.axis]}, axis {op.axis}"


@_DETAILS.row(Window)
def _window(op: Window) -> str:
    return f"{shape_text(op.kernel)}, stride {shape_text(op.stride)}"


_DETAILS.complete()
