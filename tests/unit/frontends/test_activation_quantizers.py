"""Every activation quantizer against QKeras itself: every raw integer of narrow operands, samples of wide ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.keras.activations import declared_type, lower_activation
from fasttrig.frontends.keras.quantizers import read_quantizer
from fasttrig.ir.ops import Cast, Table
from fasttrig.reference.float64 import quantizers_in
from tests.unit.frontends.framework import activation_graph, eager, keras, qkeras

NARROW = [
    FixedType(9, 4),
    FixedType(8, 3, signed=False),
    FixedType(10, 1),
    FixedType(7, 7),
    FixedType(8, -1),
    FixedType(6, 9),
]
WIDE = FixedType(40, 12)


def values_of(fixed_type: FixedType) -> np.ndarray:
    if fixed_type.width <= 12:
        return np.arange(fixed_type.min_raw, fixed_type.max_raw + 1)
    rng = np.random.default_rng(3)
    exact_ties = rng.integers(-(2**13), 2**13, 2000) << (fixed_type.fraction_bits - 8)
    beside = exact_ties + rng.integers(-1, 2, exact_ties.shape)
    ends = [fixed_type.min_raw, fixed_type.max_raw, 0, 1, -1]
    return np.concatenate([rng.integers(fixed_type.min_raw, fixed_type.max_raw, 2000), exact_ties, beside, ends])


def same(content: str, fixed_type: FixedType) -> None:
    """Raw integers of the graph against QKeras in float64, on every operand."""
    graph = activation_graph(content, fixed_type)
    raw = values_of(fixed_type)
    got = evaluate(graph, raw[:, None]).outputs["y"][:, 0]
    value = graph.outputs[0]
    keras.backend.set_floatx("float64")
    try:
        with quantizers_in(qkeras, True):
            want = eager(qkeras.quantizers.get_quantizer(content), to_value(raw, fixed_type))
    finally:
        keras.backend.set_floatx("float32")
    assert want.dtype == np.float64
    wrong = np.flatnonzero(to_value(got, value.type) != want)
    assert not len(wrong), f"{content} on {fixed_type}: raw {raw[wrong[:3]]}, {got[wrong[:3]]}, {want[wrong[:3]]}"


@pytest.mark.parametrize("operand", [*NARROW, WIDE], ids=str)
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_quantized_bits(operand: FixedType, bits: int) -> None:
    for integer, symmetric, keep in itertools.product((0, 2), (0, 1), (True, False)):
        for alpha in ("1", "0.25", "2.0"):
            same(f"quantized_bits({bits},{integer},{symmetric},keep_negative={keep},alpha={alpha})", operand)


@pytest.mark.parametrize("operand", [*NARROW, WIDE], ids=str)
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_quantized_relu(operand: FixedType, bits: int) -> None:
    for integer in (0, 1, 3):
        same(f"quantized_relu({bits},{integer})", operand)
        for slope in (1.0, 0.5, 0.125):
            if slope * 2 ** (bits - 1) >= 1:
                same(f"quantized_relu({bits},{integer},negative_slope={slope})", operand)


@pytest.mark.parametrize("operand", [*NARROW, WIDE], ids=str)
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_hard_tanh_and_sigmoid(operand: FixedType, bits: int) -> None:
    """The default ones: a clip and a line, not a hyperbolic tangent."""
    same(f"quantized_tanh({bits})", operand)
    same(f"quantized_sigmoid({bits})", operand)
    same(f"quantized_sigmoid({bits},symmetric=True)", operand)
    if bits > 1:
        same(f"quantized_tanh({bits},symmetric=True)", operand)


@pytest.mark.parametrize("operand", NARROW, ids=str)
@pytest.mark.parametrize("bits", [2, 6, 10])
def test_real_tanh_and_sigmoid_by_table(operand: FixedType, bits: int) -> None:
    same(f"quantized_tanh({bits},use_real_tanh=True)", operand)
    same(f"quantized_tanh({bits},use_real_tanh=True,symmetric=True)", operand)
    same(f"quantized_sigmoid({bits},use_real_sigmoid=True)", operand)
    same(f"quantized_sigmoid({bits},use_real_sigmoid=True,symmetric=True)", operand)


@pytest.mark.parametrize("operand", [*NARROW, WIDE], ids=str)
@pytest.mark.parametrize(
    "content",
    [
        "binary(alpha=1)",
        "binary()",
        "binary(alpha=0.5)",
        "binary(use_01=True,alpha=4)",
        "ternary(alpha=1,threshold=0.375)",
        "ternary(alpha=0.25,threshold=1.5)",
    ],
)
def test_binary_and_ternary(operand: FixedType, content: str) -> None:
    same(content, operand)


@pytest.mark.parametrize("operand", NARROW, ids=str)
def test_ternary_with_its_own_threshold(operand: FixedType) -> None:
    same("ternary()", operand)


@pytest.mark.parametrize("operand", NARROW, ids=str)
@pytest.mark.parametrize(
    "content",
    [
        "quantized_po2(4)",
        "quantized_po2(4,2)",
        "quantized_po2(5,0.5)",
        "quantized_relu_po2(3)",
        "quantized_relu_po2(4,4)",
        "quantized_relu_po2(3,8,0.25)",
    ],
)
def test_powers_of_two_by_table(operand: FixedType, content: str) -> None:
    same(content, operand)


def test_an_alpha_per_channel_scales_each_channel() -> None:
    alpha = [1.0, 0.5, 4.0]
    content = {"class_name": "quantized_bits", "config": {"bits": 4, "integer": 1, "alpha": alpha}}
    graph = activation_graph(content, FixedType(8, 4), n_channels=3)
    raw = np.arange(-128, 128)[:, None].repeat(3, axis=1)
    got = to_value(evaluate(graph, raw).outputs["y"], graph.outputs[0].type)
    want = eager(qkeras.quantized_bits(4, 1, alpha=np.array(alpha)), to_value(raw, FixedType(8, 4)).astype(np.float32))
    assert np.array_equal(got, want)


def test_plain_quantizers_are_one_cast() -> None:
    for content, want in (
        ("quantized_bits(6,2,alpha=1)", FixedType(6, 3)),
        ("quantized_bits(6,2,keep_negative=False,alpha=1)", FixedType(6, 2, signed=False)),
        ("quantized_relu(6,2)", FixedType(6, 2, signed=False)),
    ):
        graph = activation_graph(content, WIDE)
        assert [type(op) for op in graph.ops[1:]] == [Cast] and graph.outputs[0].type == want
        assert declared_type(read_quantizer(content, "m")) == want


def test_tables_have_one_entry_per_operand() -> None:
    _, table = activation_graph("quantized_tanh(6,use_real_tanh=True)", FixedType(9, 3)).ops
    assert isinstance(table, Table) and table.table.shape == (512,)


@pytest.mark.parametrize(
    ("content", "operand", "message"),
    [
        ("quantized_tanh(6,use_real_tanh=True)", FixedType(13, 4), "too wide"),
        ("quantized_sigmoid(6,use_real_sigmoid=True)", FixedType(13, 4), "too wide"),
        ("quantized_sigmoid(13,symmetric=True)", FixedType(8, 4), "too wide"),
        ("quantized_po2(4)", FixedType(13, 4), "too wide"),
        ("quantized_po2(8)", FixedType(12, 4), "too many bits"),
        ("quantized_bits(6,0,alpha='auto_po2')", FixedType(8, 4), "on activations"),
        ("ternary(alpha='auto_po2')", FixedType(8, 4), "on activations"),
        ("quantized_relu(4,0,negative_slope=0.0625)", FixedType(8, 4), "finer than its own step"),
        ("quantized_relu(4,2,relu_upper_bound=3.0)", FixedType(8, 4), "effect of this bound"),
        ("binary(alpha=1,use_stochastic_rounding=True)", FixedType(8, 4), "cannot use this quantizer"),
        ("ternary()", FixedType(40, 8), "different sides"),
        ("quantized_po2(6,log2_rounding='floor')", FixedType(12, 20, signed=False), "levels of this activation differ"),
        ("quantized_po2(4,quadratic_approximation=True)", FixedType(9, 4), "levels of this activation differ"),
    ],
)
def test_refusals(content: str, operand: FixedType, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message) as caught:
        activation_graph(content, operand)
    assert caught.value.where and caught.value.got and caught.value.want


def test_every_quantizer_has_a_row() -> None:
    from fasttrig.frontends.keras import activations, quantizers

    assert set(activations.ACTIVATIONS) == set(quantizers.SIGNATURES)
    assert callable(lower_activation)


def test_signatures_are_those_of_qkeras() -> None:
    """Names, order and defaults of every option, against QKeras' constructors."""
    import inspect

    from fasttrig.frontends.keras.quantizers import SIGNATURES

    for name, options in SIGNATURES.items():
        parameters = inspect.signature(getattr(qkeras.quantizers, name).__init__).parameters
        found = {key: parameter.default for key, parameter in parameters.items() if key != "self"}
        if name == "quantized_bits":  # options of releases after 0.9.0 come last
            options = {key: default for key, default in options.items() if key not in LATER}
        assert list(found.items()) == list(options.items())


