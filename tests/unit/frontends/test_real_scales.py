"""Real scales become integer multipliers: every rung computes with them, and the loss that was asked for is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import CheckFailed, RefusalError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.keras.qkeras import convert, read_qkeras
from fasttrig.frontends.keras.quantizers import read_quantizer
from fasttrig.frontends.keras.weights import quantise
from fasttrig.frontends.scales import multipliers
from fasttrig.ir.ops import Scale
from fasttrig.reference.pinned_weights import with_multipliers
from fasttrig.reference.qkeras_run import framework_raw
from tests.unit.frontends.framework import (
    eager,
    keras,
    qdense,
    qkeras,
    random_inputs,
    require_equal,
    sequential,
)

INPUT = FixedType(8, 3)
AUTO = {
    "quantized_bits(5,0,1,alpha='auto')": lambda: qkeras.quantized_bits(5, 0, 1, alpha="auto"),
    "quantized_bits(4,2,1,alpha='auto')": lambda: qkeras.quantized_bits(4, 2, 1, alpha="auto"),
    "ternary(alpha='auto')": lambda: qkeras.ternary(alpha="auto"),
    "binary(alpha='auto')": lambda: qkeras.binary(alpha="auto"),
}


@pytest.mark.parametrize("content", AUTO)
@pytest.mark.parametrize("shape", [(24, 40), (3, 2, 5, 7), (16,)])
def test_steps_and_scale_are_those_of_qkeras(content: str, shape: tuple[int, ...]) -> None:
    weight = np.random.default_rng(2).normal(0, 0.4, shape).astype(np.float32)
    weight[..., 0] = 0 if len(shape) > 1 else weight[..., 0]  # a channel of zeros has no scale
    quantizer = read_quantizer(content, "m")
    assert quantizer is not None
    found = quantise(quantizer, weight, "m")
    assert found.scale is not None and found.scale.dtype == np.float32
    want = eager(AUTO[content](), weight)
    steps = np.where(found.scale == 0, 0, found.values)
    assert np.array_equal(steps, np.rint(want / np.where(found.scale == 0, 1, found.scale)))
    largest = np.abs(want).max()
    assert np.abs(found.values * found.scale - want).max() <= 4e-7 * max(largest, 1)


@pytest.mark.parametrize("content", AUTO)
def test_dense_layers_are_equal_at_every_output(content: str) -> None:
    model = sequential(
        qdense(6, "fc1", kernel_quantizer=content, activation="quantized_relu(5,2)"),
        qdense(3, "fc2", kernel_quantizer=content, use_bias=False),
    )
    graph = require_equal(model, INPUT)
    assert isinstance(graph.op("fc1"), Scale)
    assert "rounded to" in graph.op("fc1").origin


def test_convolutions_of_every_kind() -> None:
    auto = "quantized_bits(4,0,1,alpha='auto')"
    bias = "quantized_bits(6,2,alpha=1)"
    layers = [
        qkeras.QConv2D(3, 2, kernel_quantizer=auto, bias_quantizer=bias, activation="quantized_relu(4,2)", name="c"),
        qkeras.QDepthwiseConv2D(2, depthwise_quantizer=auto, bias_quantizer=bias, name="d"),
        qkeras.QActivation("quantized_bits(5,2,alpha=1)", name="a"),
        qkeras.QConv2DTranspose(2, 2, kernel_quantizer=auto, bias_quantizer=bias, name="t"),
    ]
    model = sequential(*layers, shape=(6, 6, 2))
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights([rng.normal(0, 0.4, w.shape) for w in layer.get_weights()])
    require_equal(model, INPUT, n_events=200)


def test_a_bias_with_a_real_scale() -> None:
    bias = "quantized_bits(5,0,1,alpha='auto')"
    require_equal(sequential(qdense(5, "fc", bias_quantizer=bias, activation="quantized_bits(7,2,alpha=1)")), INPUT)


def normalised(*after: Any) -> Any:
    model = sequential(qdense(6, "fc"), keras.layers.BatchNormalization(name="bn"), *after)
    rng = np.random.default_rng(4)
    gamma, variance = rng.uniform(0.3, 2, 6) * rng.choice([-1, 1], 6), rng.uniform(0.2, 3, 6)
    model.get_layer("bn").set_weights([gamma, rng.normal(size=6), rng.normal(size=6), variance])
    return model


@pytest.mark.parametrize("allowed", [0.25, 0.01, 2.0])
def test_a_batch_normalisation_keeps_the_loss_that_was_asked_for(allowed: float) -> None:
    """Measured on numbers: against the real scale, no result inside the quantiser's range is off by more."""
    relu = qkeras.QActivation("quantized_relu(6,2)", name="relu")
    model = normalised(keras.layers.Dropout(0.1), relu)
    graph = require_equal(model, INPUT, max_scale_error_lsb=allowed)
    _, (row,) = convert(model, input_type=INPUT, max_scale_error_lsb=allowed)
    assert row.lsb == "LSB of ufixed<6,2>" and 0 < row.error_lsb <= allowed
    inputs = random_inputs(graph, 3000)
    values = evaluate(graph, inputs, keep=["fc", "bn"]).trace
    dense, norm = (np.ldexp(values[op].astype(float), -graph.op(op).result.type.fraction_bits) for op in ("fc", "bn"))
    bn = model.get_layer("bn")
    scale = np.asarray(bn.gamma, float) / np.sqrt(np.asarray(bn.moving_variance, float) + bn.epsilon)
    real = dense * scale + np.asarray(bn.beta, float) - np.asarray(bn.moving_mean, float) * scale
    off = np.abs(norm - real)[np.abs(real) < 4.0] * 16
    assert off.max() <= row.error_lsb * (1 + 1e-9)
    assert off.max() > 0.2 * row.error_lsb, "a bound that is far from what happens says little"


