"""Interval arithmetic over raw integers: which numbers each element of each tensor can hold."""

from __future__ import annotations

from typing import TypeAlias

from fasttrig.ir.graph import Graph
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Value

Ranges: TypeAlias = dict[Value, Interval]


def infer_ranges(graph: Graph) -> Ranges:
    """The interval of every value of `graph`, from the inputs' types and the constants alone."""
    ranges: Ranges = {}
    for op in graph.ops:
        ranges[op.result] = op.interval(*(ranges[value] for value in op.operands))
    return ranges
