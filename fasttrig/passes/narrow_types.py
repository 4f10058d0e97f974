"""narrow-types: every exact op gets the narrowest type for the numbers that really reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fasttrig.base.errors import GraphError
from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Op
from fasttrig.ir.ranges import Ranges
from fasttrig.passes.base import Pass
from fasttrig.passes.retype import pinned_operands, retyped


@dataclass(frozen=True, slots=True)
class NarrowTypes(Pass):
    """Re-infer all ranges; sums keep room for every partial sum. No integer changes, no fraction bit is lost.

    Declared types (Input, Cast, narrowed MatMul, Table, Softmax, ArgMax, Scan) stay, and so do operands of a Table or
    a Scan. `keep_outputs` also keeps the types of the graph's outputs.
    """

    name: ClassVar[str] = "narrow-types"

    keep_outputs: bool = False

    def run(self, graph: Graph) -> Graph:
        ranges: Ranges = {}
        kept = {value.name for value in (*pinned_operands(graph), *(graph.outputs if self.keep_outputs else ()))}

        def step(op: Op) -> Op:
            operands = [ranges[value] for value in op.operands]
            made = op if op.name in kept else retyped(op, operands)
            ranges[made.result] = made.interval(*operands)
            return made

        return rewrite(graph, step)

    def ensures(self, before: Graph, after: Graph) -> None:
        for old, new in zip(before.ops, after.ops, strict=True):
            if old.result.type.fraction_bits != new.result.type.fraction_bits:
                raise GraphError(
                    f"a grid changed   (after pass {self.name})",
                    where=f"op '{old.name}'",
                    got=str(new.result.type),
                    want=f"fraction bits of {old.result.type}",
                )
