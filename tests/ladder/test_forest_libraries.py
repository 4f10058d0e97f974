"""Every other library = emulate on the input grid: leaves where the library tells them, sums of quantised leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn import ensemble as skl
from sklearn import tree as skt
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FloatArray
from fasttrig.emulator.evaluate import evaluate
from fasttrig.emulator.forest import leaf_indices
from fasttrig.frontends.trees import Ensemble, read_ensemble, read_trees
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.reference.tree_libraries import framework_raw
from tests.ladder.forest_cases import GRID, quantise, toy

RAW, X, LABEL = toy(800)
BITS = 12
TWO, THREE = LABEL > 0, LABEL
TARGETS = np.stack([LABEL, X[:, 1]], axis=1)
SIZE = {"n_estimators": 6, "random_state": 1}
STUMP = skt.DecisionTreeClassifier(max_depth=2, random_state=1)


def check(graph: Graph, ensemble: Ensemble, margin: FloatArray) -> None:
    """Leaves by the float reading = leaves by the integers; sums of quantised leaves; float margin = the library's."""
    op = graph.ops[1]
    assert isinstance(op, Forest)
    first = np.cumsum([0, *(len(tree.leaf) for tree in ensemble.trees)])[:-1]
    exits = leaf_indices(op, RAW) - first
    assert np.array_equal(exits, ensemble.leaf_indices(X))
    want = np.tile([quantise(base, BITS) for base in ensemble.base_margin], (len(X), 1))
    for column, tree in enumerate(ensemble.trees):
        rows = np.array([[quantise(value, BITS) for value in leaf] for leaf in tree.leaf])
        want[:, tree.output : tree.output + tree.n_targets] += rows[exits[:, column]]
    assert np.array_equal(evaluate(graph, RAW).outputs["margin"], want)
    assert np.abs(ensemble.margin(X) - margin.reshape(len(X), -1)).max() < 1e-6 * (1 + np.abs(margin).max())


def positive(model: Any) -> FloatArray:
    scores = model.predict_proba(X)
    return scores[:, 1] if scores.shape[1] == 2 else scores


SKLEARN: dict[str, tuple[Any, Any, Any]] = {
    "gb two": (skl.GradientBoostingClassifier(**SIZE), TWO, lambda m: m.decision_function(X)),
    "gb exponential": (
        skl.GradientBoostingClassifier(loss="exponential", **SIZE),
        TWO,
        lambda m: m.decision_function(X),
    ),
    "gb three": (skl.GradientBoostingClassifier(**SIZE), THREE, lambda m: m.decision_function(X)),
    "gb zero": (skl.GradientBoostingClassifier(init="zero", **SIZE), THREE, lambda m: m.decision_function(X)),
    "gb regression": (skl.GradientBoostingRegressor(loss="huber", **SIZE), THREE, lambda m: m.predict(X)),
    "gb quantile": (skl.GradientBoostingRegressor(loss="quantile", **SIZE), THREE, lambda m: m.predict(X)),
    "hist two": (skl.HistGradientBoostingClassifier(max_iter=6), TWO, lambda m: m.decision_function(X)),
    "hist three": (skl.HistGradientBoostingClassifier(max_iter=6), THREE, lambda m: m.decision_function(X)),
    "hist poisson": (
        skl.HistGradientBoostingRegressor(max_iter=6, loss="poisson"),
        THREE,
        lambda m: np.log(m.predict(X)),
    ),
    "forest two": (skl.RandomForestClassifier(**SIZE), TWO, positive),
    "forest three": (skl.RandomForestClassifier(**SIZE), THREE, positive),
    "forest regression": (skl.RandomForestRegressor(**SIZE), THREE, lambda m: m.predict(X)),
    "forest targets": (skl.RandomForestRegressor(**SIZE), TARGETS, lambda m: m.predict(X)),
    "extra two": (skl.ExtraTreesClassifier(**SIZE), TWO, positive),
    "extra regression": (skl.ExtraTreesRegressor(**SIZE), THREE, lambda m: m.predict(X)),
    "ada two": (skl.AdaBoostClassifier(STUMP, **SIZE), TWO, lambda m: m.decision_function(X)),
    "ada three": (skl.AdaBoostClassifier(STUMP, **SIZE), THREE, lambda m: m.decision_function(X)),
    "bagging three": (skl.BaggingClassifier(max_features=0.7, **SIZE), THREE, positive),
    "bagging regression": (skl.BaggingRegressor(max_features=2, **SIZE), THREE, lambda m: m.predict(X)),
    "isolation": (skl.IsolationForest(max_samples=64, **SIZE), TWO, lambda m: np.log2(-m.score_samples(X))),
    "isolation features": (
        skl.IsolationForest(max_samples=50, max_features=2, **SIZE),
        TWO,
        lambda m: np.log2(-m.score_samples(X)),
    ),
    "tree three": (skt.DecisionTreeClassifier(random_state=1), THREE, positive),
    "tree regression": (skt.DecisionTreeRegressor(random_state=1), TARGETS, lambda m: m.predict(X)),
    "extra tree": (skt.ExtraTreeRegressor(random_state=1), THREE, lambda m: m.predict(X)),
}


