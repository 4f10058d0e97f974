"""Convolutions, pooling, layers of shape and layers that join: every option against QKeras, in raw integers."""

from __future__ import annotations

import numpy as np
import pytest

from fasttrig.base.errors import InputError, RefusalError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.qkeras import read_qkeras
from tests.unit.frontends.framework import keras, qdense, qkeras, require_equal

INPUT = FixedType(7, 3)
QUANTISERS = {"kernel_quantizer": "quantized_bits(5,1,alpha=1)", "bias_quantizer": "quantized_bits(5,1,alpha=1)"}
DEPTHWISE = {"depthwise_quantizer": "quantized_bits(5,1,alpha=1)", "bias_quantizer": "quantized_bits(5,1,alpha=1)"}
BIAS = {"bias_initializer": keras.initializers.RandomUniform(-1, 1, seed=3)}
L = keras.layers


def seeded(layer_class, *args, **options):
    """A layer with weights off every grid."""
    name = "depthwise_initializer" if "Depthwise" in layer_class.__name__ else "kernel_initializer"
    return layer_class(*args, name="layer", **{name: keras.initializers.RandomUniform(-1, 1, seed=2)}, **options)


def of_layer(layer, shape=(6, 5, 3)):
    x = keras.Input(shape, name="x")
    return keras.Model(x, layer(x))


CONVOLUTIONS = {
    "valid": lambda: seeded(qkeras.QConv2D, 4, (3, 2), **QUANTISERS, **BIAS),
    "same": lambda: seeded(qkeras.QConv2D, 4, 3, padding="same", **QUANTISERS, **BIAS),
    "strides": lambda: seeded(qkeras.QConv2D, 4, (3, 2), strides=2, padding="same", **QUANTISERS),
    "dilation": lambda: seeded(qkeras.QConv2D, 2, 2, dilation_rate=(2, 3), padding="same", **QUANTISERS),
    "pointwise": lambda: seeded(qkeras.QConv2D, 4, 1, **QUANTISERS),
    "activation": lambda: seeded(qkeras.QConv2D, 4, 2, activation="quantized_relu(5,2)", **QUANTISERS),
    "no_bias": lambda: seeded(qkeras.QConv2D, 4, 2, use_bias=False, kernel_quantizer="ternary(alpha=1)"),
    "auto_po2": lambda: seeded(
        qkeras.QConv2D, 4, 2, kernel_quantizer="quantized_bits(4,0,alpha='auto_po2')", bias_quantizer="quantized_po2(4)"
    ),
    "depthwise": lambda: seeded(qkeras.QDepthwiseConv2D, 3, **DEPTHWISE, **BIAS),
    "depth_multiplier": lambda: seeded(
        qkeras.QDepthwiseConv2D, (2, 3), depth_multiplier=2, padding="same", strides=(1, 1), **DEPTHWISE
    ),
    "depthwise_auto": lambda: seeded(
        qkeras.QDepthwiseConv2D, 2, depthwise_quantizer="quantized_bits(4,0)", bias_quantizer="quantized_bits(5,1)"
    ),
    "separable": lambda: qkeras.QSeparableConv2D(
        4, 3, name="layer", pointwise_quantizer="quantized_bits(4,0,alpha=1)", padding="same", **DEPTHWISE
    ),
    "transposed": lambda: seeded(qkeras.QConv2DTranspose, 2, 3, strides=(2, 1), **QUANTISERS, **BIAS),
    "transposed_same": lambda: seeded(qkeras.QConv2DTranspose, 2, (3, 2), strides=2, padding="same", **QUANTISERS),
    "transposed_steps": lambda: seeded(qkeras.QConv2DTranspose, 2, 2, strides=3, **QUANTISERS),
    "max": lambda: L.MaxPooling2D(2, name="layer"),
    "max_same": lambda: L.MaxPooling2D((3, 2), strides=(2, 1), padding="same", name="layer"),
    "average": lambda: L.AveragePooling2D((2, 2), strides=1, name="layer"),
    "q_average": lambda: qkeras.QAveragePooling2D(
        (3, 2),
        average_quantizer="quantized_bits(8,0,1,alpha=1)",
        activation="quantized_bits(6,3,alpha=1)",
        name="layer",
    ),
    "q_average_plain": lambda: qkeras.QAveragePooling2D(
        3, average_quantizer="quantized_bits(8,0,1,alpha=1)", name="layer"
    ),
    "q_global_average": lambda: qkeras.QGlobalAveragePooling2D(
        average_quantizer="quantized_bits(9,0,1,alpha=1)", name="layer"
    ),
    "global_max": lambda: L.GlobalMaxPooling2D(name="layer"),
    "global_max_kept": lambda: L.GlobalMaxPooling2D(keepdims=True, name="layer"),
    "permute": lambda: L.Permute((3, 1, 2), name="layer"),
    "upsampling": lambda: L.UpSampling2D((2, 3), name="layer"),
    "zero_padding": lambda: L.ZeroPadding2D(((1, 2), (0, 3)), name="layer"),
    "cropping": lambda: L.Cropping2D(((1, 2), (0, 3)), name="layer"),
}

