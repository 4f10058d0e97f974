"""TimeDistributed and Bidirectional, equal to QKeras from every form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import RefusalError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.qkeras import read_qkeras
from tests.unit.frontends.framework import BITS, keras, qdense, qkeras, require_equal
from tests.unit.frontends.test_recurrent import CELL, WEIGHTS

LAYERS = keras.layers
INPUT = FixedType(6, 2)


def filled(model: Any) -> Any:
    rng = np.random.default_rng(2)
    model.set_weights([rng.uniform(-1, 1, weight.shape) for weight in model.get_weights()])
    return model


def stack(*layers: Any) -> Any:
    x = value = keras.Input((4, 3), name="x")
    for layer in layers:
        value = layer(value)
    return filled(keras.Model(x, value))


def inside() -> Any:
    entry = keras.Input((4, 3), name="entry")
    both = LAYERS.Bidirectional(qkeras.QGRU(2, name="rnn", **CELL), name="bi")(entry)
    encoder = keras.Model(entry, qdense(3, "mix")(both), name="encoder")
    x = keras.Input((4, 3), name="x")
    return filled(keras.Model(x, qdense(2, "out")(encoder(x))))


AUTO = CELL | {"kernel_quantizer": "quantized_bits(4,0,alpha='auto_po2')"}
MODELS = {
    "steps": lambda: stack(
        LAYERS.TimeDistributed(qdense(5, "fc", kernel_quantizer="quantized_bits(4,0,1,alpha='auto_po2')"), name="td"),
        LAYERS.TimeDistributed(qkeras.QActivation("quantized_relu(5,2)", name="q"), name="tq"),
        LAYERS.TimeDistributed(LAYERS.Dropout(0.5), name="drop"),
        LAYERS.TimeDistributed(LAYERS.ReLU(negative_slope=0.5), name="relu"),
        qdense(2, "out"),
    ),
    "concat": lambda: stack(LAYERS.Bidirectional(qkeras.QGRU(2, name="rnn", **AUTO), name="bi")),
    "sequences": lambda: stack(
        LAYERS.Bidirectional(qkeras.QLSTM(2, return_sequences=True, name="rnn", **CELL), name="bi"),
        LAYERS.TimeDistributed(qdense(2, "fc"), name="td"),
    ),
    "qbidirectional": lambda: stack(qkeras.QBidirectional(qkeras.QLSTM(2, name="rnn", **CELL), name="bi")),
    **{
        mode: lambda mode=mode: stack(  # type: ignore[misc]
            LAYERS.Bidirectional(
                qkeras.QSimpleRNN(2, activation="quantized_tanh(5)", return_sequences=True, name="r", **WEIGHTS),
                merge_mode=mode,
                name="bi",
            )
        )
        for mode in ("sum", "mul", "ave")
    },
    "inside": inside,
}


@pytest.mark.parametrize("ending", ["live", "h5", "keras", "tf"])
@pytest.mark.parametrize("name", MODELS)
def test_equals_qkeras(name: str, ending: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    source = model
    if ending != "live":
        source = tmp_path / ("m" if ending == "tf" else f"m.{ending}")
        model.save(source, save_format=ending)
    require_equal(source, INPUT, n_events=200)


def test_a_normalisation_of_every_step(tmp_path: Path) -> None:
    model = stack(LAYERS.TimeDistributed(LAYERS.BatchNormalization(name="bn", epsilon=0.0), name="td"), qdense(2, "d"))
    layer = model.get_layer("td")
    layer.set_weights([np.full(3, value) for value in (2, 0.5, 0.25, 0.25)])
    model.save(tmp_path / "m.h5")
    require_equal(model, INPUT, n_events=200)
    require_equal(tmp_path / "m.h5", INPUT, n_events=200)


def test_time_distributed_networks_are_refused() -> None:
    conv = qkeras.QConv1D(2, 2, kernel_quantizer=BITS, bias_quantizer=BITS)
    x = keras.Input((4, 5, 3), name="x")
    model = keras.Model(x, LAYERS.TimeDistributed(conv, name="td")(x))
    with pytest.raises(UnsupportedError, match="of the last axis only") as caught:
        read_qkeras(model, input_type=INPUT)
    assert caught.value.got == "QConv1D"


def test_other_merges_and_layers_are_refused() -> None:
    x = keras.Input((4, 3), name="x")
    pair = LAYERS.Bidirectional(qkeras.QGRU(2, name="rnn", **CELL), merge_mode=None, name="bi")(x)
    with pytest.raises(RefusalError) as caught:
        read_qkeras(keras.Model(x, pair[0]), input_type=INPUT)
    assert "this merge" in caught.value.refusals[0].what
    with pytest.raises(RefusalError) as caught:
        read_qkeras(stack(LAYERS.Bidirectional(LAYERS.GRU(2), name="bi")), input_type=INPUT)
    assert caught.value.refusals[0].got == "GRU"
