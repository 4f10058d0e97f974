"""The library's own answer for a tree model, as raw integers: its exit leaves, each standing for its integer leaf.

The user's object answers, called as its user calls it: ``apply`` or ``pred_leaf`` for the leaves, ``predict_proba`` or
``predict`` for the numbers that the leaves must add up to.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import CheckFailed, MissingPackageError
from fasttrig.base.fixed import FixedType, FloatArray, IntArray, to_value
from fasttrig.base.link_functions import LINK_FUNCTIONS
from fasttrig.frontends.trees import conifer_json, lightgbm_model, pipelines, sklearn_model, xgboost_model
from fasttrig.frontends.trees.ensemble import Ensemble
from fasttrig.frontends.trees.files import read_document
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest

_TOLERANCE = 1e-4
"""Of a prediction, relative to its size: XGBoost sums, and takes its links, in float32."""

_CLASS_NAMES = ("multi:softmax",)
"""Objectives whose ``predict`` names a class."""


def framework_raw(graph: Graph, ensemble: Ensemble, source: Any, inputs: Mapping[str, IntArray]) -> dict[str, IntArray]:
    """Raw outputs from the leaves that the library itself says each event ends in.

    Parameters
    ----------
    graph : Graph
        As read, before any pass: its leaves are in the order of `ensemble`.
    source : path or live model
    inputs : mapping with the graph's one input
        Raw integers; the library is given their values (XGBoost takes float32, exact up to 24 bits).

    Raises
    ------
    MissingPackageError
        When the library is not run here, or does not tell its leaves.
    CheckFailed
        When the library names a leaf that the ensemble does not have, or predicts something else than the link of the
        sum of these leaves.
    """
    (forest,) = graph.ops_of(Forest)
    values = to_value(inputs[forest.operand.name], forest.operand.type)
    if ensemble.score is not None:
        return {graph.outputs[0].name: _conifer_raw(graph.outputs[0].type, source, values)}
    model, values = _behind(_opened(ensemble, source), values)
    exits = _exits(ensemble, _leaves(ensemble, model, values))
    _check_predictions(graph, ensemble, exits, _predictions(ensemble, model, values))
    total = np.tile(forest.base_margin.raw, (len(values), 1))
    first = 0
    for number, tree in enumerate(ensemble.trees):
        leaves = forest.leaf.raw[first + exits[:, number]]
        total[:, tree.output : tree.output + tree.n_targets] += leaves
        first += len(tree.leaf)
    return {graph.outputs[0].name: total}


def _conifer_raw(fixed_type: FixedType, source: Any, values: FloatArray) -> IntArray:
    """conifer's own scores on the grid of `fixed_type`; they are numbers of its score type."""
    from fasttrig.reference.conifer_header import decision_function

    scores = decision_function(read_document(Path(source)), values)
    raw = np.ldexp(scores, fixed_type.fraction_bits)
    if (raw != np.rint(raw)).any():
        raise CheckFailed(
            "conifer's scores are not on the grid of the leaves", got=str(scores[0]), want=str(fixed_type)
        )
    return raw.astype(np.int64)


def library_leaves(ensemble: Ensemble, source: Any, values: Any) -> IntArray:
    """Exit leaf of each tree, numbered and found by the library. Shapes: (n, n_features) -> (n, n_trees)."""
    return _leaves(ensemble, *_behind(_opened(ensemble, source), values))


def _behind(model: Any, values: FloatArray) -> tuple[Any, FloatArray]:
    """The tree model of a pipeline and what its scalers give; another model and the values themselves."""
    return (model.steps[-1][1], pipelines.scaled(model, values)) if pipelines.is_pipeline(model) else (model, values)


def _opened(ensemble: Ensemble, source: Any) -> Any:
    """The live model of `source`; a file is loaded by its library."""
    if not isinstance(source, str | Path):
        return source
    if ensemble.library.startswith("xgboost"):
        import xgboost

        return xgboost.Booster(model_file=str(source))
    if ensemble.library.startswith("lightgbm"):
        import lightgbm

        return lightgbm.Booster(model_file=str(source))
    if ensemble.library.startswith("conifer"):
        return read_document(Path(source))
    raise MissingPackageError("this library is not run as a framework", got=ensemble.library)


