"""The trees of a `Forest` op: what must hold in them, which leaves can be reached, and the sums they can give.

A child index below ``n_nodes`` names a split node, one of ``n_nodes`` or above the leaf ``index - n_nodes``. Node
indices rise from parent to child, so a single pass over the nodes from last to first sees every child before its
parents: nothing here recurses, and no cycle can exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np

from fasttrig.base.fixed import IntArray
from fasttrig.ir.ops.base import Fault
from fasttrig.ir.ops.trees import Forest


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """The part of a forest that can be reached from an interval of each feature.

    Attributes
    ----------
    left, right : int arrays, shape (n_nodes,)
        The children; both are the same where the comparison has only one outcome.
    low, high : object arrays, shape (n_nodes + n_leaves, n_targets)
        Least and greatest leaf value under each child index.
    """

    left: IntArray
    right: IntArray
    low: IntArray
    high: IntArray


def reach(op: Forest, feature_low: IntArray, feature_high: IntArray) -> Reach:
    """Leaves that features in [feature_low, feature_high] (shape (n_features,)) can come to."""
    threshold, feature = op.threshold.raw, op.feature.raw
    only_left = np.asarray(feature_high[feature] < threshold, dtype=bool)
    only_right = np.asarray(feature_low[feature] >= threshold, dtype=bool)
    left = np.where(only_right, op.right.raw, op.left.raw)
    right = np.where(only_left, op.left.raw, op.right.raw)
    low, high = _fold(op, left, right, min), _fold(op, left, right, max)
    return Reach(left, right, low, high)


def _fold(op: Forest, left: IntArray, right: IntArray, pick: Callable[[int, int], int]) -> IntArray:
    """`pick` of the leaves under each child index, shape (n_nodes + n_leaves, n_targets)."""
    n_nodes = op.n_nodes
    folded = np.empty((n_nodes + op.n_leaves, op.n_targets), dtype=object)
    left_list, right_list = left.tolist(), right.tolist()
    for target in range(op.n_targets):
        column = [0] * n_nodes + op.leaf.raw[:, target].tolist()
        for node in range(n_nodes - 1, -1, -1):
            column[node] = pick(column[left_list[node]], column[right_list[node]])
        folded[:, target] = column
    return folded


def output_bounds(op: Forest, feature_low: IntArray, feature_high: IntArray) -> tuple[IntArray, IntArray]:
    """Least and greatest result; object arrays of shape (n_outputs,)."""
    low, high = op.base_margin.raw.astype(object), op.base_margin.raw.astype(object)
    for output, tree_low, tree_high in _tree_bounds(op, feature_low, feature_high):
        low[output] += tree_low
        high[output] += tree_high
    return low, high


def partial_sum_bounds(op: Forest, feature_low: IntArray, feature_high: IntArray) -> tuple[int, int]:
    """Bounds of every leaf, every base margin and every sum of some of them, in any order."""
    low = np.minimum(op.base_margin.raw.astype(object), 0)
    high = np.maximum(op.base_margin.raw.astype(object), 0)
    for output, tree_low, tree_high in _tree_bounds(op, feature_low, feature_high):
        low[output] += np.minimum(tree_low, 0)
        high[output] += np.maximum(tree_high, 0)
    return int(low.min()), int(high.max())


def _tree_bounds(op: Forest, low: IntArray, high: IntArray) -> Iterator[tuple[slice, IntArray, IntArray]]:
    reached = reach(op, low, high)
    for root, output in zip(op.tree_root.raw.tolist(), op.tree_output.raw.tolist(), strict=True):
        yield slice(output, output + op.n_targets), reached.low[root], reached.high[root]


def tree_depths(op: Forest) -> IntArray:
    """Comparisons on the longest path of each tree, shape (n_trees,); 0 for a tree that is one leaf."""
    depth = [0] * (op.n_nodes + op.n_leaves)
    left, right = op.left.raw.tolist(), op.right.raw.tolist()
    for node in range(op.n_nodes - 1, -1, -1):
        depth[node] = 1 + max(depth[left[node]], depth[right[node]])
    return np.array([depth[root] for root in op.tree_root.raw.tolist()], dtype=np.int64)


def path_counts(op: Forest) -> list[int]:
    """Paths from each child index to a leaf: leaves of the tree that a shared (folded) tree represents."""
    counts = [1] * (op.n_nodes + op.n_leaves)
    left, right = op.left.raw.tolist(), op.right.raw.tolist()
    for node in range(op.n_nodes - 1, -1, -1):
        counts[node] = counts[left[node]] + counts[right[node]]
    return counts


def distinct_comparisons(op: Forest) -> tuple[IntArray, IntArray]:
    """The comparisons that hardware needs once each, and which one every node uses.

    Returns
    -------
    comparisons : int array, shape (n_comparisons, 2)
        Columns feature and threshold_raw, sorted.
    index : int array, shape (n_nodes,)
        Row of `comparisons` for each node.
    """
    pairs = np.stack([op.feature.raw, op.threshold.raw], axis=1)
    comparisons, index = np.unique(pairs, axis=0, return_inverse=True)
    return comparisons, index.reshape(-1)


def forest_fault(op: Forest) -> Fault | None:
    """The error in the forest's own structure, or None."""
    return _fault_of_shapes(op) or _fault_of_grids(op) or _fault_of_indices(op)


