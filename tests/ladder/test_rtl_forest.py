"""Trees in RTL: alkaid's interpreter gives the emulator's raw margins on random forests, thresholds included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("alkaid", reason="the extra rtl is not installed")

from alkaid.trace import FVariable, trace

import fasttrig
from fasttrig.backends.rtl.comparisons import Comparisons
from fasttrig.backends.rtl.tracing import HARDWARE, trace_graph
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import exactly_typed
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Forest, Input, Value
from fasttrig.ladder.forest_corners import threshold_corners
from tests.ladder.forest_cases import events_for, forests
from tests.ladder.rtl_cases import traced_outputs

LOOKUP = 8
"""alkaid's code of a table."""


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
    program = trace_graph(graph).program
    bits = [op for op in program.ops if op.opcode == LOOKUP and op.qint == (0.0, 1.0, 1.0)]
    assert distinct < forest.n_nodes / 2 and distinct / 2 < len(bits) < distinct * 1.2
    widest = max(sum(program.ops[op.addr[0]].qint.kif) for op in program.ops if op.opcode == LOOKUP)
    assert widest <= 6, "a table that is more than a LUT a bit"


@pytest.mark.parametrize("width, signed", [(3, True), (6, False), (8, True), (11, False), (17, True)])
def test_every_threshold_of_a_feature(width, signed):
    """Beside and at each threshold, on features of one table and of several; the low bits' tables are shared."""
    kind = FixedType(width, 3, signed)
    numbers = [FVariable(kind.min_raw * kind.lsb, kind.max_raw * kind.lsb, kind.lsb, hwconf=HARDWARE)]
    rng = np.random.default_rng(width)
    raw = np.unique(rng.integers(kind.min_raw - 2, kind.max_raw + 3, 60))
    comparisons = Comparisons(numbers)
    bits = [comparisons.less(0, threshold) for threshold in (raw * kind.lsb).tolist()]
    probes = np.unique(np.clip(np.concatenate([raw - 1, raw, raw + 1]), kind.min_raw, kind.max_raw))
    found = trace(numbers, bits, optimize=False).predict(probes[:, None] * kind.lsb, n_threads=1)
    assert np.array_equal(found, probes[:, None] < raw)
    assert comparisons.less(0, float(raw[5] * kind.lsb)) is bits[5]


@pytest.mark.parametrize("least, n_tables", [(-(1 << 22), 2), (-(1 << 24) + 1, 2), (-(1 << 25), 1)])
def test_wide_leaves_and_constant_trees(least, n_tables):
    """Leaves too wide to be counted from the least one, and for a table; a tree of one value is part of the start."""
    leaves = np.array([[least], [3], [5], [5]])
    tables = {
        "tree_root": [0, 1],
        "tree_output": [0, 0],
        "feature": [0, 0],
        "threshold": [1, -2],
        "left": [2, 4],
        "right": [3, 5],
        "leaf": leaves,
        "base_margin": [7],
    }
    consts = {name: Const.covering(name, np.array(raw), 0) for name, raw in tables.items()}
    source = Input(result=Value("x", (1,), FixedType(5, 5)))
    draft = Forest(result=Value("margin", (1,), FixedType(40, 40)), operand=source.result, **consts)
    op = exactly_typed(draft, [source.interval()])
    graph = Graph("forest", (source, op), (op.result,))
    events = {"x": np.arange(-16, 16)[:, None]}
    assert sum(op.opcode == LOOKUP for op in trace_graph(graph).program.ops) <= n_tables
    assert np.array_equal(traced_outputs(graph, events)["margin"], evaluate(graph, events).outputs["margin"])