def test_without_a_quantiser_the_error_is_a_share_of_each_value() -> None:
    model = normalised()
    require_equal(model, INPUT)
    _, (row,) = convert(model, input_type=INPUT)
    assert row.lsb == "2**-12 of the value" and row.error_lsb <= 0.25
    assert np.abs(row.scale / row.found - 1).max() <= 0.25 * 2.0**-12


def test_a_scale_and_a_normalisation_after_it(tmp_path: Any) -> None:
    """Through the public door, from a file; the design keeps what was rounded."""
    auto = "quantized_bits(4,0,1,alpha='auto')"
    layers = [qdense(6, "fc", kernel_quantizer=auto), keras.layers.BatchNormalization(name="bn")]
    model = sequential(*layers, qkeras.QActivation("quantized_relu(6,2)", name="relu"), qdense(2, "head"))
    model.get_layer("bn").set_weights([np.linspace(0.2, 2, 6) + k for k in range(4)])
    path = tmp_path / "m.h5"
    model.save(path)
    design = fasttrig.read(path, input_type=INPUT)
    assert [(row.layer, row.part) for row in design.scales] == [("fc", "kernel_quantizer"), ("bn", "scale")]
    graph = design.as_read()
    inputs = random_inputs(graph, 500)
    found = framework_raw(graph, path, inputs, scales=design.scales)
    assert np.array_equal(found["head"], evaluate(graph, inputs).outputs["head"])


def test_a_model_without_real_scales_is_as_before() -> None:
    graph, scales = convert(sequential(qdense(3, "fc")), input_type=INPUT)
    assert scales == () and [type(op).__name__ for op in graph.ops] == ["Input", "MatMul"]


def test_real_scales_are_refused_where_no_error_is_allowed() -> None:
    layers = [qdense(6, "fc", kernel_quantizer="ternary(alpha='auto')"), keras.layers.BatchNormalization(name="bn")]
    with pytest.raises(RefusalError, match="max_scale_error_lsb") as caught:
        read_qkeras(sequential(*layers), input_type=INPUT, max_scale_error_lsb=0)
    assert len(caught.value.refusals) == 2  # the kernel, the normalisation


def test_the_shortest_multiplier_is_found() -> None:
    real = np.array([0.3, -0.3, 1.0, 96.0, 0.0, 1e-9])
    found = multipliers(real, np.full(6, 0.05), "m")
    assert found.values.tolist()[:5] == [0.3125, -0.3125, 1.0, 96.0, 0.0]
    assert found.bits == 4  # 0.3125 is 5 * 2**-4; 1e-9 is 9 * 2**-33 within 5 %
    assert (found.error <= 0.05).all()
    with pytest.raises(UnsupportedError, match="no multiplier of 30 bits"):
        multipliers(np.array([np.pi]), np.array([1e-12]), "m")
    with pytest.raises(UnsupportedError, match="NaN"):
        multipliers(np.array([np.nan]), np.array([0.1]), "m")


def test_a_scale_that_qkeras_does_not_find_fails_the_check() -> None:
    _, (row,) = convert(
        sequential(qdense(3, "fc", kernel_quantizer="quantized_bits(4,0,1,alpha='auto')")), input_type=INPUT
    )
    steps = np.ones((4, 3))
    assert np.array_equal(with_multipliers(row, steps * row.found), steps * row.scale)
    with pytest.raises(CheckFailed, match="no multiple of the scale"):
        with_multipliers(row, steps * row.found * 1.01)
