"""Numbers taken for missing go the default way: every grid number against the library's own call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.design import read
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.trees import read_ensemble
from fasttrig.ladder.framework_rung import domain
from fasttrig.reference.tree_libraries import framework_raw
from tests.ladder.forest_cases import GRID, toy

RAW, X, LABEL = toy(600)
RNG = np.random.default_rng(1)
TARGET = LABEL > 0


def with_missing(number: float) -> Any:
    x = X.copy()
    x[RNG.random(x.shape) < 0.3] = number
    return x


def check(model: Any, number: float) -> None:
    """Bits on the grid, and the missing number in every feature in turn."""
    design = read(model, input_type=GRID)
    raw = np.concatenate([RAW, np.where(RNG.random(RAW.shape) < 0.3, int(number * 16), RAW)])
    graph = design.as_read()
    want = framework_raw(graph, read_ensemble(model), model, {"x": raw})["margin"]
    assert np.array_equal(evaluate(design.graph, raw).outputs["margin"], want)


@pytest.mark.parametrize("number", [-8.0, -0.5, 0.0, 7.9375])
def test_missing_of_a_wrapper(number: float) -> None:
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=6, max_depth=4, missing=number, n_jobs=1).fit(
        with_missing(number), TARGET
    )
    check(model, number)
    x = with_missing(number)
    margin = model.predict(x, output_margin=True)
    assert np.abs(read_ensemble(model).margin(x)[:, 0] - margin).max() < 1e-5
    assert np.abs(read_ensemble(model.get_booster()).margin(x)[:, 0] - margin).max() > 1e-3


def test_a_missing_number_off_the_grid_is_refused() -> None:
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=6, missing=-999, n_jobs=1).fit(with_missing(-999.0), TARGET)
    with pytest.raises(UnsupportedError, match="input type cannot hold"):
        read(model, input_type=GRID)
    read(model, input_type=FixedType(15, 11))


def test_a_booster_cannot_tell() -> None:
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, TARGET)
    bare, wrapped = (read(source, input_type=GRID) for source in (model.get_booster(), model))
    assert "does not store the `missing`" in domain(bare, bare.graph)
    assert "missing" not in domain(wrapped, wrapped.graph)


@pytest.mark.parametrize("zero_as_missing", [True, False])
def test_zero_as_missing(zero_as_missing: bool) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    parameters = {"zero_as_missing": zero_as_missing, "num_leaves": 12, "verbose": -1, "num_threads": 1}
    x = with_missing(0.0)
    model = lightgbm.train({"objective": "binary", **parameters}, lightgbm.Dataset(x, TARGET), 6)
    check(model, 0.0)
    x[RNG.random(x.shape) < 0.1] = np.nan
    assert np.abs(read_ensemble(model).margin(x)[:, 0] - model.predict(x, raw_score=True)).max() < 1e-9
