"""XGBoost = emulate on the input grid: every leaf, and every sum of quantised leaves, as integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasttrig.base.fixed import FixedType, IntArray, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.emulator.forest import leaf_indices
from fasttrig.frontends.trees import read_ensemble, read_trees
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from tests.ladder.forest_cases import GRID, quantise, toy, xgboost_leaf_values

xgboost = pytest.importorskip("xgboost")

RAW, X, LABEL = toy()
BITS = 11
THREADS = {"nthread": 1}

CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "binary": ({"objective": "binary:logistic"}, LABEL > 0),
    "binary unbalanced": ({"objective": "binary:logistic"}, LABEL == 2),
    "logitraw": ({"objective": "binary:logitraw"}, LABEL > 0),
    "hinge": ({"objective": "binary:hinge"}, LABEL > 0),
    "several classes, unbalanced": ({"objective": "multi:softprob", "num_class": 3}, LABEL),
    "softmax": ({"objective": "multi:softmax", "num_class": 3}, LABEL),
    "regression": ({"objective": "reg:squarederror"}, LABEL + X[:, 0]),
    "absolute error": ({"objective": "reg:absoluteerror"}, LABEL + X[:, 0]),
    "quantiles": ({"objective": "reg:quantileerror", "quantile_alpha": [0.2, 0.8]}, LABEL + X[:, 0]),
    "logistic regression": ({"objective": "reg:logistic"}, (LABEL > 0) * 0.8 + 0.1),
    "poisson": ({"objective": "count:poisson"}, LABEL),
    "gamma": ({"objective": "reg:gamma"}, LABEL + 0.5),
    "tweedie": ({"objective": "reg:tweedie"}, LABEL),
    "dart": ({"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5, "seed": 3}, LABEL > 0),
    "parallel trees, classes": (
        {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 3, "subsample": 0.5},
        LABEL,
    ),
    "one tree per target": ({"objective": "reg:squarederror"}, np.stack([LABEL, X[:, 1]], axis=1)),
    "hist": ({"objective": "binary:logistic", "tree_method": "hist", "max_bin": 32}, LABEL > 0),
    "exact": ({"objective": "binary:logistic", "tree_method": "exact"}, LABEL > 0),
    "lossguide": (
        {"objective": "binary:logistic", "grow_policy": "lossguide", "max_leaves": 80, "max_depth": 0},
        LABEL > 0,
    ),
}


def trained(parameters: dict[str, Any], label: Any, rounds: int = 8) -> Any:
    matrix = xgboost.DMatrix(X, label=np.asarray(label, dtype=np.float64))
    return xgboost.train({"max_depth": 4, **THREADS, **parameters}, matrix, rounds)


def forest_of(graph: Graph) -> Forest:
    op = graph.ops[1]
    assert isinstance(op, Forest)
    return op


def leaf_rows(booster: Any, x: Any) -> IntArray:
    return np.asarray(booster.predict(xgboost.DMatrix(x), pred_leaf=True), dtype=np.int64).reshape(len(x), -1)


@pytest.mark.parametrize("name", CASES)
def test_leaf_for_leaf(name: str, tmp_path: Path) -> None:
    booster = trained(*CASES[name])
    graph, ensemble = read_trees(booster, input_type=GRID, leaf_fraction_bits=BITS)
    theirs = leaf_rows(booster, X)
    op = forest_of(graph)
    first = np.cumsum([0, *(len(tree.leaf) for tree in ensemble.trees)])[:-1]
    exits = leaf_indices(op, RAW) - first
    ids = np.stack([tree.leaf_id[exits[:, t]] for t, tree in enumerate(ensemble.trees)], axis=1)
    assert np.array_equal(ids, theirs)

    values = xgboost_leaf_values(booster)
    outputs = [tree.output for tree in ensemble.trees]
    want = np.tile([quantise(margin, BITS) for margin in ensemble.base_margin], (len(X), 1))
    for tree, output in enumerate(outputs):
        raw_of = {node: quantise(value, BITS) for node, value in values[tree].items()}
        want[:, output] += [raw_of[node] for node in theirs[:, tree].tolist()]
    assert np.array_equal(evaluate(graph, RAW).outputs["margin"], want)

    margin = booster.predict(xgboost.DMatrix(X), output_margin=True).reshape(len(X), -1)
    assert np.abs(ensemble.margin(X) - margin).max() <= 1e-5 * (1 + np.abs(margin).max())
    for suffix in ("json", "ubj"):
        path = tmp_path / f"model.{suffix}"
        booster.save_model(path)
        from_file, _ = read_trees(path, input_type=GRID, leaf_fraction_bits=BITS, name="forest")
        assert from_file.ops[1].constants == graph.ops[1].constants


LINKS = ["binary", "several classes, unbalanced", "regression", "poisson", "gamma", "tweedie", "dart", "quantiles"]


@pytest.mark.parametrize("name", LINKS)
def test_the_link_gives_the_prediction(name: str) -> None:
    booster = trained(*CASES[name])
    predicted = booster.predict(xgboost.DMatrix(X)).reshape(len(X), -1)
    assert np.abs(read_ensemble(booster).predict(X) - predicted).max() < 1e-5 * (1 + np.abs(predicted).max())


def test_multi_target_trees() -> None:
    """One tree, a leaf with a number per output; XGBoost's own document is read by hand here."""
    import json

    parameters = {"objective": "reg:squarederror", "multi_strategy": "multi_output_tree", "tree_method": "hist"}
    label = np.stack([LABEL, X[:, 1], X[:, 0]], axis=1)
    booster = trained(parameters, label)
    graph, ensemble = read_trees(booster, input_type=GRID, leaf_fraction_bits=BITS)
    assert forest_of(graph).n_targets == 3
    theirs = leaf_rows(booster, X)
    assert np.array_equal(ensemble.library_leaves(X), theirs)
    document = json.loads(bytes(booster.save_raw("json")))
    want = np.tile([quantise(margin, BITS) for margin in ensemble.base_margin], (len(X), 1))
    for tree, entry in enumerate(document["learner"]["gradient_booster"]["model"]["trees"]):
        rows = np.array(entry["leaf_weights"], dtype=np.float32).reshape(-1, 3)
        for event, node in enumerate(theirs[:, tree].tolist()):
            want[event] += [quantise(value, BITS) for value in rows[entry["right_children"][node]]]
    assert np.array_equal(evaluate(graph, RAW).outputs["margin"], want)


