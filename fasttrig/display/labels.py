"""An op in a few words: what its kind and its numbers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fasttrig.ir.forest import tree_depths
from fasttrig.ir.ops import (
    Add,
    ArgMax,
    Cast,
    Compare,
    Concat,
    Forest,
    Gather,
    Input,
    MatMul,
    Multiply,
    Op,
    Reduce,
    Relu,
    Reshape,
    Scale,
    Select,
    Softmax,
    Table,
    Transpose,
    Window,
    require_rows,
)


def family(op: Op) -> str:
    """The group by which drawings colour ops: io, sum, trees, cast, function or wiring."""
    return _FAMILIES[type(op)]


def details(op: Op) -> str:
    """Sizes and modes of `op`."""
    return _DETAILS[type(op)](op)


def shape_text(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _input(op: Any) -> str:
    narrowed = f", {len(set(op.channel_types))} types" if len(set(op.channel_types)) > 1 else ""
    return f"{shape_text(op.result.shape)} numbers{narrowed}"


def _matmul(op: Any) -> str:
    n_in, n_out = op.weight.shape
    nonzero = int(np.count_nonzero(op.weight.raw))
    modes = f"; sums {op.accum_rounding.value}, {op.accum_overflow.value}" if op.narrowed else ""
    return f"{n_in} → {n_out}, {nonzero:,} weights, {op.weight.type.width} bits{modes}"


def _cast(op: Any) -> str:
    return f"{op.rounding.value}, {op.overflow.value}"


def _relu(op: Any) -> str:
    slope = f", 2^−{op.negative_shift} below zero" if op.negative_shift is not None else ""
    limit = f"at most {op.limit_raw}" if op.limit_raw is not None else "no limit"
    return limit + slope


def _forest(op: Any) -> str:
    depth = int(tree_depths(op).max(initial=0))
    return f"{op.n_trees} trees, {op.n_nodes:,} splits, depth {depth}"


_DETAILS: dict[type[Op], Callable[[Any], str]] = {
    Input: _input,
    MatMul: _matmul,
    Scale: lambda op: f"{op.scale.raw.size} factors, {op.scale.type.width} bits",
    Cast: _cast,
    Relu: _relu,
    Add: lambda op: shape_text(op.result.shape),
    Concat: lambda op: f"{len(op.parts)} parts, axis {op.axis}",
    Reshape: lambda op: f"{shape_text(op.operand.shape)} → {shape_text(op.result.shape)}",
    Table: lambda op: f"{op.function}, {op.table.raw.size:,} entries",
    Softmax: lambda op: f"{op.operand.shape[-1]} classes, {op.exp_table.raw.size:,} entries",
    ArgMax: lambda op: f"of {op.operand.shape[-1]}",
    Forest: _forest,
    Multiply: lambda op: shape_text(op.result.shape),
    Reduce: lambda op: f"{op.reduction.value} of {op.operand.shape[op.axis]}",
    Compare: lambda op: shape_text(op.result.shape),
    Select: lambda op: shape_text(op.result.shape),
    Transpose: lambda op: f"{shape_text(op.operand.shape)} → {shape_text(op.result.shape)}",
    Gather: lambda op: f"{len(op.index)} of {op.operand.shape[op.axis]}, axis {op.axis}",
    Window: lambda op: f"{shape_text(op.kernel)}, stride {shape_text(op.stride)}",
}
require_rows(_DETAILS, "details")

_FAMILIES: dict[type[Op], str] = {
    Input: "io",
    MatMul: "sum",
    Scale: "sum",
    Add: "sum",
    Forest: "trees",
    Cast: "cast",
    Relu: "function",
    Table: "function",
    Softmax: "function",
    ArgMax: "function",
    Concat: "wiring",
    Multiply: "sum",
    Reduce: "sum",
    Compare: "function",
    Select: "function",
    Transpose: "wiring",
    Gather: "wiring",
    Window: "wiring",
    Reshape: "wiring",
}
require_rows(_FAMILIES, "families")
