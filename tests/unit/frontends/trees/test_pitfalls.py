"""One test per row of the tree section of the pitfalls: what went wrong elsewhere, and silently."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import InputError, RefusalError, UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.emulator.forest import leaf_indices
from fasttrig.frontends.trees import SplitRule, read_ensemble, read_trees, xgboost_model
from fasttrig.frontends.trees.conifer_types import ConiferTypes, CppType
from fasttrig.ir.forest import tree_depths
from fasttrig.ir.ops import Forest
from tests.ladder.forest_cases import GRID, toy
from tests.unit.frontends.trees.tmva import tmva_file

xgboost = pytest.importorskip("xgboost")
RAW, X, LABEL = toy()


def trained(parameters: dict[str, Any], label: Any, rounds: int = 6, x: Any = X) -> Any:
    matrix = xgboost.DMatrix(x, label=np.asarray(label, dtype=np.float64))
    return xgboost.train({"max_depth": 3, "nthread": 1, **parameters}, matrix, rounds)


def margins(booster: Any, x: Any = X) -> Any:
    return booster.predict(xgboost.DMatrix(x), output_margin=True).reshape(len(x), -1)


def test_pitfall_trees_01_unbalanced_classes_have_finite_scores() -> None:
    booster = trained({"objective": "multi:softprob", "num_class": 3}, LABEL)
    graph, ensemble = read_trees(booster, input_type=GRID)
    scores = to_value(evaluate(graph, RAW).outputs["margin"], graph.outputs[0].type)
    assert np.isfinite(scores).all()
    assert np.ptp(ensemble.base_margin) > 1  # the intercepts differ: the classes are unbalanced
    assert np.abs(scores - margins(booster)).max() < 0.01
    assert np.abs(ensemble.margin(X) - margins(booster)).max() < 1e-5


def test_pitfall_trees_01_the_base_margin_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the stored base score is taken for: what XGBoost adds decides."""
    booster = trained({"objective": "multi:softprob", "num_class": 3}, LABEL)
    honest = read_ensemble(booster).base_margin
    monkeypatch.setattr(xgboost_model, "stored_base_margin", lambda document: np.full(3, 0.5))
    measured = read_ensemble(booster)
    assert measured.base_margin.tolist() == honest.tolist()
    monkeypatch.setattr(xgboost_model, "_measured_base", lambda document: honest + 0.01)
    with pytest.raises(UnsupportedError, match="not the sum of its base margin and leaves"):
        read_ensemble(booster)
    assert np.abs(measured.margin(X) - margins(booster)).max() < 1e-5


