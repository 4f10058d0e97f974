"""XGBoost: boosters, scikit-learn wrappers and model files, with the base margin measured if XGBoost is installed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, MissingPackageError, UnsupportedError
from fasttrig.base.fixed import FloatArray
from fasttrig.frontends.trees.ensemble import Ensemble
from fasttrig.frontends.trees.files import parse_json, read_document, understanding
from fasttrig.frontends.trees.xgboost_document import (
    NEWEST_KNOWN,
    XGBoostDocument,
    head_only,
    open_document,
    read_ensemble,
    stored_base_margin,
)

_OLDEST_LOADABLE = (1, 6)
_PROBES = 64
NO_MISSING = (
    "a Booster or a model file does not store the `missing` of a scikit-learn wrapper: NaN alone counts as missing"
)
_TOLERANCE = 2e-5
"""Of a float32 sum relative to the size of its terms."""


def is_xgboost(source: Any) -> bool:
    """Whether `source` is a live XGBoost model."""
    return type(source).__module__.partition(".")[0] == "xgboost" and (
        hasattr(source, "get_booster") or hasattr(source, "save_raw")
    )


def read_live(model: Any, rounds: int | None = None) -> Ensemble:
    """A ``Booster`` (all rounds, as its ``predict``) or a scikit-learn wrapper (after early stopping the best ones)."""
    where = f"xgboost.{type(model).__name__}"
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    document = open_document(parse_json(bytes(booster.save_raw("json")), where), where)
    if booster is model:
        return replace(_checked(document, booster, rounds, math.nan), note=NO_MISSING)
    return _checked(document, booster, document.best_round if rounds is None else rounds, _missing(model, where))


def _missing(model: Any, where: str) -> float:
    """The wrapper's ``missing``; NaN, which every model takes for missing, where it names none."""
    found = getattr(model, "missing", None)
    try:
        return math.nan if found is None else float(found)
    except (TypeError, ValueError):
        raise InputError("`missing` is not a number", where=f"{where} > missing", got=repr(found)[:60]) from None


def read_file(path: Path, rounds: int | None = None) -> Ensemble:
    """A ``.json`` or ``.ubj`` file.

    A file written by the scikit-learn wrapper carries its early stopping; one written by ``Booster.save_model`` is
    read as ``Booster.predict`` uses it: all rounds, unless `rounds` says otherwise.
    """
    return read_parsed(read_document(path), str(path), rounds)


def read_parsed(parsed: Any, where: str, rounds: int | None = None) -> Ensemble:
    """As `read_file`, of what the file holds. No tree of the file is ever given to XGBoost's own loader."""
    with understanding(where):
        document = open_document(parsed, where)
        if rounds is None and document.from_sklearn:
            rounds = document.best_round
        base = _measured_base(document)
        whole = read_ensemble(document, _computed(document) if base is None else base, rounds)
        return replace(whole, note=NO_MISSING)


def _measured_base(document: XGBoostDocument) -> FloatArray | None:
    """The margin of a model with this document's head and empty trees of ours: the base margin, to the last bit.

    None where no XGBoost of at least the document's release is installed.
    """
    try:
        import xgboost
    except ImportError:
        return None
    installed = tuple(int(part) for part in xgboost.__version__.split(".")[:2])
    if document.version[:2] > installed:
        return None
    stored_base_margin(document)  # Refuses values that are not a base score.
    booster = xgboost.Booster()
    try:
        with xgboost.config_context(verbosity=0):  # XGBoost warns about old files and reads them.
            booster.load_model(bytearray(json.dumps(head_only(document)).encode()))
            margin = booster.predict(xgboost.DMatrix(np.zeros((1, document.n_features))), output_margin=True)
    except (xgboost.core.XGBoostError, ValueError) as error:
        if document.version[:2] < _OLDEST_LOADABLE:
            return None  # Releases after 3.2 may not read old files; `_computed` knows their base score.
        first_line = str(error).partition("\n")[0]
        raise InputError("XGBoost cannot load this model", where=document.where, got=first_line) from None
    return np.asarray(margin, dtype=np.float64).reshape(document.n_outputs)


