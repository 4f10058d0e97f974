"""LightGBM's text model (file or live ``Booster``) to an `Ensemble`, without running LightGBM.

A split goes left when ``x <= threshold`` in float64. Shrinkage, dart weights and the starting score are already inside
the leaves of the text. Child ``-k - 1`` is leaf k.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.frontends.refusals import raise_refusals, refuse_unknown
from fasttrig.frontends.trees.ensemble import Ensemble, Link, SplitRule, Tree
from fasttrig.frontends.trees.files import read_text, understanding, whole_number
from fasttrig.frontends.trees.grow import NodeTable, grow, split_rows
from fasttrig.frontends.trees.missing import send_missing

_LINKS = {
    "binary": Link.LOGISTIC,
    "multiclass": Link.SOFTMAX,
    "multiclassova": Link.LOGISTIC,
    "cross_entropy": Link.LOGISTIC,
    "cross_entropy_lambda": Link.SOFTPLUS,
    "poisson": Link.EXP,
    "gamma": Link.EXP,
    "tweedie": Link.EXP,
}
_HEADER = {
    *("tree", "version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective"),
    *("average_output", "feature_names", "monotone_constraints", "feature_infos", "tree_sizes"),
}
_TREE = {
    *(
        "num_leaves",
        "num_cat",
        "split_feature",
        "split_gain",
        "threshold",
        "decision_type",
        "left_child",
        "right_child",
    ),
    *("leaf_value", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count", "shrinkage"),
    *("leaf_parent", "leaf_depth", "cat_boundaries", "cat_threshold"),
    *("is_linear", "leaf_const", "num_features", "leaf_features", "leaf_coeff"),
}
_CATEGORICAL, _DEFAULT_LEFT, _MISSING_SHIFT, _MISSING_NONE, _MISSING_ZERO = 1, 2, 2, 0, 1
_ZERO_THRESHOLD = float(np.float32(1e-35))
"""LightGBM's ``kZeroThreshold``: numbers up to it count as zero."""


def is_lightgbm(source: Any) -> bool:
    """Whether `source` is a live LightGBM model."""
    return type(source).__module__.partition(".")[0] == "lightgbm" and (
        hasattr(source, "booster_") or hasattr(source, "model_to_string")
    )


def read_live(model: Any) -> Ensemble:
    """A ``Booster`` or scikit-learn wrapper, with the rounds its ``predict`` uses (the best ones when it stopped)."""
    booster = model.booster_ if hasattr(model, "booster_") else model
    return parse_model(booster.model_to_string(), f"lightgbm.{type(model).__name__}")


def read_file(path: Path) -> Ensemble:
    return parse_model(read_text(path), str(path))


def is_model_text(text: str) -> bool:
    return text.lstrip().partition("\n")[0].strip() == "tree"


def parse_model(text: str, where: str) -> Ensemble:
    """The ensemble of a text model.

    A random forest (``average_output``) becomes the average, whose logistic is what ``predict`` gives; LightGBM's own
    ``raw_score`` of such a model is the sum.

    Raises
    ------
    InputError
        If the text is broken.
    RefusalError
        For linear leaves and categorical splits.
    """
    header, blocks = _sections(text, where)
    refuse_unknown(header, _HEADER, where)
    for index, block in enumerate(blocks):
        refuse_unknown(block, _TREE, f"{where} > tree {index}")
    per_round = _integer(header, "num_tree_per_iteration", where)
    n_features = _integer(header, "max_feature_idx", where) + 1
    if per_round < 1 or len(blocks) % per_round:
        raise InputError(
            "the number of trees is not a multiple of the trees per round",
            where=where,
            got=f"{len(blocks)} trees, {per_round} per round",
        )
    raise_refusals(_refusal(block, f"{where} > tree {index}") for index, block in enumerate(blocks))
    rounds = len(blocks) // per_round
    share = float(rounds) if "average_output" in header else 1.0
    objective = header.get("objective", "custom").split() or ["custom"]
    with understanding(f"{where} > objective"):
        link, scale = _link(objective)
    n_classes = _integer(header, "num_class", where)
    return Ensemble(
        library=f"lightgbm {header.get('version', '?')}",
        origin=where,
        objective=" ".join(objective),
        n_features=n_features,
        feature_names=tuple(header.get("feature_names", "").split()),
        n_classes=n_classes if n_classes > 1 else 2 if objective[0] in ("binary", "cross_entropy") else 0,
        trees=tuple(
            _tree(block, share, index % per_round, n_features, f"{where} > tree {index}")
            for index, block in enumerate(blocks)
        ),
        base_margin=np.zeros(per_round),
        split_rule=SplitRule.LE,
        input_format="float64",
        link=link,
        link_scale=scale,
        rounds_used=rounds,
        rounds_stored=rounds,
    )


