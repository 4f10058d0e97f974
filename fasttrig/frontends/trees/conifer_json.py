"""conifer's JSON of every release in use, to an `Ensemble`: the numbers of the file, before conifer's own casts.

Keys changed between releases: without ``splitting_convention`` the header ``conifer.h`` compares with ``<=``; without
``weight`` every split is on one feature; ``max_depth`` is not used (reloaded XGBoost models wrote a wrong one); the
configuration calls a type ``input_precision`` or ``InputPrecision``. conifer computes ``(init_predict + sum of leaves)
* norm`` in its score type; here ``norm`` is folded into leaves and base margin before anything is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType, FloatArray
from fasttrig.frontends.trees.ensemble import Ensemble, Link, SplitRule, Tree
from fasttrig.frontends.trees.files import member, read_document, understanding, whole_number
from fasttrig.frontends.trees.grow import NodeTable, grow
from fasttrig.frontends.trees.refusals import raise_refusals

_LEAF = -2
_TYPE_KEYS = {
    "input": ("input_precision", "InputPrecision"),
    "threshold": ("threshold_precision", "ThresholdPrecision"),
    "score": ("score_precision", "ScorePrecision"),
}
_COMMON_KEYS = ("precision", "Precision")


@dataclass(frozen=True, slots=True)
class ConiferTypes:
    """Fixed-point types of a conifer project; None where the file has none (or ``float``)."""

    input: FixedType | None
    threshold: FixedType | None
    score: FixedType | None


def is_conifer(document: Any) -> bool:
    return isinstance(document, dict) and "trees" in document and "init_predict" in document


def read_file(path: Path) -> Ensemble:
    return read_parsed(read_document(path), str(path))


def conifer_types(document: Any, where: str) -> ConiferTypes:
    """The types of the file's configuration; a single ``precision`` stands for all that are not given."""
    config = document.get("config") or {} if isinstance(document, dict) else {}
    found: dict[str, FixedType | None] = {}
    for name, keys in _TYPE_KEYS.items():
        fallbacks = (*_TYPE_KEYS["input"], *_COMMON_KEYS) if name == "threshold" else _COMMON_KEYS
        text = next((config[key] for key in (*keys, *fallbacks) if config.get(key) is not None), None)
        found[name] = _type(text, f"{where} > config > {keys[0]}")
    return ConiferTypes(**found)


def _type(text: Any, where: str) -> FixedType | None:
    """``ap_fixed<18,8>`` in any spacing; ``ap_int`` and rounding modes included in the text are refused."""
    if text is None or str(text).strip() in ("float", "double"):
        return None
    try:
        return FixedType.parse("".join(str(text).split()))
    except InputError as error:
        raise UnsupportedError(
            "a type of a conifer project that has no counterpart", where=where, got=str(text), want=error.want
        ) from None


def read_parsed(document: Any, where: str) -> Ensemble:
    """The ensemble of a parsed file.

    Raises
    ------
    InputError
        If an entry is missing or the lists do not fit together.
    RefusalError
        For oblique splits.
    """
    with understanding(where):
        return _ensemble(document, where)


def _ensemble(document: dict[str, Any], where: str) -> Ensemble:
    n_features = whole_number(member(document, "n_features", where=where), f"{where} > n_features")
    n_classes = whole_number(member(document, "n_classes", where=where), f"{where} > n_classes")
    n_outputs = 1 if n_classes <= 2 else n_classes
    norm = _norm(document, where)
    rounds = _rounds(document, n_outputs, where)
    places = [
        (entry, output, f"{where} > trees > {index} > {output}")
        for index, members in enumerate(rounds)
        for output, entry in enumerate(members)
    ]
    raise_refusals(_refusal(entry, n_features, place) for entry, _, place in places)
    library = str(document.get("library", "unknown library"))
    return Ensemble(
        library=f"conifer ({library})",
        origin=where,
        objective="unknown: conifer's file names no objective",
        n_features=n_features,
        feature_names=_feature_names(document, n_features),
        n_classes=n_classes,
        trees=tuple(_tree(entry, output, n_features, norm, place) for entry, output, place in places),
        base_margin=_base_margin(document, n_outputs, where) * norm,
        split_rule=_split_rule(document, where),
        input_format="float64",
        link=Link.NONE,
        rounds_used=len(rounds),
        rounds_stored=len(rounds),
    )


