"""Result types that follow from the operands: shared by the passes that change a type."""

from __future__ import annotations

from dataclasses import replace

from fasttrig.ir.builder import exactly_typed
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Add, Concat, Forest, MatMul, Op, Relu, Reshape, Scale, Table, Value
from fasttrig.ir.ranges import Interval

EXACT = (MatMul, Scale, Relu, Add, Concat, Forest)
"""Ops whose result type follows from the ranges of their operands (a narrowed MatMul excepted)."""


def is_exact(op: Op) -> bool:
    """Whether the result type of `op` is derived; else it was declared by a frontend or a user."""
    return isinstance(op, EXACT) and not (isinstance(op, MatMul) and op.narrowed)


def retyped(op: Op, operands: list[Interval]) -> Op:
    """`op` with the narrowest result type that its operands allow; an op with a declared type as it is."""
    if isinstance(op, Reshape):
        return replace(op, result=replace(op.result, type=op.operand.type))
    return exactly_typed(op, operands) if is_exact(op) else op


def table_operands(graph: Graph) -> set[Value]:
    """Values whose type must stay, because a Table is indexed by all its raw integers (Reshapes looked through)."""
    fixed: set[Value] = set()
    for op in reversed(graph.ops):
        if isinstance(op, Table) or (isinstance(op, Reshape) and op.result in fixed):
            fixed.update(op.operands)
    return fixed