@pytest.mark.parametrize("name", SKLEARN)
def test_scikit_learn(name: str) -> None:
    model, label, margin = SKLEARN[name]
    model = model.fit(X, label)
    graph, ensemble = read_trees(model, input_type=GRID, leaf_fraction_bits=BITS)
    check(graph, ensemble, margin(model))
    if hasattr(model, "apply"):
        assert np.array_equal(ensemble.library_leaves(X), model.apply(X).reshape(len(X), -1))
    if name.startswith("isolation"):
        predicted = -model.score_samples(X)
    else:
        predicted = positive(model) if hasattr(model, "predict_proba") else model.predict(X)
    if not name.startswith("hist"):  # those do not tell their leaves
        found = framework_raw(graph, ensemble, model, {"x": RAW})
        assert np.array_equal(found["margin"], evaluate(graph, RAW).outputs["margin"])
    assert np.abs(ensemble.predict(X) - predicted.reshape(len(X), -1)).max() < 1e-9


SCALED: dict[str, tuple[list[Any], Any]] = {
    "standard": ([StandardScaler()], skl.GradientBoostingClassifier(**SIZE)),
    "standard, float64": ([StandardScaler()], skl.HistGradientBoostingClassifier(max_iter=6)),
    "clipped": ([MinMaxScaler(clip=True)], skl.RandomForestClassifier(**SIZE)),
    "robust, then largest": ([RobustScaler(), "passthrough", MaxAbsScaler()], skl.GradientBoostingClassifier(**SIZE)),
    "xgboost": ([StandardScaler()], xgboost.XGBClassifier(n_estimators=6, max_depth=3, n_jobs=1)),
    "no scaler": ([], skl.GradientBoostingClassifier(**SIZE)),
}


@pytest.mark.parametrize("name", SCALED)
def test_pipeline(name: str) -> None:
    """The pipeline's own leaves and predictions; thresholds between the grid's points and on them."""
    scalers, final = SCALED[name]
    model = make_pipeline(*scalers, final).fit(X[:300], TWO[:300])
    graph, ensemble = read_trees(model, input_type=GRID, leaf_fraction_bits=BITS)
    if name != "standard, float64":  # that model does not tell its leaves
        found = framework_raw(graph, ensemble, model, {"x": RAW})
        assert np.array_equal(found["margin"], evaluate(graph, RAW).outputs["margin"])
    assert np.abs(ensemble.predict(X).ravel() - model.predict_proba(X)[:, 1]).max() < 1e-6
    behind = [type(step).__name__ for step in scalers if step != "passthrough"]
    assert ensemble.library.endswith(f" behind {' and '.join(behind)}") == bool(behind)


