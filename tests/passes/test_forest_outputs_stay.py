"""Passes on trees: on random forests, plain and with shared subtrees, no output integer changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.forest import distinct_comparisons
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.passes.base import Pass, run_pipeline
from fasttrig.passes.fold_constant_trees import FoldConstantTrees
from fasttrig.passes.merge_thresholds import MergeThresholds
from fasttrig.passes.pipeline import DEFAULT
from fasttrig.passes.prune_trees import PruneTrees
from tests.ladder.forest_cases import events_for, forests, oracle

PIPELINES: dict[str, tuple[Pass, ...]] = {
    "merge-thresholds": (MergeThresholds(),),
    "prune-trees": (PruneTrees(),),
    "fold-constant-trees": (FoldConstantTrees(),),
    "default": DEFAULT,
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
