"""Result types that follow from the operands: shared by the passes that change a type."""

from __future__ import annotations

from dataclasses import replace

from fasttrig.ir.builder import exactly_typed
from fasttrig.ir.graph import Graph
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Op, Reshape, Value


def retyped(op: Op, operands: list[Interval]) -> Op:
    """`op` with the narrowest result type that its operands allow; an op with a declared type unchanged."""
    if isinstance(op, Reshape):
        return replace(op, result=replace(op.result, type=op.operand.type))
    return exactly_typed(op, operands) if op.exact else op


def pinned_operands(graph: Graph) -> set[Value]:
    """Values whose type must stay, because a table or a loop was made for it (Reshapes looked through)."""
    fixed: set[Value] = set()
    for op in reversed(graph.ops):
        if op.pins_operands or (isinstance(op, Reshape) and op.result in fixed):
            fixed.update(op.operands)
    return fixed
