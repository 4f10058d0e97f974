"""share-subtrees: equal subtrees, within a tree and across trees, become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.passes.base import Pass
from fasttrig.passes.forest_tables import Features, leaf_names, rewrite_forests, with_children


@dataclass(frozen=True, slots=True)
class ShareSubtrees(Pass):
    """Afterwards trees share nodes and leaves (a writer that needs plain trees runs unshare-subtrees).

    A split whose sides have become the same subtree goes too.
    """

    name: ClassVar[str] = "share-subtrees"

    def run(self, graph: Graph) -> Graph:
        return rewrite_forests(graph, shared)


def shared(op: Forest, features: Features) -> Forest:
    """`op` with each subtree once. Of equal ones the last stays: its index is above that of every parent."""
    feature, threshold = op.feature.raw.tolist(), op.threshold.raw.tolist()
    left, right = op.left.raw.tolist(), op.right.raw.tolist()
    stands_for = [*range(op.n_nodes), *leaf_names(op)]
    known: dict[tuple[int, int, int, int], int] = {}
    for node in range(op.n_nodes - 1, -1, -1):
        left[node], right[node] = stands_for[left[node]], stands_for[right[node]]
        if left[node] == right[node]:
            stands_for[node] = left[node]
        else:
            key = (feature[node], threshold[node], left[node], right[node])
            stands_for[node] = known.setdefault(key, node)
    return with_children(op, left, right, [stands_for[root] for root in op.tree_root.raw.tolist()])
