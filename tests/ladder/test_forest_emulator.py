"""The emulator on forests: equal to a naive walk, for trees of every size and shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fasttrig.base.fixed import FixedType
from fasttrig.emulator import forest as emulator
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.forest import distinct_comparisons, tree_depths
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.ir.ranges import infer_ranges
from fasttrig.ir.text import parse_graph, print_graph
from tests.ladder.forest_cases import events_for, forest_graph, forests, oracle, oracle_leaf

QUICK = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def forest_of(graph: Graph) -> Forest:
    op = graph.ops[1]
    assert isinstance(op, Forest)
    return op


@QUICK
@given(data=st.data(), shared=st.booleans())
def test_emulate_equals_the_naive_walk(data: st.DataObject, shared: bool) -> None:
    graph = data.draw(forests(max_splits=90, shared=shared))
    op = forest_of(graph)
    x_raw = events_for(graph, np.random.default_rng(data.draw(st.integers(0, 99))))
    want = oracle(op, x_raw)
    assert emulator.emulate_forest(op, x_raw).tolist() == want
    assert evaluate(graph, x_raw).outputs["margin"].tolist() == want
    leaves = emulator.leaf_indices(op, x_raw)
    assert leaves.shape == (len(x_raw), op.n_trees)
    for event, row in zip(x_raw.tolist(), leaves.tolist(), strict=True):
        assert row == [oracle_leaf(op, tree, event) for tree in range(op.n_trees)]


@QUICK
@given(data=st.data(), shared=st.booleans())
def test_ranges_hold_and_text_comes_back(data: st.DataObject, shared: bool) -> None:
    graph = data.draw(forests(shared=shared))
    op = forest_of(graph)
    x_raw = events_for(graph, np.random.default_rng(1))
    result = np.array(oracle(op, x_raw), dtype=object)
    interval = infer_ranges(graph)[op.result]
    assert (result >= interval.low).all() and (result <= interval.high).all()
    assert op.result.type.holds(int(interval.low.min()), int(interval.high.max()))
    assert parse_graph(print_graph(graph)) == graph


@pytest.mark.parametrize("n_splits", [0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 300])
def test_every_word_and_the_walk(n_splits: int) -> None:
    """Numbers of leaves around the sizes at which the emulator changes its word, or its plan."""
    rng = np.random.default_rng(n_splits)
    graph = _random_graph(rng, [n_splits, n_splits, 3])
    op = forest_of(graph)
    x_raw = events_for(graph, rng, n_events=200)
    assert emulator.emulate_forest(op, x_raw).tolist() == oracle(op, x_raw)
    assert tree_depths(op)[0] <= n_splits


def test_more_events_than_a_block_and_none() -> None:
    graph = _random_graph(np.random.default_rng(5), [20, 90])
    op = forest_of(graph)
    x_raw = events_for(graph, np.random.default_rng(6), n_events=emulator.BLOCK_EVENTS + 3)
    assert emulator.emulate_forest(op, x_raw).tolist() == oracle(op, x_raw)
    assert emulator.emulate_forest(op, x_raw[:0]).shape == (0, op.n_outputs)


def test_more_trees_than_a_block() -> None:
    rng = np.random.default_rng(8)
    graph = _random_graph(rng, [int(n) for n in rng.integers(0, 40, 250)])
    op = forest_of(graph)
    x_raw = events_for(graph, rng, n_events=20)
    assert emulator.emulate_forest(op, x_raw).tolist() == oracle(op, x_raw)


@pytest.mark.parametrize("leaf", [2**23, 2**24 + 1, 2**53 - 1, 2**53 + 1, 2**61])
def test_large_leaves_are_exact(leaf: int) -> None:
    """Around the limits of float32, float64 and int64."""
    tables = {
        "tree_root": [0, 0, 0],
        "tree_output": [0, 0, 0],
        "feature": [0],
        "threshold": [1],
        "left": [1],
        "right": [2],
        "leaf": [[leaf], [-leaf - 1]],
        "base_margin": [3],
    }
    graph = forest_graph(tables, FixedType(4, 4), 1, 0)
    result = evaluate(graph, np.array([[0], [1]])).outputs["margin"]
    assert result.tolist() == [[3 * leaf + 3], [-3 * leaf]]


def test_a_deep_chain_is_no_recursion() -> None:
    depth = 20_000
    tables = {
        "tree_root": [0],
        "tree_output": [0],
        "feature": np.zeros(depth),
        "threshold": np.arange(depth),
        "left": np.arange(depth, 2 * depth),
        "right": [*range(1, depth), 2 * depth],
        "leaf": np.arange(depth + 1)[:, None],
        "base_margin": [0],
    }
    graph = forest_graph(tables, FixedType(16, 16), 1, 0)
    assert tree_depths(forest_of(graph)).tolist() == [depth]
    assert evaluate(graph, np.array([[-1], [100], [30_000]])).outputs["margin"].tolist() == [[0], [101], [depth]]


def test_distinct_comparisons() -> None:
    graph = _random_graph(np.random.default_rng(2), [30, 30], coarse=True)
    op = forest_of(graph)
    comparisons, index = distinct_comparisons(op)
    assert np.array_equal(comparisons[index, 0], op.feature.raw)
    assert np.array_equal(comparisons[index, 1], op.threshold.raw)
    assert len({tuple(row) for row in comparisons.tolist()}) == len(comparisons) < op.n_nodes


def _random_graph(rng: np.random.Generator, splits: list[int], coarse: bool = False) -> Graph:
    from tests.ladder.forest_cases import random_tables

    x_type = FixedType(12, 6)
    tables = random_tables(rng, x_type, 3, splits, coarse=coarse, shared=False)
    n_leaves = len(tables.pop("leaf_slots"))
    tables |= {
        "leaf": rng.integers(-99, 99, (n_leaves, 1)),
        "base_margin": [7, -7],
        "tree_output": rng.integers(0, 2, len(splits)),
    }
    return forest_graph(tables, x_type, 3, 5)
