"""SavedModel folders of Keras 2: read as data, without TensorFlow; damaged ones are named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.frontends.keras.saved_model import read_saved_model
from tests.unit.frontends.framework import BITS, keras, qdense, qkeras, require_equal, sequential
from tests.unit.frontends.test_nested_models import branched, stacked
from tests.unit.frontends.test_pruning import sequential as pruned
from tests.unit.frontends.test_recurrent import CELL, of_layer

INPUT = FixedType(8, 4)


def convolutional() -> Any:
    layers = [
        qkeras.QSeparableConv1D(3, 2, name="s", depthwise_quantizer=BITS, pointwise_quantizer=BITS, use_bias=False),
        qkeras.QConv1D(2, 2, name="c", kernel_quantizer=BITS, bias_quantizer=BITS),
        keras.layers.Flatten(name="f"),
    ]
    model = sequential(*layers, qdense(2, "d"), shape=(6, 3))
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    return model


def folded() -> Any:
    layer = qkeras.QConv2DBatchnorm(2, 2, name="c", kernel_quantizer=BITS, bias_quantizer=BITS)
    return sequential(layer, keras.layers.Flatten(name="f"), qdense(2, "d"), shape=(3, 3, 2))


MODELS = {
    "sequential": lambda: sequential(qdense(3, "a", activation="quantized_relu(4,1)"), qdense(2, "b")),
    "no_input": lambda: keras.Sequential([qdense(3, "a", input_shape=(4,)), qdense(2, "b")]),
    "branched": branched,
    "stacked": stacked,
    "pruned": pruned,
    "recurrent": lambda: of_layer(qkeras.QGRU(3, name="rnn", **CELL)),
    "convolutional": convolutional,
    "folded": folded,
}


@pytest.mark.parametrize("name", MODELS)
def test_equals_qkeras(name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    model.save(tmp_path / "m", save_format="tf")
    require_equal(tmp_path / "m", INPUT, n_events=200)
    graphs = [read_qkeras(each, input_type=INPUT, name="m") for each in (model, tmp_path / "m")]
    texts = [[line.split(" from ")[0] for line in str(graph).splitlines()] for graph in graphs]
    assert texts[0] == texts[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    MODELS["sequential"]().save(tmp_path / "tagger", save_format="tf")
    return tmp_path / "tagger"


def test_reading_loads_no_framework(folder: Path) -> None:
    script = f"""
import sys, fasttrig
assert fasttrig.read({str(folder)!r}, input_type="fixed<8,4>").graph.ops
sys.exit(str({{"tensorflow", "keras", "tf_keras", "qkeras"}} & set(sys.modules) or 0))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 or done.stderr.strip() == "0", done.stderr


def test_no_keras_model_is_told_with_the_way(folder: Path) -> None:
    (folder / "keras_metadata.pb").unlink()
    with pytest.raises(UnsupportedError, match="holds no Keras model") as caught:
        fasttrig.read(folder, input_type=INPUT)
    assert "save('model.keras')" in caught.value.try_


@pytest.mark.parametrize(
    "name", ["keras_metadata.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_damaged_files(folder: Path, name: str) -> None:
    """Every cut and many flipped bytes: refused with an error of ours, or read (a byte that decides nothing)."""
    path = folder / name
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    damaged = [content[: len(content) * part // 40] for part in range(40)]
    for _ in range(60):
        changed = bytearray(content)
        changed[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(changed))
    refused = 0
    for each in damaged:
        path.write_bytes(each)
        try:
            read_saved_model(folder)
        except InputError:
            refused += 1
    assert refused >= 39
    path.unlink()
    with pytest.raises((InputError, UnsupportedError)):
        read_saved_model(folder)