def test_pipeline_thresholds_are_exact() -> None:
    """Right at and just below each threshold the library itself changes sides, in float64."""
    model = make_pipeline(StandardScaler(), skl.GradientBoostingClassifier(**SIZE)).fit(X, TWO)
    ensemble = read_ensemble(model)
    tree = ensemble.trees[0]
    for node in range(tree.n_nodes):
        at = np.zeros((2, ensemble.n_features))
        at[:, tree.feature[node]] = np.nextafter(tree.threshold[node], -np.inf), tree.threshold[node]
        inner = model[-1].estimators_[0, 0].tree_
        own = np.flatnonzero(inner.children_left != -1)
        seen = model[0].transform(at).astype(np.float32)[:, tree.feature[node]]
        limit = [inner.threshold[n] for n in own if inner.feature[n] == tree.feature[node]]
        assert any((seen[0] <= t) and not (seen[1] <= t) for t in limit)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (make_pipeline(PCA(2), skl.GradientBoostingClassifier(**SIZE)), "does more than scale"),
        (make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=2, missing=0.0)), "stands for a missing"),
        (skl.BaggingClassifier(LogisticRegression(), **SIZE), "not a decision tree"),
    ],
)
def test_refused_wrappers(model: Any, told: str) -> None:
    with pytest.raises(UnsupportedError, match=told):
        read_trees(model.fit(X, TWO), input_type=GRID)


