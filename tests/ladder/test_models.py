"""The models that travel with the package: their bits, and what their cards say, are what the files give today."""

import re
from pathlib import Path

import numpy as np
import pytest

import fasttrig
from fasttrig.data.labelled import load_sample
from fasttrig.physics.classification import auc_per_class
from fasttrig.physics.regression import measure_quality
from fasttrig.toolchain.vectors import read_hex

MODELS = sorted(path.parent for path in (Path(__file__).parents[2] / "models").glob("*/model.toml"))


@pytest.fixture(scope="module", params=MODELS, ids=lambda path: path.name)
def design(request):
    return fasttrig.read(request.param)


def test_the_golden_vectors_still_come_out(design):
    folder = design.project.path("golden")
    (op,), (value,) = design.graph.inputs, design.graph.outputs
    (raw,) = read_hex((folder / "inputs.hex").read_text(), [op.result.type], [op.result.shape])
    (want,) = read_hex((folder / "outputs.hex").read_text(), [value.type], [value.shape])
    assert len(raw) >= 256
    assert np.array_equal(design.emulate_raw(raw).raw[value.name], want)


def test_the_card_says_what_the_model_does(design):
    """The quantised row of the card, measured again from the file, to the digits that the card shows."""
    card = design.project.path("README.md").read_text()
    row = next(line for line in card.splitlines() if line.startswith("| quantised"))
    stated = [float(number) for number in re.findall(r"-?\d+\.\d+", row)]
    sample = load_sample(design.project, "test")
    measured = measure(design.project.data, design.emulate(sample.x).scores, sample.labels)
    # the card was measured in float32 by the framework: the last digit shown may differ
    assert np.abs(np.array(stated) - measured).max() <= 1e-4


def measure(data, scores, truth):
    if data.is_regression:
        quality = measure_quality(scores[:, 0], truth, data.thresholds)
        shares = [share for cut in quality.turn_on.values() for share in cut.values()]
        return [quality.rms, quality.bias, quality.resolution, *shares]
    accuracy = float(np.mean(scores.argmax(axis=1) == truth))
    return [accuracy, *auc_per_class(scores, truth, data.classes).values()]
