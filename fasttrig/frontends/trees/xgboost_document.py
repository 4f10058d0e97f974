"""XGBoost's own model document (JSON or UBJSON, releases 1.0 to 3.x) to an `Ensemble`, without running XGBoost.

Written after the documents that XGBoost itself writes: thresholds and leaves are float32; a leaf has left child -1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FloatArray
from fasttrig.frontends.refusals import raise_refusals
from fasttrig.frontends.trees.ensemble import MOST_OUTPUTS, Ensemble, Link, SplitRule, Tree
from fasttrig.frontends.trees.files import member, understanding, whole_number
from fasttrig.frontends.trees.grow import NodeTable, grow
from fasttrig.frontends.trees.missing import send_missing
from fasttrig.frontends.trees.xgboost_checks import (
    check_columns,
    check_rounds,
    leaf_size,
    refuse_unknown_entries,
    tree_refusal,
)

NEWEST_KNOWN = (3, 4)
"""Newest release whose stored base score is understood; a later file needs an XGBoost of its age to measure it."""

_LINKS = {
    "binary:logistic": Link.LOGISTIC,
    "reg:logistic": Link.LOGISTIC,
    "multi:softprob": Link.SOFTMAX,
    "multi:softmax": Link.SOFTMAX,
    "count:poisson": Link.EXP,
    "reg:gamma": Link.EXP,
    "reg:tweedie": Link.EXP,
    "survival:cox": Link.EXP,
    "survival:aft": Link.EXP,
    "binary:hinge": Link.STEP,
}
_IDENTITY = (
    "binary:logitraw",
    "reg:squarederror",
    "reg:linear",
    "reg:absoluteerror",
    "reg:quantileerror",
    "reg:pseudohubererror",
    "reg:squaredlogerror",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
)
OBJECTIVES = (*_LINKS, *_IDENTITY)
_LEAF_OF_ZERO: dict[str, Any] = {
    "base_weights": [0.0],
    "categories": [],
    "categories_nodes": [],
    "categories_segments": [],
    "categories_sizes": [],
    "default_left": [0],
    "left_children": [-1],
    "loss_changes": [0.0],
    "parents": [2147483647],
    "right_children": [-1],
    "split_conditions": [0.0],
    "split_indices": [0],
    "split_type": [0],
    "sum_hessian": [1.0],
}


@dataclass(frozen=True, slots=True)
class XGBoostDocument:
    """The parts of a document that matter.

    Attributes
    ----------
    learner, model : dict
        ``learner`` of the document, and the ``model`` of its booster.
    booster : str
        ``gbtree`` or ``dart``.
    weight_drop : sequence of float
        One factor per tree for dart, else empty.
    """

    where: str
    learner: dict[str, Any]
    model: dict[str, Any]
    booster: str
    weight_drop: Sequence[float]
    version: tuple[int, ...]

    @property
    def objective(self) -> str:
        return str(member(self.learner, "objective", "name", where=self.where))

    @property
    def knows_objective(self) -> bool:
        return self.objective in OBJECTIVES

    def parameter(self, name: str, default: int) -> int:
        """An integer of ``learner_model_param``; older releases lack some."""
        found = member(self.learner, "learner_model_param", where=self.where).get(name, default)
        return whole_number(found, f"{self.where} > learner_model_param > {name}")

    @property
    def n_features(self) -> int:
        return self.parameter("num_feature", 0)

    @property
    def n_classes(self) -> int:
        n_groups = self.parameter("num_class", 0)
        return n_groups if n_groups > 1 else 2 if self.objective.startswith("binary:") else 0

    @property
    def n_outputs(self) -> int:
        n_outputs = max(1, self.parameter("num_class", 0), self.parameter("num_target", 1))
        if n_outputs > MOST_OUTPUTS:
            raise InputError("too many outputs", where=self.where, got=str(n_outputs), want=f"at most {MOST_OUTPUTS}")
        return n_outputs

    @property
    def multi_target(self) -> bool:
        """Whether each tree has one leaf value per output (``multi_strategy="multi_output_tree"``)."""
        return any(leaf_size(tree) > 1 for tree in self.trees)

    @property
    def trees(self) -> list[dict[str, Any]]:
        trees = member(self.model, "trees", where=self.where)
        if not isinstance(trees, list) or not all(isinstance(tree, dict) for tree in trees):
            raise InputError("cannot read the trees of the model", where=self.where, want="a list of objects")
        return trees

    @property
    def round_trees(self) -> int:
        """Trees per boosting round."""
        parallel = self.model.get("gbtree_model_param", {}).get("num_parallel_tree", 1)
        per_output = max(1, whole_number(parallel, f"{self.where} > num_parallel_tree"))
        return per_output * (1 if self.multi_target else self.n_outputs)

    @property
    def n_rounds(self) -> int:
        return len(self.trees) // self.round_trees

    @property
    def best_round(self) -> int | None:
        """Rounds that XGBoost's scikit-learn interface predicts with after early stopping, if it stopped."""
        best = self.learner.get("attributes", {}).get("best_iteration")
        return None if best is None else whole_number(best, f"{self.where} > best_iteration") + 1

    @property
    def from_sklearn(self) -> bool:
        return "scikit_learn" in self.learner.get("attributes", {})


