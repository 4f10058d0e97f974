"""Networks on images and sequences, as trained in QKeras, on every rung after the passes that each design runs."""

from __future__ import annotations

import time

import numpy as np
import pytest
from csim_graphs import random_inputs, write_project
from rtl_cases import write_project as write_rtl

from fasttrig.backends.rtl import emit_rtl
from fasttrig.base.errors import MissingPackageError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.base.staging import write_texts
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.passes.pipeline import compile_graph
from fasttrig.reference.keras_runtime import import_framework
from fasttrig.reference.qkeras_run import framework_raw
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.csim import csim
from fasttrig.toolchain.emulator_library import load
from fasttrig.toolchain.rtlsim import has_verilator, rtlsim

try:
    keras, qkeras = import_framework()
except MissingPackageError as error:
    pytest.skip(str(error), allow_module_level=True)

L = keras.layers
BITS = {"kernel_quantizer": "quantized_bits(5,0,alpha=1)", "bias_quantizer": "quantized_bits(5,0,alpha=1)"}
CELL = BITS | {
    "recurrent_quantizer": "quantized_bits(4,0,alpha=1)",
    "state_quantizer": "quantized_bits(6,1,alpha=1)",
    "activation": "quantized_tanh(5)",
    "recurrent_activation": "quantized_sigmoid(5)",
}


def image(size: int, channels: int, filters: tuple[int, ...]):
    """Convolutions, each with a pooling, and a dense head."""
    x = keras.Input((size, size, channels), name="image")
    hidden = x
    for number, n in enumerate(filters):
        relu = "quantized_relu(6,2)"
        hidden = qkeras.QConv2D(n, 3, padding="same", activation=relu, name=f"conv{number}", **BITS)(hidden)
        hidden = L.MaxPooling2D(2, name=f"pool{number}")(hidden)
    return keras.Model(x, qkeras.QDense(3, name="fc", **BITS)(L.Flatten(name="flat")(hidden)))


def deep_sets():
    """16 particles with 3 numbers each, a mean over them, five classes."""
    x = keras.Input((16, 3), name="particles")
    hidden = qkeras.QDense(8, activation="quantized_relu(6,2)", name="phi1", **BITS)(x)
    hidden = qkeras.QDense(8, activation="quantized_relu(6,2)", name="phi2", **BITS)(hidden)
    hidden = L.GlobalAveragePooling1D(name="mean")(hidden)
    hidden = qkeras.QDense(8, activation="quantized_relu(6,2)", name="rho", **BITS)(hidden)
    return keras.Model(x, qkeras.QDense(5, name="classes", **BITS)(hidden))


def gru():
    x = keras.Input((5, 4), name="steps")
    return keras.Model(x, qkeras.QDense(2, name="fc", **BITS)(qkeras.QGRU(4, name="gru", **CELL)(x)))


def edge_conv():
    """Fully connected edges as ParticleNet has them: the greatest over the neighbours of a layer on differences."""
    from fasttrig.layers import MaxOver, Take, pairs

    n, m = 5, 4
    receivers, senders = pairs(n)
    x = keras.Input((n, 3), name="particles")
    receiver, sender = Take(receivers, name="receiver")(x), Take(senders, name="sender")(x)
    edges = L.Concatenate(name="edges")([receiver, L.Subtract(name="difference")([sender, receiver])])
    hidden = qkeras.QDense(m, activation="quantized_relu(6,3)", name="edge", **BITS)(edges)
    nodes = MaxOver(1, name="neighbours")(L.Reshape((n, n - 1, m), name="grouped")(hidden))
    return keras.Model(x, qkeras.QDense(2, name="fc", **BITS)(MaxOver(0, name="set")(nodes)))


def nearest():
    """The two nearest of five particles, found in fixed point."""
    from tests.unit.frontends.test_set_layers import nearest_neighbours

    return nearest_neighbours()


CASES = {
    "nearest": nearest,
    "edge_conv": edge_conv,
    "image": lambda: image(6, 2, (3,)),
    "deep_sets": deep_sets,
    "gru": gru,
}


def graph_and_events(model, n_events):
    """The compiled graph, equal to QKeras on the events, and the emulator's outputs."""
    read = read_qkeras(model, input_type=FixedType(7, 2), name="net")
    inputs = random_inputs(np.random.default_rng(1), read, n_events)
    want = evaluate(read, inputs).outputs
    for name, found in framework_raw(read, model, inputs).items():
        assert np.array_equal(found, want[name]), f"QKeras differs in '{name}'"
    graph = compile_graph(read)
    assert_equal(evaluate(graph, inputs).outputs, want, "the compiled graph")
    return graph, inputs, want


def assert_equal(found, want, what):
    for name, array in want.items():
        assert np.array_equal(found[name], array), f"{what} differs in '{name}'"


BY_NIGHT = ("edge_conv",)
"""The nearest neighbours by day are edges too."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.nightly] if name in BY_NIGHT else []) for name in CASES]
)
def test_every_rung(name, tmp_path):
    keras.utils.set_random_seed(3)
    graph, inputs, want = graph_and_events(CASES[name](), 300)
    assert_equal(load(graph, cache_dir=tmp_path)(inputs), want, "the compiled emulator")
    write_project(graph, TargetSettings(), tmp_path / "hls")
    assert_equal(csim(tmp_path / "hls", list(inputs.values())).outputs, want, "the C-simulation")
    if has_verilator():
        assert_equal(rtlsim(write_rtl(graph, tmp_path), graph, inputs).outputs, want, "the RTL")


@pytest.mark.nightly
def test_a_large_image(tmp_path):
    """37 x 37 x 4: the HLS project holds it, and RTL that is streamed; RTL of single positions does not."""
    keras.utils.set_random_seed(3)
    graph, inputs, want = graph_and_events(image(37, 4, (8, 8, 8)), 200)
    assert_equal(load(graph, cache_dir=tmp_path)(inputs), want, "the compiled emulator")
    write_project(graph, TargetSettings(), tmp_path / "hls")
    assert_equal(csim(tmp_path / "hls", list(inputs.values())).outputs, want, "the C-simulation")
    with pytest.raises(UnsupportedError, match="too large for RTL"):
        emit_rtl(graph, TargetSettings())
    start = time.perf_counter()
    texts = emit_rtl(graph, TargetSettings(rtl_schedule="streamed"))
    assert time.perf_counter() - start < 20
    assert sum(len(text) for path, text in texts.items() if path.startswith("src/")) < 2_000_000
    if has_verilator():
        write_texts(tmp_path / "rtl", texts)
        assert_equal(rtlsim(tmp_path / "rtl", graph, inputs).outputs, want, "the streamed RTL")
