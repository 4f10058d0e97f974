"""What `verify` refuses in a forest: one test per fault, each with the op's name and what was wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Forest, Value
from fasttrig.ir.verify import verify
from tests.ladder.forest_cases import forest_graph

TABLES = {
    "tree_root": [0, 4],
    "tree_output": [0, 1],
    "feature": [0, 1],
    "threshold": [3, -1],
    "left": [1, 2],
    "right": [4, 3],
    "leaf": [[5], [-6], [7]],
    "base_margin": [1, 2],
}


def graph_with(**changed: Const) -> Graph:
    graph = forest_graph(TABLES, FixedType(4, 2), 2, 3)
    op = graph.ops[1]
    assert isinstance(op, Forest)
    return Graph(graph.name, (graph.ops[0], replace(op, **changed)), graph.outputs)


def const(name: str, raw: object, bits: int = 0) -> Const:
    return Const.covering(name, np.array(raw, dtype=np.int64), bits)


def test_the_graph_itself_is_well_formed() -> None:
    verify(graph_with())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"left": const("left", [0, 2])}, "points nowhere, or back: left[0]"),
        ({"right": const("right", [4, 1])}, "points nowhere, or back: right[1]"),
        ({"right": const("right", [5, 3])}, "points nowhere, or back: right[0]"),
        ({"left": const("left", [-1, 2])}, "points nowhere, or back: left[0]"),
        ({"feature": const("feature", [0, 2])}, "points nowhere, or back: feature[1]"),
        ({"tree_root": const("tree_root", [0, 9])}, "points nowhere, or back: tree_root[1]"),
        ({"tree_output": const("tree_output", [0, 2])}, "points nowhere, or back: tree_output[1]"),
        ({"tree_output": const("tree_output", [0])}, "do not fit together"),
        ({"threshold": const("threshold", [1], 2)}, "do not fit together"),
        ({"leaf": const("leaf", [1, 2, 3], 3)}, "do not fit together"),
        ({"threshold": const("threshold", [3, -1], 1)}, "not on the grid of the features"),
        ({"base_margin": const("base_margin", [1, 2], 2)}, "not on the grid of the leaves"),
        ({"result": Value("margin", (3,), FixedType(9, 6))}, "shape"),
        ({"result": Value("margin", (2,), FixedType(9, 5))}, "type of Forest"),
        ({"result": Value("margin", (2,), FixedType(3, 0))}, "too narrow for its sum"),
    ],
)
def test_fault(changed: dict[str, Const], message: str) -> None:
    with pytest.raises(GraphError) as caught:
        verify(graph_with(**changed), after="pass test")
    assert message in str(caught.value)
    assert "margin" in str(caught.value)
