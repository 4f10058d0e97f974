"""Numbers that a library takes for missing (XGBoost's ``missing=-999``, LightGBM's ``zero_as_missing``) as comparisons.

A split sends such a number the default way. Where its own comparison sends it the other way, the split becomes up to
three comparisons of the same rule, so that nothing after the frontend knows about missing numbers.
"""

from __future__ import annotations

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.frontends.trees.ensemble import InputFormat, SplitRule, Tree, goes_left


def send_missing(tree: Tree, low: FloatArray, high: FloatArray, rule: SplitRule, input_format: InputFormat) -> Tree:
    """`tree` with every number in ``[low, high]`` of a split's feature sent the split's default way.

    Parameters
    ----------
    low, high : float arrays, shape (n_nodes,)
        Numbers that `input_format` holds; NaN where a split takes no number for missing. Subtrees are shared between
        the comparisons of one split; leaves stay as they are.
    """
    low_left, high_left = goes_left(low, tree.threshold, rule), goes_left(high, tree.threshold, rule)
    changes = ~np.isnan(low) & ((low_left != tree.default_left) | (high_left != tree.default_left))
    if not changes.any():
        return tree
    below, above = _edges(low, high, rule, input_format)
    straddled = low_left != high_left
    sizes = np.where(changes & ~straddled, 3, 1)
    start = np.cumsum(sizes) - sizes
    n_new = int(sizes.sum())
    left, right = (_moved(children, tree.n_nodes, start, n_new) for children in (tree.left, tree.right))
    origin = np.repeat(np.arange(tree.n_nodes), sizes)
    new_left, new_right, threshold = left[origin], right[origin], tree.threshold[origin]
    # The threshold lies inside the range of missing values: compare with the far or the near end of that range.
    cut = changes & straddled
    threshold[start[cut]] = np.where(tree.default_left[cut], above[cut], below[cut])
    for node in np.flatnonzero(changes & ~straddled):
        first = int(start[node])
        usual, default = (left[node], right[node]) if low_left[node] else (right[node], left[node])
        (new_left if low_left[node] else new_right)[first] = first + 1
        threshold[first + 1 : first + 3] = below[node], above[node]
        new_left[first + 1], new_right[first + 1] = usual, first + 2
        new_left[first + 2], new_right[first + 2] = default, usual
    return Tree(
        feature=tree.feature[origin],
        threshold=threshold,
        left=new_left,
        right=new_right,
        default_left=tree.default_left[origin],
        leaf=tree.leaf,
        leaf_id=tree.leaf_id,
        output=tree.output,
    )


def _moved(children: IntArray, n_nodes: int, start: IntArray, n_new: int) -> IntArray:
    """Child indices after the splits took their new places."""
    moved = children - n_nodes + n_new
    is_node = children < n_nodes
    moved[is_node] = start[children[is_node]]
    return moved


def _edges(
    low: FloatArray, high: FloatArray, rule: SplitRule, input_format: InputFormat
) -> tuple[FloatArray, FloatArray]:
    """Thresholds that send left what lies below `low`, and what does not lie above `high`."""
    infinity = np.array(np.inf, dtype=input_format)
    with np.errstate(over="ignore", under="ignore"):
        if rule is SplitRule.LT:
            return low, np.nextafter(high.astype(input_format), infinity).astype(np.float64)
        return np.nextafter(low.astype(input_format), -infinity).astype(np.float64), high
