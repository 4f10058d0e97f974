"""Every refusal of the frontend: what it names, where, and that all of one model come together."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from fasttrig.base.errors import InputError, RefusalError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.final_link import index_type
from fasttrig.frontends.keras.layers import LAYERS as LAYERS_READ
from fasttrig.frontends.keras.layers import REFUSED_LAYERS, WRAPPERS
from fasttrig.frontends.keras.qkeras import read_qkeras
from tests.unit.frontends.framework import keras, qdense, qkeras, randomised, require_equal, sequential

INPUT = FixedType(10, 4)
LAYERS = keras.layers

REFUSED = {
    "an unquantised layer": (lambda: [LAYERS.Dense(3, name="d")], "layer 'd' (Dense)", "not quantised", "QDense"),
    "an unquantised kernel": (
        lambda: [qdense(3, "d", kernel_quantizer=None)],
        "> kernel_quantizer",
        "kernel of this layer",
        "retrain",
    ),
    "an unquantised bias": (
        lambda: [qdense(3, "d", bias_quantizer=None)],
        "> bias_quantizer",
        "bias of this layer",
        "retrain",
    ),
    "a scale that is no power of two": (
        lambda: [qdense(3, "d", kernel_quantizer="quantized_bits(6,0,alpha=0.3)")],
        "> kernel_quantizer",
        "cannot use this quantizer",
        "alpha=1",
    ),
    "tanh inside": (lambda: [qdense(3, "d", activation="tanh")], "> activation", "exactly", "quantized_tanh"),
    "QKeras' own hard_sigmoid": (
        lambda: [qkeras.QActivation("hard_sigmoid", name="a")],
        "> activation",
        "exactly",
        "quantized_tanh",
    ),
    "softmax inside": (
        lambda: [LAYERS.Activation("softmax", name="a"), qdense(3, "d")],
        "'a' (Activation)",
        "not the end",
        "firmware",
    ),
    "sigmoid inside": (
        lambda: [qdense(4, "c", activation="sigmoid"), qdense(3, "d")],
        "'c' (QDense) > activation",
        "not the end",
        "",
    ),
    "softmax over another axis": (
        lambda: [LAYERS.Reshape((2, 2), name="r"), LAYERS.Softmax(axis=1, name="a")],
        "> axis",
        "the last axis only",
        "",
    ),
    "a slope that is no shift": (lambda: [LAYERS.LeakyReLU(0.3, name="a")], "> negative_slope", "not a shift", "0.125"),
    "a slope above one": (lambda: [LAYERS.LeakyReLU(2.0, name="a")], "> negative_slope", "not a shift", "0.125"),
    "a limit off the grid": (
        lambda: [LAYERS.ReLU(max_value=0.3, name="a")],
        "> max_value",
        "not on the operand's grid",
        "quantized_relu",
    ),
    "an unknown layer": (
        lambda: [LAYERS.UnitNormalization(name="p")],
        "'p' (UnitNormalization)",
        "does not know this layer",
        "",
    ),
    "an exponential": (lambda: [LAYERS.ELU(name="p")], "'p' (ELU)", "cannot compute this activation", "LeakyReLU"),
    "an automatic activation scale": (
        lambda: [qkeras.QActivation("quantized_bits(6,0,alpha='auto_po2')", name="a")],
        "> activation",
        "on activations",
        "alpha=1",
    ),
    "a wide operand of a table": (
        lambda: [qdense(3, "d"), qkeras.QActivation("quantized_tanh(6,use_real_tanh=True)", name="a")],
        "> activation",
        "too wide",
        "quantized_bits(12",
    ),
    "random numbers": (
        lambda: [qkeras.QActivation("bernoulli(alpha=1)", name="a")],
        "> activation",
        "cannot use this",
        "random",
    ),
    "noise left over": (
        lambda: [qkeras.QActivation(qkeras.quantized_relu(4, qnoise_factor=0.5), name="a")],
        "> activation",
        "cannot use this",
        "qnoise_factor",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusal(case: str) -> None:
    layers, where, what, hint = REFUSED[case]
    model = sequential(*layers())
    with pytest.raises(RefusalError) as caught:
        read_qkeras(model, input_type=INPUT)
    (refusal,) = caught.value.refusals
    assert where in refusal.where and refusal.where.startswith(f"model '{model.name}' > layer '")
    assert what in refusal.what and hint in refusal.try_ and refusal.got and refusal.want


def test_all_refusals_come_together() -> None:
    model = sequential(
        qdense(4, "fc1", kernel_quantizer="quantized_bits(6,0,alpha='auto')", bias_quantizer=None, activation="tanh"),
        LAYERS.BatchNormalization(name="bn"),
        LAYERS.UnitNormalization(name="odd"),
        qdense(3, "fc2", kernel_quantizer="quantized_hswish(6,2)"),
    )
    with pytest.raises(RefusalError) as caught:
        read_qkeras(model, input_type=INPUT, max_scale_error_lsb=0)
    ends = [refusal.where.split(" > ", 1)[1] for refusal in caught.value.refusals]
    assert ends == [
        "layer 'fc1' (QDense) > kernel_quantizer",
        "layer 'fc1' (QDense) > bias_quantizer",
        "layer 'fc1' (QDense) > activation",
        "layer 'bn' (BatchNormalization) > scale",
        "layer 'odd' (UnitNormalization)",
        "layer 'fc2' (QDense) > kernel_quantizer",
    ]
    assert str(caught.value).count("where:") == 6 and "6 places" in str(caught.value)


def test_near_names_are_offered() -> None:
    from fasttrig.frontends.keras.layers import prepare
    from fasttrig.frontends.keras.lowering import Lowering
    from fasttrig.frontends.keras.quantizers import read_quantizer
    from fasttrig.frontends.source import LayerSpec, ModelSpec
    from fasttrig.ir.builder import GraphBuilder

    layer = LayerSpec("a", "Concatenat", {}, {})
    with pytest.raises(UnsupportedError) as caught:
        prepare(Lowering(ModelSpec("m", "m.h5", (layer,), (), ()), GraphBuilder("m")), layer)
    assert "did you mean 'Concatenate'" in caught.value.try_
    with pytest.raises(UnsupportedError) as caught:
        read_quantizer("quantised_relu(6)", "m")
    assert "did you mean 'quantized_relu'" in caught.value.try_


def test_shapes_that_do_not_fit() -> None:
    open_shape = keras.Model(z := keras.Input((None, 3), name="z"), qdense(2, "d")(z))
    with pytest.raises(InputError, match="shape of this input is not fixed"):
        read_qkeras(open_shape, input_type=INPUT)


def test_softmax_with_another_output() -> None:
    x = keras.Input((4,), name="x")
    logits = qdense(3, "fc")(x)
    model = randomised(keras.Model(x, [LAYERS.Softmax(name="p")(logits), logits]))
    with pytest.raises(RefusalError):
        read_qkeras(model, input_type=INPUT)


def test_an_input_without_a_type() -> None:
    x = keras.Input((4,), name="x")
    for layers in ([qdense(3, "fc")], [qkeras.QActivation("quantized_relu(4)", name="a")]):
        y = x
        for layer in layers:
            y = layer(y)
        with pytest.raises(InputError, match="the type of this input is not known") as caught:
            read_qkeras(keras.Model(x, y))
        assert "layer 'x'" in caught.value.where and "input_type=FixedType(16, 6)" in caught.value.try_
    two = [qkeras.QActivation(f"quantized_bits({bits},2,alpha=1)", name=f"a{bits}")(x) for bits in (4, 6)]
    with pytest.raises(InputError, match="type of this input is not known"):
        read_qkeras(keras.Model(x, two))


def test_wrong_arguments() -> None:
    model = sequential(qdense(3, "fc"))
    with pytest.raises(InputError, match="no such input") as caught:
        read_qkeras(model, input_type={"X": INPUT})
    assert caught.value.got == "'X'" and "one of: x" in caught.value.try_
    with pytest.raises(InputError, match="no such output_activation"):
        read_qkeras(model, input_type=INPUT, output_activation="chip")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one type per entry of the last axis"):
        read_qkeras(model, input_type=INPUT, channel_types=[INPUT])


def test_a_rounded_normalisation_must_fit_its_type() -> None:
    model = sequential(qdense(3, "fc"), LAYERS.BatchNormalization(name="bn"))
    model.get_layer("bn").set_weights([np.full(3, 100.0), *[np.ones(3)] * 3])
    with pytest.raises(RefusalError) as caught:
        read_qkeras(model, input_type=INPUT, batchnorm_type=FixedType(12, 4))
    assert caught.value.refusals[0].try_ == "give more integer bits"


def test_a_softmax_table_that_would_be_too_large() -> None:
    with pytest.raises(UnsupportedError, match="too large") as caught:
        index_type(600.0, 8, signed=False, where="m.h5 > layer 'softmax'")
    assert "reach 600 in steps of 2**-4: 16384 entries" in caught.value.got and "4096" in caught.value.want
    assert index_type(12.5, 8, signed=False, where="m") == FixedType(12, 4, signed=False)
    assert index_type(12.5, 2, signed=True, where="m") == FixedType(7, 5)
    assert index_type(600.0, 0, signed=False, where="m") == FixedType(10, 10, signed=False)


def test_a_live_upper_bound_that_qkeras_honours() -> None:
    """is_quantized_clip is not saved: only the live object tells that the bound counts."""
    bounded = qkeras.quantized_relu(5, 2, relu_upper_bound=2.5, is_quantized_clip=False)
    leaky = qkeras.quantized_relu(6, 2, negative_slope=0.25, relu_upper_bound=1.5, is_quantized_clip=False)
    model = sequential(qdense(8, "fc1", activation=bounded), qdense(8, "fc2", activation=leaky), qdense(3, "fc3"))
    graph = require_equal(model, INPUT)
    assert graph.op("fc1_relu").limit_raw == 20


def test_an_upper_bound_in_a_file_is_ambiguous(tmp_path) -> None:
    bounded = qkeras.quantized_relu(5, 2, relu_upper_bound=2.5, is_quantized_clip=False)
    model = sequential(qdense(8, "fc1", activation=bounded))
    model.save(tmp_path / "m.h5")
    with pytest.raises(RefusalError) as caught:
        read_qkeras(tmp_path / "m.h5", input_type=INPUT)
    assert "effect of this bound" in caught.value.refusals[0].what


@pytest.mark.parametrize("kind", ["QUnknown", "QGRUs", "QConv4D", "Resizing", "UnitNormalization"])
def test_no_name_of_another_layer_is_offered(kind: str) -> None:
    """A resembling name helps with typing errors; 'ReLU' for a recurrent layer misleads."""
    from fasttrig.frontends.keras.layers import prepare
    from fasttrig.frontends.keras.lowering import Lowering
    from fasttrig.frontends.source import LayerSpec, ModelSpec
    from fasttrig.ir.builder import GraphBuilder

    with pytest.raises(UnsupportedError) as caught:
        prepare(Lowering(ModelSpec("m", "m.h5", (), (), ()), GraphBuilder("m")), LayerSpec("a", kind, {}, {}))
    assert "'ReLU'" not in caught.value.try_ and "'BatchNormalization'" not in caught.value.try_


@pytest.mark.parametrize("module", ["HGQ", "HGQ.layers.dense"])
def test_hgq_1_is_named(module: str) -> None:
    from fasttrig.frontends.keras.model_config import model_spec

    entry = {"class_name": "QDense", "module": module, "config": {"name": "d", "units": 3}}
    with pytest.raises(UnsupportedError, match="HGQ 1 yet") as caught:
        model_spec({"class_name": "Sequential", "config": {"layers": [entry]}}, "m.keras", lambda tree: {})
    assert f"{module}.QDense" == caught.value.got


def test_hgq_1_is_named_by_its_classes() -> None:
    from fasttrig.frontends.keras.layers import prepare
    from fasttrig.frontends.keras.lowering import Lowering
    from fasttrig.frontends.source import LayerSpec, ModelSpec
    from fasttrig.ir.builder import GraphBuilder

    with pytest.raises(UnsupportedError, match="HGQ 1 yet"):
        prepare(Lowering(ModelSpec("m", "m.h5", (), (), ()), GraphBuilder("m")), LayerSpec("a", "HDense", {}, {}))


def test_every_class_of_hls4ml_is_known_by_name() -> None:
    """Each layer class that hls4ml's Keras converter handles is read, or refused with its own advice."""
    registry = importlib.import_module("hls4ml.converters.keras_v2_to_hls").layer_handlers
    known = {*LAYERS_READ, *REFUSED_LAYERS, *WRAPPERS, "InputLayer", "Functional", "Sequential"}
    assert len(registry) > 50 and not set(registry) - known
