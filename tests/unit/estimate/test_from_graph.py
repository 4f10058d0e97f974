"""A graph's estimate uses its real weights and types; every op has its row."""

from pathlib import Path

import numpy as np
import pytest

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.estimate.from_graph import from_graph
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const
from fasttrig.ir.text import parse_graph
from fasttrig.settings import LayerSettings, TargetSettings

GOLDEN = Path(__file__).parents[3] / "firmware" / "golden"
SETTINGS = TargetSettings(backend="vivado", clock_period_ns=5.0)


def one_matmul(raw) -> Graph:
    """One dense layer of 16-bit inputs with the weights `raw`, shape (n_in, n_out)."""
    raw = np.asarray(raw)
    build = GraphBuilder("one")
    x = build.input("x", (raw.shape[0],), FixedType(16, 6))
    bias = Const.covering("b", np.zeros(raw.shape[1], dtype=np.int64), 17)
    return build.graph(build.matmul("y", x, Const.covering("w", raw, 7), bias))


def test_powers_of_two_cost_no_dsp_and_costly_constants_one_each():
    rng = np.random.default_rng(1)
    cheap = np.where(rng.random((16, 8)) < 0.5, 64, -32)
    costly = np.tile([43, 45, 51, 53, 75, 77, 83, 85], (16, 1))
    assert from_graph(one_matmul(cheap), SETTINGS).dsp.value == 0
    assert from_graph(one_matmul(costly), SETTINGS).dsp.value == 16 * 8


def test_zero_weights_cost_nothing():
    rng = np.random.default_rng(2)
    raw = rng.integers(-100, 101, (32, 32))
    pruned = np.where(rng.random(raw.shape) < 0.75, 0, raw)
    full, sparse = (from_graph(one_matmul(weights), SETTINGS) for weights in (raw, pruned))
    assert sparse.lut.value < 0.5 * full.lut.value
    assert sparse.dsp.value < 0.5 * full.dsp.value


def test_settings_of_one_layer_override_those_of_the_design():
    graph = one_matmul(np.arange(1, 65).reshape(8, 8))
    shared = SETTINGS.model_copy(update={"layers": {"y": LayerSettings(strategy="resource", reuse_factor=8)}})
    assert from_graph(graph, shared).ii_cycles.value == 8
    assert from_graph(graph, SETTINGS).ii_cycles.value == 1


@pytest.mark.parametrize("name", ["tiny.ir", "tiny_forest.ir"])
@pytest.mark.parametrize("stage", ["csynth", "synth"])
def test_golden_graphs_are_estimated_op_by_op(name, stage):
    graph = parse_graph((GOLDEN / name).read_text())
    found = from_graph(graph, TargetSettings(), stage=stage)
    assert [layer.name for layer in found.layers] == [op.name for op in graph.ops]
    assert found.lut.low <= found.lut.value <= found.lut.high
    assert found.lut.value > 0


def test_backends_without_reports_are_refused():
    graph = parse_graph((GOLDEN / "tiny.ir").read_text())
    with pytest.raises(UnsupportedError, match="no reports of this backend"):
        from_graph(graph, TargetSettings(backend="oneapi"))
