"""remove-identity-casts: drop casts to the type that the operand has already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Cast, Op
from fasttrig.ir.ranges import infer_ranges
from fasttrig.passes.base import Pass


@dataclass(frozen=True, slots=True)
class RemoveIdentityCasts(Pass):
    """Users of such a cast read its operand. A cast that is an output stays: its name and type are the interface."""

    name: ClassVar[str] = "remove-identity-casts"

    def run(self, graph: Graph) -> Graph:
        ranges = infer_ranges(graph)
        gone = {
            op.name
            for op in graph.ops
            if isinstance(op, Cast)
            and op.result not in graph.outputs
            and op.operand.type == op.result.type
            and op.changes_no_number(ranges[op.operand])
        }

        def step(op: Op) -> Op | Iterable[Op]:
            return () if op.name in gone else op

        return rewrite(graph, step)
