"""Scores = the library's own `predict_proba`, or `predict` of a regression, for every objective that is read.

Leaves have 40 fraction bits here, so that only the link can differ.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sklearn import ensemble as skl
from sklearn import tree as skt

from fasttrig.base.fixed import FloatArray
from fasttrig.design import Design, read
from fasttrig.frontends.trees import tmva_xml, xgboost_document
from fasttrig.ir.graph import Postprocessor
from fasttrig.ir.text import parse_graph, print_graph
from tests.ladder.forest_cases import GRID, toy
from tests.unit.frontends.trees.tmva import tmva_file

RAW, X, LABEL = toy(300)
TWO, THREE, POSITIVE = LABEL > 0, LABEL, LABEL + 1.0
BITS = 40


def check(source: Any, want: FloatArray, tolerance: float = 1e-9) -> Design:
    design = read(source, input_type=GRID, leaf_fraction_bits=BITS)
    for found in (design, Design(parse_graph(print_graph(design.graph)), source)):
        scores = found.interpret({"margin": _margins(found)}, "raw").scores
        assert scores.shape == want.reshape(len(X), -1).shape
        assert np.abs(scores - want.reshape(len(X), -1)).max() < tolerance * (1 + np.abs(want).max())
    return design


def _margins(design: Design) -> Any:
    from fasttrig.emulator.evaluate import evaluate

    return evaluate(design.graph, RAW).outputs["margin"]


XGBOOST: dict[str, Any] = {
    **dict.fromkeys(("binary:logistic", "binary:logitraw", "binary:hinge"), TWO),
    **dict.fromkeys(("reg:logistic", "rank:pairwise", "rank:ndcg", "rank:map"), TWO),
    **dict.fromkeys(("multi:softprob", "multi:softmax"), THREE),
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft"), POSITIVE),
    **dict.fromkeys(("reg:squarederror", "reg:linear", "reg:absoluteerror", "reg:quantileerror"), POSITIVE),
    **dict.fromkeys(("reg:pseudohubererror", "reg:squaredlogerror"), POSITIVE),
}


@pytest.mark.parametrize("objective", xgboost_document.OBJECTIVES)
def test_xgboost(objective: str) -> None:
    xgboost = pytest.importorskip("xgboost")
    label = XGBOOST[objective].astype(np.float32)
    matrix = xgboost.DMatrix(X, label=label)
    parameters: dict[str, Any] = {"objective": objective, "max_depth": 3, "nthread": 1, "quantile_alpha": 0.5}
    if objective.startswith("multi:"):
        parameters["num_class"] = 3
    if objective.startswith("rank:"):
        matrix.set_group([len(X)])
    if objective == "survival:aft":
        matrix.set_float_info("label_lower_bound", label)
        matrix.set_float_info("label_upper_bound", label)
    booster = xgboost.train(parameters, matrix, 5)
    if objective == "multi:softmax":  # its predict names the class: scores are the probabilities of softprob
        booster.set_param({"objective": "multi:softprob"})
    want = booster.predict(xgboost.DMatrix(X)).astype(np.float64)
    if objective in ("binary:logistic",):
        want = np.stack([1 - want, want], axis=1)
    check(booster, want, 2e-5)  # XGBoost sums and exponentiates in float32


SKLEARN: dict[str, tuple[Any, Any]] = {
    "gb two": (skl.GradientBoostingClassifier(n_estimators=5), TWO),
    "gb three": (skl.GradientBoostingClassifier(n_estimators=5), THREE),
    "gb exponential": (skl.GradientBoostingClassifier(n_estimators=5, loss="exponential"), TWO),
    "gb regression": (skl.GradientBoostingRegressor(n_estimators=5), POSITIVE),
    "hist two": (skl.HistGradientBoostingClassifier(max_iter=5), TWO),
    "hist three": (skl.HistGradientBoostingClassifier(max_iter=5), THREE),
    "hist poisson": (skl.HistGradientBoostingRegressor(max_iter=5, loss="poisson"), POSITIVE),
    "hist gamma": (skl.HistGradientBoostingRegressor(max_iter=5, loss="gamma"), POSITIVE),
    "ada two": (skl.AdaBoostClassifier(skt.DecisionTreeClassifier(max_depth=2), n_estimators=5), TWO),
    "ada three": (skl.AdaBoostClassifier(skt.DecisionTreeClassifier(max_depth=2), n_estimators=5), THREE),
    "forest two": (skl.RandomForestClassifier(n_estimators=5, random_state=1), TWO),
    "forest three": (skl.RandomForestClassifier(n_estimators=5, random_state=1), THREE),
    "forest regression": (skl.ExtraTreesRegressor(n_estimators=5, random_state=1), POSITIVE),
    "tree two": (skt.DecisionTreeClassifier(random_state=1), TWO),
}


@pytest.mark.parametrize("name", SKLEARN)
def test_scikit_learn(name: str) -> None:
    model, label = SKLEARN[name]
    model = model.fit(X, label)
    design = check(model, model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X))
    if name == "gb exponential":
        assert design.graph.postprocessor is Postprocessor.SIGMOID and design.graph.link_scale == Fraction(2)


LIGHTGBM: dict[str, tuple[dict[str, Any], Any]] = {
    "binary": ({"objective": "binary", "sigmoid": 2.0}, TWO),
    "small sigmoid": ({"objective": "binary", "sigmoid": 0.7}, TWO),
    "multiclass": ({"objective": "multiclass", "num_class": 3}, THREE),
    "ova": ({"objective": "multiclassova", "num_class": 3, "sigmoid": 2.0}, THREE),
    "entropy": ({"objective": "cross_entropy"}, TWO),
    "entropy lambda": ({"objective": "cross_entropy_lambda"}, TWO),
    "sqrt": ({"objective": "regression", "reg_sqrt": True}, POSITIVE),
    "l1": ({"objective": "regression_l1"}, POSITIVE),
    "huber": ({"objective": "huber"}, POSITIVE),
    "fair": ({"objective": "fair"}, POSITIVE),
    "quantile": ({"objective": "quantile"}, POSITIVE),
    "mape": ({"objective": "mape"}, POSITIVE),
    "poisson": ({"objective": "poisson"}, POSITIVE),
    "gamma": ({"objective": "gamma"}, POSITIVE),
    "tweedie": ({"objective": "tweedie"}, POSITIVE),
    "forest": ({"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, TWO),
}


@pytest.mark.parametrize("name", LIGHTGBM)
def test_lightgbm(name: str) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    parameters, label = LIGHTGBM[name]
    data = lightgbm.Dataset(X, label.astype(np.float64))
    model = lightgbm.train({"num_leaves": 8, "verbose": -1, "num_threads": 1, **parameters}, data, 5)
    want = model.predict(X)
    check(model, np.stack([1 - want, want], axis=1) if _of_two_classes(parameters) else want)


def _of_two_classes(parameters: dict[str, Any]) -> bool:
    return parameters["objective"] in ("binary", "cross_entropy")


@pytest.mark.parametrize(
    ("analysis", "link"),
    [
        (0, lambda m: 2 / (1 + np.exp(-2 * m)) - 1),
        (2, lambda m: np.exp(m) / np.exp(m).sum(axis=1, keepdims=True)),
    ],
)
def test_tmva(analysis: int, link: Callable[[FloatArray], FloatArray], tmp_path: Any) -> None:
    stumps = [("0", "0.5", "1", -0.25 * k, 0.5) for k in range(6)]
    path = tmp_path / "w.xml"
    path.write_text(tmva_file(stumps, analysis=analysis, classes=3 if analysis else 2))
    margin = tmva_xml.read_file(path).margin(X[:, :2])
    design = read(path, input_type=GRID, leaf_fraction_bits=BITS)
    scores = design.emulate(X[:, :2]).scores
    assert np.abs(scores - link(margin)).max() < 1e-9


def test_a_log_link_in_physics() -> None:
    """The target of a gamma regression is compared with exp(margin)."""
    xgboost = pytest.importorskip("xgboost")
    from fasttrig.physics.regression import compare_regression

    truth = np.exp(2 + X[:, 0] / 8)
    booster = xgboost.train({"objective": "reg:gamma", "nthread": 1}, xgboost.DMatrix(X, label=truth), 40)
    design = read(booster, input_type=GRID)
    theirs = booster.predict(xgboost.DMatrix(X))
    found = compare_regression(theirs, design.emulate(X).scores, truth, target="y")
    assert found.quality_quantised.rms < 1.2 * found.quality_float.rms