LIGHTGBM: dict[str, tuple[dict[str, Any], Any]] = {
    "binary": ({"objective": "binary", "sigmoid": 0.7}, TWO),
    "multiclass": ({"objective": "multiclass", "num_class": 3}, THREE),
    "ova": ({"objective": "multiclassova", "num_class": 3}, THREE),
    "regression": ({"objective": "regression"}, THREE),
    "poisson": ({"objective": "poisson"}, THREE),
    "gamma": ({"objective": "gamma"}, THREE + 1),
    "tweedie": ({"objective": "tweedie"}, THREE),
    "dart": ({"objective": "binary", "boosting": "dart", "drop_rate": 0.5}, TWO),
    "forest": ({"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, TWO),
    "one leaf": ({"objective": "regression", "min_data_in_leaf": 10_000}, THREE),
}


@pytest.mark.parametrize("name", LIGHTGBM)
def test_lightgbm(name: str, tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    parameters, label = LIGHTGBM[name]
    parameters = {"num_leaves": 12, "verbose": -1, "num_threads": 1, **parameters}
    model = lightgbm.train(parameters, lightgbm.Dataset(X, label), 6)
    graph, ensemble = read_trees(model, input_type=GRID, leaf_fraction_bits=BITS)
    # raw_score of a random forest is the sum, its prediction the logistic of the mean
    share = 6 if name == "forest" else 1
    check(graph, ensemble, model.predict(X, raw_score=True) / share)
    assert np.array_equal(ensemble.library_leaves(X), model.predict(X, pred_leaf=True).reshape(len(X), -1))
    assert np.abs(ensemble.predict(X) - model.predict(X).reshape(len(X), -1)).max() < 1e-9
    model.save_model(tmp_path / "model.txt")
    from_file, _ = read_trees(tmp_path / "model.txt", input_type=GRID, leaf_fraction_bits=BITS)
    assert from_file.ops[1].constants == graph.ops[1].constants


def test_lightgbm_thresholds_on_the_grid() -> None:
    """LightGBM puts thresholds between the grid's numbers; moved onto them, equality must go left."""
    lightgbm = pytest.importorskip("lightgbm")
    trained = lightgbm.train({"num_leaves": 12, "verbose": -1, "num_threads": 1}, lightgbm.Dataset(X, X[:, 0]), 6)
    lines = trained.model_to_string().splitlines()
    moved = [
        line
        if not line.startswith("threshold=")
        else "threshold="
        + " ".join(repr(float(np.floor(float(word) * 16) / 16)) for word in line.partition("=")[2].split())
        for line in lines
    ]
    sizes = [i for i, line in enumerate(moved) if line.startswith("tree_sizes=")]
    moved[sizes[0]] = "tree_sizes=" + " ".join(str(size) for size in _tree_sizes(moved))
    model = lightgbm.Booster(model_str="\n".join(moved) + "\n")
    graph, ensemble = read_trees(model, input_type=GRID, leaf_fraction_bits=BITS)
    assert all((tree.threshold * 16 % 1 == 0).all() for tree in ensemble.trees)
    check(graph, ensemble, model.predict(X))
    assert np.array_equal(ensemble.library_leaves(X), model.predict(X, pred_leaf=True))


def _tree_sizes(lines: list[str]) -> list[int]:
    """LightGBM finds its trees by their length in bytes."""
    starts = [i for i, line in enumerate(lines) if line.startswith("Tree=")]
    ends = [*starts[1:], lines.index("end of trees")]
    return [sum(len(line) + 1 for line in lines[start:stop]) for start, stop in zip(starts, ends, strict=True)]


ONNX = ["gb two", "gb three", "gb regression", "forest two", "forest three", "tree regression", "extra two"]


@pytest.mark.parametrize("name", ONNX)
def test_onnx(name: str, tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    from skl2onnx import to_onnx

    model, label, _ = SKLEARN[name]
    options = {type(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(model.fit(X, label), X[:1].astype(np.float32), options=options).SerializeToString())
    graph, ensemble = read_trees(path, input_type=GRID, leaf_fraction_bits=BITS)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"X": X.astype(np.float32)})[-1]
    theirs = theirs if theirs.shape[1] == ensemble.n_outputs else theirs[:, 1:]
    check(graph, ensemble, ensemble.margin(X))
    assert np.abs(ensemble.predict(X) - theirs).max() < 1e-6


@pytest.mark.parametrize("mode", ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE"])
def test_onnx_modes(mode: str) -> None:
    """Thresholds on the grid: where the four modes differ. ONNX's own reference evaluator is the judge."""
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    node = onnx.helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="AVERAGE",
        nodes_treeids=[0, 0, 0, 1, 1, 1],
        nodes_nodeids=[0, 1, 2, 5, 6, 7],
        nodes_featureids=[0, 0, 0, 3, 0, 0],
        nodes_modes=[mode, "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[0.5, 0, 0, -1.25, 0, 0],
        nodes_truenodeids=[1, 0, 0, 6, 0, 0],
        nodes_falsenodeids=[2, 0, 0, 7, 0, 0],
        target_treeids=[0, 0, 1, 1],
        target_nodeids=[1, 2, 6, 7],
        target_ids=[0, 0, 0, 0],
        target_weights=[1.0, 2.0, 4.0, 8.0],
        base_values=[0.25],
    )
    value = onnx.helper.make_tensor_value_info
    body = onnx.helper.make_graph([node], "trees", [value("x", 1, [None, 4])], [value("y", 1, [None, 1])])
    imports = [onnx.helper.make_opsetid("ai.onnx.ml", 3), onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(body, opset_imports=imports)
    graph, ensemble = read_trees(model, input_type=GRID, leaf_fraction_bits=BITS)
    check(graph, ensemble, ReferenceEvaluator(model).run(None, {"x": X.astype(np.float32)})[0])


@pytest.mark.parametrize("name", ["gb two", "gb three"])
def test_conifer(name: str, tmp_path: Path) -> None:
    conifer = pytest.importorskip("conifer")
    model, label, _ = SKLEARN[name]
    theirs = conifer.converters.convert_from_sklearn(model.fit(X, label))
    theirs.save(str(tmp_path / "model.json"))
    graph, ensemble = read_trees(tmp_path / "model.json", input_type=GRID, leaf_fraction_bits=BITS)
    check(graph, ensemble, theirs.decision_function(X))
