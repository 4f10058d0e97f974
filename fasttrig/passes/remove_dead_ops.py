"""remove-dead-ops: drop every op that no output depends on. Inputs stay: they are the interface."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Input, Op, Value
from fasttrig.passes.base import Pass


@dataclass(frozen=True, slots=True)
class RemoveDeadOps(Pass):
    """Walk from the outputs backwards; keep what is read."""

    name: ClassVar[str] = "remove-dead-ops"

    def run(self, graph: Graph) -> Graph:
        read: set[Value] = set(graph.outputs)
        kept: list[Op] = []
        for op in reversed(graph.ops):
            if op.result not in read and not isinstance(op, Input):
                continue
            read.update(op.operands)
            kept.append(op)
        return replace(graph, ops=tuple(reversed(kept)))
