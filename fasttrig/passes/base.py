"""Definition of a pass, and the runner of a tuple of passes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from fasttrig.ir.graph import Graph
from fasttrig.ir.verify import verify


@dataclass(frozen=True, slots=True)
class Pass:
    """One change of a graph; options are fields of the subclass.

    `run` gets a verified graph and gives a new one; the old one is left alone. `requires` and `ensures` check what
    holds before and after beyond `verify`, and raise a GraphError or an InputError.
    """

    name: ClassVar[str]

    def requires(self, graph: Graph) -> None:
        """Refuse a graph that the pass cannot take."""

    def run(self, graph: Graph) -> Graph:
        """The changed graph."""
        raise NotImplementedError

    def ensures(self, before: Graph, after: Graph) -> None:
        """Check what the pass promises beyond a well-formed graph."""


def run_pipeline(graph: Graph, passes: Iterable[Pass]) -> Graph:
    """`graph` after all `passes`, verified after each.

    Raises
    ------
    GraphError
        Naming the pass that left the graph malformed.
    """
    verify(graph)
    for step in passes:
        step.requires(graph)
        before, graph = graph, step.run(graph)
        verify(graph, after=f"pass {step.name}")
        step.ensures(before, graph)
    return graph
