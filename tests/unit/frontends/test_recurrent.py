"""Recurrent layers: every step of QKeras' cells, in raw integers."""

from __future__ import annotations

import numpy as np
import pytest

from fasttrig.base.errors import RefusalError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.qkeras import read_qkeras
from tests.unit.frontends.framework import keras, qdense, qkeras, require_equal

INPUT = FixedType(6, 2)
WEIGHTS = {
    "kernel_quantizer": "quantized_bits(4,0,alpha=1)",
    "recurrent_quantizer": "quantized_bits(4,0,alpha=1)",
    "bias_quantizer": "quantized_bits(4,0,alpha=1)",
}
CELL = {
    **WEIGHTS,
    "activation": "quantized_tanh(5)",
    "recurrent_activation": "quantized_sigmoid(5)",
    "state_quantizer": "quantized_bits(6,1,alpha=1)",
}


def of_layer(layer):
    x = keras.Input((4, 3), name="x")
    model = keras.Model(x, layer(x))
    rng = np.random.default_rng(2)
    model.set_weights([rng.uniform(-1, 1, weight.shape) for weight in model.get_weights()])
    return model


CASES = {
    "simple": lambda: qkeras.QSimpleRNN(3, activation="quantized_tanh(5)", name="rnn", **WEIGHTS),
    "simple_state": lambda: qkeras.QSimpleRNN(
        3, activation="quantized_bits(6,2)", state_quantizer="quantized_bits(3,0,alpha=1)", name="rnn", **WEIGHTS
    ),
    "gru": lambda: qkeras.QGRU(3, name="rnn", **CELL),
    "gru_two_units": lambda: qkeras.QGRU(2, name="rnn", **CELL),
    "gru_reset_after": lambda: qkeras.QGRU(3, reset_after=True, name="rnn", **CELL),
    "gru_implementation_2": lambda: qkeras.QGRU(3, implementation=2, return_sequences=True, name="rnn", **CELL),
    "lstm": lambda: qkeras.QLSTM(3, name="rnn", **CELL),
    "lstm_sequences": lambda: qkeras.QLSTM(3, return_sequences=True, go_backwards=True, name="rnn", **CELL),
    "lstm_auto": lambda: qkeras.QLSTM(
        3, implementation=2, name="rnn", **{**CELL, "kernel_quantizer": "quantized_bits(4,0,alpha='auto_po2')"}
    ),
    "gru_no_bias": lambda: qkeras.QGRU(3, use_bias=False, name="rnn", **CELL),
}


@pytest.mark.parametrize("name", CASES)
def test_cells(name: str) -> None:
    require_equal(of_layer(CASES[name]()), INPUT, n_events=500)


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_files_are_the_live_model(ending: str, tmp_path) -> None:
    x = keras.Input((4, 3), name="x")
    live = keras.Model(x, qdense(2, "fc")(qkeras.QGRU(3, name="rnn", **CELL)(x)))
    live.save(tmp_path / f"n.{ending}")
    graphs = [read_qkeras(live, input_type=INPUT, name="n"), read_qkeras(tmp_path / f"n.{ending}", input_type=INPUT)]
    texts = [[line.split(" from ")[0] for line in str(graph).splitlines()] for graph in graphs]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "layer",
    [
        lambda: qkeras.QLSTM(3, name="rnn", **{**CELL, "state_quantizer": None}),
        lambda: qkeras.QSimpleRNN(3, activation="relu", name="rnn", **WEIGHTS),
    ],
    ids=["lstm", "simple"],
)
def test_a_growing_state_is_refused(layer) -> None:
    with pytest.raises(RefusalError) as caught:
        read_qkeras(of_layer(layer()), input_type=INPUT)
    assert "state_quantizer" in str(caught.value)
    assert np.all([refusal.where.endswith("state_quantizer") for refusal in caught.value.refusals])
