"""The library's own answer for a tree model, as raw integers: its exit leaves, each standing for its integer leaf."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import CheckFailed, MissingPackageError
from fasttrig.base.fixed import IntArray, to_value
from fasttrig.frontends.trees import xgboost_model
from fasttrig.frontends.trees.ensemble import Ensemble
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest


def framework_raw(graph: Graph, ensemble: Ensemble, source: Any, inputs: Mapping[str, IntArray]) -> dict[str, IntArray]:
    """Raw outputs from the leaves that XGBoost itself says each event ends in.

    Parameters
    ----------
    graph : Graph
        As read, before any pass: its leaves stand in the order of `ensemble`.
    source : path or live XGBoost model
    inputs : mapping with the graph's one input
        Raw integers; XGBoost is given their values, which float32 holds exactly up to 24 bits.

    Raises
    ------
    MissingPackageError
        When the model is not XGBoost's: no other library is run here.
    CheckFailed
        When XGBoost names a leaf that the ensemble does not have.
    """
    (forest,) = graph.ops_of(Forest)
    values = to_value(inputs[forest.operand.name], forest.operand.type)
    exits = _exits(ensemble, library_leaves(ensemble, source, values))
    total = np.tile(forest.base_margin.raw, (len(values), 1))
    first = 0
    for number, tree in enumerate(ensemble.trees):
        leaves = forest.leaf.raw[first + exits[:, number]]
        total[:, tree.output : tree.output + tree.n_targets] += leaves
        first += len(tree.leaf)
    return {graph.outputs[0].name: total}


def library_leaves(ensemble: Ensemble, source: Any, values: Any) -> IntArray:
    """Exit leaf of each tree, numbered and found by the library. Shapes: (n, n_features) -> (n, n_trees)."""
    import xgboost

    if isinstance(source, str | Path):
        if not ensemble.library.startswith("xgboost"):
            raise MissingPackageError("only XGBoost is run as a framework", got=ensemble.library)
        booster = xgboost.Booster(model_file=str(source))
    elif xgboost_model.is_xgboost(source):
        booster = source if isinstance(source, xgboost.Booster) else source.get_booster()
    else:
        raise MissingPackageError("only XGBoost is run as a framework", got=ensemble.library)
    names, types = booster.feature_names, booster.feature_types
    matrix = xgboost.DMatrix(np.asarray(values, dtype=np.float32), feature_names=names, feature_types=types)
    leaves = booster.predict(matrix, pred_leaf=True, iteration_range=(0, ensemble.rounds_used))
    return np.asarray(leaves).reshape(len(values), -1).astype(np.int64)


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
                "XGBoost ends in a leaf that the model does not have",
                where=f"tree {number}",
                got=str(found[unknown, number][0]),
            )
    return exits