def _computed(document: XGBoostDocument) -> FloatArray:
    """Without XGBoost: what the stored base score means in the file's release, if that is known."""
    if document.version[:2] > NEWEST_KNOWN:
        version = ".".join(map(str, document.version))
        raise MissingPackageError(
            "only XGBoost can interpret the base score of this file",
            where=document.where,
            got=f"a file of XGBoost {version}",
            want=f"at most {'.'.join(map(str, NEWEST_KNOWN))}",
            try_=f"install xgboost {version} or newer, so that the base margin can be measured",
        )
    if not document.knows_objective:
        raise MissingPackageError(
            "the base margin of a custom objective must be measured",
            where=document.where,
            got=document.objective,
            try_="install xgboost, or set base_margin through a known objective",
        )
    return stored_base_margin(document)


def _checked(document: XGBoostDocument, booster: Any, rounds: int | None, missing: float) -> Ensemble:
    """A live booster's ensemble: its margin must be the base margin plus our leaves, its leaves must be ours."""
    import xgboost

    base = _measured_base(document)
    whole = read_ensemble(document, _computed(document) if base is None else base, missing=missing)
    x = _probes(whole)
    names = list(whole.feature_names) or None
    matrix = xgboost.DMatrix(x, missing=missing, feature_names=names, feature_types=booster.feature_types)
    _check_leaves(whole, booster, matrix, x)
    ours, theirs = whole.margin(x), np.asarray(booster.predict(matrix, output_margin=True), dtype=np.float64)
    size = 1.0 + np.abs(theirs).max() + sum(float(np.abs(tree.leaf).max()) for tree in whole.trees)
    difference = theirs.reshape(len(x), -1) - ours
    if np.abs(difference).max() > _TOLERANCE * size:
        raise UnsupportedError(
            "XGBoost's margin is not the sum of its base margin and leaves",
            where=document.where,
            got=f"differences from {difference.min():g} to {difference.max():g}",
            want="none beyond rounding",
            try_="please report this model: fasttrig misreads its booster",
        )
    return whole if rounds is None else read_ensemble(document, whole.base_margin, rounds, missing)


def _check_leaves(whole: Ensemble, booster: Any, matrix: Any, x: FloatArray) -> None:
    if not whole.trees:
        return
    theirs = np.asarray(booster.predict(matrix, pred_leaf=True), dtype=np.int64).reshape(len(x), -1)
    if theirs.shape[1] != len(whole.trees) or not np.array_equal(theirs, whole.library_leaves(x)):
        raise UnsupportedError(
            "XGBoost reaches different leaves than its own document",
            where=whole.origin,
            try_="please report this model: fasttrig misreads its trees",
        )


def _probes(whole: Ensemble) -> FloatArray:
    """Rows around the thresholds: on them, just below and just above; shape (_PROBES, n_features), float32 numbers."""
    rng = np.random.default_rng(0)
    x = np.zeros((_PROBES, whole.n_features), dtype=np.float32)
    for feature in range(whole.n_features):
        found = [tree.threshold[tree.feature == feature] for tree in whole.trees]
        marked = [] if whole.missing is None else [np.full(1, whole.missing)]
        limits = np.unique(np.concatenate([np.zeros(1), *marked, *found])).astype(np.float32)
        limits = limits[np.isfinite(limits)]
        picked = rng.choice(limits, _PROBES)
        side = rng.integers(0, 3, _PROBES)
        infinity = np.float32(np.inf)
        x[:, feature] = np.select(
            [side == 0, side == 1], [np.nextafter(picked, -infinity), picked], np.nextafter(picked, infinity)
        )
    return x.astype(np.float64)
