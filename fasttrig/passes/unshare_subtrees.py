"""unshare-subtrees: every tree gets its own nodes and leaves, top down, tree after tree: what a tree writer needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import IntArray
from fasttrig.ir.forest import path_counts
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Forest
from fasttrig.passes.base import Pass
from fasttrig.passes.forest_tables import Features, rewrite_forests


@dataclass(frozen=True, slots=True)
class UnshareSubtrees(Pass):
    """The inverse of share-subtrees; refuses forests that would grow beyond `most_leaves`."""

    name: ClassVar[str] = "unshare-subtrees"
    most_leaves: int = 1 << 22

    def requires(self, graph: Graph) -> None:
        for op in graph.ops:
            if not isinstance(op, Forest):
                continue
            counts = path_counts(op)
            leaves = sum(counts[root] for root in op.tree_root.raw.tolist())
            if leaves > self.most_leaves:
                raise GraphError(
                    "trees that share subtrees are too large to write one by one",
                    where=f"op '{op.name}'",
                    got=f"{leaves} leaves",
                    want=f"at most {self.most_leaves}",
                )

    def run(self, graph: Graph) -> Graph:
        return rewrite_forests(graph, unshared)


def unshared(op: Forest, features: Features) -> Forest:
    """`op` as plain trees: one parent per node, nodes of a tree in a row (depth first), leaves from left to right."""
    old_node: list[int] = []
    old_leaf: list[int] = []
    children: list[list[int]] = []
    roots: list[int] = []
    for root in op.tree_root.raw.tolist():
        slots: list[int] = [0]
        stack: list[tuple[int, list[int], int]] = [(root, slots, 0)]
        while stack:
            index, parent, side = stack.pop()
            if index >= op.n_nodes:
                parent[side] = ~len(old_leaf)
                old_leaf.append(index - op.n_nodes)
                continue
            parent[side] = len(old_node)
            old_node.append(index)
            children.append([0, 0])
            stack += [(int(op.right.raw[index]), children[-1], 1), (int(op.left.raw[index]), children[-1], 0)]
        roots.append(slots[0])
    sides = _resolved(children, len(old_node)).reshape(-1, 2)
    return replace(
        op,
        tree_root=_covering(op.tree_root, _resolved(roots, len(old_node))),
        feature=_covering(op.feature, op.feature.raw[old_node]),
        threshold=_covering(op.threshold, op.threshold.raw[old_node]),
        left=_covering(op.left, sides[:, 0]),
        right=_covering(op.right, sides[:, 1]),
        leaf=_covering(op.leaf, op.leaf.raw[old_leaf]),
    )


def _resolved(children: list[int] | list[list[int]], n_nodes: int) -> IntArray:
    """Child indices; a leaf is ``~leaf`` until the number of nodes is known."""
    raw = np.array(children, dtype=np.int64)
    return np.where(raw < 0, n_nodes + ~raw, raw)


def _covering(old: Const, raw: IntArray) -> Const:
    return Const.covering(old.name, raw, old.type.fraction_bits)
