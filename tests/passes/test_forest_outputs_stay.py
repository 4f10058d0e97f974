"""Passes on trees: on random forests, plain and with shared subtrees, no output integer changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.forest import distinct_comparisons, path_counts
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.passes.base import Pass, run_pipeline
from fasttrig.passes.fold_constant_trees import FoldConstantTrees
from fasttrig.passes.merge_thresholds import MergeThresholds
from fasttrig.passes.pipeline import DEFAULT, PLAIN_TREES, SHARE_SUBTREES
from fasttrig.passes.prune_trees import PruneTrees
from fasttrig.passes.share_subtrees import ShareSubtrees
from fasttrig.passes.unshare_subtrees import UnshareSubtrees
from tests.ladder.forest_cases import events_for, forest_graph, forests, oracle

PIPELINES: dict[str, tuple[Pass, ...]] = {
    "merge-thresholds": (MergeThresholds(),),
    "prune-trees": (PruneTrees(),),
    "share-subtrees": (ShareSubtrees(),),
    "unshare-subtrees": (UnshareSubtrees(),),
    "fold-constant-trees": (FoldConstantTrees(),),
    "default": DEFAULT,
    "all": (*DEFAULT, *SHARE_SUBTREES, *PLAIN_TREES, *DEFAULT),
}


def forest_of(graph: Graph) -> Forest:
    op = graph.ops[1]
    assert isinstance(op, Forest)
    return op


def comparisons(graph: Graph) -> int:
    return len(distinct_comparisons(forest_of(graph))[0])


@pytest.mark.parametrize("name", PIPELINES)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), shared=st.booleans())
def test_outputs_stay(name: str, data: st.DataObject, shared: bool) -> None:
    before = data.draw(forests(max_trees=4, max_splits=10 if shared else 40, shared=shared))
    after = run_pipeline(before, PIPELINES[name])
    x_raw = events_for(before, np.random.default_rng(data.draw(st.integers(0, 99))), n_events=60)
    want = oracle(forest_of(before), x_raw)
    assert evaluate(after, x_raw).outputs["margin"].tolist() == want
    assert oracle(forest_of(after), x_raw) == want
    assert parse_graph(print_graph(after)) == after
    assert comparisons(after) <= comparisons(before)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_default_pipeline_is_a_fixed_point(data: st.DataObject) -> None:
    once = run_pipeline(data.draw(forests()), DEFAULT)
    assert run_pipeline(once, DEFAULT) == once


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_unshare_gives_plain_trees_of_the_same_paths(data: st.DataObject) -> None:
    before = data.draw(forests(max_trees=3, max_splits=8, shared=True))
    op, plain = forest_of(before), forest_of(run_pipeline(before, PLAIN_TREES))
    children = [*plain.left.raw.tolist(), *plain.right.raw.tolist(), *plain.tree_root.raw.tolist()]
    assert sorted(children) == list(range(plain.n_nodes + plain.n_leaves))  # each node and leaf has one parent
    old, new = path_counts(op), path_counts(plain)
    assert [old[root] for root in op.tree_root.raw] == [new[root] for root in plain.tree_root.raw]


def test_unshare_refuses_what_would_explode() -> None:
    """Forty levels of splits whose sides are the same subtree, but one: 2^40 paths."""
    depth = 40
    nxt = [*range(1, depth), depth]
    tables = {
        "tree_root": [0],
        "tree_output": [0],
        "feature": [0] * depth,
        "threshold": list(range(depth)),
        "left": nxt,
        "right": [*nxt[:-1], depth + 1],
        "leaf": [[1], [2]],
        "base_margin": [0],
    }
    graph = forest_graph(tables, FixedType(8, 8), 1, 0)
    with pytest.raises(GraphError, match="too large to write one by one"):
        run_pipeline(graph, PLAIN_TREES)
    assert forest_of(run_pipeline(graph, (PruneTrees(),))).n_nodes == 1
