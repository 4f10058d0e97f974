"""Architecture in a .json, weights in an .h5: found next to each other or named, equal to QKeras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.source import ModelParts
from fasttrig.ladder.framework_rung import raw_outputs
from tests.unit.frontends.framework import keras, qdense, qkeras, random_inputs, require_equal, sequential

INPUT = FixedType(8, 4)


def model(seed: int = 0) -> Any:
    layers = [qdense(5, "fc1"), keras.layers.ReLU(name="act"), qkeras.QActivation("quantized_relu(5,2)", name="q")]
    return sequential(*layers, qdense(2, "fc2"), seed=seed)


def written(folder: Path, architecture: str = "model.json", weights: str = "model_weights.h5") -> Path:
    live = model()
    (folder / architecture).write_text(live.to_json())
    live.save_weights(folder / weights)
    return folder / architecture


@pytest.mark.parametrize(
    ("architecture", "weights"),
    [
        ("model.json", "model_weights.h5"),
        ("model.json", "model.weights.h5"),
        ("tagger.json", "tagger_weights.h5"),
        ("tagger.json", "tagger.h5"),
        ("tagger.json", "weights.h5"),
        ("tagger_architecture.json", "tagger_weights.h5"),
    ],
)
def test_weights_next_to_the_architecture(architecture: str, weights: str, tmp_path: Path) -> None:
    graph = require_equal(written(tmp_path, architecture, weights), INPUT, n_events=300)
    assert graph.name == architecture.removesuffix(".json")


def test_named_weights(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", "b.h5")
    require_equal(ModelParts(path, tmp_path / "b.h5"), INPUT, n_events=300)
    design = fasttrig.read(path, weights=tmp_path / "b.h5", input_type=INPUT)
    assert design.graph.name == "a"
    inputs = random_inputs(design.graph, 200)
    found = raw_outputs(design, design.as_read(), inputs)
    assert np.array_equal(found["fc2"], design.emulate(inputs, raw=True).raw["fc2"])
    with pytest.raises(InputError, match="weights are for a Keras architecture"):
        fasttrig.read(tmp_path / "b.h5", weights=tmp_path / "b.h5")


def test_the_weights_of_a_whole_model_serve(tmp_path: Path) -> None:
    path = written(tmp_path)
    model().save(tmp_path / "whole.h5")
    require_equal(ModelParts(path, tmp_path / "whole.h5"), INPUT, n_events=200)


def test_no_weights_several_weights_other_weights(tmp_path: Path) -> None:
    path = written(tmp_path, "net.json", "far.h5")
    with pytest.raises(InputError, match="architecture only, without weights") as caught:
        fasttrig.read(path, input_type=INPUT)
    assert "net_weights.h5" in caught.value.want and "weights=" in caught.value.try_
    for name in ("net.h5", "net_weights.h5"):
        (tmp_path / name).write_bytes((tmp_path / "far.h5").read_bytes())
    with pytest.raises(InputError, match="several files next to") as caught:
        fasttrig.read(path, input_type=INPUT)
    assert caught.value.got == "net_weights.h5, net.h5"
    sequential(qdense(5, "fc1"), qdense(2, "another")).save_weights(tmp_path / "other.h5")
    with pytest.raises(InputError, match="not those of the architecture") as caught:
        fasttrig.read(path, weights=tmp_path / "other.h5", input_type=INPUT)
    assert caught.value.got == "another"
    with pytest.raises(InputError, match="no such model file"):
        fasttrig.read(path, weights=tmp_path / "none.h5", input_type=INPUT)


@pytest.mark.parametrize(
    ("content", "what", "got"),
    [
        ("{", "not a JSON file", ""),
        ("[1, 2]", "no model that fasttrig knows", "list"),
        ('{"nodes": 1}', "no model that fasttrig knows", "keys nodes"),
        ('{"class_name": "Sequential", "config": {"layers": []}}', "no layers", ""),
        ('{"class_name": "Tagger", "config": {}}', "cannot read this kind of model", "Tagger"),
    ],
)
def test_json_that_is_no_architecture(content: str, what: str, got: str, tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(content)
    with pytest.raises(InputError, match=what) as caught:
        fasttrig.read(path, input_type=INPUT)
    assert got in caught.value.got


def test_code_in_an_architecture_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    document = json.loads(path.read_text())
    document["config"]["layers"][1] = {"class_name": "Lambda", "config": {"name": "l", "function": "x"}}
    path.write_text(json.dumps(document))
    with pytest.raises(UnsupportedError, match="does not run code"):
        fasttrig.read(path, input_type=INPUT)


def test_a_model_folder_names_both(tmp_path: Path) -> None:
    folder = Path(fasttrig.__file__).parents[1] / "models" / "jet_mlp"
    for name in ("inputs.json", "jet_mlp.h5"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with h5py.File(folder / "jet_mlp.h5") as file:
        (tmp_path / "net.json").write_text(file.attrs["model_config"])
    settings = (folder / "model.toml").read_text()
    settings = settings.replace('"jet_mlp.h5"', '"net.json"\nweights_file = "jet_mlp.h5"')
    (tmp_path / "model.toml").write_text(settings)
    design = fasttrig.read(tmp_path)
    assert design.source == ModelParts(tmp_path / "net.json", tmp_path / "jet_mlp.h5")
    assert set(design.project.model_files()) == {"net.json", "jet_mlp.h5", "jet_mlp_float.h5"}
    texts = [str(graph).replace("net.json", "jet_mlp.h5") for graph in (design.graph, fasttrig.read(folder).graph)]
    assert texts[0] == texts[1]
