"""Options and functions that other releases of QKeras write: thresholds by name, use_sigmoid, post_training_scale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fasttrig.base.errors import MissingPackageError, RefusalError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras import weights
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.frontends.keras.quantizers import read_quantizer
from fasttrig.frontends.keras.weights import quantise
from fasttrig.reference.qkeras_run import framework_predict
from tests.unit.frontends.framework import eager, keras, qdense, qkeras, require_equal, sequential
from tests.unit.frontends.test_activation_quantizers import NARROW, WIDE, same

INPUT = FixedType(8, 4)


@pytest.mark.parametrize("operand", [*NARROW, WIDE], ids=str)
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_use_sigmoid(operand: FixedType, bits: int) -> None:
    for integer in (0, 1, 3):
        same(f"quantized_relu({bits},{integer},use_sigmoid=1)", operand)


def test_use_sigmoid_in_a_model() -> None:
    bounded = qkeras.quantized_relu(5, 2, 1, relu_upper_bound=2.5, is_quantized_clip=False)
    model = sequential(qdense(4, "a", activation="quantized_relu(4,1,1)"), qdense(4, "b", activation=bounded))
    require_equal(model, INPUT)


def test_use_sigmoid_with_a_slope_is_refused() -> None:
    model = sequential(qdense(4, "a", activation="quantized_relu(4,1,1,negative_slope=0.25)"))
    with pytest.raises(RefusalError) as caught:
        read_qkeras(model, input_type=INPUT)
    assert "negative_slope=0 with use_sigmoid" in caught.value.refusals[0].want


def thresholds() -> Any:
    layers = [
        qdense(5, "a"),
        qkeras.QActivation("binary_sigmoid", name="q"),
        qdense(4, "b"),
        keras.layers.Activation(qkeras.quantizers.binary_tanh, name="t"),
    ]
    return sequential(*layers, qdense(2, "c"))


@pytest.mark.parametrize("ending", ["live", "h5", "keras"])
def test_thresholds(ending: str, tmp_path: Path) -> None:
    source = model = thresholds()
    if ending != "live":
        source = tmp_path / f"m.{ending}"
        model.save(source)
    if ending != "h5":
        require_equal(source, INPUT)
        return
    texts = [str(read_qkeras(each, input_type=INPUT, name="m")).splitlines() for each in (model, source)]
    assert [line.split(" from ")[0] for line in texts[0]] == [line.split(" from ")[0] for line in texts[1]]
    with pytest.raises(MissingPackageError, match="cannot load"):  # tf_keras itself does not load what it wrote
        framework_predict(source, np.zeros((1, 4)))


@pytest.mark.parametrize("operand", NARROW, ids=str)
def test_thresholds_of_every_operand(operand: FixedType) -> None:
    """Zero goes down: QKeras rounds 1/2 to even."""
    for layers in ([qkeras.QActivation("binary_tanh", name="t")], [qkeras.QActivation("binary_sigmoid", name="t")]):
        require_equal(sequential(*layers, shape=(500,)), operand, n_events=4)


def test_a_threshold_inside_a_layer() -> None:
    require_equal(sequential(qdense(5, "a", activation="binary_tanh"), qdense(2, "b")), INPUT)


def test_other_functions_stay_refused() -> None:
    model = sequential(keras.layers.Activation(qkeras.quantizers.stochastic_round, name="t"))
    with pytest.raises(UnsupportedError, match="does not run code"):
        read_qkeras(model, input_type=INPUT)


def newer(path: Path, scale: Any, alpha: str) -> Path:
    """A file as releases after 0.9.0 write it: 'post_training_scale' in the configuration of every quantized_bits."""
    bits = qkeras.quantized_bits(5, 0, alpha=alpha) if alpha else qkeras.quantized_bits(5, 1)
    model = sequential(
        qdense(4, "a", kernel_quantizer=bits, activation=qkeras.quantized_bits(6, 2, alpha=1)),
        qdense(2, "b", kernel_quantizer=bits),
    )
    model.save(path)
    with h5py.File(path, "r+") as file:
        text = file.attrs["model_config"]
        text = text.decode() if isinstance(text, bytes) else text
        file.attrs["model_config"] = text.replace(
            '"qnoise_factor": 1.0}', f'"qnoise_factor": 1.0, "post_training_scale": {json.dumps(scale)}}}'
        )
        assert "post_training_scale" in file.attrs["model_config"]
    return path


@pytest.mark.parametrize("alpha", [1, "auto_po2", None])
def test_post_training_scale_none(alpha: Any, tmp_path: Path) -> None:
    require_equal(newer(tmp_path / "m.h5", None, alpha), INPUT)


def test_a_post_training_scale_is_refused_on_both_sides(tmp_path: Path) -> None:
    path = newer(tmp_path / "m.h5", [0.3, 0.4], "auto_po2")
    with pytest.raises(RefusalError) as caught:
        read_qkeras(path, input_type=INPUT)
    assert "not read yet" in caught.value.refusals[0].try_
    with pytest.raises((MissingPackageError, RefusalError)):
        framework_predict(path, np.zeros((1, 4)))


def test_weights_that_releases_of_qkeras_round_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later releases round once more with the final scale; where that changes a weight, no release is believed."""
    config = {"bits": 2, "integer": 0, "symmetric": 1, "alpha": "auto_po2", "post_training_scale": None}
    new = read_quantizer({"class_name": "quantized_bits", "config": config}, "m")
    old = read_quantizer("quantized_bits(2,0,1,alpha='auto_po2')", "m")
    assert new is not None and old is not None
    weight = np.random.default_rng(0).normal(size=(10, 2000)).astype(np.float32)
    found = quantise(new, weight, "m").values
    assert np.array_equal(found, quantise(old, weight, "m").values)
    assert np.array_equal(found, eager(qkeras.quantized_bits(2, 0, 1, alpha="auto_po2"), weight))
    monkeypatch.setattr(weights, "_SCALE_SEARCH_STEPS", 1)  # five are enough for any weights that were tried
    quantise(old, weight, "m")
    with pytest.raises(UnsupportedError, match="disagree on these weights"):
        quantise(new, weight, "m")


def test_releases_that_find_other_real_scales_are_refused() -> None:
    options = {"bits": 4, "alpha": "auto", "post_training_scale": None}
    content = {"class_name": "quantized_bits", "config": options}
    quantizer = read_quantizer(content, "m")
    assert quantizer is not None
    with pytest.raises(UnsupportedError, match="different scales") as caught:
        quantise(quantizer, np.ones((2, 3), np.float32), "m")
    assert "auto_po2" in caught.value.try_


@pytest.mark.parametrize(
    ("kind", "quantiser"), [("BinaryDense", "binary(alpha=1)"), ("TernaryDense", "ternary(alpha=1")]
)
def test_layers_of_users_own_code_are_named(kind: str, quantiser: str) -> None:
    from fasttrig.frontends.keras.layers import prepare
    from fasttrig.frontends.keras.lowering import Lowering
    from fasttrig.frontends.source import LayerSpec, ModelSpec
    from fasttrig.ir.builder import GraphBuilder

    with pytest.raises(UnsupportedError) as caught:
        prepare(Lowering(ModelSpec("m", "m.h5", (), (), ()), GraphBuilder("m")), LayerSpec("b", kind, {}, {}))
    assert quantiser in caught.value.try_ and "your own code" in caught.value.try_
