"""Distance of a design from the designs of the calibration table: the intervals widen with this distance.

A design is a point: its sizes, widths, reuse factor and clock on a log2 scale, its kinds of layers, its io_type, its
strategy and its tool. A unit of distance is about a factor of eight in one size, or one property that differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fasttrig.estimate.cost_model import CountedDesign
from fasttrig.estimate.layer_costs import ForestSize

FARTHEST = 6.0
"""Beyond this distance the interval does not widen further: there is no data."""
_COVER = 0.34  # points of the table nearer than this to a kept point are not kept
_OCTAVES = 3.0  # doublings of a size that make one unit of distance
_MARKS = 1.0  # a property that differs: io_type, or a kind of layer
_TOOL = 0.5  # another version of the tool


@dataclass(frozen=True, slots=True)
class Point:
    """A design's place: `sizes` on a log2 scale; `marks` are its kinds of layers, its strategies, and stream or not."""

    sizes: tuple[float, ...]
    marks: frozenset[str]
    tool: str

    def to_list(self) -> list[object]:
        """Plain JSON content."""
        return [list(self.sizes), sorted(self.marks), self.tool]

    @classmethod
    def from_list(cls, content: Sequence[object]) -> Point:
        """The point that `to_list` wrote."""
        sizes, marks, tool = content
        assert isinstance(sizes, list)
        assert isinstance(marks, list)
        return cls(tuple(sizes), frozenset(marks), str(tool))


def point_of(design: CountedDesign) -> Point:
    """The place of a design; a design without weights has sizes of one there."""
    marks = {_kind(layer.kind, layer.function) for layer in design.layers if layer.kind not in ("activation", "wiring")}
    if design.setting.stream:
        marks.add("stream")
    marks |= {layer.strategy for layer in design.layers if layer.matrices}
    forests = [layer.forest for layer in design.layers if layer.forest]
    sizes = _forest_sizes(forests) if forests else _network_sizes(design)
    octaves = tuple(round(math.log2(max(size, 2**-6)), 2) for size in (*sizes, design.setting.slowness))
    return Point(octaves, frozenset(marks), design.family)


def _network_sizes(design: CountedDesign) -> tuple[float, ...]:
    """Inputs and weights, positions and steps, reuse factor, bits of weights and of inputs."""
    matrices = [(layer, matrix) for layer in design.layers for matrix in layer.matrices]
    widest = max(matrices, key=lambda pair: pair[1].size, default=None)
    return (
        max((matrix.n_in for _, matrix in matrices), default=1),
        sum(matrix.n_nonzeros for _, matrix in matrices),
        max((layer.in_positions for layer in design.layers), default=1),
        max((layer.steps for layer in design.layers), default=1),
        max((matrix.reuse_factor for _, matrix in matrices), default=1),
        widest[0].weight.width if widest else 16,
        widest[0].input.width if widest else 16,
    )


def _forest_sizes(forests: Sequence[ForestSize]) -> tuple[float, ...]:
    """Trees and nodes, depth, classes, bits; padded to as many sizes as networks have."""
    return (
        sum(forest.n_trees for forest in forests),
        sum(forest.n_nodes for forest in forests),
        max(forest.max_depth for forest in forests),
        max(forest.n_classes for forest in forests),
        max(forest.bits for forest in forests),
        1,
        1,
    )


def _kind(kind: str, function: str) -> str:
    return f"{kind}_{function}" if kind == "pooling" else kind


def between(left: Point, right: Point) -> float:
    """Distance of two designs: the root of the summed squares over sizes, plus one per property that differs."""
    sizes = math.sqrt(sum(((a - b) / _OCTAVES) ** 2 for a, b in zip(left.sizes, right.sizes, strict=True)))
    return sizes + _MARKS * len(left.marks ^ right.marks) + _TOOL * (left.tool != right.tool)


def nearest(point: Point, seen: Iterable[Point]) -> float:
    """Distance to the nearest design of the table, at most `FARTHEST`."""
    return min([FARTHEST, *(between(point, other) for other in seen)])


def covering(points: Iterable[Point]) -> list[Point]:
    """A few representative points: each dropped point is close to a kept point."""
    kept: list[Point] = []
    for point in sorted(set(points), key=lambda p: (p.tool, sorted(p.marks), p.sizes)):
        if all(between(point, other) > _COVER for other in kept):
            kept.append(point)
    return kept
