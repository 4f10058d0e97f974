"""remove-dead-ops: drop every op that no output depends on. Inputs stay: they are the interface."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Input
from fasttrig.passes.base import Pass


@dataclass(frozen=True, slots=True)
class RemoveDeadOps(Pass):
    """Keep the inputs, and each op that an output depends on."""

    name: ClassVar[str] = "remove-dead-ops"

    def run(self, graph: Graph) -> Graph:
        live = set(graph.live_ops)
        return replace(graph, ops=tuple(op for op in graph.ops if op in live or isinstance(op, Input)))
