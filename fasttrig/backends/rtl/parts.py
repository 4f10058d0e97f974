"""A graph with loops, cut into parts: plain graphs and loops that take their turn on an event.

Between two parts lie the values that later parts or the outputs still need.
"""

from __future__ import annotations

from dataclasses import dataclass

from fasttrig.backends.rtl.ports import Element, input_elements, value_elements
from fasttrig.base.names import identifier
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Input, Op, Scan, Value


@dataclass(frozen=True, slots=True)
class DesignPart:
    """One part of a graph.

    Attributes
    ----------
    name : str
        Of its module.
    scan : Scan or None
        The loop; None for a plain part.
    ops : tuple of Op
        Of a plain part.
    given, made : tuple of Value
        What the part reads and what it hands on, in this order on its ports.
    given_elements : tuple of Element
        Their layout on the port in_data.
    """

    name: str
    scan: Scan | None
    ops: tuple[Op, ...]
    given: tuple[Value, ...]
    made: tuple[Value, ...]
    given_elements: tuple[Element, ...]

    def graph(self, inputs: tuple[Input, ...]) -> Graph:
        """A plain part as a graph; `inputs` are those of the whole graph."""
        known = {op.result: op for op in inputs}
        sources = tuple(known.get(value, Input(result=value)) for value in self.given)
        return Graph(self.name, (*sources, *self.ops), self.made)


def parts_of(graph: Graph) -> tuple[DesignPart, ...]:
    """The parts of `graph` in their order; a value that only a later part reads goes through those before."""
    groups = _groups(graph)
    given = tuple(op.result for op in graph.inputs)
    elements = input_elements(graph)
    taken, parts = {graph.name.casefold()}, list[DesignPart]()
    for place, (scan, ops) in enumerate(groups):
        later = {value for _, after in groups[place + 1 :] for op in after for value in op.operands}
        known = dict.fromkeys((*given, *(op.result for op in ops)))
        made = tuple(value for value in known if value in later or value in graph.outputs)
        wanted = f"{graph.name}_{identifier(scan.name) if scan else f'part{place}'}"
        parts.append(DesignPart(_free(wanted, taken), scan, ops, given, made, elements))
        given, elements = made, value_elements(made)
    return tuple(parts)


def _groups(graph: Graph) -> list[tuple[Scan | None, tuple[Op, ...]]]:
    """Runs of plain ops, and each loop alone."""
    loops = {op.name: op for op in graph.ops_of(Scan)}
    groups: list[tuple[Scan | None, tuple[Op, ...]]] = []
    for op in graph.live_ops:
        if not op.operands:
            continue
        if op.name in loops:
            groups.append((loops[op.name], (op,)))
        elif groups and groups[-1][0] is None:
            groups[-1] = (None, (*groups[-1][1], op))
        else:
            groups.append((None, (op,)))
    return groups


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name.casefold())
    return name
