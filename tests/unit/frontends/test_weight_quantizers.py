"""Every weight quantizer against QKeras itself, in float32, equal to the last bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.quantizers import read_quantizer
from fasttrig.frontends.keras.weights import quantise, trainable, weight_const
from tests.unit.frontends.framework import eager, keras, qkeras

RNG = np.random.default_rng(5)
TIES = np.concatenate([np.arange(-300, 301) / 2.0**k for k in (2, 4, 7)])
FLAT = np.concatenate(
    [
        TIES,
        RNG.normal(0, 1, 4000),
        RNG.normal(0, 30, 500),
        RNG.normal(0, 1e-4, 500),
        [0.0, 1e-7, -1e-7, 9e-8, 1e-30, 5e-38, 100.123, -100.123],
    ]
).astype(np.float32)
SQUARE = RNG.permutation(FLAT)[: 8 * (len(FLAT) // 8)].reshape(-1, 8)


def same(text: str, x: np.ndarray, where: str = "w") -> None:
    quantizer = read_quantizer(text, where)
    assert quantizer is not None
    got = quantise(quantizer, x, where)
    want = eager(qkeras.quantizers.get_quantizer(text), x)
    assert want.dtype == np.float32
    assert np.array_equal(np.asarray(got.values, np.float64), want.astype(np.float64)), text
    raw = np.ldexp(want.astype(np.float64), got.fraction_bits)
    if not np.array_equal(raw, np.rint(raw)):
        with pytest.raises(UnsupportedError, match="off its own grid"):
            weight_const("w", quantizer, x, where)
    elif np.abs(raw).max() < 2**60:
        const = weight_const("w", quantizer, x, where)
        values = np.ldexp(const.raw.astype(np.float64), -const.type.fraction_bits)
        assert np.array_equal(values, want.astype(np.float64)), text


@pytest.mark.parametrize("bits", [1, 2, 3, 6, 8, 12, 16])
@pytest.mark.parametrize("integer", [0, 1, 3, 6])
def test_quantized_bits(bits: int, integer: int) -> None:
    for symmetric, keep, alpha in itertools.product((0, 1), (True, False), ("1", "0.25", "4.0")):
        same(f"quantized_bits({bits},{integer},{symmetric},keep_negative={keep},alpha={alpha})", FLAT)
    same(f"quantized_bits({bits},{integer})", FLAT)


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8, 12])
@pytest.mark.parametrize("integer", [0, 2])
def test_quantized_bits_auto_po2(bits: int, integer: int) -> None:
    for shape in ((64, 16), (1, 7), (9,)):
        for spread in (1e-3, 0.4, 9.0):
            weight = RNG.normal(0, spread, shape).astype(np.float32)
            weight[..., 0] = 0.0
            for keep in (True, False):
                same(f"quantized_bits({bits},{integer},keep_negative={keep},alpha='auto_po2')", weight)


def test_quantized_bits_with_an_alpha_per_channel() -> None:
    alpha = np.array([[1, 2, 0.5, 8, 1, 0.125, 1, 4]])
    live = qkeras.quantized_bits(6, 0, alpha=alpha)
    config = {"class_name": "quantized_bits", "config": {"bits": 6, "integer": 0, "alpha": alpha.tolist()}}
    quantizer = read_quantizer(config, "w")
    const = weight_const("w", quantizer, SQUARE, "w")
    assert const.type.fraction_bits == 5 + 3
    want = eager(live, SQUARE).astype(np.float64)
    assert np.array_equal(np.ldexp(const.raw.astype(np.float64), -8), want)
    with pytest.raises(UnsupportedError, match="does not fit"):
        weight_const("w", quantizer, SQUARE[:, :3], "w")


@pytest.mark.parametrize(
    "text",
    [
        "ternary(alpha=1)",
        "ternary()",
        "ternary(alpha=0.5,threshold=0.5)",
        "ternary(threshold=0.25)",
        "binary(alpha=1)",
        "binary()",
        "binary(alpha=0.25)",
        "binary(use_01=True,alpha=1)",
    ],
)
def test_ternary_and_binary(text: str) -> None:
    same(text, FLAT)
    same(text, SQUARE)


@pytest.mark.parametrize(
    "text",
    [
        "ternary(alpha='auto_po2')",
        "binary(alpha='auto_po2')",
        "ternary(alpha='auto_po2',number_of_unrolls=3)",
        "ternary(alpha='auto_po2',use_stochastic_rounding=True)",
        "binary(use_01=True,alpha='auto_po2')",
    ],
)
def test_ternary_and_binary_auto_po2(text: str) -> None:
    for shape in ((64, 16), (16, 5), (1, 7), (9,)):
        for spread in (1e-3, 0.2, 5.0):
            same(text, RNG.normal(0, spread, shape).astype(np.float32))


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6])
@pytest.mark.parametrize(
    "options",
    ["", ",4", ",1", ",0.5", ",quadratic_approximation=True", ",log2_rounding='floor'", ",2.0,log2_rounding='floor'"],
)
def test_quantized_po2(bits: int, options: str) -> None:
    powers = np.concatenate([2.0 ** np.arange(-30, 30), -(2.0 ** np.arange(-30, 30))]).astype(np.float32)
    for x in (FLAT, powers):
        same(f"quantized_po2({bits}{options})", x)
        same(f"quantized_relu_po2({bits}{options})", x)
        if options.startswith(",4"):
            same(f"quantized_relu_po2({bits},4,0.25)", x)


def test_stochastic_rounding_is_plain_rounding_in_inference() -> None:
    same("quantized_bits(6,0,alpha=1,use_stochastic_rounding=True)", FLAT)


def test_a_kernel_without_alpha_gets_an_automatic_scale() -> None:
    """QDense turns alpha=None of a kernel quantizer into 'auto_po2' when it is built; a bias keeps alpha=1."""
    layer = qkeras.QDense(5, kernel_quantizer="quantized_bits(6,0)", bias_quantizer="quantized_bits(6,0)")
    layer.build((None, 8))
    weight = RNG.normal(0, 2.0, (8, 5)).astype(np.float32)
    want = eager(layer.kernel_quantizer_internal, weight)
    got = quantise(trainable(read_quantizer("quantized_bits(6,0)", "w")), weight, "w")
    assert np.array_equal(np.asarray(got.values, np.float32), want)
    assert not np.array_equal(want, eager(qkeras.quantized_bits(6, 0), weight))
    assert layer.bias_quantizer_internal.alpha is None


def test_the_declared_type_is_kept_where_there_is_no_scale() -> None:
    quantizer = read_quantizer("quantized_bits(6,2,alpha=1)", "w")
    assert weight_const("w", quantizer, np.zeros((2, 2), np.float32), "w").type == FixedType(6, 3)


@pytest.mark.parametrize(
    "text",
    [
        "quantized_po2(1)",
        "quantized_po2(8)",
        "quantized_bits(1,0,alpha='auto_po2')",
        "ternary(alpha='auto_po2',threshold=0.5)",
        "quantized_relu(6)",
        "binary(alpha=1,use_stochastic_rounding=True)",
    ],
)
def test_what_cannot_be_weights_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        weight_const("w", read_quantizer(text, "w"), SQUARE * np.float32(1e9), "jet.h5 > layer 'fc1'")
    assert caught.value.where == "jet.h5 > layer 'fc1'" and caught.value.got and caught.value.want


def test_keras_epsilon_is_what_the_formulas_assume() -> None:
    from fasttrig.frontends.keras.weights import EPSILON, TERNARY_THRESHOLD

    assert keras.backend.epsilon() == EPSILON
    assert qkeras.ternary().default_threshold == TERNARY_THRESHOLD
