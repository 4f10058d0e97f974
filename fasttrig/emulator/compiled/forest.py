"""Forests: trees as lists of choices from the leaves up, which a vector unit makes for many events at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.emulator.compiled import cpp
from fasttrig.emulator.compiled.integers import CType, table_type
from fasttrig.fixed import IntArray
from fasttrig.ir.ops import Forest
from fasttrig.ir.ranges import Interval

LEFT_IS_NODE, RIGHT_IS_NODE = 1, 2


@dataclass(frozen=True, slots=True)
class Choice:
    """slot = x[feature] < threshold ? left : right; a child that is a node stands in `slot`, or in the next."""

    feature: int
    threshold: int
    left: int
    right: int
    nodes_below: int
    slot: int


def forest_lines(op: Forest, features: Interval) -> tuple[CType, list[str]]:
    """The type of features, thresholds and leaves, and the struct of constants."""
    threshold = _clamped(op, features)
    base_margin = op.base_margin.raw.astype(object)
    trees: list[tuple[int, list[Choice]]] = []
    for root, output in zip(op.tree_root.raw.tolist(), op.tree_output.raw.tolist(), strict=True):
        for target in range(op.n_targets):
            if root >= op.n_nodes:
                base_margin[output + target] += int(op.leaf.raw[root - op.n_nodes, target])
            else:
                trees.append((output + target, choices(op, root, target, threshold)))
    every = [choice for _, tree in trees for choice in tree] or [Choice(0, 0, 0, 0, 0, 0)]
    begin = [0, *np.cumsum([len(tree) for _, tree in trees], dtype=np.int64)]
    index = "std::uint32_t"
    low, high = features.bounds
    kind = table_type([low, high, *(n for choice in every for n in (choice.threshold, choice.left, choice.right))])
    return kind, [
        cpp.sizes(n_features=op.operand.size, n_out=op.n_outputs, n_trees=len(trees),
                  slots=1 + max(choice.slot for choice in every)),
        *cpp.table("base_margin", base_margin),
        *cpp.table("begin", begin, index), *cpp.table("output", [output for output, _ in trees] or [0], index),
        *cpp.table("feature", [choice.feature for choice in every], index),
        *cpp.table("threshold", [choice.threshold for choice in every], kind.name),
        *cpp.table("left", [choice.left for choice in every], kind.name),
        *cpp.table("right", [choice.right for choice in every], kind.name),
        *cpp.table("nodes_below", [choice.nodes_below for choice in every], "std::uint8_t"),
        *cpp.table("slot", [choice.slot for choice in every], index),
    ]  # fmt: skip


def choices(op: Forest, root: int, target: int, threshold: IntArray) -> list[Choice]:
    """The nodes of one tree, children before parents; a subtree that two nodes share appears twice."""
    made: list[Choice] = []
    stack: list[tuple[int, int, bool]] = [(root, 0, False)]
    while stack:
        node, slot, children_are_done = stack.pop()
        left, right = int(op.left.raw[node]), int(op.right.raw[node])
        left_is_node, right_is_node = left < op.n_nodes, right < op.n_nodes
        if not children_are_done:
            stack.append((node, slot, True))
            if right_is_node:
                stack.append((right, slot + int(left_is_node), False))
            if left_is_node:
                stack.append((left, slot, False))
            continue
        made.append(Choice(
            int(op.feature.raw[node]), int(threshold[node]),
            0 if left_is_node else int(op.leaf.raw[left - op.n_nodes, target]),
            0 if right_is_node else int(op.leaf.raw[right - op.n_nodes, target]),
            LEFT_IS_NODE * left_is_node + RIGHT_IS_NODE * right_is_node, slot,
        ))  # fmt: skip
    return made


def _clamped(op: Forest, features: Interval) -> IntArray:
    """Thresholds no further out than their feature can be: the same comparisons, in narrower integers."""
    low, high = features.low[op.feature.raw], features.high[op.feature.raw] + 1
    return np.minimum(np.maximum(op.threshold.raw.astype(object), low), high)
