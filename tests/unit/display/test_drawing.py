"""Drawings: every op and edge once, branches beside each other, nothing that a name could break out of."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

import fasttrig
from fasttrig.base.fixed import FixedType
from fasttrig.display.drawing import design_html, draw_design
from fasttrig.display.layout import OP_HEIGHT, OP_WIDTH, place
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const

SVG = "{http://www.w3.org/2000/svg}"
TYPE = FixedType(6, 3)


def branched():
    """Two inputs, a skip connection over two rows, a concatenation and a sum."""
    rng = np.random.default_rng(0)
    b = GraphBuilder("branched")
    x, z = b.input("x", (4,), TYPE), b.input("z", (4,), TYPE)
    first = b.matmul("fc1", x, Const("w1", TYPE, rng.integers(-9, 9, (4, 4))), Const("b1", TYPE, np.ones(4, int)))
    second = b.matmul("fc2", first, Const("w2", TYPE, rng.integers(-9, 9, (4, 4))), Const("b2", TYPE, np.ones(4, int)))
    return b.graph(b.concat("all", (b.add("skip", second, x), z)))


def boxes_overlap(a, b):
    return abs(a.x - b.x) < OP_WIDTH and abs(a.y - b.y) < OP_HEIGHT


def test_boxes_are_apart_and_edges_complete():
    layout = place(branched())
    rows = {box.op.name: box.y for box in layout.places}
    assert rows["x"] == rows["z"] < rows["fc1"] < rows["fc2"] < rows["skip"] < rows["all"]
    assert not any(boxes_overlap(a, b) for a in layout.places for b in layout.places if a is not b)
    assert all(box.left >= 0 and box.left + OP_WIDTH <= layout.width for box in layout.places)
    lanes = [edge for edge in layout.edges if "V" in edge]
    assert len(lanes) == 2 + 3 and len(layout.edges) == 6 + len(lanes)  # x waits two rows for the sum, z three


def test_no_lane_runs_behind_a_box():
    layout = place(branched())
    for edge in (edge for edge in layout.edges if "V" in edge):
        x, y = (float(number) for number in edge.split(" ")[-1].split("V")[0].split(","))
        assert not any(box.y == y and abs(box.x - x) < OP_WIDTH / 2 for box in layout.places)


@pytest.mark.parametrize("name", ["jet_mlp", "jet_bdt"])
def test_a_drawing_is_well_formed_and_names_every_op(name):
    graph = fasttrig.read(f"models/{name}").graph
    root = ElementTree.fromstring(draw_design(graph, {graph.outputs[0].name: 7}))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert all(op.name in texts and str(op.result.type) in texts for op in graph.ops) and "stage 7" in texts
    assert root.get("role") == "img" and root.find(f"{SVG}title").text


def test_jupyter_shows_a_design():
    design = fasttrig.read("models/jet_mlp")
    shown = design._repr_html_()
    assert shown == design_html(design.graph) and shown.count("<tr>") == 1 + len(design.graph.ops)


def test_names_are_escaped():
    b = GraphBuilder("net")
    graph = b.graph(b.input("x", (2,), TYPE))
    shown = design_html(replace(graph, name="<script>alert(1)</script>"))
    assert "<script>" not in shown and "&lt;script&gt;" in shown
