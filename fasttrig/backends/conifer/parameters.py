"""A forest as conifer's own ensemble: the dictionary that its models and its JSON are made of, built from our graph.

Every number is a decimal that reads back as exactly the raw integer on its grid. Splits whose outcome the features'
ranges decide are left out, so that each threshold fits the features' own type.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from fasttrig.backends.conifer.parts import Parts, read_parts
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FLOAT64_BITS, FixedType
from fasttrig.ir.forest import Reach, reach
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.ir.ranges import infer_ranges

SPLITTING_CONVENTION = "<"
"""The IR's only split rule, in conifer's words. Its JSON without this key would mean ``<=``."""

LEAF, NO_CHILD = -2, -1
MOST_LEAVES = 1 << 18
BINARY_CLASSES = 2
"""In conifer this many classes mean one output."""


@dataclass(frozen=True, slots=True)
class ConiferTree:
    """One tree with one number per leaf, parents before children, as raw integers; `feature` is -2 at a leaf."""

    feature: tuple[int, ...]
    threshold_raw: tuple[int, ...]
    leaf_raw: tuple[int, ...]
    children_left: tuple[int, ...]
    children_right: tuple[int, ...]


NOTHING = ConiferTree((LEAF,), (0,), (0,), (NO_CHILD,), (NO_CHILD,))
"""A tree that adds zero: fills up the rounds of an output with fewer trees than others."""


def trees_by_round(graph: Graph, parts: Parts) -> list[list[ConiferTree]]:
    """Plain trees by round and output; at least one round, and as many trees for each output.

    Raises
    ------
    UnsupportedError
        When shared subtrees unfold to more leaves than a project can hold.
    """
    op = parts.forest
    bounds = infer_ranges(graph)[op.operand]
    reached = reach(op, bounds.low, bounds.high)
    columns: list[list[ConiferTree]] = [[] for _ in range(op.n_outputs)]
    room = MOST_LEAVES
    for root, output in zip(op.tree_root.raw.tolist(), op.tree_output.raw.tolist(), strict=True):
        for target in range(op.n_targets):
            tree = _plain_tree(op, reached, root, target, room)
            room -= tree.feature.count(LEAF)
            columns[output + target].append(tree)
    rounds = max(1, max(len(column) for column in columns))
    return [[column[i] if i < len(column) else NOTHING for column in columns] for i in range(rounds)]


def ensemble(graph: Graph) -> dict[str, Any]:
    """conifer's ensemble dictionary.

    Raises
    ------
    UnsupportedError
        For two outputs (conifer takes two classes for one), a cast after the forest, or numbers beyond a double.
    """
    parts = read_parts(graph)
    _check(parts)
    op, trees = parts.forest, trees_by_round(graph, parts)
    n_features, x_bits, y_bits = op.operand.size, op.operand.type.fraction_bits, op.leaf.type.fraction_bits
    return {
        "n_classes": op.n_outputs,
        "n_features": n_features,
        "n_trees": len(trees),
        "max_depth": max(depth(tree) for round_ in trees for tree in round_),
        "init_predict": _values(op.base_margin.raw.tolist(), y_bits),
        "norm": 1.0,
        "library": "fasttrig",
        "splitting_convention": SPLITTING_CONVENTION,
        "feature_map": {f"feat_{i}": i for i in range(n_features)},
        "trees": [[_tree_entry(tree, n_features, x_bits, y_bits) for tree in round_] for round_ in trees],
    }


def precisions(parts: Parts) -> dict[str, str]:
    """conifer's names of the types in which its own sources compute the ensemble exactly.

    The weight is the 0 or 1 that conifer multiplies each feature by. The score type holds 1 too: conifer multiplies
    the sum by ``norm`` in that type, and 1 would wrap in a narrower one.
    """
    return {
        "input_precision": f"ap_{parts.forest.operand.type}",
        "threshold_precision": f"ap_{parts.forest.operand.type}",
        "weight_precision": f"ap_{FixedType(1, 1, signed=False)}",
        "score_precision": f"ap_{score_type(parts.forest)}",
    }


def score_type(op: Forest) -> FixedType:
    """The narrowest type on the margin's grid (or finer) that holds every partial sum and the number 1."""
    own = op.result.type
    bits = max(own.fraction_bits, 0)
    shift = bits - own.fraction_bits
    return FixedType.covering(own.min_raw << shift, max(own.max_raw << shift, 1 << bits), bits)


