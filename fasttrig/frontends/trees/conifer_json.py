"""conifer's JSON of every release in use, to an `Ensemble`: the numbers that ``conifer.h`` computes with.

conifer casts thresholds to its threshold type, leaves and ``init_predict`` to its score type, by the modes of these
types; sums in the score type, ``init_predict`` first; and multiplies by ``norm``, itself cast to the score type.
Without types it is read as a model of doubles, ``norm`` folded into leaves and base margin.

Keys changed between releases: without ``splitting_convention`` the header compares with ``<=``; without ``weight``
every split is on one feature; ``max_depth`` is not used (reloaded XGBoost models wrote a wrong one); the configuration
is called ``config`` or ``Config``, and a type ``input_precision`` or ``InputPrecision``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FloatArray
from fasttrig.frontends.refusals import raise_refusals, refuse_unknown
from fasttrig.frontends.trees.conifer_types import ConiferTypes, CppType
from fasttrig.frontends.trees.ensemble import (
    MOST_FEATURES,
    MOST_OUTPUTS,
    Ensemble,
    Link,
    ScoreSum,
    SplitRule,
    Tree,
)
from fasttrig.frontends.trees.files import member, read_document, understanding, whole_number
from fasttrig.frontends.trees.grow import NodeTable, grow

_LEAF = -2
_KNOWN = {
    *("n_classes", "n_features", "n_trees", "max_depth", "init_predict", "norm", "library", "splitting_convention"),
    *("feature_map", "trees", "config", "Config", "metadata"),
}
_KNOWN_OF_A_TREE = {
    *("feature", "weight", "threshold", "value", "children_left", "children_right"),
    *("parent", "depth", "iLeaf"),  # Keys that conifer's bottom-up backends write; fasttrig does not use them.
}
_MOST_NORM = 2.0**53


def is_conifer(document: Any) -> bool:
    return isinstance(document, dict) and "trees" in document and "init_predict" in document


def read_file(path: Path) -> Ensemble:
    return read_parsed(read_document(path), str(path))


def read_parsed(document: Any, where: str) -> Ensemble:
    """The ensemble of a parsed file.

    Raises
    ------
    InputError
        If an entry is missing or the lists do not fit together.
    RefusalError
        For oblique splits.
    UnsupportedError
        For types in which conifer would not compare a feature itself, and types that fasttrig does not know.
    """
    with understanding(where):
        return _ensemble(document, where)


def _ensemble(document: dict[str, Any], where: str) -> Ensemble:
    refuse_unknown(document, _KNOWN, where)
    n_features = _count(document, "n_features", MOST_FEATURES, where)
    n_classes = _count(document, "n_classes", MOST_OUTPUTS, where)
    n_outputs = 1 if n_classes <= 2 else n_classes
    types = ConiferTypes.of(document, where)
    norm = _norm(document, where)
    rounds = _rounds(document, n_outputs, where)
    places = [
        (entry, output, f"{where} > trees > {index} > {output}")
        for index, members in enumerate(rounds)
        for output, entry in enumerate(members)
    ]
    for entry, _, place in places:
        refuse_unknown(entry, _KNOWN_OF_A_TREE, place)
    raise_refusals(_refusal(entry, n_features, place) for entry, _, place in places)
    if any(entry.get("weight") is not None for entry, _, _ in places):
        _check_weight(types, where)
    score = _score(types, norm)
    numbers = _Numbers(types.threshold, types.score, 1.0 if score else norm)
    library = str(document.get("library", "unknown library"))
    return Ensemble(
        library=f"conifer ({library})",
        origin=where,
        objective="unknown: conifer's file names no objective",
        n_features=n_features,
        feature_names=_feature_names(document, n_features),
        n_classes=n_classes,
        trees=tuple(_tree(entry, output, n_features, numbers, place) for entry, output, place in places),
        base_margin=numbers.summed(_base_margin(document, n_outputs, where)),
        split_rule=_split_rule(document, where),
        input_format=types.threshold.format if types.threshold else "float64",
        link=Link.NONE,
        rounds_used=len(rounds),
        rounds_stored=len(rounds),
        input_type=types.input.fixed if types.input else None,
        feature_type=types.threshold.fixed if types.threshold else None,
        score=score,
    )


@dataclass(frozen=True, slots=True)
class _Numbers:
    """From the numbers of a file to those that conifer computes with."""

    threshold: CppType | None
    score: CppType | None
    norm: float

    def compared(self, value: FloatArray) -> FloatArray:
        return self.threshold.cast(value) if self.threshold else value

    def summed(self, value: FloatArray) -> FloatArray:
        return (self.score.cast(value) if self.score else value) * self.norm


def _count(document: dict[str, Any], name: str, most: int, where: str) -> int:
    found = whole_number(member(document, name, where=where), f"{where} > {name}")
    if not 0 <= found <= most:
        raise InputError("number out of range", where=f"{where} > {name}", got=str(found), want=f"0 to {most}")
    return found


def _check_weight(types: ConiferTypes, where: str) -> None:
    """conifer multiplies the feature of a split by 1 in the weight type, which has to hold it."""
    if types.weight is not None and types.weight.cast(1.0) != 1:
        raise UnsupportedError(
            "conifer compares features multiplied by a weight of 1, which its weight type cannot hold",
            where=f"{where} > config > weight_precision",
            got=types.weight.text,
            want="a type that holds 1, such as ap_fixed<2,2>",
        )


def _score(types: ConiferTypes, norm: float) -> ScoreSum | None:
    score = types.score
    if score is None or score.fixed is None:
        return None
    return ScoreSum(score.fixed, score.rounding, score.overflow, float(score.cast(norm)))


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
    if not abs(norm) <= _MOST_NORM:
        raise InputError(
            "norm is not a finite number of reasonable size",
            where=f"{where} > norm",
            got=repr(document.get("norm"))[:60],
        )
    return norm


def _rounds(document: dict[str, Any], n_outputs: int, where: str) -> list[list[dict[str, Any]]]:
    rounds = member(document, "trees", where=where)
    n_trees = whole_number(document.get("n_trees", len(rounds)), f"{where} > n_trees")
    fits = isinstance(rounds, list) and all(isinstance(r, list) and len(r) == n_outputs for r in rounds)
    if not fits or n_trees != len(rounds) or not all(isinstance(entry, dict) for r in rounds for entry in r):
        raise InputError(
            "the conifer file has an unexpected number of trees",
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
            "init_predict is not a list of finite numbers",
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
        "oblique splits on sums of features are not supported",
        where=f"{where} > node {oblique[0]}",
        got=f"weight {weights[oblique[0]]}"[:80],
        want="1 for the feature of the split, 0 elsewhere",
    )


def _tree(entry: dict[str, Any], output: int, n_features: int, numbers: _Numbers, where: str) -> Tree:
    with understanding(where):
        feature = np.array(entry["feature"], dtype=np.int64).reshape(-1)
        is_leaf = feature == _LEAF
        table = NodeTable(
            is_leaf=is_leaf,
            left=np.array(entry["children_left"], dtype=np.int64),
            right=np.array(entry["children_right"], dtype=np.int64),
            feature=feature,
            threshold=numbers.compared(np.where(is_leaf, 0, np.array(entry["threshold"], dtype=np.float64))),
            default_left=np.zeros(len(feature), dtype=bool),
            leaf=numbers.summed(np.where(is_leaf, np.array(entry["value"], dtype=np.float64), 0)).reshape(-1, 1),
        )
        return grow(table, output=output, n_features=n_features, where=where, whole=True)
