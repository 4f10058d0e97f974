"""Positions of the ops of a graph in its drawing: one row per step, top to bottom; long edges get their own lanes.

A row is the longest way from an input. An edge that crosses rows passes through a narrow lane in each of them, so it
never runs behind an op. Within a row, places follow the mean place of what is above.
"""

from __future__ import annotations

from dataclasses import dataclass

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Op, Value

OP_WIDTH, OP_HEIGHT = 224, 58
LANE_WIDTH = 20
GAP_X, GAP_Y = 22, 30
MARGIN = 8


@dataclass(frozen=True, slots=True)
class Place:
    """An op's box: its middle and its upper edge, in pixels."""

    op: Op
    x: float
    y: float

    @property
    def left(self) -> float:
        return self.x - OP_WIDTH / 2

    @property
    def bottom(self) -> float:
        return self.y + OP_HEIGHT


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes and the SVG paths of the edges between them, in a picture of `width` by `height` pixels."""

    places: tuple[Place, ...]
    edges: tuple[str, ...]
    width: float
    height: float


@dataclass(slots=True)
class _Item:
    """An op, or the lane of an edge, in one row."""

    op: Op | None
    above: list[_Item]
    x: float = 0.0

    @property
    def width(self) -> int:
        return LANE_WIDTH if self.op is None else OP_WIDTH


def place(graph: Graph) -> Layout:
    """The layout of `graph`; the same for the same graph."""
    rows = _rows(graph)
    total = max(_row_width(row) for row in rows)
    for row in rows:
        row.sort(key=_mean_above)  # a stable sort: equals keep the order of the graph
        x = (total - _row_width(row)) / 2
        for item in row:
            item.x = x + item.width / 2
            x += item.width + GAP_X
        _shift_under(row, total)
    places, edges = [], []
    for number, row in enumerate(rows):
        y = MARGIN + number * (OP_HEIGHT + GAP_Y)
        for item in row:
            if item.op is not None:
                places.append(Place(item.op, item.x + MARGIN, y))
            edges += [_edge(above.x + MARGIN, item.x + MARGIN, y, lane=item.op is None) for above in item.above]
    height = 2 * MARGIN + len(rows) * (OP_HEIGHT + GAP_Y) - GAP_Y
    return Layout(tuple(places), tuple(edges), total + 2 * MARGIN, height)


def _rows(graph: Graph) -> list[list[_Item]]:
    row_of: dict[Value, int] = {}
    for op in graph.ops:
        row_of[op.result] = max((row_of[value] + 1 for value in op.operands), default=0)
    rows: list[list[_Item]] = [[] for _ in range(max(row_of.values()) + 1)]
    lanes: dict[tuple[Value, int], _Item] = {}  # the item that carries a value through a row
    for op in graph.ops:
        above = [_carried(value, row_of[op.result] - 1, rows, row_of, lanes) for value in dict.fromkeys(op.operands)]
        item = _Item(op, above)
        rows[row_of[op.result]].append(item)
        lanes[op.result, row_of[op.result]] = item
    return rows


def _carried(
    value: Value, row: int, rows: list[list[_Item]], row_of: dict[Value, int], lanes: dict[tuple[Value, int], _Item]
) -> _Item:
    """The item of `row` that holds `value`: its op, or a lane made as far down as needed."""
    for number in range(row_of[value] + 1, row + 1):
        if (value, number) not in lanes:
            lanes[value, number] = _Item(None, [lanes[value, number - 1]])
            rows[number].append(lanes[value, number])
    return lanes[value, row]


def _row_width(row: list[_Item]) -> int:
    return sum(item.width for item in row) + GAP_X * (len(row) - 1)


def _mean_above(item: _Item) -> float:
    return sum(above.x for above in item.above) / len(item.above) if item.above else 0.0


def _shift_under(row: list[_Item], total: float) -> None:
    """Move a row sideways so that its ops are below the ops they read, within the picture."""
    pairs = [(item, [above.x for above in item.above if above.op is not None]) for item in row if item.op is not None]
    offsets = [sum(xs) / len(xs) - item.x for item, xs in pairs if xs]
    if not offsets:
        return
    low, high = row[0].x - row[0].width / 2, row[-1].x + row[-1].width / 2
    shift = max(-low, min(total - high, sum(offsets) / len(offsets)))
    for item in row:
        item.x += shift


def _edge(x_above: float, x: float, y: float, *, lane: bool) -> str:
    """From the lower edge of the row above to the upper edge of this one; a lane goes on through its row."""
    start, middle = y - GAP_Y, y - GAP_Y / 2
    path = f"M{x_above:g},{start:g}C{x_above:g},{middle:g} {x:g},{middle:g} {x:g},{y:g}"
    return f"{path}V{y + OP_HEIGHT:g}" if lane else path
