"""Trees in RTL: alkaid's interpreter gives the emulator's raw margins on random forests, thresholds included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("alkaid", reason="the extra rtl is not installed")

import fasttrig
from fasttrig.agreement.forest_corners import threshold_corners
from fasttrig.backends.rtl.tracing import trace_graph
from fasttrig.emulator.evaluate import evaluate
from fasttrig.errors import UnsupportedError
from tests.ladder.forest_cases import events_for, forests
from tests.ladder.rtl_cases import traced_outputs


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_random_forests(data):
    """Any shape of tree, several outputs, own grids; what is too wide for alkaid is refused and says what it wants."""
    graph = data.draw(forests())
    events = {"x": events_for(graph, np.random.default_rng(1), n_events=200)}
    try:
        found = traced_outputs(graph, events)
    except UnsupportedError as error:
        assert error.want
        return
    assert np.array_equal(found["margin"], evaluate(graph, events).outputs["margin"]), str(graph)


def test_equal_comparisons_are_made_once():
    """jet_bdt: at most one comparator per distinct threshold, although many splits share them; and equal at each."""
    graph = fasttrig.read("models/jet_bdt").graph
    corners = threshold_corners(graph)
    assert np.array_equal(traced_outputs(graph, corners)["margin"], evaluate(graph, corners).outputs["margin"])
    (forest,) = (op for op in graph.ops if type(op).__name__ == "Forest")
    distinct = len(set(zip(forest.feature.raw.tolist(), forest.threshold.raw.tolist(), strict=True)))
    kinds = [operation.opcode for operation in trace_graph(graph).ops]
    assert distinct < forest.n_nodes / 2 and len(kinds) < forest.n_nodes * 4