def _leaves(ensemble: Ensemble, model: Any, values: FloatArray) -> IntArray:
    if xgboost_model.is_xgboost(model):
        found = model.apply(values) if hasattr(model, "apply") else _of_booster(ensemble, model, values, pred_leaf=True)
    elif lightgbm_model.is_lightgbm(model):
        found = model.predict(values, pred_leaf=True)
    elif sklearn_model.is_sklearn(model) and hasattr(model, "apply"):
        found = model.apply(values)
    elif sklearn_model.is_sklearn(model) and hasattr(model, "estimators_"):
        features = getattr(model, "estimators_features_", None) or [slice(None)] * len(model.estimators_)
        members = zip(model.estimators_, features, strict=True)
        found = np.stack([member.apply(values[:, columns]) for member, columns in members], axis=1)
    elif conifer_json.is_conifer(model):
        from fasttrig.reference.conifer_header import leaves

        found = leaves(model, values)
    else:
        raise MissingPackageError("this library does not report its leaves", got=ensemble.library)
    return np.asarray(found).reshape(len(values), -1).astype(np.int64)


def _predictions(ensemble: Ensemble, model: Any, values: FloatArray) -> FloatArray | None:
    """Scores that the user sees; None if `predict` returns class names, or a file has no such method."""
    if conifer_json.is_conifer(model):
        return None
    if type(model).__name__ == "IsolationForest":
        found = -model.score_samples(values)
    elif hasattr(model, "predict_proba") and ensemble.objective != "binary:logitraw":
        found = model.predict_proba(values)
    elif type(model).__name__ == "Booster" and xgboost_model.is_xgboost(model):
        found = None if ensemble.objective in _CLASS_NAMES else _of_booster(ensemble, model, values)
    elif ensemble.n_classes and type(model).__name__ != "Booster":
        found = None
    else:
        found = model.predict(values)
    return None if found is None else np.asarray(found, dtype=np.float64).reshape(len(values), -1)


def _of_booster(ensemble: Ensemble, booster: Any, values: FloatArray, **options: Any) -> Any:
    import xgboost

    names, types = booster.feature_names, booster.feature_types
    matrix = xgboost.DMatrix(np.asarray(values, dtype=np.float32), feature_names=names, feature_types=types)
    return booster.predict(matrix, iteration_range=(0, ensemble.rounds_used), **options)


def _check_predictions(graph: Graph, ensemble: Ensemble, exits: IntArray, theirs: FloatArray | None) -> None:
    """The library's prediction must be the graph's link of the sum of the library's own leaves."""
    if theirs is None or not len(theirs):
        return
    margin = np.tile(ensemble.base_margin, (len(exits), 1))
    for number, tree in enumerate(ensemble.trees):
        margin[:, tree.output : tree.output + tree.n_targets] += tree.leaf[exits[:, number]]
    ours = LINK_FUNCTIONS[graph.postprocessor.value](float(graph.link_scale) * margin)
    if theirs.shape[1] == 1 and ours.shape[1] == 2:
        ours = ours[:, 1:]  # a Booster gives the second class alone
    wrong = ours.shape != theirs.shape or np.abs(ours - theirs).max() > _TOLERANCE * (1 + np.abs(theirs).max())
    if wrong:
        raise CheckFailed(
            "the library predicts something else than its leaves add up to",
            where=ensemble.origin,
            got=str(theirs[0])[:80],
            want=str(ours[0])[:80],
            try_="report this model: its link is not understood",
        )


def _exits(ensemble: Ensemble, found: IntArray) -> IntArray:
    """Own leaf numbers of the library's."""
    exits = np.empty_like(found)
    for number, tree in enumerate(ensemble.trees):
        order = np.argsort(tree.leaf_id)
        place = np.searchsorted(tree.leaf_id[order], found[:, number]).clip(0, len(order) - 1)
        exits[:, number] = order[place]
        unknown = tree.leaf_id[exits[:, number]] != found[:, number]
        if unknown.any():
            raise CheckFailed(
                "the library ends in a leaf that the model does not have",
                where=f"tree {number}",
                got=str(found[unknown, number][0]),
            )
    return exits