def test_pitfall_trees_02_hist_thresholds_are_float32() -> None:
    """Trained on float features; every event, also those next to a threshold, ends in XGBoost's leaf."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 4)).astype(np.float32)
    label = x[:, 0] * x[:, 1] + x[:, 2] > 0.3
    booster = trained({"objective": "binary:logistic", "tree_method": "hist", "max_depth": 6}, label, 20, x)
    ensemble = read_ensemble(booster)
    limits = np.concatenate([tree.threshold for tree in ensemble.trees]).astype(np.float32)
    assert np.array_equal(limits, np.concatenate([tree.threshold for tree in ensemble.trees]))
    near = rng.choice(limits, (20_000, 4))
    near = np.where(rng.random(near.shape) < 0.5, np.nextafter(near, np.float32(-np.inf)), near)
    for events in (x, near):
        theirs = booster.predict(xgboost.DMatrix(events), pred_leaf=True)
        assert np.array_equal(ensemble.library_leaves(events), theirs)


def test_pitfall_trees_02_float_thresholds_on_a_grid() -> None:
    """The same model on integer inputs: thresholds off the grid round up, not to the nearest."""
    rng = np.random.default_rng(1)
    x = rng.normal(scale=3, size=(4_000, 4)).astype(np.float32)
    booster = trained({"objective": "binary:logistic", "max_depth": 5}, x[:, 0] * x[:, 1] > x[:, 2], 10, x)
    graph, ensemble = read_trees(booster, input_type=GRID)
    op = graph.ops[1]
    assert isinstance(op, Forest)
    first = np.cumsum([0, *(len(tree.leaf) for tree in ensemble.trees)])[:-1]
    exits = leaf_indices(op, RAW) - first
    ids = np.stack([tree.leaf_id[exits[:, t]] for t, tree in enumerate(ensemble.trees)], axis=1)
    assert np.array_equal(ids, booster.predict(xgboost.DMatrix(X), pred_leaf=True))


@pytest.mark.parametrize("objective", ["count:poisson", "reg:gamma", "reg:tweedie"])
def test_pitfall_trees_03_log_links_take_the_logarithm(objective: str) -> None:
    booster = trained({"objective": objective, "base_score": 3.0}, LABEL + 0.5)
    ensemble = read_ensemble(booster)
    assert ensemble.base_margin == pytest.approx([np.log(3)], abs=1e-6)
    assert np.abs(ensemble.margin(X) - margins(booster)).max() < 1e-5


def test_pitfall_trees_04_early_stopping_counts_in_the_sklearn_interface(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    label = (LABEL > 0) ^ (rng.random(len(X)) < 0.2)
    model = xgboost.XGBClassifier(n_estimators=200, early_stopping_rounds=3, max_depth=4, n_jobs=1)
    model.fit(X[:1000], label[:1000], eval_set=[(X[1000:], label[1000:])], verbose=False)
    best = model.best_iteration + 1
    assert best < model.get_booster().num_boosted_rounds()
    ensemble = read_ensemble(model)
    assert (ensemble.rounds_used, len(ensemble.trees)) == (best, best)
    assert np.abs(ensemble.predict(X)[:, 0] - model.predict_proba(X)[:, 1]).max() < 1e-5
    model.save_model(tmp_path / "wrapper.json")
    assert len(read_ensemble(tmp_path / "wrapper.json").trees) == best
    # A plain Booster predicts with all rounds, and so do we; a number of rounds may be asked for.
    booster = model.get_booster()
    whole = read_ensemble(booster)
    assert whole.rounds_used == booster.num_boosted_rounds()
    assert np.abs(whole.margin(X) - margins(booster)).max() < 1e-5
    assert len(read_ensemble(booster, rounds=2).trees) == 2


def test_pitfall_trees_05_dart_weights_are_in_the_leaves() -> None:
    parameters = {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.6, "seed": 1}
    booster = trained(parameters, LABEL > 0)
    document = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]
    assert any(weight != 1 for weight in document["weight_drop"])
    assert np.abs(read_ensemble(booster).margin(X) - margins(booster)).max() < 1e-5


def test_pitfall_trees_05_categorical_splits_are_refused() -> None:
    x = np.floor(np.abs(X))
    matrix = xgboost.DMatrix(x, label=(x[:, 0] % 2), feature_types=["c", "q", "q", "q"], enable_categorical=True)
    booster = xgboost.train({"max_depth": 3, "nthread": 1, "tree_method": "hist"}, matrix, 3)
    with pytest.raises(RefusalError, match="one-hot encode the feature before training"):
        read_ensemble(booster)


def test_pitfall_trees_05_missing_values_follow_default_left() -> None:
    rng = np.random.default_rng(5)
    x = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    booster = trained({"objective": "binary:logistic"}, LABEL > 0, 6, x)
    ensemble = read_ensemble(booster)
    assert len({bool(d) for tree in ensemble.trees for d in tree.default_left}) == 2
    assert np.array_equal(ensemble.library_leaves(x), booster.predict(xgboost.DMatrix(x), pred_leaf=True))


def test_pitfall_trees_05_multi_target_and_parallel_trees() -> None:
    for parameters, label in (
        ({"multi_strategy": "multi_output_tree", "tree_method": "hist"}, np.stack([LABEL, X[:, 0]], axis=1)),
        ({"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2, "subsample": 0.5}, LABEL),
    ):
        booster = trained(parameters, label)
        assert np.abs(read_ensemble(booster).margin(X) - margins(booster)).max() < 1e-5


def test_pitfall_trees_06_depth_comes_from_the_trees(tmp_path: Path) -> None:
    trained({"objective": "binary:logistic", "max_depth": 3}, LABEL > 0).save_model(tmp_path / "m.json")
    reloaded = xgboost.Booster(model_file=tmp_path / "m.json")
    config = json.loads(reloaded.save_config())["learner"]["gradient_booster"]["tree_train_param"]
    graph, _ = read_trees(reloaded, input_type=GRID)
    op = graph.ops[1]
    assert isinstance(op, Forest)
    assert int(config["max_depth"]) != int(tree_depths(op).max()) == 3


def conifer_document(**changed: Any) -> dict[str, Any]:
    """One tree: x0 against 0.5; leaves 1 and 2."""
    tree = {
        "feature": [0, -2, -2],
        "threshold": [0.5, 0, 0],
        "value": [0, 1, 2],
        "children_left": [1, -1, -1],
        "children_right": [2, -1, -1],
        "weight": [[1, 0], [0, 0], [0, 0]],
    }
    document = {
        "n_classes": 2,
        "n_features": 2,
        "n_trees": 1,
        "max_depth": 99,
        "init_predict": [0.25],
        "norm": 1,
        "library": "sklearn",
        "splitting_convention": "<",
        "trees": [[tree]],
    }
    document.update(changed)
    return {key: content for key, content in document.items() if content is not None}


def conifer_file(tmp_path: Path, **changed: Any) -> Path:
    path = tmp_path / "conifer.json"
    path.write_text(json.dumps(conifer_document(**changed)))
    return path


@pytest.mark.parametrize(("convention", "at_threshold"), [("<", 2.25), ("<=", 1.25), (None, 1.25)])
def test_pitfall_trees_07_conifer_without_a_convention_means_less_or_equal(
    tmp_path: Path, convention: str | None, at_threshold: float
) -> None:
    path = conifer_file(tmp_path, splitting_convention=convention)
    graph, ensemble = read_trees(path, input_type=GRID, leaf_fraction_bits=2)
    assert ensemble.split_rule is (SplitRule.LT if convention == "<" else SplitRule.LE)
    raw = evaluate(graph, np.array([[8, 0], [7, 0], [9, 0]])).outputs["margin"]
    assert to_value(raw, graph.outputs[0].type)[:, 0].tolist() == [at_threshold, 1.25, 2.25]


def test_pitfall_trees_07_conifer_types_in_any_spacing_and_spelling(tmp_path: Path) -> None:
    old = {"Precision": "ap_fixed<18, 8>", "InputPrecision": "ap_ufixed< 12,4 >"}
    new = {"input_precision": "ap_fixed<18,8>", "threshold_precision": "ap_fixed<18, 8>", "score_precision": "float"}
    types = ConiferTypes.of({"config": old}, "test")
    assert types.input is not None and types.score is not None
    assert (types.input.fixed, types.score.fixed) == (FixedType(12, 4, signed=False), FixedType(18, 8))
    assert types.threshold == types.weight == types.input
    single = ConiferTypes.of({"config": new}, "test").score
    assert single is not None and single.fixed is None and single.format == "float32"
    graph, _ = read_trees(conifer_file(tmp_path, config=old))
    assert graph.inputs[0].result.type == FixedType(12, 4, signed=False)
    assert graph.outputs[0].type.fraction_bits == 10
    spaced = CppType.parse("ap_fixed<24, 9, AP_RND_CONV, AP_SAT, 0>", "test")
    assert (spaced.fixed, spaced.rounding, spaced.overflow) == (FixedType(24, 9), Rounding.RND_CONV, Overflow.SAT)


@pytest.mark.parametrize(
    "text",
    [
        "ap_fixed<18>",
        "ap_fixed<18,8,AP_SAT>",
        "ap_fixed<18,8,AP_RND,AP_WRAP,3>",
        "half",
        "ap_int<8,8>",
        "ap_fixed<64,8>",
    ],
)
def test_conifer_types_that_are_refused(text: str) -> None:
    with pytest.raises(UnsupportedError, match=r"type in (a|the) conifer project"):
        CppType.parse(text, "test")


def test_pitfall_trees_07_conifer_keys_that_come_and_go(tmp_path: Path) -> None:
    entry = conifer_document()["trees"][0][0]
    bare = {key: content for key, content in entry.items() if key != "weight"}
    path = conifer_file(tmp_path, library=None, max_depth=None, norm=0.5, trees=[[bare]], feature_map={"a": 1, "b": 0})
    ensemble = read_ensemble(path)
    assert ensemble.margin([[0.0, 0.0], [1.0, 0.0]]).tolist() == [[0.625], [1.125]]  # (0.25 + leaf) * norm
    assert ensemble.feature_names == ("b", "a")
    oblique = {**entry, "weight": [[0.5, 0.5], [0, 0], [0, 0]]}
    with pytest.raises(RefusalError, match="oblique"):
        read_ensemble(conifer_file(tmp_path, trees=[[oblique]]))
    with pytest.raises(InputError, match="unexpected number of trees"):
        read_ensemble(conifer_file(tmp_path, n_trees=2))


def test_pitfall_trees_07_tmva_reads_on_this_python(tmp_path: Path) -> None:
    assert sys.version_info >= (3, 9)
    path = tmp_path / "weights.xml"
    path.write_text(tmva_file([("0", "0.5", "1", -1.0, 1.0)]))
    assert read_ensemble(path).n_features == 2
