"""The traps of reference/pitfalls.md (networks) that the frontend has to pass, one test each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import RefusalError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.ir.graph import Postprocessor
from fasttrig.ir.ops import Cast, Relu, Softmax
from tests.unit.frontends.framework import keras, qdense, qkeras, require_equal, sequential

INPUT = FixedType(10, 4)


def test_pitfall_02_integer_bits_leave_out_the_sign() -> None:
    """quantized_bits(8, 3) reaches -8 ... 7.9375 in 8 bits: fixed<8,4>, not fixed<8,3>."""
    graph = require_equal(sequential(qkeras.QActivation("quantized_bits(8,3,alpha=1)", name="q")), FixedType(12, 6))
    assert graph.op("q").result.type == FixedType(8, 4)
    ends = evaluate(graph, np.array([[-2048, 2047, 0, 1]])).outputs["q"]
    assert ends.tolist() == [[-128, 127, 0, 0]] and graph.op("q").result.type.fraction_bits == 4


def test_pitfall_03_automatic_scale_is_rounded_by_name_or_refused() -> None:
    model = sequential(qdense(3, "fc1", kernel_quantizer="quantized_bits(6,0,alpha='auto')"))
    assert "3 scales rounded to" in require_equal(model, INPUT).op("fc1").origin
    with pytest.raises(RefusalError) as caught:
        read_qkeras(model, input_type=INPUT, max_scale_error_lsb=0)
    (refusal,) = caught.value.refusals
    assert refusal.where == "model 'sequential' > layer 'fc1' (QDense) > kernel_quantizer".replace(
        "sequential", model.name
    )
    assert "alpha='auto'" in refusal.got and "max_scale_error_lsb" in refusal.try_


def test_pitfall_03_power_of_two_scale_is_never_dropped() -> None:
    model = sequential(qdense(3, "fc1", kernel_quantizer="quantized_bits(4,0,alpha='auto_po2')"))
    kernel = np.array([[0.02, 0.3, 5.0]] * 4, dtype=np.float32)
    model.get_layer("fc1").set_weights([kernel, np.zeros(3, np.float32)])
    graph = require_equal(model, INPUT)
    weight = graph.op("fc1").weight
    values = np.ldexp(weight.raw.astype(float), -weight.type.fraction_bits)
    assert np.abs(values / kernel - 1).max() < 0.3, "each channel keeps its own scale"


def test_pitfall_04_batch_normalisation_is_not_folded_into_quantised_weights() -> None:
    model = sequential(qdense(3, "fc1"), keras.layers.BatchNormalization(name="bn"))
    with pytest.raises(RefusalError, match="one place"):
        read_qkeras(model, input_type=INPUT, max_scale_error_lsb=0)
    graph = read_qkeras(model, input_type=INPUT, batchnorm_type=FixedType(18, 8))
    alone = read_qkeras(sequential(qdense(3, "fc1")), input_type=INPUT)
    assert graph.op("fc1").weight == alone.op("fc1").weight, "the kernel stays on its own grid"


def test_pitfall_06_rounding_and_saturation_are_kept() -> None:
    graph = require_equal(sequential(qkeras.QActivation("quantized_relu(4,1)", name="relu")), FixedType(12, 6))
    (cast,) = [op for op in graph.ops if isinstance(op, Cast)]
    assert (cast.rounding, cast.overflow) == (Rounding.RND_CONV, Overflow.SAT)
    assert not any(isinstance(op, Relu) for op in graph.ops)
    ties = np.array([[4, 12, 20, 2047]])  # 1/16 steps of 1/8: 0.5, 1.5, 2.5 of a step
    assert evaluate(graph, ties).outputs["relu"].tolist() == [[0, 2, 2, 15]]


def test_pitfall_07_an_unknown_quantizer_is_never_replaced(tmp_path) -> None:
    model = sequential(qdense(3, "fc1", activation=qkeras.quantized_hswish(6, 2)))
    with pytest.raises(RefusalError) as caught:
        read_qkeras(model, input_type=INPUT)
    assert caught.value.refusals[0].where.endswith("layer 'fc1' (QDense) > activation")
    assert caught.value.refusals[0].got == "quantized_hswish"


def wide_logits() -> Any:
    """Logits over hundreds of units: hls4ml's inferred exp table has one bin per 128 of them there."""
    wide = "quantized_bits(8,5,alpha=1)"
    return sequential(
        qdense(16, "fc1", kernel_quantizer="quantized_bits(6,0,alpha=1)"),
        qkeras.QActivation("quantized_relu(8,4)", name="relu1"),
        qdense(5, "logits", kernel_quantizer=wide, bias_quantizer=wide),
        keras.layers.Activation("softmax", name="softmax"),
        shape=(8,),
    )


def test_pitfall_01_a_final_softmax_stays_out_of_the_firmware() -> None:
    graph = read_qkeras(wide_logits(), input_type=INPUT)
    assert graph.postprocessor is Postprocessor.SOFTMAX
    assert not any(isinstance(op, Softmax) for op in graph.ops)
    require_equal(wide_logits(), INPUT)


def test_pitfall_01_a_softmax_that_is_asked_for_resolves_the_logits() -> None:
    """No argmax flips where the best two logits are a table step apart and the range does not collapse the table."""
    model = wide_logits()
    kernel = np.random.default_rng(6).uniform(-30, 30, (16, 5)).astype(np.float32)
    model.get_layer("logits").set_weights([kernel, np.zeros(5, np.float32)])
    logits = read_qkeras(model, input_type=INPUT)
    graph = read_qkeras(model, input_type=INPUT, output_activation="firmware")
    (softmax,) = [op for op in graph.ops if isinstance(op, Softmax)]
    assert softmax.index_type.fraction_bits >= 4, "a step of at most 1/16 of a unit, however wide the logits"
    raw = np.random.default_rng(5).integers(INPUT.min_raw, INPUT.max_raw + 1, (2000, 8))
    margins = next(iter(evaluate(logits, raw).outputs.values()))
    scores = next(iter(evaluate(graph, raw).outputs.values()))
    assert np.ptp(margins) * logits.outputs[0].type.lsb > 128, "the trap needs logits wider than one bin"
    ordered = np.sort(margins, axis=1)
    clear = (ordered[:, -1] - ordered[:, -2]) * logits.outputs[0].type.lsb > 2**-3
    assert clear.sum() > 1500
    assert np.array_equal(scores.argmax(axis=1)[clear], margins.argmax(axis=1)[clear])
