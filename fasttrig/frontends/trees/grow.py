"""From a library's node table to a `Tree`: follow the children from the root and check every index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.frontends.trees.ensemble import Tree


@dataclass(frozen=True, slots=True, eq=False)
class NodeTable:
    """A tree in its library's own numbers; one row per node, split or leaf.

    Attributes
    ----------
    is_leaf, default_left : bool arrays, shape (n_rows,)
    left, right, feature : int arrays, shape (n_rows,)
        Read on rows that are not leaves.
    threshold : float array, shape (n_rows,)
    leaf : float array, shape (n_rows, n_targets)
        Read on rows that are leaves.
    leaf_id : int array, shape (n_rows,), or None
        The library's number of a leaf where it is not the row.
    """

    is_leaf: npt.NDArray[np.bool_]
    left: IntArray
    right: IntArray
    feature: IntArray
    threshold: FloatArray
    default_left: npt.NDArray[np.bool_]
    leaf: FloatArray
    leaf_id: IntArray | None = None


def grow(table: NodeTable, *, root: int = 0, output: int = 0, n_features: int, where: str, whole: bool = False) -> Tree:
    """The tree under `root`, nodes and leaves renumbered from the top down, left before right.

    With `whole`, every row must be part of the tree.

    Raises
    ------
    InputError
        If a child lies outside the table, a row is reached twice (a cycle or two parents) or, with `whole`, never, a
        feature does not exist, a threshold is NaN or a leaf is not finite.
    """
    _check_lengths(table, where)
    splits, leaves = _order(table, root, where)
    if whole and len(splits) + len(leaves) != len(table.is_leaf):
        raise InputError(
            "some nodes of a tree cannot be reached from its root",
            where=where,
            got=f"{len(splits) + len(leaves)} of {len(table.is_leaf)} nodes",
            want="one tree without cycles or orphan nodes",
        )
    place = np.empty(len(table.is_leaf), dtype=np.int64)
    place[splits] = np.arange(len(splits))
    place[leaves] = np.arange(len(leaves)) + len(splits)
    _check_rows(table, splits, leaves, n_features, where)
    ids = np.arange(len(place)) if table.leaf_id is None else table.leaf_id
    return Tree(
        feature=table.feature[splits].astype(np.int64),
        threshold=table.threshold[splits].astype(np.float64),
        left=place[table.left[splits]],
        right=place[table.right[splits]],
        default_left=table.default_left[splits].astype(bool),
        leaf=table.leaf[leaves].astype(np.float64),
        leaf_id=ids[leaves].astype(np.int64),
        output=output,
    )


def split_rows(table: NodeTable, *, root: int = 0, where: str) -> IntArray:
    """The table's row of each split of the tree that `grow` makes, shape (n_nodes,)."""
    return _order(table, root, where)[0]


def _order(table: NodeTable, root: int, where: str) -> tuple[IntArray, IntArray]:
    """Rows of the splits, parents before children, and of the leaves from left to right."""
    n_rows = len(table.is_leaf)
    seen = np.zeros(n_rows, dtype=bool)
    splits: list[int] = []
    leaves: list[int] = []
    stack = [root]
    while stack:
        row = stack.pop()
        if not 0 <= row < n_rows:
            raise InputError(
                "a child index points outside the tree", where=where, got=f"node {row}", want=f"0 to {n_rows - 1}"
            )
        if seen[row]:
            raise InputError(
                "a tree node has two parents",
                where=where,
                got=f"node {row}",
                want="one parent per node, no cycle",
            )
        seen[row] = True
        if table.is_leaf[row]:
            leaves.append(row)
        else:
            splits.append(row)
            stack += [int(table.right[row]), int(table.left[row])]
    return np.array(splits, dtype=np.int64), np.array(leaves, dtype=np.int64)


def _check_lengths(table: NodeTable, where: str) -> None:
    columns = (table.left, table.right, table.feature, table.threshold, table.default_left, table.leaf)
    lengths = {len(table.is_leaf), *(len(column) for column in columns)}
    if len(lengths) != 1 or 0 in lengths or table.leaf.ndim != 2:
        raise InputError(
            "the columns of a tree differ in length",
            where=where,
            got=str(sorted(lengths)),
            want="one row per node, at least one",
        )


def _check_rows(table: NodeTable, splits: IntArray, leaves: IntArray, n_features: int, where: str) -> None:
    outside = (table.feature[splits] < 0) | (table.feature[splits] >= n_features)
    _refuse_first(
        splits[outside], table.feature, "a split on a feature that does not exist", where, f"0 to {n_features - 1}"
    )
    _refuse_first(
        splits[np.isnan(table.threshold[splits])], table.threshold, "a threshold is no number", where, "no NaN"
    )
    bad = ~np.isfinite(table.leaf[leaves]).all(axis=1)
    _refuse_first(leaves[bad], table.leaf, "a leaf is not finite", where, "finite leaves")


def _refuse_first(rows: IntArray, column: npt.NDArray[Any], what: str, where: str, want: str) -> None:
    if rows.size:
        raise InputError(what, where=f"{where} > node {rows[0]}", got=str(column[rows[0]]), want=want)
