"""Recurrent layers in RTL: the iterated schedule equals the emulator, at the latency and interval that it declares."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fasttrig.backends.rtl import emit_rtl
from fasttrig.backends.table import backends_for
from fasttrig.base.errors import CheckFailed, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.base.staging import write_texts
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.passes.pipeline import compile_graph
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.rtlsim import has_verilator, rtlsim
from fasttrig.toolchain.synth import synthesise
from tests.strategies import random_raw
from tests.unit.frontends.framework import keras, qdense, qkeras

ITERATED = TargetSettings(rtl_schedule="iterated")
needs_verilator = pytest.mark.skipif(not has_verilator(), reason="Verilator is not installed")


def cell(bits: int = 6) -> dict[str, str]:
    quantised = f"quantized_bits({bits},0,alpha=1)"
    return {
        **dict.fromkeys(("kernel_quantizer", "recurrent_quantizer", "bias_quantizer"), quantised),
        "activation": f"quantized_tanh({bits})",
        "recurrent_activation": f"quantized_sigmoid({bits})",
        "state_quantizer": f"quantized_bits({bits},1,alpha=1)",
    }


def network(steps: int, features: int, layers) -> Graph:
    x = keras.Input((steps, features), name="x")
    model = keras.Model(x, layers(x))
    rng = np.random.default_rng(2)
    model.set_weights([rng.uniform(-1, 1, weight.shape) for weight in model.get_weights()])
    return compile_graph(read_qkeras(model, input_type=FixedType(6, 2), name="n"))


def gru(steps: int, features: int, units: int) -> Graph:
    return network(steps, features, lambda x: qdense(2, "fc")(qkeras.QGRU(units, name="gru", **cell())(x)))


def stacked(x):
    """Two loops one after the other; the second reads what the first makes at every step, backwards."""
    first = qkeras.QLSTM(2, return_sequences=True, name="a", **cell(4))(x)
    return qkeras.QGRU(2, go_backwards=True, return_sequences=True, name="b", **cell(4))(first)


def beside(x):
    """The input goes past two loops."""
    both = [qkeras.QGRU(2, name=name, **cell(4))(x) for name in "ab"]
    return qdense(2, "fc")(keras.layers.Concatenate()([*both, keras.layers.Flatten()(x)]))


def simulated(graph: Graph, settings: TargetSettings, folder, n_events: int = 200):
    """The declared timing, which is also the observed one; every output bit is the emulator's."""
    write_texts(folder, emit_rtl(graph, settings))
    rng = np.random.default_rng(4)
    inputs = {op.name: random_raw(op, n_events, rng) for op in graph.inputs}
    result, want = rtlsim(folder, graph, inputs), evaluate(graph, inputs).outputs
    for name, raw in want.items():
        assert np.array_equal(result.outputs[name], raw), name
    declared = json.loads((folder / "design.json").read_text())
    assert (result.latency_cycles, result.ii_cycles) == (declared["latency_cycles"], declared["ii_cycles"])
    return declared


@needs_verilator
def test_both_schedules_are_equal(tmp_path) -> None:
    graph = gru(5, 3, 3)
    parallel = simulated(graph, TargetSettings(), tmp_path / "parallel")
    iterated = simulated(graph, ITERATED, tmp_path / "iterated")
    assert parallel["ii_cycles"] == 1 and not parallel["in_ready"]
    assert iterated["ii_cycles"] % 5 == 0 and iterated["in_ready"]
    assert iterated["alkaid_cost"] < parallel["alkaid_cost"] / 2.5
    assert iterated["register_bits"] < parallel["register_bits"] / 4


CASES = {
    "stacked": (stacked, ITERATED),
    "beside": (beside, ITERATED.model_copy(update={"clock_enable": True})),
    "one of two": (stacked, TargetSettings.model_validate({"layers": {"b": {"rtl_schedule": "iterated"}}})),
    "a body of one stage": (stacked, ITERATED.model_copy(update={"clock_period_ns": 50.0})),
}


BY_NIGHT = ("stacked", "one of two")


@needs_verilator
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.nightly] if name in BY_NIGHT else []) for name in CASES]
)
def test_several_loops(name: str, tmp_path) -> None:
    layers, settings = CASES[name]
    simulated(network(3, 2, layers), settings, tmp_path)


@needs_verilator
def test_an_event_that_comes_too_early_is_noticed(tmp_path) -> None:
    """A top module that claims to be ready always: the driver sees lost events or wrong ones."""
    graph = gru(3, 2, 2)
    texts = emit_rtl(graph, ITERATED)
    texts["src/n.v"] = texts["src/n.v"].replace("in_ready = wait_cycles == 0", "in_ready = 1'b1")
    write_texts(tmp_path, texts)
    raw = {op.name: random_raw(op, 50, np.random.default_rng(1)) for op in graph.inputs}
    with pytest.raises(CheckFailed):
        rtlsim(tmp_path, graph, raw)


def a_map() -> Graph:
    body = GraphBuilder("double")
    entry = body.input("entry", (2,), FixedType(4, 2))
    b = GraphBuilder("n")
    x = b.input("x", (3, 2), FixedType(4, 2))
    return b.graph(b.scan("doubled", [x], body.graph(body.add("sum", entry, entry)), stacked=True))


@needs_verilator
def test_a_loop_without_states(tmp_path) -> None:
    assert simulated(a_map(), ITERATED, tmp_path)["ii_cycles"] == 3


def dense() -> Graph:
    return network(2, 2, lambda x: qdense(2, "fc")(keras.layers.Flatten()(x)))


REFUSED = {
    "VHDL": (a_map, {"rtl_schedule": "iterated", "rtl_language": "vhdl"}, "in Verilog only"),
    "no loop": (dense, {"rtl_schedule": "iterated"}, "only a loop can be iterated"),
    "no loop of this name": (a_map, {"layers": {"x": {"rtl_schedule": "iterated"}}}, "only a loop can be iterated"),
    "too slow": (a_map, {"rtl_schedule": "iterated", "latency_cycles": 2}, "is not that fast"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_iterated_is_refused(name: str) -> None:
    graph, settings, said = REFUSED[name]
    with pytest.raises(UnsupportedError, match=said):
        emit_rtl(graph(), TargetSettings.model_validate(settings))


def test_an_iterated_design_has_no_wrappers() -> None:
    names = [[row.name for row in backends_for(a_map(), settings, "rtl")] for settings in (TargetSettings(), ITERATED)]
    assert [name for name in names[0] if name not in names[1]] == ["wrappers"]


@needs_verilator
@pytest.mark.nightly
def test_a_gru_of_20_steps_takes_below_a_quarter_of_the_luts(tmp_path) -> None:
    """20 steps of 6 features, 2 units, 6 bits: Yosys took 15 minutes for the parallel one on a busy machine."""
    graph, luts = gru(20, 6, 2), {}
    for schedule in ("iterated", "parallel"):
        settings = TargetSettings.model_validate({"rtl_schedule": schedule})
        simulated(graph, settings, tmp_path / schedule)
        luts[schedule] = synthesise(tmp_path / schedule, time_limit_s=3600.0).lut
    assert luts["iterated"] < luts["parallel"] / 4
