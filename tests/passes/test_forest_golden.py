"""Passes on trees: a small graph, the pass, and the graph expected under it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fasttrig.base.fixed import FixedType
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.passes.base import Pass, run_pipeline
from fasttrig.passes.fold_constant_trees import FoldConstantTrees
from fasttrig.passes.merge_thresholds import MergeThresholds
from fasttrig.passes.prune_trees import PruneTrees
from tests.ladder.forest_cases import forest_graph

X = FixedType(6, 4)
"""Raw -32 to 31."""
COARSE = FixedType(4, 4)
"""Feature 1 in the graphs below: whole numbers, -8 to 7; multiples of 4 on the grid of `X`."""


def graph(
    roots: Sequence[int],
    splits: Sequence[tuple[int, int, int, int]],
    leaves: Sequence[int],
    base: int = 0,
    channels: tuple[FixedType, ...] = (),
) -> Graph:
    """Splits are (feature, threshold, left, right)."""
    feature, threshold, left, right = zip(*splits, strict=True) if splits else ((), (), (), ())
    tables = {
        "tree_root": roots,
        "tree_output": [0] * len(roots),
        "feature": feature,
        "threshold": threshold,
        "left": left,
        "right": right,
        "leaf": [[leaf] for leaf in leaves],
        "base_margin": [base],
    }
    return forest_graph(tables, X, 2, 3, channels)


def shown(made: Graph) -> list[str]:
    """Each tree as an expression, then the tables' sizes."""
    op = made.ops[1]
    assert isinstance(op, Forest)

    def show(index: int) -> str:
        if index >= op.n_nodes:
            return str(op.leaf.raw[index - op.n_nodes, 0])
        test = f"x{op.feature.raw[index]} < {op.threshold.raw[index]}"
        return f"({test} ? {show(op.left.raw[index])} : {show(op.right.raw[index])})"

    sizes = f"{op.n_nodes} splits, {op.n_leaves} leaves, base {op.base_margin.raw[0]}"
    return [*(show(root) for root in op.tree_root.raw), sizes]


CASES: dict[str, tuple[Pass, Graph, list[str]]] = {
    "thresholds outside the range, and between two numbers of a coarse feature": (
        MergeThresholds(),
        graph(
            [0], [(0, -40, 1, 3), (1, 2, 2, 5), (1, 3, 4, 6), (0, 40, 7, 8)], [10, 20, 30, 40, 50], channels=(X, COARSE)
        ),
        ["(x0 < -32 ? (x1 < 4 ? (x1 < 4 ? 10 : 30) : 20) : (x0 < 32 ? 40 : 50))", "4 splits, 5 leaves, base 0"],
    ),
    "a branch that the path excludes": (
        PruneTrees(),
        graph([0], [(0, 5, 1, 2), (0, 9, 3, 4), (0, 3, 5, 6)], [1, 2, 3, 4]),
        ["(x0 < 5 ? 1 : 4)", "1 splits, 2 leaves, base 0"],
    ),
    "a branch that the feature's type excludes": (
        PruneTrees(),
        graph([0], [(0, 32, 1, 2)], [1, 2]),
        ["1", "0 splits, 1 leaves, base 0"],
    ),
    "leaves that are equal on their grid": (
        PruneTrees(),
        graph([0], [(0, 5, 1, 2), (1, 0, 3, 4), (1, 4, 5, 6)], [7, 7, 7, 7]),
        ["7", "0 splits, 1 leaves, base 0"],
    ),
    "trees of one leaf": (
        FoldConstantTrees(),
        graph([1, 0, 3], [(0, 5, 2, 3)], [7, 8, 9], base=2),
        ["(x0 < 5 ? 8 : 9)", "1 splits, 2 leaves, base 18"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_pass(name: str) -> None:
    step, before, after = CASES[name]
    assert shown(run_pipeline(before, (step,))) == after