def _split_rule(document: dict[str, Any], where: str) -> SplitRule:
    text = str(document.get("splitting_convention", "<="))
    known = {rule.value: rule for rule in SplitRule}
    if text not in known:
        raise InputError("unknown splitting convention", where=where, got=repr(text), want="'<' or '<='")
    return known[text]


def _norm(document: dict[str, Any], where: str) -> float:
    try:
        norm = float(document.get("norm", 1))
    except (TypeError, ValueError):
        norm = np.nan
    if not np.isfinite(norm):
        raise InputError("norm is no number", where=where, got=repr(document.get("norm")))
    return norm


def _rounds(document: dict[str, Any], n_outputs: int, where: str) -> list[list[dict[str, Any]]]:
    rounds = member(document, "trees", where=where)
    n_trees = whole_number(document.get("n_trees", len(rounds)), f"{where} > n_trees")
    fits = isinstance(rounds, list) and all(isinstance(r, list) and len(r) == n_outputs for r in rounds)
    if not fits or n_trees != len(rounds) or not all(isinstance(entry, dict) for r in rounds for entry in r):
        raise InputError(
            "the trees of a conifer file do not fit its numbers",
            where=f"{where} > trees",
            want=f"n_trees = {n_trees} rounds of {n_outputs} trees each",
        )
    return rounds


def _base_margin(document: dict[str, Any], n_outputs: int, where: str) -> FloatArray:
    """One number per output; conifer's random forests of two classes store two and use the first."""
    try:
        start = np.array(member(document, "init_predict", where=where), dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        start = np.full(1, np.nan)
    if len(start) < n_outputs or not np.isfinite(start).all():
        raise InputError(
            "init_predict is no list of finite numbers",
            where=where,
            want=f"{n_outputs} numbers",
            got=str(document["init_predict"])[:60],
        )
    return start[:n_outputs]


def _feature_names(document: dict[str, Any], n_features: int) -> tuple[str, ...]:
    """Names by rising number where the map has one for each feature."""
    numbers = document.get("feature_map") or {}
    names = {number: str(name) for name, number in numbers.items()} if isinstance(numbers, dict) else {}
    return tuple(names[i] for i in range(n_features)) if set(names) == set(range(n_features)) else ()


def _refusal(entry: dict[str, Any], n_features: int, where: str) -> UnsupportedError | None:
    weights = entry.get("weight")
    if weights is None:
        return None
    with understanding(where):
        feature = np.array(entry.get("feature"), dtype=np.int64)
        given = np.array(weights, dtype=np.float64).reshape(len(feature), n_features)
    expected = feature[:, None] == np.arange(n_features)
    oblique = np.flatnonzero((given != expected).any(axis=1) & (feature != _LEAF))
    if not oblique.size:
        return None
    return UnsupportedError(
        "an oblique split compares a sum of features",
        where=f"{where} > node {oblique[0]}",
        got=f"weight {weights[oblique[0]]}"[:80],
        want="1 for the feature of the split, 0 elsewhere",
    )


def _tree(entry: dict[str, Any], output: int, n_features: int, norm: float, where: str) -> Tree:
    with understanding(where):
        feature = np.array(entry["feature"], dtype=np.int64).reshape(-1)
        table = NodeTable(
            is_leaf=feature == _LEAF,
            left=np.array(entry["children_left"], dtype=np.int64),
            right=np.array(entry["children_right"], dtype=np.int64),
            feature=feature,
            threshold=np.array(entry["threshold"], dtype=np.float64),
            default_left=np.zeros(len(feature), dtype=bool),
            leaf=np.array(entry["value"], dtype=np.float64).reshape(len(feature), 1) * norm,
        )
        return grow(table, output=output, n_features=n_features, where=where)
