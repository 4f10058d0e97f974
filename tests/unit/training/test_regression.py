"""Regression: the metrics against hand-made cases, and the whole way from a sample to a report on a small forest."""

import json

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import DataError, ProjectError
from fasttrig.data.muons import FEATURES, make_muons
from fasttrig.physics.regression import compare_regression, measure_quality
from fasttrig.settings import load_project
from fasttrig.training.train import train


def test_quality_of_a_known_error():
    truth = np.linspace(0.0, 10.0, 1001)
    error = np.where(np.arange(1001) % 2 == 0, 0.5, -0.5)
    quality = measure_quality(truth + error + 0.25, truth, [5.0])
    assert quality.rms == pytest.approx(np.sqrt(0.25 + 0.0625), rel=1e-3)
    assert quality.resolution == pytest.approx(0.5)
    assert quality.bias == pytest.approx(0.75)
    # half of the events in [5, 5.25) fail, half of those in [4.25, 5) pass
    assert quality.turn_on["5"]["efficiency"] == pytest.approx(1 - 12 / 501, abs=2e-3)
    assert quality.turn_on["5"]["fakes"] == pytest.approx(37.5 / 500, abs=2e-3)


def test_a_threshold_outside_the_sample_has_no_share():
    assert measure_quality(np.ones(4), np.ones(4), [2.0]).turn_on["2"]["efficiency"] is None


def test_predictions_must_fit_the_truth():
    with pytest.raises(DataError, match="one prediction per event"):
        compare_regression(np.ones((4, 2)), np.ones(4), np.ones(4), target="t")


MODEL = """
[model]
name = "small_pt"
file = "small_pt.json"
float_file = "small_pt_float.json"

[data]
sample = "muons.parquet"
features = {features}
target = "log2_pt"
thresholds = [4.0]
{more}
[inputs]
type = "fixed<10,3>"

[trees]
rounds = 6
max_depth = 3
learning_rate = 0.5
"""


def project_at(folder, more=""):
    text = MODEL.format(features=json.dumps(list(FEATURES)), more=more)
    (folder / "model.toml").write_text(text)
    return load_project(folder)


def test_from_a_sample_to_a_report(tmp_path):
    """Training, the search for bits, the framework rung and the report of a model that predicts a number."""
    make_muons(4000, 2, tmp_path / "muons.parquet")
    trained = train(project_at(tmp_path))
    assert trained.agreement.quality_quantised.rms < 0.6  # the target spreads by 1.7
    types = json.loads((tmp_path / "types.json").read_text())
    assert types["figure"] == "RMS error" and types["validation"]["float"] > 0
    built = fasttrig.build(tmp_path, out=tmp_path / "build")
    report = built.report
    assert report.agreement is None and report.regression.target == "log2_pt"
    assert {row.rung: row.status for row in report.ladder}["csim"] == "equal"
    assert report.regression.quality_quantised.rms == pytest.approx(trained.agreement.quality_quantised.rms, rel=1e-6)
    assert set(report.regression.quality_float.turn_on) == {"4"}


def test_a_target_beside_classes_is_a_second_output(tmp_path):
    with pytest.raises(ProjectError, match="fasttrig trains one output"):
        project_at(tmp_path, more='classes = ["a", "b"]')
    with pytest.raises(ProjectError, match="at least two names"):
        project_at(tmp_path, more='classes = ["a"]')
