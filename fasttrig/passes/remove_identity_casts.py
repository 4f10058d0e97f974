"""remove-identity-casts: drop casts to the type that the operand has already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Cast, Op, Reshape
from fasttrig.ir.ranges import infer_ranges
from fasttrig.passes.base import Pass
from fasttrig.passes.lossless import changes_no_number
from fasttrig.passes.retype import table_operands


@dataclass(frozen=True, slots=True)
class RemoveIdentityCasts(Pass):
    """Users of such a cast read its operand. A cast that is an output stays: its name and type are the interface.

    With `wider`, casts to another type go too, where the grid is the same and the range proves that no number changes;
    not before a Table, which is indexed by all raw integers of its operand's type.
    """

    name: ClassVar[str] = "remove-identity-casts"

    wider: bool = False

    def run(self, graph: Graph) -> Graph:
        ranges = infer_ranges(graph)
        kept_type = table_operands(graph)
        gone = {
            op.name
            for op in graph.ops
            if isinstance(op, Cast)
            and op.result not in graph.outputs
            and self._may_go(op, op.result in kept_type)
            and changes_no_number(op, ranges[op.operand])
        }

        def step(op: Op) -> Op | Iterable[Op]:
            if isinstance(op, Reshape):
                return replace(op, result=replace(op.result, type=op.operand.type))
            return () if op.name in gone else op

        return rewrite(graph, step)

    def _may_go(self, op: Cast, feeds_table: bool) -> bool:
        if op.operand.type == op.result.type:
            return True
        same_grid = op.operand.type.fraction_bits == op.result.type.fraction_bits
        return self.wider and same_grid and not feeds_table
