"""fold-constant-trees: a tree that is one leaf is a constant, and joins the base margin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Forest
from fasttrig.passes.base import Pass
from fasttrig.passes.forest_tables import Features, rewrite_forests, with_children


@dataclass(frozen=True, slots=True)
class FoldConstantTrees(Pass):
    """Trees that prune-trees left with a single leaf."""

    name: ClassVar[str] = "fold-constant-trees"

    def run(self, graph: Graph) -> Graph:
        return rewrite_forests(graph, folded)


def folded(op: Forest, features: Features) -> Forest:
    """`op` without trees of one leaf."""
    roots, outputs = op.tree_root.raw, op.tree_output.raw
    constant = roots >= op.n_nodes
    if not constant.any():
        return op
    base = op.base_margin.raw.copy()
    for root, output in zip(roots[constant].tolist(), outputs[constant].tolist(), strict=True):
        base[output : output + op.n_targets] += op.leaf.raw[root - op.n_nodes]
    kept = replace(
        op,
        tree_root=Const.covering(op.tree_root.name, roots[~constant], 0),
        tree_output=Const.covering(op.tree_output.name, outputs[~constant], 0),
        base_margin=Const.covering(op.base_margin.name, base, op.base_margin.type.fraction_bits),
    )
    left, right = kept.left.raw.tolist(), kept.right.raw.tolist()
    return with_children(kept, left, right, np.asarray(kept.tree_root.raw).tolist())
