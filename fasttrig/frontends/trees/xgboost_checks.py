"""What must hold in an XGBoost document before anyone follows its indices: we, or XGBoost's own C++ loader.

XGBoost 3.2 follows some of them unchecked (a multi-target file of release 2.x ends its process with a segmentation
fault), so everything that could point outside is refused here first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.refusals import refuse_unknown
from fasttrig.frontends.trees.files import whole_number

_NODE_COLUMNS = (
    "base_weights",
    "default_left",
    "left_children",
    "loss_changes",
    "parents",
    "right_children",
    "split_conditions",
    "split_indices",
    "split_type",
    "sum_hessian",
)
_OTHER_ENTRIES = ("id", "leaf_weights", "tree_param")
_KNOWN = {
    "document": {"learner", "version", "Config"},
    "learner": {
        *("attributes", "feature_names", "feature_types", "gradient_booster", "learner_model_param", "objective"),
        *("learner_train_param", "metrics"),
    },
    "gradient_booster": {"name", "model", "gbtree", "weight_drop"},
    "model": {"cats", "gbtree_model_param", "iteration_indptr", "tree_info", "trees"},
}
_CATEGORY_COLUMNS = ("categories", "categories_nodes", "categories_segments", "categories_sizes")
_NO_PARENT = (-1, 2147483647)


def leaf_size(tree: dict[str, Any]) -> int:
    """Numbers per leaf; releases before 3.1 wrote 0 for one."""
    return whole_number(tree.get("tree_param", {}).get("size_leaf_vector", 0), "tree_param > size_leaf_vector")


def refuse_unknown_entries(document: Any, learner: Any, booster: Any, where: str) -> None:
    """Raise where a document has an entry that no release known here writes."""
    levels = {"document": document, "learner": learner, "gradient_booster": booster}
    for name, content in levels.items():
        refuse_unknown(map(str, content), _KNOWN[name], f"{where} > {name}")
    inner = booster.get("gbtree", booster).get("model", {}) if isinstance(booster, dict) else {}
    refuse_unknown(map(str, inner), _KNOWN["model"], f"{where} > gradient_booster > model")


def tree_refusal(tree: dict[str, Any], where: str) -> UnsupportedError | None:
    """Why hardware cannot take this tree, or None."""
    categories = [key for key in _CATEGORY_COLUMNS if len(tree.get(key, ()))]
    refuse_unknown(map(str, tree), {*_NODE_COLUMNS, *_CATEGORY_COLUMNS, *_OTHER_ENTRIES}, where)
    if any(np.asarray(tree.get("split_type", ())).reshape(-1).tolist()) or categories:
        return UnsupportedError(
            "categorical splits are not supported",
            where=where,
            got=", ".join(categories) or "split_type 1",
            want="numerical splits only",
            try_="one-hot encode the feature before training",
        )
    if leaf_size(tree) > 1 and "leaf_weights" not in tree:
        return UnsupportedError(
            "a multi-target tree written before XGBoost 3.1 does not mark its leaves",
            where=where,
            got=f"size_leaf_vector {leaf_size(tree)} without leaf_weights",
            want="leaf_weights",
            try_="retrain with XGBoost 3.1 or newer, or with one tree per output",
        )
    return None


def check_columns(tree: dict[str, Any], n_features: int) -> None:
    """Raise ValueError where a column is too short or an index of any row, reached or not, leaves the table."""
    n_rows = len(tree["left_children"])
    if whole_number(tree.get("tree_param", {}).get("num_nodes", n_rows), "num_nodes") != n_rows:
        raise ValueError("num_nodes is not the number of nodes")
    sizes = {"base_weights": max(1, leaf_size(tree))}
    for key in _NODE_COLUMNS:
        if key in tree and len(tree[key]) not in (n_rows, n_rows * sizes.get(key, 1)):
            raise ValueError(f"{key} has {len(tree[key])} entries for {n_rows} nodes")
    left, right, parents, feature = (
        np.array(tree.get(key, ()), dtype=np.int64)
        for key in ("left_children", "right_children", "parents", "split_indices")
    )
    children = np.concatenate([left, right])
    if (children < -1).any() or (children >= n_rows).any() or (feature < 0).any() or (feature >= n_features).any():
        raise ValueError("a node index lies outside the tree")
    if (~np.isin(parents, _NO_PARENT) & ((parents < 0) | (parents >= n_rows))).any():
        raise ValueError("a parent index lies outside the tree")


def check_rounds(model: dict[str, Any], round_trees: int, where: str) -> None:
    """Lists of trees must be whole rounds, and say so consistently."""
    n_trees, groups = len(model["trees"]), model.get("tree_info", ())
    stated = model.get("gbtree_model_param", {}).get("num_trees", n_trees)
    starts = list(range(0, n_trees + 1, round_trees))
    indptr = list(model.get("iteration_indptr", starts))
    fits = len(groups) == n_trees and n_trees % round_trees == 0 and whole_number(stated, where) == n_trees
    if not fits or indptr not in (starts, []):
        got = f"{n_trees} trees (stated {stated}), {len(groups)} entries of tree_info, rounds at {indptr[:4]}..."
        raise InputError("the lists of trees do not match", where=where, got=got, want=f"whole rounds of {round_trees}")
    if any(len(content) for content in dict(model.get("cats") or {}).values()):
        raise UnsupportedError(
            "models with encoded categories are not supported", where=f"{where} > cats", want="numerical features"
        )