def is_xgboost_document(document: Any) -> bool:
    """Whether a parsed JSON or UBJSON looks like one (files of the first releases say "Model")."""
    return isinstance(document, dict) and bool({"learner", "Model"} & set(document))


def open_document(document: Any, where: str) -> XGBoostDocument:
    """Find the parts; pickled boosters wrap the same document as ``Model``."""
    if isinstance(document, dict) and "Model" in document and "learner" not in document:
        document = document["Model"]
    learner = member(document, "learner", where=where)
    booster = member(learner, "gradient_booster", where=where)
    refuse_unknown_entries(document, learner, booster, where)
    name = str(member(booster, "name", where=where))
    if name not in ("gbtree", "dart"):
        raise UnsupportedError(
            "not a model of trees", where=f"{where} > gradient_booster", got=name, want="gbtree or dart"
        )
    inner = member(booster, "gbtree", where=where) if name == "dart" else booster
    weights = member(booster, "weight_drop", where=where) if name == "dart" else ()
    version = tuple(whole_number(part, f"{where} > version") for part in document.get("version", ()))
    return XGBoostDocument(where, learner, member(inner, "model", where=where), name, weights, version)


def read_ensemble(
    document: XGBoostDocument, base_margin: FloatArray, rounds: int | None = None, missing: float = math.nan
) -> Ensemble:
    """The ensemble, with a base margin measured or computed elsewhere; the first `rounds` boosting rounds of it.

    `missing` is the number that a wrapper treats as missing, in addition to NaN; XGBoost compares it in float32.
    """
    used = document.n_rounds if rounds is None else rounds
    if not 0 <= used <= document.n_rounds:
        raise InputError(
            "number of boosting rounds out of range",
            where=document.where,
            got=str(used),
            want=f"0 to {document.n_rounds}",
        )
    version = ".".join(map(str, document.version[:2])) or "?"
    trees = read_trees(document)[: used * document.round_trees]
    number = float(np.float32(missing))
    if not math.isnan(number):
        trees = tuple(
            send_missing(tree, *(np.full(tree.n_nodes, number),) * 2, SplitRule.LT, "float32") for tree in trees
        )
    return Ensemble(
        library=f"xgboost {version} {document.booster}",
        origin=document.where,
        objective=document.objective,
        n_features=document.n_features,
        feature_names=tuple(map(str, document.learner.get("feature_names", ()))),
        n_classes=document.n_classes,
        trees=trees,
        base_margin=base_margin,
        split_rule=SplitRule.LT,
        input_format="float32",
        link=_LINKS.get(document.objective, Link.NONE),
        rounds_used=used,
        rounds_stored=document.n_rounds,
        missing=None if math.isnan(number) else number,
    )


def head_only(document: XGBoostDocument) -> dict[str, Any]:
    """A document of the same release, objective and base score, with one tree per output that is a leaf of 0.

    (Without any tree XGBoost 3.2 answers with the base score before the link.)
    """
    parameters = dict(member(document.learner, "learner_model_param", where=document.where))
    sizes = {
        "num_class": document.parameter("num_class", 0),
        "num_feature": document.n_features,
        "num_target": document.parameter("num_target", 1),
    }
    parameters |= {key: str(size) for key, size in sizes.items() if key in parameters}
    outputs = list(range(document.n_outputs))
    model = {
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(len(outputs)), "size_leaf_vector": "0"},
        "iteration_indptr": [0, len(outputs)],
        "tree_info": outputs,
        "trees": [
            {
                **_LEAF_OF_ZERO,
                "id": number,
                "tree_param": {
                    "num_deleted": "0",
                    "num_feature": str(document.n_features),
                    "num_nodes": "1",
                    "size_leaf_vector": "0",
                },
            }
            for number in outputs
        ],
    }
    learner = {
        "attributes": {},
        "feature_names": [],
        "feature_types": [],
        "learner_model_param": parameters,
        "gradient_booster": {"name": "gbtree", "model": model},
        "objective": document.learner["objective"],
    }
    return {"learner": learner, "version": list(document.version)}


