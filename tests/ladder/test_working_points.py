"""The report's working points are those of the words in ``vectors/outputs.hex``, read as ``outputs.json`` says."""

import json
from pathlib import Path

import numpy as np
import pytest

import fasttrig
from fasttrig.data.labelled import load_sample
from fasttrig.design import built_files
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ladder.checks import compared_inputs, write_vectors
from fasttrig.physics.firmware import firmware_physics

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module", params=["jet_mlp", "jet_bdt", "muon_pt_bdt"])
def vectors(request, tmp_path_factory):
    """(sample, words of outputs.hex for its events, physics) of one model."""
    design = fasttrig.read(MODELS / request.param)
    sample = load_sample(design.project, "test")
    inputs = compared_inputs(design, sample)
    evaluation = evaluate(design.graph, inputs)
    folder = tmp_path_factory.mktemp(request.param)
    write_vectors(design, inputs, evaluation, folder)
    scores = design.interpret({name: raw[: len(sample.x)] for name, raw in evaluation.outputs.items()}, "raw").scores
    found = firmware_physics(
        design, sample, {name: raw[: len(sample.x)] for name, raw in evaluation.outputs.items()}, scores
    )
    (output,) = json.loads(built_files(design)["outputs.json"])["outputs"]
    lines = (folder / "outputs.hex").read_text().splitlines()[: len(sample.x)]
    words = np.array([[int(word, 16) for word in line.split()] for line in lines])
    if output["signed"]:
        words = np.where(words >= 1 << (output["width"] - 1), words - (1 << output["width"]), words)
    return request.param, sample, words, output, found


def test_thresholds_reproduce_the_efficiencies_on_the_words(vectors):
    _, sample, words, output, found = vectors
    checked = 0
    for point in found.working_points:
        k = output["words"].index(point.output)
        others = np.delete(words, k, axis=1)
        if point.decision == "word":
            passes = words[:, k] >= point.threshold_raw
        elif point.decision == "lead":
            passes = (words[:, k][:, None] >= others + point.threshold_raw).all(axis=1)
        else:
            passes = (words[:, k][:, None] > others[:, :k]).all(axis=1) & (words[:, k][:, None] >= others[:, k:]).all(
                axis=1
            )
        is_signal = sample.labels == k if len(output["words"]) > 1 else sample.labels >= point.target
        assert point.efficiency == np.mean(passes[is_signal])
        assert point.background_efficiency == np.mean(passes[~is_signal])
        assert point.rate_khz == pytest.approx(40_000 * point.background_efficiency)
        checked += 1
    assert checked == (5 * 7 if len(output["words"]) > 1 else 2)


def test_a_threshold_is_the_highest_that_keeps_the_target(vectors):
    _, sample, words, output, found = vectors
    for point in found.working_points:
        if point.decision == "word" and len(output["words"]) > 1:
            signal = words[sample.labels == output["words"].index(point.output), output["words"].index(point.output)]
            assert point.efficiency >= point.target > np.mean(signal >= point.threshold_raw + 1)


def test_the_numbers_of_the_issue(vectors):
    """jet_mlp ranks Z with an AUC of 0.896 after the softmax, and of 0.873 by its raw word."""
    name, _, words, output, found = vectors
    counts = [count.n_distinct for count in found.words]
    assert counts == [len(np.unique(words[:, k])) for k in range(words.shape[1])]
    if name == "muon_pt_bdt":
        assert output["link"] == "none" and not found.rankings
        return
    aucs = {(row.output, row.ranked_by): row.auc for row in found.rankings}
    assert output["link"] == "softmax"
    if name == "jet_mlp":
        assert aucs["Z", "score"] == pytest.approx(0.896, abs=5e-4)
        assert aucs["Z", "word"] == pytest.approx(0.873, abs=5e-4)
    else:
        assert min(counts) == 40 and max(counts) == 47
    assert np.allclose(np.sum(found.confusion, axis=1), 1)
