"""`fasttrig read`: what a file holds, what was chosen, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fasttrig.base.errors import InputError
from fasttrig.cli import app
from fasttrig.commands.shell import run_app
from fasttrig.report.about_file import about_file
from tests.unit.frontends.framework import keras, qdense, sequential

MODELS = Path(__file__).parents[3] / "models"


def test_a_network_that_is_exact() -> None:
    found = about_file(MODELS / "jet_mlp" / "jet_mlp.h5")
    assert found.content == ("network 'jet_mlp': 4 QDense, 3 QActivation, Activation", "4,389 weights")
    assert found.exact == "every layer, bit by bit" and found.refused == ()
    assert "assumed" in found.chosen[0] and found.chosen[-1] == "the final softmax stays on the host"
    assert "assumed" not in about_file(MODELS / "jet_mlp").chosen[0]


def test_rounded_scales_are_chosen(tmp_path: Path) -> None:
    auto = "quantized_bits(4,0,1,alpha='auto')"
    model = sequential(qdense(3, "fc", kernel_quantizer=auto), keras.layers.BatchNormalization(name="bn"))
    model.get_layer("bn").set_weights([np.full(3, 0.7)] * 4)
    model.save(tmp_path / "m.h5")
    found = about_file(tmp_path / "m.h5")
    assert [line.split(":")[0] for line in found.chosen[-2:]] == ["fc > kernel_quantizer", "bn > scale"]
    assert "real scales below" in found.exact


def test_a_float_network_is_refused_once_with_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    path = MODELS / "jet_mlp" / "jet_mlp_float.h5"
    assert run_app(app, ["read", str(path)]) == 1
    said = capsys.readouterr().out.splitlines()
    refused = [line for line in said if line.startswith("refused: ")]
    assert len(refused) == 2 and "fc1" in refused[0] and "logits" in refused[0]
    assert f"fasttrig quantise {path}" in refused[1]


def test_trees_and_no_model(tmp_path: Path) -> None:
    found = about_file(MODELS / "jet_bdt")
    assert found.content[0].startswith("100 trees of xgboost") and found.refused == ()
    (tmp_path / "no.h5").write_bytes(b"no model")
    with pytest.raises(InputError):
        about_file(tmp_path / "no.h5")