def emit_json(graph: Graph) -> str:
    """The forest as conifer's JSON, for ``conifer.h`` (CMSSW) and ``conifer.load_model``; the same bytes every time.

    `config` names types in which ``conifer::BDT`` is exact in any order of addition. No host, user or time.

    Raises
    ------
    UnsupportedError
        See `ensemble`.
    """
    config = {"output_dir": ".", "project_name": graph.name, "backend": "cpp", **precisions(read_parts(graph))}
    content = {**ensemble(graph), "config": config, "metadata": [{"version": version("conifer")}]}
    trees = content.pop("trees")
    head = json.dumps(content, indent=1).removesuffix("\n}")
    rows = ",\n".join("  [\n   " + ",\n   ".join(json.dumps(tree) for tree in round_) + "\n  ]" for round_ in trees)
    return f'{head},\n "trees": [\n{rows}\n ]\n}}\n'


def depth(tree: ConiferTree) -> int:
    """Comparisons on the longest path."""
    depths = [0] * len(tree.feature)
    for node in range(len(tree.feature) - 1, -1, -1):
        if tree.feature[node] != LEAF:
            depths[node] = 1 + max(depths[tree.children_left[node]], depths[tree.children_right[node]])
    return depths[0]


def _plain_tree(op: Forest, reached: Reach, root: int, target: int, room: int) -> ConiferTree:
    feature: list[int] = []
    threshold: list[int] = []
    leaf: list[int] = []
    children: list[list[int]] = []
    stack: list[tuple[int, list[int] | None, int]] = [(root, None, 0)]
    while stack:
        index, parent, side = stack.pop()
        while index < op.n_nodes and reached.left[index] == reached.right[index]:
            index = int(reached.left[index])
        if parent is not None:
            parent[side] = len(feature)
        if len(feature) >= 2 * room:
            raise UnsupportedError(
                "trees with shared subtrees are too large once the subtrees are copied",
                where=op.where,
                got=f"more than {MOST_LEAVES} leaves",
                want="smaller trees",
            )
        pair = [NO_CHILD, NO_CHILD]
        children.append(pair)
        split = index < op.n_nodes
        feature.append(int(op.feature.raw[index]) if split else LEAF)
        threshold.append(int(op.threshold.raw[index]) if split else 0)
        leaf.append(0 if split else int(op.leaf.raw[index - op.n_nodes, target]))
        if split:
            stack += [(int(reached.right[index]), pair, 1), (int(reached.left[index]), pair, 0)]
    left, right = zip(*children, strict=True)
    return ConiferTree(tuple(feature), tuple(threshold), tuple(leaf), left, right)


def _tree_entry(tree: ConiferTree, n_features: int, x_bits: int, y_bits: int) -> dict[str, list[Any]]:
    return {
        "feature": list(tree.feature),
        "weight": [[int(i == feature) for i in range(n_features)] for feature in tree.feature],
        "threshold": _values(tree.threshold_raw, x_bits),
        "value": _values(tree.leaf_raw, y_bits),
        "children_left": list(tree.children_left),
        "children_right": list(tree.children_right),
    }


def _values(raw: Any, fraction_bits: int) -> list[float]:
    """Doubles, each exact: `_check` has seen to it."""
    return [float(value) for value in np.ldexp(np.array(raw, dtype=np.float64), -fraction_bits)]


def _check(parts: Parts) -> None:
    op = parts.forest
    if parts.cast is not None:
        raise UnsupportedError(
            "conifer does not support a cast after the sum",
            where=parts.cast.where,
            got="Input -> Forest -> Cast",
            want="Input -> Forest",
            try_="cast the result in the code that uses the score",
        )
    if op.n_outputs == BINARY_CLASSES:
        raise UnsupportedError(
            "conifer represents two classes by one output",
            where=op.where,
            got="2 outputs",
            want="1, or at least 3",
            try_="the Vitis and Vivado project has two",
        )
    for fixed_type in (op.operand.type, op.leaf.type, op.base_margin.type, op.result.type):
        if fixed_type.width > FLOAT64_BITS:
            raise UnsupportedError(
                "a number is too wide for conifer, which stores doubles",
                where=op.where,
                got=str(fixed_type),
                want=f"at most {FLOAT64_BITS} bits",
                try_="fewer fraction bits",
            )
