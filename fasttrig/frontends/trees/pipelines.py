"""scikit-learn's `Pipeline`: scalers in front of a tree model move its thresholds, exactly."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.frontends.trees.ensemble import Ensemble, SplitRule, Tree, goes_left

SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")
"""What moves each feature by itself and keeps its order."""

_GREATEST = int(np.finfo(np.float64).max.view(np.int64))
_SIGN = np.int64(-(2**63))


def is_pipeline(source: Any) -> bool:
    """Whether `source` is a live `Pipeline` of scikit-learn."""
    return type(source).__module__.partition(".")[0] == "sklearn" and type(source).__name__ == "Pipeline"


def read_live(pipeline: Any, read: Callable[[Any], Ensemble]) -> Ensemble:
    """The tree model at the end, read by `read`, with thresholds on the features as they enter the pipeline.

    Raises
    ------
    UnsupportedError
        For a step that is no scaler, and a model with a number of its own for missing features.
    """
    scalers = [step for _, step in pipeline.steps[:-1] if step not in (None, "passthrough")]
    for name, step in pipeline.steps[:-1]:
        if step in scalers and type(step).__name__ not in SCALERS:
            raise UnsupportedError(
                "this step of a pipeline does more than scale each feature",
                where=f"sklearn.Pipeline > {name}",
                got=type(step).__name__,
                want=", ".join(SCALERS),
                try_="run it before the pipeline, on the features that the trigger has",
            )
    ensemble = read(pipeline.steps[-1][1])
    if not scalers:
        return ensemble
    if ensemble.missing is not None:
        raise UnsupportedError(
            "a number that stands for a missing feature is scaled too",
            where=ensemble.origin,
            got=str(ensemble.missing),
            want="missing=NaN",
        )
    trees = tuple(_unscaled(tree, pipeline, ensemble) for tree in ensemble.trees)
    names = " and ".join(type(scaler).__name__ for scaler in scalers)
    return replace(
        ensemble,
        library=f"{ensemble.library} behind {names}",
        feature_names=tuple(map(str, getattr(pipeline, "feature_names_in_", ()))),
        trees=trees,
        split_rule=SplitRule.LT,
        input_format="float64",
    )


def scaled(pipeline: Any, x: FloatArray) -> FloatArray:
    """What the scalers give. Shapes: (n_events, n_features) -> same, float64 in and out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # on names of features
        for _, step in pipeline.steps[:-1]:
            x = x if step in (None, "passthrough") else step.transform(x)
    return x


def _unscaled(tree: Tree, pipeline: Any, ensemble: Ensemble) -> Tree:
    """The tree with each threshold as the least float64 feature that the library sends right; infinite if none is.

    Found by bisection over all finite numbers: scaling, the cast to the library's format and the comparison are
    monotone together.
    """
    low = np.full(tree.n_nodes, -_GREATEST, dtype=np.int64)
    high = np.full(tree.n_nodes, _GREATEST + 1, dtype=np.int64)
    while (low < high).any():
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        x = np.zeros((tree.n_nodes, ensemble.n_features))
        x[np.arange(tree.n_nodes), tree.feature] = _numbers(np.minimum(middle, _GREATEST))
        with np.errstate(over="ignore"):
            seen = scaled(pipeline, x)[np.arange(tree.n_nodes), tree.feature]
            seen = seen.astype(ensemble.input_format).astype(np.float64)
        right = ~goes_left(seen, tree.threshold, ensemble.split_rule)
        undecided = low < high
        high = np.where(undecided & right, middle, high)
        low = np.where(undecided & ~right, middle + 1, low)
    threshold = np.where(low > _GREATEST, np.inf, _numbers(np.minimum(low, _GREATEST)))
    return replace(tree, threshold=np.where(low == -_GREATEST, -np.inf, threshold))


def _numbers(place: IntArray) -> FloatArray:
    """The float64 of each place in the order of all finite ones; 0 is at place 0. Shapes: any -> same."""
    return np.where(place >= 0, place, _SIGN - place).astype(np.int64).view(np.float64)