def test_channel_types_and_wide_features() -> None:
    """Features on grids of their own; and a type wider than float32's mantissa, where XGBoost itself rounds."""
    booster = trained(*CASES["binary"])
    wide = FixedType(40, 4)
    channels = (GRID, FixedType(6, 4), GRID, wide)
    rng = np.random.default_rng(4)
    raw = np.stack(
        [rng.integers(t.min_raw, t.max_raw, 4000, endpoint=True) << (36 - t.fraction_bits) for t in channels], axis=1
    )
    graph, ensemble = read_trees(booster, input_type=wide, channel_types=channels, leaf_fraction_bits=BITS)
    op = forest_of(graph)
    thresholds = op.threshold.raw[op.feature.raw == 3]
    near = rng.choice(thresholds, 2000) + rng.integers(-(2**14), 2**14, 2000)
    raw[:2000, 3] = np.clip(near, wide.min_raw, wide.max_raw)
    first = np.cumsum([0, *(len(tree.leaf) for tree in ensemble.trees)])[:-1]
    exits = leaf_indices(op, raw) - first
    ids = np.stack([tree.leaf_id[exits[:, t]] for t, tree in enumerate(ensemble.trees)], axis=1)
    assert np.array_equal(ids, leaf_rows(booster, to_value(raw, wide).astype(np.float32)))
