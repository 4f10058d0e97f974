"""Smooth functions in front of a quantiser: tables that give what QKeras gives, for every number of the operand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import RefusalError
from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.frontends.keras.smooth import FUNCTIONS
from fasttrig.ir.ops import Table
from fasttrig.reference.qkeras_run import framework_raw
from tests.unit.frontends.framework import keras, qdense, qkeras, require_equal, sequential

INPUT = FixedType(8, 4)
LAYERS = keras.layers


def quantiser(name: str, content: str = "quantized_bits(6,2,alpha=1)") -> Any:
    return qkeras.QActivation(content, name=name)


@pytest.mark.parametrize(
    "content", ["quantized_bits(6,2,alpha=1)", "quantized_bits(7,0,1,1,alpha=1)", "quantized_relu(6,2)"]
)
@pytest.mark.parametrize("function", [*sorted(FUNCTIONS), "ELU"])
def test_every_number_of_the_operand(function: str, content: str) -> None:
    layer = LAYERS.ELU(0.7, name="f") if function == "ELU" else LAYERS.Activation(function, name="f")
    model = sequential(layer, quantiser("q", content), shape=(1,))
    graph = read_qkeras(model, input_type=INPUT)
    raw = np.arange(INPUT.min_raw, INPUT.max_raw + 1).reshape(-1, 1)
    found = evaluate(graph, {"x": raw}).outputs
    want = framework_raw(graph, model, {"x": raw})
    np.testing.assert_array_equal(found[graph.outputs[0].name], want[graph.outputs[0].name])
    assert [type(op).__name__ for op in graph.ops] == ["Input", "Table"] and len(np.unique(raw)) == 256


def test_inside_a_network() -> None:
    """The function of a dense layer, and one layer whose results two quantisers read."""
    x = keras.Input((4,), name="x")
    few = {"kernel_quantizer": "quantized_bits(3,0,alpha=1)", "bias_quantizer": "quantized_bits(3,0,alpha=1)"}
    narrow = quantiser("narrow", "quantized_bits(4,1,alpha=1)")(x)
    first = quantiser("first")(qdense(5, "a", activation="tanh", **few)(narrow))
    smooth = LAYERS.Activation("swish", name="s")(first)
    both = LAYERS.Concatenate(name="both")([quantiser("l")(smooth), quantiser("r", "quantized_relu(4,1)")(smooth)])
    model = keras.Model(x, qdense(3, "d")(both))
    graph = require_equal(model, INPUT)
    assert len(graph.ops_of(Table)) == 3


def tanh() -> Any:
    return LAYERS.Activation("tanh", name="f")


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (lambda: [LAYERS.Activation("elu", name="f"), qdense(2, "d")], "the only layer that reads it"),
        (lambda: [LAYERS.ELU(name="f")], "the only layer that reads it"),
        (
            lambda: [LAYERS.Activation("tanh", name="f"), quantiser("q", "quantized_po2(4)")],
            "the only layer that reads it",
        ),
        (
            lambda: [LAYERS.Activation("tanh", name="f"), quantiser("q", "quantized_bits(4,0,alpha=2.0)")],
            "without alpha",
        ),
        (lambda: [qdense(9, "d"), LAYERS.Activation("tanh", name="f"), quantiser("q")], "too wide"),
    ],
)
def test_refusals(layers: Any, told: str) -> None:
    with pytest.raises(RefusalError) as caught:
        read_qkeras(sequential(*layers()), input_type=INPUT)
    assert told in str(caught.value)
