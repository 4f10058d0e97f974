"""Corner vectors of forests: on the grid, around each threshold, in events that come to the split."""

from __future__ import annotations

import numpy as np
import pytest

from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import check_inputs
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Forest
from fasttrig.ladder.forest_corners import threshold_corners
from tests.ladder.forest_cases import forest_graph

X = FixedType(8, 4)


def chain_graph(depth: int = 6, channel_types: tuple[FixedType, ...] = ()):
    """A tree that goes right, right, right, ...: a split is reached by one event in 2**depth."""
    tables = {
        "tree_root": [0],
        "tree_output": [0],
        "feature": [i % 3 for i in range(depth)],
        "threshold": [40 + 7 * i for i in range(depth)],
        "left": [depth + i for i in range(depth)],
        "right": [*range(1, depth), 2 * depth],
        "leaf": [[i] for i in range(depth + 1)],
        "base_margin": [0],
    }
    return forest_graph(tables, X, 3, 0, channel_types)


def reached(op: Forest, event: list[int]) -> set[int]:
    nodes, index = set(), int(op.tree_root.raw[0])
    while index < op.n_nodes:
        nodes.add(index)
        left = event[int(op.feature.raw[index])] < int(op.threshold.raw[index])
        index = int((op.left if left else op.right).raw[index])
    return nodes


def test_every_split_is_decided_both_ways_at_its_threshold():
    graph = chain_graph()
    op = graph.ops[1]
    rows = threshold_corners(graph)["x"]
    assert rows.shape == (3 * op.n_nodes, 3)
    for node in range(op.n_nodes):
        feature, threshold = int(op.feature.raw[node]), int(op.threshold.raw[node])
        below, at, above = rows[3 * node : 3 * node + 3]
        assert [row[feature] - threshold for row in (below, at, above)] == [-1, 0, 1]
        assert node in reached(op, at.tolist())
        assert node in reached(op, above.tolist())


def test_on_the_grids_and_ranges_of_the_features():
    types = (FixedType(6, 4), FixedType(8, 4), FixedType(5, 1))
    graph = chain_graph(channel_types=types)
    check_inputs(graph, threshold_corners(graph))
    column = threshold_corners(graph)["x"][:, 0]
    assert not (column & 3).any()
    assert {int(value) for value in column[[0, 1, 2]]} == {36, 40, 44}


@pytest.mark.parametrize("threshold", [X.min_raw - 2, X.max_raw + 2])
def test_a_threshold_outside_the_range_is_clipped(threshold):
    tables = {
        "tree_root": [0],
        "tree_output": [0],
        "feature": [0],
        "threshold": [threshold],
        "left": [1],
        "right": [2],
        "leaf": [[0], [1]],
        "base_margin": [0],
    }
    rows = threshold_corners(forest_graph(tables, X, 1, 0))["x"]
    assert set(rows.ravel().tolist()) <= {X.min_raw, X.max_raw}


def test_the_same_events_every_time_and_none_without_a_forest():
    graph = chain_graph()
    assert np.array_equal(threshold_corners(graph)["x"], threshold_corners(graph)["x"])
    assert not np.array_equal(threshold_corners(graph)["x"], threshold_corners(graph, seed=2)["x"])
    b = GraphBuilder("net")
    network = b.graph(b.relu("y", b.input("x", (2,), X)))
    assert threshold_corners(network)["x"].shape == (0, 2)
