"""Whole models: framework and emulator in raw integers, from live objects and from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fasttrig.base.errors import CheckFailed, InputError
from fasttrig.base.fixed import FixedType, from_value, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.keras.lowering import Names, identifier
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.ir.graph import Postprocessor
from fasttrig.ir.ops import Cast, MatMul, Scale
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.reference import qkeras_run
from tests.unit.frontends.framework import (
    keras,
    qdense,
    qkeras,
    random_inputs,
    randomised,
    require_equal,
    sequential,
)

INPUT = FixedType(10, 4)


def jet_tagger():
    layers = []
    for units, count in ((64, 1), (32, 2), (32, 3)):
        layers += [qdense(units, f"fc{count}"), qkeras.QActivation("quantized_relu(6)", name=f"relu{count}")]
    layers += [qdense(5, "logits"), keras.layers.Activation("softmax", name="softmax")]
    return sequential(*layers, shape=(16,))


def branches():
    x, y = keras.Input((6,), name="x"), keras.Input((2, 3), name="y")
    a = qdense(6, "a", activation="quantized_relu(5,1)")(x)
    b = qdense(4, "b", activation=qkeras.quantized_tanh(5))(y)
    b = keras.layers.Flatten(name="flat")(b)
    c = keras.layers.Concatenate(name="joined")([a, keras.layers.Dropout(0.5, name="drop")(b)])
    c = keras.layers.Reshape((7, 2), name="folded")(c)
    c = qdense(3, "c")(c)
    d = keras.layers.Add(name="sum")(
        [
            c,
            c,
            qdense(3, "d")(
                keras.layers.Reshape((7, 2), name="again")(keras.layers.Concatenate(axis=1, name="other")([b, a]))
            ),
        ]
    )
    e = keras.layers.LeakyReLU(0.125, name="leaky")(d)
    f = keras.layers.ReLU(max_value=1.5, name="bounded")(e)
    return randomised(keras.Model([x, y], [qdense(2, "out1")(keras.layers.Flatten(name="flat2")(f)), e]))


@pytest.fixture(params=["live", "h5", "keras"])
def as_source(request, tmp_path):
    def convert(model):
        if request.param == "live":
            return model
        path = tmp_path / f"net.{request.param}"
        model.save(path)
        return path

    return convert


def test_a_jet_tagger(as_source) -> None:
    graph = require_equal(as_source(jet_tagger()), FixedType(16, 6), 4000)
    assert graph.postprocessor is Postprocessor.SOFTMAX
    names = ["fc1", "relu1", "fc2", "relu2", "fc3", "relu3", "logits"]
    assert [op.name for op in graph.ops] == ["x", *names]
    assert graph.op("fc1").origin.endswith("> layer 'fc1'")
    assert parse_graph(print_graph(graph)) == graph


def test_two_inputs_two_outputs_and_every_shape_layer(as_source) -> None:
    graph = require_equal(as_source(branches()), {"x": FixedType(7, 2), "y": FixedType(8, 3)})
    assert [op.name for op in graph.inputs] == ["x", "y"]
    assert [value.name for value in graph.outputs] == ["out1", "leaky"]


def test_files_and_live_models_give_the_same_integers(tmp_path) -> None:
    model = branches()
    types = {"x": FixedType(7, 2), "y": FixedType(8, 3)}
    live = print_graph(read_qkeras(model, input_type=types, name="n")).splitlines()
    for ending in ("h5", "keras"):
        model.save(tmp_path / f"n.{ending}")
        text = print_graph(read_qkeras(tmp_path / f"n.{ending}", input_type=types)).splitlines()
        assert [line.split(" from ")[0] for line in text] == [line.split(" from ")[0] for line in live]


@pytest.mark.parametrize(
    ("kernel", "bias"),
    [
        ("ternary(alpha=1)", "binary(alpha=1)"),
        ("binary(alpha='auto_po2')", "quantized_po2(4)"),
        ("quantized_po2(4,1)", "quantized_bits(8,2,alpha=1)"),
        ("quantized_bits(4,0,alpha='auto_po2')", "ternary()"),
        ("quantized_bits(6,1,1,alpha=0.5)", "quantized_bits(12,1,alpha=1)"),
        ("ternary()", "quantized_bits(4)"),
        ("quantized_bits(1,0,alpha=1)", "quantized_bits(3,1,keep_negative=False)"),
    ],
)
def test_weight_quantizers_in_a_network(kernel: str, bias: str) -> None:
    options = {"kernel_quantizer": kernel, "bias_quantizer": bias}
    model = sequential(qdense(8, "fc1", activation="quantized_relu(5,2)", **options), qdense(3, "fc2", **options))
    require_equal(model, INPUT)


@pytest.mark.parametrize(
    "activation",
    [
        "quantized_relu(4,1,negative_slope=0.125)",
        "quantized_relu(5,2)",
        "binary()",
        "ternary(threshold=0.5)",
        "quantized_sigmoid(6)",
        "quantized_tanh(5)",
        "quantized_bits(4,1,1,alpha=2.0)",
        "relu",
    ],
)
def test_activations_in_a_network(activation: str) -> None:
    model = sequential(qdense(8, "fc1", activation=activation), qdense(3, "fc2", use_bias=False))
    require_equal(model, INPUT)


@pytest.mark.parametrize(
    "activation",
    ["quantized_tanh(6,use_real_tanh=True)", "quantized_po2(4)", "quantized_sigmoid(6,use_real_sigmoid=True)"],
)
def test_tables_in_a_network(activation: str) -> None:
    model = sequential(
        qdense(8, "fc1", activation="quantized_bits(8,2,alpha=1)"),
        qkeras.QActivation(activation, name="curve"),
        qdense(3, "fc2"),
    )
    require_equal(model, INPUT)


def test_a_shared_layer_is_lowered_at_each_call() -> None:
    x, y = keras.Input((3,), name="x"), keras.Input((3,), name="y")
    shared = qdense(4, "shared", activation="quantized_relu(6,2)")
    model = randomised(keras.Model([x, y], keras.layers.Add(name="sum")([shared(x), shared(y)])))
    graph = require_equal(model, INPUT)
    assert [op.name for op in graph.ops if isinstance(op, MatMul)] == ["shared_0", "shared_0_2"]  # a word of VHDL


@pytest.mark.parametrize("function", ["softmax", "sigmoid"])
@pytest.mark.parametrize("form", ["Activation", "QActivation", "inline", "Softmax"])
def test_the_link_is_left_out(function: str, form: str) -> None:
    ends = {
        "Activation": lambda: [qdense(3, "fc"), keras.layers.Activation(function, name="link")],
        "QActivation": lambda: [qdense(3, "fc"), qkeras.QActivation(function, name="link")],
        "inline": lambda: [qdense(3, "fc", activation=function)],
        "Softmax": lambda: [qdense(3, "fc"), keras.layers.Softmax(name="link")],
    }
    graph = require_equal(sequential(*ends[form]()), INPUT)
    want = "softmax" if form == "Softmax" else function
    assert graph.postprocessor.value == want and graph.outputs[0].name == "fc"


@pytest.mark.parametrize(("function", "bound"), [("softmax", 0.006), ("sigmoid", 0.003)])
def test_the_link_in_the_firmware_resolves_its_logits(function: str, bound: float) -> None:
    model = sequential(
        qdense(16, "fc1", activation="quantized_relu(6,1)"),
        qdense(5, "fc2"),
        keras.layers.Activation(function, name="link"),
        shape=(8,),
    )
    graph = read_qkeras(model, input_type=INPUT, output_activation="firmware")
    raw = random_inputs(graph, 3000)
    assert graph.postprocessor is Postprocessor.NONE and graph.outputs[0].name == "link"
    got = to_value(evaluate(graph, raw).outputs["link"], graph.outputs[0].type)
    want = model.predict(to_value(raw["x"], INPUT), verbose=0)
    assert np.abs(got - want).max() < bound
    logits = qkeras_run.framework_predict(model, to_value(raw["x"], INPUT))["link"]
    ordered = np.sort(logits, axis=-1)
    clear = (ordered[:, -1] - ordered[:, -2] > 2.0**-4) & (np.sort(want, axis=-1)[:, -2] > 2.0**-14)
    clear &= (np.sort(want, axis=-1)[:, -1] < 1 - 2.0**-12) & (want.max(axis=-1) > 2.0**-10)
    assert clear.sum() > 200
    assert (got.argmax(axis=-1) == logits.argmax(axis=-1))[clear].all()


def test_the_input_type_is_that_of_the_first_cast() -> None:
    first = qkeras.QActivation(qkeras.quantized_bits(8, 3, alpha=1), name="grid")
    graph = require_equal(sequential(first, qdense(3, "fc")), None)
    assert graph.inputs[0].result.type == FixedType(8, 4)
    assert isinstance(graph.op("grid"), Cast)


def test_channel_types_are_kept() -> None:
    channels = (FixedType(10, 4), FixedType(8, 4), FixedType(4, 2), FixedType(1, 1, signed=False))
    graph = read_qkeras(sequential(qdense(3, "fc")), input_type=INPUT, channel_types=channels)
    assert graph.inputs[0].channel_types == channels


def exact_norm(model):
    """Variances that make scale and offset short binary numbers (epsilon a power of two)."""
    layer = model.get_layer("bn")
    n = layer.get_weights()[0].shape[0]
    eps = layer.epsilon
    layer.set_weights([np.full(n, 0.5), np.full(n, 0.25), np.full(n, 2.0), np.full(n, 4 - eps)])
    return model


def test_a_batch_normalisation_on_a_grid_is_exact() -> None:
    model = exact_norm(
        sequential(
            qdense(4, "fc1"),
            keras.layers.BatchNormalization(epsilon=2.0**-10, name="bn"),
            qkeras.QActivation("quantized_relu(6,2)", name="relu"),
        )
    )
    graph = require_equal(model, INPUT)
    (scale,) = [op for op in graph.ops if isinstance(op, Scale)]
    assert (scale.scale.raw / 2.0**scale.scale.type.fraction_bits == 0.25).all()


def test_a_rounded_batch_normalisation_says_so() -> None:
    model = sequential(
        qdense(4, "fc1"),
        keras.layers.BatchNormalization(name="bn"),
        qkeras.QActivation("quantized_relu(6,2)", name="relu"),
        qdense(3, "fc2"),
    )
    rng = np.random.default_rng(1)
    model.get_layer("bn").set_weights([rng.uniform(0.5, 2, 4) for _ in range(4)])
    kind = FixedType(18, 8)
    graph = require_equal(model, INPUT, batchnorm_type=kind)
    assert graph.op("bn").scale.type == kind and "rounded to fixed<18,8>" in graph.op("bn").origin
    scale, _ = model.get_layer("bn").gamma / np.sqrt(model.get_layer("bn").moving_variance + 1e-3), None
    assert np.array_equal(graph.op("bn").scale.raw, from_value(np.asarray(scale, np.float64), kind))


def test_a_framework_number_off_the_grid_fails_and_is_not_rounded() -> None:
    value = read_qkeras(sequential(qdense(3, "fc")), input_type=INPUT).outputs[0]
    with pytest.raises(CheckFailed, match="not on the graph's grid"):
        qkeras_run.raw_of(value, np.full((2, 3), value.type.lsb * 0.5), "fc")
    assert (qkeras_run.raw_of(value, np.full((2, 3), value.type.lsb * 5), "fc") == 5).all()


def test_the_first_differing_layer_is_named() -> None:
    model = sequential(qdense(8, "fc1", activation="quantized_relu(5,2)"), qdense(3, "fc2"))
    graph = read_qkeras(model, input_type=INPUT)
    raw = random_inputs(graph, 100)
    keep = [op.name for op in qkeras_run.layer_ends(graph).values()]
    trace = qkeras_run.framework_trace(model, qkeras_run.input_values(graph, raw))
    emulated = dict(evaluate(graph, raw, keep=keep).trace)
    assert qkeras_run.first_difference(graph, trace, emulated) is None
    emulated["fc1_relu"] = emulated["fc1_relu"].copy()
    emulated["fc1_relu"][7, 2] += 1
    found = qkeras_run.first_difference(graph, trace, emulated)
    assert (found.op, found.layer, found.event, found.index) == ("fc1_relu", "fc1", 7, (2,))


def test_float32_rounds_wide_sums_and_float64_does_not() -> None:
    """QKeras casts a quantized_relu's operand to float32; the run in float64 must not."""
    wide = {"kernel_quantizer": "quantized_bits(16,0,alpha=1)", "bias_quantizer": "quantized_bits(16,0,alpha=1)"}
    model = sequential(qdense(16, "fc1", activation="quantized_relu(24,6)", **wide), shape=(32,))
    graph = require_equal(model, FixedType(16, 6), 4000)
    assert qkeras_run.beyond_float32(graph) == ("fc1",)
    raw = random_inputs(graph, 4000)
    single = qkeras_run.framework_predict(model, qkeras_run.input_values(graph, raw), float64=False)["fc1"]
    double = qkeras_run.framework_predict(model, qkeras_run.input_values(graph, raw))["fc1"]
    assert (single != double).any()
    with pytest.raises(InputError, match="cannot hold this number"):
        qkeras_run.framework_raw(graph, model, raw, float64=False)


def test_the_run_leaves_keras_as_it_was() -> None:
    model = jet_tagger()
    before, backend = keras.backend.floatx(), qkeras.quantizers.K
    x = np.zeros((3, 16))
    probabilities = model.predict(x, verbose=0)
    qkeras_run.framework_predict(model, x)
    assert keras.backend.floatx() == before and qkeras.quantizers.K is backend
    assert np.array_equal(model.predict(x, verbose=0), probabilities) and np.allclose(probabilities.sum(axis=1), 1)


def test_names_are_identifiers_and_unique() -> None:
    assert identifier("a/b.c-d") == "a_b_c_d" and identifier("1st") == "n1st" and identifier("int") == "int_0"
    assert identifier("é!") == "n" and identifier("__x__") == "x"
    names = Names()
    assert [names.new(n) for n in ("fc", "fc", "FC", "fc_2")] == ["fc", "fc_2", "FC_3", "fc_2_2"]


def test_a_models_directory_does_not_reach_the_graph(tmp_path: Path) -> None:
    path = tmp_path / "secret" / "net.h5"
    path.parent.mkdir()
    jet_tagger().save(path)
    assert "secret" not in print_graph(read_qkeras(path, input_type=INPUT))
