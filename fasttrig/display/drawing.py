"""The drawing of a graph (SVG), and the HTML that Jupyter shows for a design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fasttrig.display.environment import render
from fasttrig.display.labels import details, family, shape_text
from fasttrig.display.layout import OP_HEIGHT, OP_WIDTH, Layout, Place, place
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Op

_LETTER_WIDTH = 6.6
"""Pixels of a letter of the drawing's 12 px text, on average and rounded up: longer text is cut to the box."""


def draw_design(graph: Graph, stages: Mapping[str, int] | None = None, id_: str = "design") -> str:
    """An SVG element: one box per op with its type, arrows between them.

    Parameters
    ----------
    stages : mapping of op name to int
        Pipeline stage after which each result is available; shown in the boxes.
    id_ : str
        Prefix of the ids inside; different for each drawing on a page.
    """
    layout = place(graph)
    return render("design.svg.j2", drawing=_drawing(graph, layout, stages or {}), id=id_)


def design_html(graph: Graph) -> str:
    """HTML for Jupyter: a heading, the drawing, the table of ops."""
    rows = [
        {
            "name": op.name,
            "kind": type(op).__name__,
            "details": details(op),
            "shape": shape_text(op.result.shape),
            "type": str(op.result.type),
        }
        for op in graph.ops
    ]
    return render(
        "design.html.j2", graph=graph, rows=rows, drawing=_drawing(graph, place(graph), {}), id=f"fasttrig-{graph.name}"
    )


def _drawing(graph: Graph, layout: Layout, stages: Mapping[str, int]) -> dict[str, Any]:
    outputs = {value.name for value in graph.outputs}
    return {
        "name": graph.name,
        "width": f"{layout.width:g}",
        "height": f"{layout.height:g}",
        "edges": layout.edges,
        "boxes": [_box(box, stages, outputs) for box in layout.places],
        "op_width": OP_WIDTH,
        "op_height": OP_HEIGHT,
        "summary": f"{len(graph.ops)} ops from {', '.join(op.name for op in graph.inputs)} to "
        f"{', '.join(value.name for value in graph.outputs)}",
    }


def _box(box: Place, stages: Mapping[str, int], outputs: set[str]) -> dict[str, Any]:
    op: Op = box.op
    kind = type(op).__name__ + (", output" if op.name in outputs else "")
    return {
        "x": f"{box.left:g}",
        "y": f"{box.y:g}",
        "family": family(op),
        "name": _cut(op.name, 120),
        "kind": kind,
        "details": _cut(details(op), OP_WIDTH - 20),
        "type": str(op.result.type),
        "stage": f"stage {stages[op.name]}" if op.name in stages else "",
        "title": f"{op.name}: {type(op).__name__}, {details(op)}, {op.result.type}, "
        f"shape {shape_text(op.result.shape)}",
    }


def _cut(text: str, width: float) -> str:
    n = int(width / _LETTER_WIDTH)
    return text if len(text) <= n else text[: n - 1] + "…"
