"""Rewriting the tables of a `Forest`: shared by the passes on trees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fasttrig.base.fixed import IntArray
from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Const, Forest, Input, Op
from fasttrig.ir.ranges import Ranges


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Known facts about the operand of a forest.

    Attributes
    ----------
    low, high : object arrays, shape (n_features,)
        Range of each feature, at the operand's fraction bits.
    step : list of int
        Each feature is a multiple of this (a power of two: its own grid where that is coarser).
    """

    low: IntArray
    high: IntArray
    step: list[int]


def rewrite_forests(graph: Graph, change: Callable[[Forest, Features], Forest]) -> Graph:
    """`graph` with `change` applied to each forest; result types are left alone."""
    ranges: Ranges = {}
    made: dict[str, Op] = {}

    def step(op: Op) -> Op:
        operands = [ranges[value] for value in op.operands]
        new = change(op, _features(made[op.operand.name], operands[0])) if isinstance(op, Forest) else op
        ranges[new.result] = new.interval(*operands)
        made[new.name] = new
        return new

    return rewrite(graph, step)


def _features(source: Op, interval: Interval) -> Features:
    step = [1] * len(interval.low)
    if isinstance(source, Input) and source.channel_types:
        finest = source.result.type.fraction_bits
        step = [1 << (finest - own.fraction_bits) for own in source.channel_types]
    return Features(interval.low, interval.high, step)


def with_children(op: Forest, left: Sequence[int], right: Sequence[int], root: Sequence[int]) -> Forest:
    """`op` with other children and roots; nodes and leaves that no tree reaches any more are dropped, order is kept."""
    n_nodes = op.n_nodes
    reached = np.zeros(n_nodes + op.n_leaves, dtype=bool)
    reached[list(root)] = True
    for node in range(n_nodes):
        if reached[node]:
            reached[[left[node], right[node]]] = True
    nodes, leaves = np.flatnonzero(reached[:n_nodes]), np.flatnonzero(reached[n_nodes:])
    place = np.cumsum(reached) - 1  # nodes come before leaves in both numberings
    return replace(
        op,
        tree_root=_index(op.tree_root, place[list(root)]),
        feature=_index(op.feature, op.feature.raw[nodes]),
        threshold=_same_grid(op.threshold, op.threshold.raw[nodes]),
        left=_index(op.left, place[np.asarray(left, dtype=np.int64)[nodes]]),
        right=_index(op.right, place[np.asarray(right, dtype=np.int64)[nodes]]),
        leaf=_same_grid(op.leaf, op.leaf.raw[leaves]),
    )


def with_thresholds(op: Forest, threshold: IntArray) -> Forest:
    return replace(op, threshold=_same_grid(op.threshold, threshold))


def leaf_names(op: Forest) -> list[int]:
    """For each leaf the child index of the first leaf with the same row."""
    first: dict[tuple[int, ...], int] = {}
    return [first.setdefault(tuple(row), op.n_nodes + place) for place, row in enumerate(op.leaf.raw.tolist())]


def _index(old: Const, raw: IntArray) -> Const:
    return Const.covering(old.name, raw, 0)


def _same_grid(old: Const, raw: IntArray) -> Const:
    return Const.covering(old.name, raw, old.type.fraction_bits)