def stored_base_margin(document: XGBoostDocument) -> FloatArray:
    """The base margin that the stored base score should stand for, shape (n_outputs,), float32 numbers.

    Until 3.0 one number for all outputs, since 3.1 a vector as text. Logistic objectives store a probability, those
    with a log link a mean, all others a margin.
    """
    text = str(member(document.learner, "learner_model_param", "base_score", where=document.where))
    try:
        score = np.array([float(part) for part in text.strip("[] ").split(",")], dtype=np.float32)
    except ValueError:
        raise InputError("cannot read the base score", where=document.where, got=repr(text)[:60]) from None
    if len(score) not in (1, document.n_outputs):
        raise InputError(
            "the base score has the wrong length",
            where=document.where,
            got=text[:60],
            want=f"1 or {document.n_outputs}",
        )
    link = _LINKS.get(document.objective, Link.NONE)
    with np.errstate(all="ignore"):  # Round each step of -log(1 / p - 1) to float32, as XGBoost does.
        odds = (np.float32(1) / score - np.float32(1)).astype(np.float64)
        wide = score.astype(np.float64)
        margin = -np.log(odds) if link is Link.LOGISTIC else np.log(wide) if link is Link.EXP else wide
    margin = np.broadcast_to(margin.astype(np.float32).astype(np.float64), (document.n_outputs,)).copy()
    if not np.isfinite(margin).all():
        raise InputError(
            "the link cannot convert the base score to a margin",
            where=document.where,
            got=text[:60],
            want="inside the range of the objective's mean",
        )
    return margin


def read_trees(document: XGBoostDocument) -> tuple[Tree, ...]:
    """All trees, leaves multiplied by their dart weight (in float32, as XGBoost does)."""
    where = document.where
    raise_refusals(tree_refusal(tree, f"{where} > tree {index}") for index, tree in enumerate(document.trees))
    check_rounds(document.model, document.round_trees, where)
    weights = np.asarray(document.weight_drop, dtype=np.float32)
    if len(weights) not in (0, len(document.trees)):
        raise InputError(
            "the number of DART weights differs from the number of trees",
            where=where,
            got=str(len(weights)),
            want=str(len(document.trees)),
        )
    size = document.n_outputs if document.multi_target else 1
    trees = []
    for index, (entry, group) in enumerate(zip(document.trees, document.model["tree_info"], strict=True)):
        place = f"{where} > tree {index}"
        output = whole_number(group, place)
        if entry.get("id", index) != index:
            raise InputError("the trees are out of order", where=place, got=f"id {entry['id']}", want=str(index))
        if not 0 <= output <= document.n_outputs - size or max(1, leaf_size(entry)) != size:
            raise InputError("a tree refers to an output that does not exist", where=place, got=str(output))
        weight = weights[index] if len(weights) else np.float32(1)
        with understanding(place):
            deleted = whole_number(entry.get("tree_param", {}).get("num_deleted", 0), place)
            table = _table(entry, weight, size, document.n_features)
            trees.append(grow(table, output=output, n_features=document.n_features, where=place, whole=not deleted))
    return tuple(trees)


def _table(tree: dict[str, Any], weight: np.float32, size: int, n_features: int) -> NodeTable:
    left, right = np.array(tree["left_children"], dtype=np.int64), np.array(tree["right_children"], dtype=np.int64)
    condition = np.array(tree["split_conditions"], dtype=np.float64).astype(np.float32)
    is_leaf = left == -1
    leaf = condition[:, None]
    if size > 1:
        rows = np.array(tree["leaf_weights"], dtype=np.float64).astype(np.float32).reshape(-1, size)
        leaf = np.zeros((len(left), size), dtype=np.float32)
        leaf[is_leaf] = rows[right[is_leaf]]
        if (right[is_leaf] < 0).any():
            raise IndexError("a leaf has no row in leaf_weights")
    check_columns(tree, n_features)
    return NodeTable(
        is_leaf=is_leaf,
        left=left,
        right=right,
        feature=np.array(tree["split_indices"], dtype=np.int64),
        threshold=condition.astype(np.float64),
        default_left=np.array(tree["default_left"], dtype=bool),
        leaf=(leaf * weight).astype(np.float64),
    )
