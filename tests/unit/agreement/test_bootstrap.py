"""Statistical errors of ROC curves: the right size, ties as sklearn has them, nothing where nothing is left."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fasttrig.physics.bootstrap import area, roc_replicas
from fasttrig.physics.classification import compare
from fasttrig.physics.scores import Scores, with_errors, with_replicas

CLASSES = ("b", "s")


def sample(n_events=20_000, steps=64, seed=4):
    """Scores with many ties, and a second model that is the first with noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n_events)
    real = 1 / (1 + np.exp(-rng.normal(1.5 * labels)))
    quantised = np.round(np.clip(real + rng.normal(0, 0.02, n_events), 0, 1) * steps) / steps
    return labels, np.stack([1 - real, real], 1), np.stack([1 - quantised, quantised], 1)


def test_the_area_counts_ties_half():
    labels, _, quantised = sample()
    assert area(quantised[:, 1], labels == 1) == pytest.approx(roc_auc_score(labels, quantised[:, 1]), abs=1e-12)


def test_an_error_is_that_of_counting():
    """At fixed signal efficiency the relative error of 1/eps_B is at least that of the background events left."""
    labels, real, _ = sample()
    found = roc_replicas({"float": real}, labels, CLASSES)
    efficiency = found.nominal["float"][1][49]
    n_left = efficiency * np.sum(labels == 0)
    error = found.rejection_error("float", 0.5)[1]
    assert 1.0 < error * efficiency * np.sqrt(n_left) < 2.5


def test_the_ratio_of_the_same_events_is_known_better_than_either_curve():
    labels, real, quantised = sample()
    scores = with_replicas(Scores(labels, quantised, real, CLASSES, False))
    agreement = with_errors(compare(real, quantised, labels, CLASSES), scores.replicas)
    ratio, error = agreement.rejection_ratio["s"]["0.5"]
    rejection = agreement.background_rejection["quantised"]["s"]["0.5"]
    relative = agreement.background_rejection_error["quantised"]["s"]["0.5"] / rejection
    assert 0 < error / ratio < 0.7 * relative
    assert ratio == pytest.approx(rejection / agreement.background_rejection["float"]["s"]["0.5"], rel=1e-9)
    assert 0 < agreement.auc_loss_error["s"] < 0.002


def test_no_background_left_has_no_error():
    labels = np.repeat([0, 1], 500)
    scores = np.stack([1.0 - labels, labels], 1).astype(float)
    found = roc_replicas({"float": scores, "quantised": scores}, labels, CLASSES)
    assert found.rejection_error("float", 0.5) == [None, None] and found.rejection_ratio(0.5) == [None, None]


def test_the_same_seed_gives_the_same_errors():
    labels, real, _ = sample(2_000)
    first, second = (roc_replicas({"float": real}, labels, CLASSES).rejection_error("float", 0.3) for _ in range(2))
    assert first == second


def test_a_large_sample_has_fewer_replicas():
    labels, real, _ = sample(150_000)
    assert roc_replicas({"float": real}, labels, CLASSES).replicas["float"].shape == (2, 50, 100)