def _link(objective: list[str]) -> tuple[Link, float]:
    """``binary sigmoid:0.7`` is logistic(0.7 * margin); ``regression sqrt`` squares afterwards, and keeps the sign."""
    scales = [float(word.partition(":")[2]) for word in objective if word.startswith("sigmoid:")]
    if "sqrt" in objective[1:]:
        return Link.SIGNED_SQUARE, 1.0
    return _LINKS.get(objective[0], Link.NONE), scales[0] if scales else 1.0


def _sections(text: str, where: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The header's entries, and those of each tree; what stands after the trees is not read."""
    if not is_model_text(text):
        raise InputError("not a LightGBM text model", where=where, want="a first line 'tree'")
    header: dict[str, str] = {}
    blocks: list[dict[str, str]] = []
    ended = False
    for line in text.splitlines():
        key, equals, content = line.strip().partition("=")
        if key == "end of trees":
            ended = True
            break
        if key == "Tree" and equals:
            blocks.append({})
        elif key:
            (blocks[-1] if blocks else header)[key] = content
    if not ended and header.get("version", "").strip() != "v2":  # Version 2 did not write this line.
        raise InputError("the LightGBM text model is truncated", where=where, want="a line 'end of trees'")
    sizes = header.get("tree_sizes", "").split()
    if len(sizes) != len(blocks):
        raise InputError(
            "trees are missing from the LightGBM text model", where=where, got=str(len(blocks)), want=str(len(sizes))
        )
    return header, blocks


def _integer(entries: dict[str, str], key: str, where: str) -> int:
    if key not in entries:
        raise InputError("an entry is missing from the LightGBM text model", where=where, want=key)
    return whole_number(entries[key], f"{where} > {key}")


def _refusal(block: dict[str, str], where: str) -> UnsupportedError | None:
    if block.get("is_linear", "0").strip() not in ("0", ""):
        return UnsupportedError(
            "leaves with linear functions are not supported",
            where=where,
            got="is_linear=1",
            want="constant leaves",
            try_="train with linear_tree=False",
        )
    kinds = [whole_number(word, f"{where} > decision_type") for word in block.get("decision_type", "").split()]
    if any(kind & _CATEGORICAL for kind in kinds):
        return UnsupportedError(
            "categorical splits are not supported",
            where=where,
            got="decision_type with bit 0",
            want="numerical splits only",
            try_="one-hot encode the feature before training",
        )
    return None


def _with_missing_zero(tree: Tree, missing: IntArray) -> Tree:
    """Splits of ``zero_as_missing`` send zero, and what LightGBM takes for zero, the default way."""
    radius = np.where(missing == _MISSING_ZERO, _ZERO_THRESHOLD, np.nan)
    return send_missing(tree, -radius, radius, SplitRule.LE, "float64")


def _tree(block: dict[str, str], share: float, output: int, n_features: int, where: str) -> Tree:
    with understanding(where):
        table, missing = _table(block, share)
        tree = grow(table, output=output, n_features=n_features, where=where, whole=True)
        return _with_missing_zero(tree, missing[split_rows(table, where=where)])


def _table(block: dict[str, str], share: float) -> tuple[NodeTable, IntArray]:
    """Splits first, then leaves (a tree of one leaf has no splits), and what each split takes for missing.

    Where a split does not know NaN, LightGBM compares 0 in its place.
    """
    n_leaves = int(block["num_leaves"])
    leaf = _numbers(block, "leaf_value", n_leaves, np.float64) / share
    n_splits = n_leaves - 1
    left, right = (_children(block, key, n_splits) for key in ("left_child", "right_child"))
    kinds = _numbers(block, "decision_type", n_splits, np.int64).astype(np.int64)
    missing = (kinds >> _MISSING_SHIFT) & 3
    threshold = _numbers(block, "threshold", n_splits, np.float64)
    default_left = np.where(missing == _MISSING_NONE, threshold >= 0, kinds & _DEFAULT_LEFT > 0)
    empty = np.zeros(n_leaves)
    table = NodeTable(
        is_leaf=np.arange(n_splits + n_leaves) >= n_splits,
        left=np.concatenate([left, empty]).astype(np.int64),
        right=np.concatenate([right, empty]).astype(np.int64),
        feature=np.concatenate([_numbers(block, "split_feature", n_splits, np.int64), empty]).astype(np.int64),
        threshold=np.concatenate([threshold, empty]),
        default_left=np.concatenate([default_left, empty]) > 0,
        leaf=np.concatenate([np.zeros(n_splits), leaf])[:, None],
        leaf_id=np.arange(n_splits + n_leaves) - n_splits,
    )
    return table, missing


def _numbers(block: dict[str, str], key: str, count: int, dtype: Any) -> FloatArray:
    words = block.get(key, "").split() if count else []
    if len(words) != count:
        raise ValueError(f"{key} has {len(words)} entries, {count} wanted")
    return np.array([dtype(word) for word in words], dtype=dtype)


def _children(block: dict[str, str], key: str, n_splits: int) -> IntArray:
    child = _numbers(block, key, n_splits, np.int64).astype(np.int64)
    return np.where(child < 0, n_splits - child - 1, child)