def _fault_of_shapes(op: Forest) -> Fault | None:
    per_tree, per_node = (
        {op.tree_root.shape, op.tree_output.shape},
        {const.shape for const in (op.feature, op.threshold, op.left, op.right)},
    )
    ranks_fit = len(op.tree_root.shape) == len(op.feature.shape) == len(op.base_margin.shape) == 1
    if ranks_fit and len(per_tree) == len(per_node) == 1 and len(op.leaf.shape) == 2 and len(op.operand.shape) == 1:
        return None
    got = ", ".join(f"{spec.name} {getattr(op, spec.name).shape}" for spec in fields(op) if spec.name in _TABLES)
    want = (
        "tree_* (n_trees,); feature, threshold, left, right (n_nodes,); leaf (n_leaves, n_targets); "
        "base_margin (n_outputs,); operand (n_features,)"
    )
    return Fault("the tables of a forest do not fit together", got=got, want=want)


def _fault_of_grids(op: Forest) -> Fault | None:
    bits = op.leaf.type.fraction_bits
    if op.base_margin.type.fraction_bits != bits:
        got = f"{op.base_margin.type.fraction_bits} fraction bits"
        return Fault("base_margin is not on the grid of the leaves", got=got, want=f"{bits}")
    if op.threshold.type.fraction_bits != op.operand.type.fraction_bits:
        got = f"{op.threshold.type.fraction_bits} fraction bits"
        return Fault("thresholds are not on the grid of the features", got=got, want=f"{op.operand.type.fraction_bits}")
    return None


def _fault_of_indices(op: Forest) -> Fault | None:
    end = op.n_nodes + op.n_leaves
    checks = (
        ("feature", op.feature.raw, 0, op.operand.shape[0]),
        ("tree_root", op.tree_root.raw, 0, end),
        ("tree_output", op.tree_output.raw, 0, op.n_outputs - op.n_targets + 1),
        ("left", op.left.raw, np.arange(1, op.n_nodes + 1), end),
        ("right", op.right.raw, np.arange(1, op.n_nodes + 1), end),
    )
    for name, raw, first, stop in checks:
        bad = np.flatnonzero((raw < first) | (raw >= stop))
        if bad.size:
            least = int(np.broadcast_to(first, raw.shape)[bad[0]])
            return Fault(
                f"an index of a forest points nowhere, or back: {name}[{bad[0]}]",
                got=str(raw[bad[0]]),
                want=f"{least} to {stop - 1}",
            )
    return None


_TABLES = ("operand", "tree_root", "tree_output", "feature", "threshold", "left", "right", "leaf", "base_margin")
