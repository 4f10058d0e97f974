"""How many decisions the rounding of leaves flips, counted again from XGBoost's own leaves."""

from __future__ import annotations

import numpy as np
import pytest

import fasttrig
from fasttrig.base.fixed import to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.physics.leaf_grid import leaf_grid
from tests.ladder.forest_cases import GRID, toy

xgboost = pytest.importorskip("xgboost")
RAW, X, LABEL = toy()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_flips_are_those_of_the_library(n_classes: int) -> None:
    rank = np.argsort(np.argsort(X[:, 0] + X[:, 1] * X[:, 2]))
    label = rank * n_classes // len(rank)
    model = xgboost.XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1).fit(X, label)
    counts = []
    for bits in (0, 1, 3, None):
        design = fasttrig.read(model, input_type=GRID, leaf_fraction_bits=bits)
        (source,) = design.graph.inputs
        inputs = {source.name: RAW}
        outputs = evaluate(design.graph, inputs).outputs
        found = leaf_grid(design, inputs, outputs, 500)
        assert found is not None and found.n_events == 500
        margin = to_value(outputs[design.graph.outputs[0].name], design.graph.outputs[0].type)
        ours = margin.argmax(axis=1) if n_classes > 2 else margin[:, 0] > 0
        assert found.n_flipped == np.count_nonzero(ours[:500] != model.predict(X[:500]))
        counts.append(found.n_flipped)
    assert counts[0] > counts[-1]


def test_nothing_is_decided_by_a_regression_or_a_network() -> None:
    model = xgboost.XGBRegressor(n_estimators=3, n_jobs=1).fit(X, LABEL)
    design = fasttrig.read(model, input_type=GRID)
    raw = {"x": RAW}
    assert leaf_grid(design, raw, evaluate(design.graph, raw).outputs) is None
    network = fasttrig.read("models/jet_mlp")
    assert leaf_grid(network, {}, {}) is None
