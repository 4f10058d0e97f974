"""merge-casts: a cast of a cast that changed no number reads the first operand itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Cast, Op, Value
from fasttrig.ir.ranges import infer_ranges
from fasttrig.passes.base import Pass


@dataclass(frozen=True, slots=True)
class MergeCasts(Pass):
    """``Cast(Cast(x)) -> Cast(x)`` where the inner one drops no bit and cannot overflow: the numbers are the same.

    The inner cast stays for its other users; without any, remove-dead-ops takes it away.
    """

    name: ClassVar[str] = "merge-casts"

    def run(self, graph: Graph) -> Graph:
        ranges = infer_ranges(graph)
        source: dict[Value, Value] = {
            op.result: op.operand
            for op in graph.ops
            if isinstance(op, Cast) and op.changes_no_number(ranges[op.operand])
        }

        def step(op: Op) -> Op:
            if not isinstance(op, Cast):
                return op
            operand = op.operand
            while operand in source:
                operand = source[operand]
            return replace(op, operand=operand)

        return rewrite(graph, step)
