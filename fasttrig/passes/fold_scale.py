"""fold-scale: a Scale after a MatMul moves into its weights and its bias, exactly, on a finer grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from fasttrig.base.fixed import INT64_BITS
from fasttrig.ir.builder import exactly_typed
from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Const, MatMul, Op, Reshape, Scale
from fasttrig.ir.ranges import Ranges
from fasttrig.passes.base import Pass
from fasttrig.passes.retype import table_operands


@dataclass(frozen=True, slots=True)
class FoldScale(Pass):
    """``(x w + b) s + o`` becomes ``x (w s) + (b s + o)``: the same integers, one op less, wider weights.

    Folded where the MatMul is exact, has no other user and is no output, and no Table hangs on the result's type.
    """

    name: ClassVar[str] = "fold-scale"

    def run(self, graph: Graph) -> Graph:
        folded = _foldable(graph)
        taken = {const.name for const in graph.constants}
        matmuls: dict[str, MatMul] = {}
        ranges: Ranges = {}

        def step(op: Op) -> Op | Iterable[Op]:
            made = op
            if op.name in folded and isinstance(op, MatMul):
                matmuls[op.name] = op
            if isinstance(op, Scale) and op.operand.name in matmuls:
                draft = _merged(matmuls[op.operand.name], op, taken)
                made = exactly_typed(draft, [ranges[draft.operand]])
            if isinstance(op, Reshape):
                made = replace(op, result=replace(op.result, type=op.operand.type))
            ranges[made.result] = made.interval(*(ranges[value] for value in made.operands))
            return made

        rewritten = rewrite(graph, step)
        return replace(rewritten, ops=tuple(op for op in rewritten.ops if op.name not in folded))


def _foldable(graph: Graph) -> set[str]:
    """Names of the MatMuls that one Scale alone reads."""
    fixed_type = table_operands(graph)
    names = set()
    for op in graph.ops:
        if not isinstance(op, Scale) or op.result in fixed_type or op.operand in graph.outputs:
            continue
        producer = graph.op(op.operand.name)
        single_user = graph.users(op.operand) == (op,)
        if isinstance(producer, MatMul) and not producer.narrowed and single_user and _fits(producer, op):
            names.add(producer.name)
    return names


def _fits(matmul: MatMul, scale: Scale) -> bool:
    """Whether the merged constants still fit int64."""
    weight, bias = _merged_raw(matmul, scale)
    return max(int(abs(weight).max()), int(abs(bias).max())).bit_length() <= INT64_BITS


def _merged_raw(matmul: MatMul, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Weights, shape (n_in, n_out), and bias, shape (n_out,), at the fraction bits of `_merged`."""
    factor = scale.scale.raw.astype(object)
    product_bits, offset_bits = _bias_bits(matmul, scale)
    bits = max(product_bits, offset_bits)
    bias = matmul.bias.raw.astype(object) * factor << (bits - product_bits)
    return matmul.weight.raw.astype(object) * factor, bias + (scale.offset.raw.astype(object) << (bits - offset_bits))


def _bias_bits(matmul: MatMul, scale: Scale) -> tuple[int, int]:
    return matmul.bias.type.fraction_bits + scale.scale.type.fraction_bits, scale.offset.type.fraction_bits


def _merged(matmul: MatMul, scale: Scale, taken: set[str]) -> MatMul:
    weight, bias = _merged_raw(matmul, scale)
    weight_bits = matmul.weight.type.fraction_bits + scale.scale.type.fraction_bits
    return replace(
        matmul,
        result=scale.result,
        weight=Const.covering(_free_name(f"{scale.name}_weight", taken), weight, weight_bits),
        bias=Const.covering(_free_name(f"{scale.name}_bias", taken), bias, max(_bias_bits(matmul, scale))),
        origin=", ".join(filter(None, dict.fromkeys((matmul.origin, scale.origin)))),
    )


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
