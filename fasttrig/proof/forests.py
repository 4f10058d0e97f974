"""Forests as functions of raw integers: of ``design.ir`` and of a model file, evaluated on all outcomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import log, prod
from typing import Any

import numpy as np

from fasttrig.proof.tokens import Unsupported, Wrong

MOST_POINTS = 1 << 23
MOST_FEATURE_BITS = 20
_STORES_MARGIN = ("multi:softprob", "multi:softmax", "reg:squarederror", "binary:logitraw")
_STORES_PROBABILITY = ("binary:logistic", "reg:logistic")
_LOG_ULPS = 4


@dataclass(frozen=True)
class RawGrid:
    width: int
    fraction: int
    signed: bool

    @staticmethod
    def parse(text: str) -> RawGrid:
        sign, width, integer = re.fullmatch(r"(u?)fixed<(-?\d+),(-?\d+)>", text.strip()).groups()  # type: ignore[union-attr]
        return RawGrid(int(width), int(width) - int(integer), not sign)

    def raws(self) -> Any:
        """Every raw integer, in the order of its bit pattern."""
        if self.width > MOST_FEATURE_BITS:
            raise Unsupported(f"a feature of {self.width} bits is too wide to enumerate")
        pattern = np.arange(1 << self.width, dtype=np.int64)
        return pattern - ((pattern >> (self.width - 1)) << self.width) if self.signed else pattern


@dataclass(frozen=True)
class PlainTree:
    """Nodes first, then leaves; a child index below ``len(feature)`` is a node. `goes_left`: by bit pattern."""

    root: int
    feature: Sequence[int]
    goes_left: Callable[[int], Any]
    left: Sequence[int]
    right: Sequence[int]
    leaf: Sequence[int]

    def nodes(self) -> list[int]:
        """The nodes that the root reaches, children before their parents."""
        order: dict[int, None] = {}
        stack = [(self.root, False)]
        while stack:
            node, left_behind = stack.pop()
            if left_behind:
                order[node] = None
            elif node < len(self.feature) and node not in order:
                children = [child for child in (self.left[node], self.right[node]) if child < len(self.feature)]
                stack += [(node, True), *((child, False) for child in children)]
            if len(stack) > 4 * len(self.feature) + 4:
                raise Wrong("a tree has a cycle")
        return list(order)


@dataclass
class TreeSum:
    """The one forest of a graph whose input it reads and whose output it makes."""

    channels: list[RawGrid]
    stored: RawGrid
    result: RawGrid
    leaf_fraction: int
    output: list[int]
    base: list[int]
    trees: list[list[PlainTree]] = field(default_factory=list)
    """For each tree one function for each number of a leaf."""


def read_forest(text: str) -> TreeSum:
    """`design.ir` of ``Input -> Forest``."""
    consts = {}
    for name, shape, kind, rows in re.findall(r"^const @(\w+) : \(([\d, ]*)\) (\S+)\n((?:  .*\n)+)", text, re.M):
        sizes = [int(size) for size in shape.split(",") if size.strip()]
        consts[name] = RawGrid.parse(kind), np.array(rows.split(), dtype=np.int64).reshape(sizes)
    ops = re.findall(r'^(\w+) : \((\d+)\) (\S+) = (\w+)\((.*)\) from ".*"$', text, re.M)
    if [op[3] for op in ops] != ["Input", "Forest"] or text.count("\n  ") == 0:
        kinds = re.findall(r"^ *\w+ : .*? = (\w+)\(", text, re.M)
        raise Unsupported(f"a graph of {', '.join(sorted(set(kinds)))}: only a forest on its own can be checked")
    (source, size, stored, _, channels), (name, _, result, _, fields) = ops
    if not re.search(rf"^return {name}$", text, re.M) or f"operand={source}," not in fields:
        raise Unsupported("a graph that returns something else than its forest")
    kinds = re.findall(r"u?fixed<-?\d+,-?\d+>", channels) or [stored] * int(size)
    table = {key: consts[const] for key, const in re.findall(r"(\w+)=@(\w+)", fields)}
    raw = {key: value[1] for key, value in table.items()}
    forest = TreeSum(
        [RawGrid.parse(kind) for kind in kinds],
        RawGrid.parse(stored),
        RawGrid.parse(result),
        table["leaf"][0].fraction,
        raw["tree_output"].tolist(),
        raw["base_margin"].tolist(),
    )
    if (
        len(kinds) != int(size)
        or not forest.leaf_fraction == table["base_margin"][0].fraction == forest.result.fraction
    ):
        raise Unsupported("types that the rule of a forest does not give")
    if table["threshold"][0].fraction != forest.stored.fraction:
        raise Wrong("thresholds are not on the grid of the features")
    raws = [kind.raws() << (forest.stored.fraction - kind.fraction) for kind in forest.channels]
    feature, threshold = raw["feature"].tolist(), raw["threshold"].tolist()
    children = raw["left"].tolist(), raw["right"].tolist()
    if any(not node < child < len(feature) + len(raw["leaf"]) for side in children for node, child in enumerate(side)):
        raise Wrong("a child index of design.ir points nowhere, or back")

    def goes_left(node: int) -> Any:
        return raws[feature[node]] < threshold[node]

    leaves = raw["leaf"].T.tolist()
    for root in raw["tree_root"].tolist():
        forest.trees.append([PlainTree(root, feature, goes_left, *children, leaf) for leaf in leaves])
    return forest


# ---- The model file -------------------------------------------------------------------------------------------------


def round_half_even(number: float, fraction: int) -> int:
    return round(Fraction(number) * Fraction(2) ** fraction)


def read_xgboost(document: Any, forest: TreeSum) -> tuple[list[PlainTree], list[int], list[int]]:
    """Trees, the output of each, and base margins, at the forest's fraction bits, of XGBoost's own JSON document."""
    if not isinstance(document, dict) or "learner" not in document:
        raise Unsupported("the model file is not a JSON document of XGBoost")
    learner = document["learner"]
    booster, objective = learner["gradient_booster"], learner["objective"]["name"]
    if booster["name"] != "gbtree" or "best_iteration" in learner["attributes"]:
        raise Unsupported("boosters other than gbtree, and early stopping")
    raws = [kind.raws() for kind in forest.channels]
    values = [np.ldexp(raw, -kind.fraction).astype(np.float32) for raw, kind in zip(raws, forest.channels, strict=True)]
    trees = []
    for entry in booster["model"]["trees"]:
        if any(entry["split_type"]) or int(entry["tree_param"]["size_leaf_vector"]) > 1:
            raise Unsupported("categorical splits, and leaves of several numbers")
        trees.append(_xgboost_tree(entry, values, forest.leaf_fraction))
    text = learner["learner_model_param"]["base_score"]
    score = [float(np.float32(part)) for part in text.strip("[]").split(",")]
    score = score if len(score) > 1 else score * len(forest.base)
    base = [base_margin(objective, one, forest.leaf_fraction) for one in score]
    return trees, list(booster["model"]["tree_info"]), base


def base_margin(objective: str, score: float, fraction: int) -> int:
    """The raw base margin of a stored base score. A logistic stores a probability; XGBoost takes its logit in float32.

    Its logarithm may be off by some units in the last place; a margin that such an error could round otherwise is not
    covered.
    """
    if objective in _STORES_MARGIN:
        return round_half_even(score, fraction)
    if objective not in _STORES_PROBABILITY or not 0 < score < 1:
        raise Unsupported(f"the base margin of objective {objective}")
    margin = -log(float(np.float32(1) / np.float32(score) - np.float32(1)))
    error = _LOG_ULPS * float(np.spacing(np.float32(abs(margin))))
    least, most = (round_half_even(margin + sign * error, fraction) for sign in (-1, 1))
    if least != most:
        raise Unsupported("a base margin on the edge of its rounding")
    return least


def _xgboost_tree(entry: dict[str, Any], values: list[Any], fraction: int) -> PlainTree:
    """XGBoost numbers nodes and leaves together; a leaf has left child -1, and its value among the conditions."""
    condition = np.array(entry["split_conditions"], dtype=np.float64).astype(np.float32)
    is_leaf = [left == -1 for left in entry["left_children"]]
    split = [index for index, leaf in enumerate(is_leaf) if not leaf]
    ends = [index for index, leaf in enumerate(is_leaf) if leaf]
    place = {index: number for number, index in enumerate(split + ends)}
    feature = [entry["split_indices"][index] for index in split]

    def goes_left(node: int) -> Any:
        return values[feature[node]] < condition[split[node]]

    return PlainTree(
        place[0],
        feature,
        goes_left,
        [place[entry["left_children"][index]] for index in split],
        [place[entry["right_children"][index]] for index in split],
        [round_half_even(float(condition[index]), fraction) for index in ends],
    )


# ---- Functions of features: all combinations of classes of raw integers ---------------------------------------------


class Outcomes:
    """Every combination of the outcomes that trees and signals can tell apart, as arrays that broadcast."""

    def __init__(self, sizes: dict[int, int], rows: Iterable[tuple[int, Any]]) -> None:
        """`sizes`: number of bit patterns of each feature; `rows`: for each a number for each bit pattern."""
        kinds = {feature: np.zeros(size, dtype=np.int64) for feature, size in sizes.items()}
        for feature, row in rows:
            _, numbers = np.unique(np.asarray(row, dtype=np.int64), return_inverse=True)
            _, kinds[feature] = np.unique(kinds[feature] * (numbers.max() + 1) + numbers, return_inverse=True)
        picked = {feature: np.unique(kind, return_index=True)[1] for feature, kind in kinds.items()}
        if prod(len(one) for one in picked.values()) > MOST_POINTS:
            raise Unsupported("a function of too many outcomes to enumerate")
        self.patterns = {}
        for axis, (feature, one) in enumerate(sorted(picked.items())):
            self.patterns[feature] = one.reshape([-1 if place == axis else 1 for place in range(len(picked))])


def tree_rows(tree: PlainTree) -> list[tuple[int, Any]]:
    return [(tree.feature[node], tree.goes_left(node)) for node in tree.nodes()]


def tree_value(tree: PlainTree, patterns: dict[int, Any]) -> Any:
    """The leaf of each point."""
    n_nodes, found = len(tree.feature), dict[int, Any]()

    def at(index: int) -> Any:
        return np.int64(tree.leaf[index - n_nodes]) if index >= n_nodes else found[index]

    for node in tree.nodes():
        left = tree.goes_left(node)[patterns[tree.feature[node]]]
        found[node] = np.where(left, at(tree.left[node]), at(tree.right[node]))
    return at(tree.root)