SEQUENCES = {
    "causal": lambda: seeded(qkeras.QConv1D, 4, 3, padding="causal", dilation_rate=2, **QUANTISERS, **BIAS),
    "strided": lambda: seeded(qkeras.QConv1D, 4, 3, strides=2, padding="same", **QUANTISERS),
    "separable": lambda: qkeras.QSeparableConv1D(
        4, 3, name="layer", pointwise_quantizer="quantized_bits(4,0,alpha='auto_po2')", **DEPTHWISE
    ),
    "max": lambda: L.MaxPooling1D(3, strides=2, padding="same", name="layer"),
    "average": lambda: L.AveragePooling1D(4, name="layer"),
    "global_average": lambda: L.GlobalAveragePooling1D(name="layer"),
    "upsampling": lambda: L.UpSampling1D(3, name="layer"),
    "zero_padding": lambda: L.ZeroPadding1D((2, 1), name="layer"),
    "cropping": lambda: L.Cropping1D((2, 1), name="layer"),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_images(name: str) -> None:
    require_equal(of_layer(CONVOLUTIONS[name]()), INPUT)


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences(name: str) -> None:
    require_equal(of_layer(SEQUENCES[name](), (8, 3)), INPUT)


def test_repeated_vector() -> None:
    require_equal(of_layer(L.RepeatVector(3, name="layer"), (4,)), INPUT)


JOINS = {
    "subtract": L.Subtract,
    "multiply": L.Multiply,
    "maximum": L.Maximum,
    "minimum": L.Minimum,
    "average": L.Average,
    "add": L.Add,
}


@pytest.mark.parametrize("name", JOINS)
@pytest.mark.parametrize("shapes", [((4,), (4,)), ((3, 4), (1, 4)), ((3, 1), (4,))], ids=str)
def test_joins_and_their_broadcasts(name: str, shapes) -> None:
    first, second = keras.Input(shapes[0], name="x"), keras.Input(shapes[1], name="y")
    require_equal(keras.Model([first, second], JOINS[name](name="layer")([first, second])), INPUT)


@pytest.mark.parametrize(
    ("shapes", "axes"), [(((4,), (4,)), 1), (((3, 4), (2, 4)), 2), (((3, 4), (3, 5)), 1), (((3, 4), (4,)), (2, 1))]
)
def test_dot_products(shapes, axes) -> None:
    first, second = keras.Input(shapes[0], name="x"), keras.Input(shapes[1], name="y")
    require_equal(keras.Model([first, second], L.Dot(axes, name="layer")([first, second])), INPUT)


@pytest.mark.parametrize("kind", ["QConv2DBatchnorm", "QDepthwiseConv2DBatchnorm"])
def test_folded_normalisations(kind: str) -> None:
    options = QUANTISERS if kind == "QConv2DBatchnorm" else DEPTHWISE
    sizes = ((4,) if kind == "QConv2DBatchnorm" else ()) + (3,)
    model = of_layer(getattr(qkeras, kind)(*sizes, name="layer", activation="quantized_relu(6,2)", **options))
    rng = np.random.default_rng(4)
    for variable in model.get_layer("layer").weights:
        if "iteration" not in variable.name:
            variable.assign(rng.uniform(0.3, 1.2, variable.shape))
    require_equal(model, INPUT)


def image_network():
    """Convolutions, pooling and a dense head, as image taggers have them."""
    x = keras.Input((8, 8, 2), name="image")
    hidden = qkeras.QConv2D(4, 3, padding="same", name="conv1", **QUANTISERS)(x)
    hidden = qkeras.QActivation("quantized_relu(6,2)", name="relu1")(hidden)
    hidden = L.MaxPooling2D(2, name="pool1")(hidden)
    hidden = qkeras.QDepthwiseConv2D(3, name="conv2", activation="quantized_relu(6,2)", **DEPTHWISE)(hidden)
    hidden = L.GlobalAveragePooling2D(name="pool2")(hidden)
    return keras.Model(x, qdense(3, "fc")(hidden))


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_files_are_the_live_model(ending: str, tmp_path) -> None:
    live = image_network()
    live.save(tmp_path / f"n.{ending}")
    graphs = [read_qkeras(live, input_type=INPUT, name="n"), read_qkeras(tmp_path / f"n.{ending}", input_type=INPUT)]
    texts = [[line.split(" from ")[0] for line in str(graph).splitlines()] for graph in graphs]
    assert texts[0] == texts[1]
    require_equal(live, INPUT)


REFUSED = {
    "padded average": (lambda: L.AveragePooling2D(2, strides=1, padding="same", name="layer"), "edge"),
    "average of nine": (lambda: L.AveragePooling2D(3, name="layer"), "average_quantizer"),
    "bilinear": (lambda: L.UpSampling2D(2, interpolation="bilinear", name="layer"), "nearest"),
    "float kernel": (lambda: qkeras.QConv2D(4, 3, name="layer"), "kernel_quantizer"),
    "float layer": (lambda: L.Conv2D(4, 3, name="layer"), "QConv2D"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_say_what_to_use(name: str) -> None:
    make, hint = REFUSED[name]
    with pytest.raises((RefusalError, InputError)) as caught:
        read_qkeras(of_layer(make()), input_type=INPUT)
    assert hint in str(caught.value)
