"""prune-trees: remove splits that decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.passes.base import Pass
from fasttrig.passes.forest_tables import Features, leaf_names, rewrite_forests, with_children


@dataclass(frozen=True, slots=True)
class PruneTrees(Pass):
    """Two reasons: the ranges of the features along the path leave one outcome, or both sides end in equal leaves.

    The second is what quantising the leaves brings: a split between leaves that are the same on their grid.
    """

    name: ClassVar[str] = "prune-trees"

    def run(self, graph: Graph) -> Graph:
        return rewrite_forests(graph, pruned)


def pruned(op: Forest, features: Features) -> Forest:
    """`op` without the splits that decide nothing."""
    only = _decided(op, features)
    names = leaf_names(op)
    left, right = op.left.raw.tolist(), op.right.raw.tolist()
    stands_for = list(range(op.n_nodes + op.n_leaves))

    def same_leaf(a: int, b: int) -> bool:
        return min(a, b) >= op.n_nodes and names[a - op.n_nodes] == names[b - op.n_nodes]

    for node in range(op.n_nodes - 1, -1, -1):
        left[node], right[node] = stands_for[left[node]], stands_for[right[node]]
        if only[node] == "left" or left[node] == right[node] or same_leaf(left[node], right[node]):
            stands_for[node] = left[node]
        elif only[node] == "right":
            stands_for[node] = right[node]
    return with_children(op, left, right, [stands_for[root] for root in op.tree_root.raw.tolist()])


def _decided(op: Forest, features: Features) -> list[str]:
    """``left`` or ``right`` for each split with one outcome, else ``""``.

    Each split gets, per feature, the hull of the ranges on the paths that lead to it; parents come before children.
    """
    feature, threshold = op.feature.raw.tolist(), op.threshold.raw.tolist()
    left, right = op.left.raw.tolist(), op.right.raw.tolist()
    whole = dict(enumerate(zip(features.low.tolist(), features.high.tolist(), strict=True)))
    hulls: dict[int, dict[int, tuple[int, int]]] = {}
    for root in op.tree_root.raw.tolist():
        hulls[root] = {}
    only = [""] * op.n_nodes
    for node in range(op.n_nodes):
        path = hulls.pop(node, None)
        if path is None:
            continue
        channel, limit = feature[node], threshold[node]
        low, high = path.get(channel, whole[channel])
        only[node] = "left" if high < limit else "right" if low >= limit else ""
        if only[node] != "right":
            _join(hulls, left[node], {**path, channel: (low, min(high, limit - 1))})
        if only[node] != "left":
            _join(hulls, right[node], {**path, channel: (max(low, limit), high)})
    return only


def _join(hulls: dict[int, dict[int, tuple[int, int]]], child: int, path: dict[int, tuple[int, int]]) -> None:
    """Add a path to `child`: a feature keeps a range only where all paths narrow it."""
    known = hulls.get(child)
    if known is None:
        hulls[child] = path
        return
    hulls[child] = {
        channel: (min(known[channel][0], path[channel][0]), max(known[channel][1], path[channel][1]))
        for channel in known.keys() & path.keys()
    }