LATER = ("elements_per_scale", "min_po2_exponent", "max_po2_exponent", "post_training_scale")


@pytest.mark.parametrize(
    "text",
    [
        "quantized_bits(6,0,alpha=1)",
        "quantized_bits( 6 , 2, 1 )",
        "quantized_bits",
        "quantized_bits(bits=4,integer=1)",
        "quantized_relu(6,negative_slope=0.25)",
        "quantized_bits(6,0,keep_negative=False)",
        "quantized_bits(6,0,alpha='auto_po2')",
        "quantized_relu_po2(4,8)",
        "ternary(threshold=0.5)",
        "quantized_bits()",
    ],
)
def test_text_is_read_as_qkeras_reads_it(text: str) -> None:
    want = qkeras.quantizers.get_quantizer(text)
    want = want() if isinstance(want, type) else want
    got = read_quantizer(text, "m")
    for option, value in want.get_config().items():
        expected = True if option == "symmetric" and got.alpha_is_auto else got[option]
        assert value == expected, option


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quantized_bits(6,0,alpha=None)", "not a number"),
        ("quantized_bits(6,0,alpha=auto)", "not a number"),
        ("quantized_bits(6,0,alpha=0.3)", "cannot use this quantizer"),
        ("quantized_bits(6,0,alpha=-1)", "cannot use this quantizer"),
        ("quantized_bits(6,-1,alpha=1)", "cannot use this quantizer"),
        ("quantized_bits(0,0,alpha=1)", "cannot use this quantizer"),
        ("quantized_bits(6,0,qnoise_factor=0.5)", "cannot use this quantizer"),
        ("quantized_bits(6,0,scale_axis=0)", "cannot use this quantizer"),
        ("quantized_bits(6,0,bts=1)", "no such option"),
        ("quantized_bits(6,0", "cannot read"),
        ("quantized_bits((6),0)", "cannot read"),
        ("quantized_bits(bits=6,0)", "cannot read"),
        ("quantized_relu(6,0,2)", "cannot use this quantizer"),
        ("quantized_relu(6,0,negative_slope=0.3)", "cannot use this quantizer"),
        ("quantized_bitz(6,0)", "does not know"),
        ("bernoulli()", "cannot use this quantizer"),
        ("stochastic_ternary()", "cannot use this quantizer"),
        ("quantized_hswish(6)", "cannot use this quantizer"),
        ("quantized_ulaw(6)", "cannot use this quantizer"),
        ("__import__('os').system('true')", "does not know"),
    ],
)
def test_unreadable_quantizers_are_refused(text: str, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message) as caught:
        read_quantizer(text, "jet.h5 > layer 'fc1' (QDense) > kernel_quantizer")
    assert caught.value.where.endswith("kernel_quantizer") and caught.value.got
