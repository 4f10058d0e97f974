"""Corner vectors of forests: events that reach a split with the feature at, below and above the threshold."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from fasttrig.base.fixed import IntArray
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest, Input

SEED = 1
STEPS = (-1, 0, 1)

Limits: TypeAlias = dict[int, tuple[int, int]]
"""Feature -> first and last raw integer that the splits above let pass."""


def threshold_corners(graph: Graph, seed: int = SEED) -> dict[str, IntArray]:
    """Raw inputs per input name, each of shape (n_events, *shape).

    For every split of a forest that reads an input, three events: the compared feature on the least point of its own
    grid that goes right, one step below it (the greatest that goes left) and one above, clipped to its range. The
    other features are drawn uniformly from their grids, so that the splits above lead to this one where they can.
    """
    rng = np.random.default_rng(seed)
    sources = {op.result: op for op in graph.inputs}
    forests = [op for op in graph.ops_of(Forest) if op.operand in sources]
    arrays = {op.name: _drawn(op, rng, len(STEPS) * sum(forest.n_nodes for forest in forests)) for op in graph.inputs}
    start = 0
    for forest in forests:
        source = sources[forest.operand]
        rows = slice(start, start + len(STEPS) * forest.n_nodes)
        arrays[source.name][rows] = _corners(forest, source, rng, arrays[source.name][rows])
        start = rows.stop
    return arrays


def _corners(op: Forest, source: Input, rng: np.random.Generator, drawn: IntArray) -> IntArray:
    """`drawn`, shape (3 * n_nodes, n_features), with the features moved that decide the way to each split."""
    low, high, step = (bound.tolist() for bound in _bounds(source))
    x_raw = drawn.copy()
    for node, limits in enumerate(_limits(op, low, high)):
        rows = slice(len(STEPS) * node, len(STEPS) * (node + 1))
        for feature, (first, last) in limits.items():
            least, most = -(-first // step[feature]), last // step[feature]
            if least <= most:
                x_raw[rows, feature] = step[feature] * rng.integers(least, most, len(STEPS), endpoint=True)
        feature = int(op.feature.raw[node])
        right = -(-int(op.threshold.raw[node]) // step[feature]) * step[feature]
        x_raw[rows, feature] = [min(max(right + step[feature] * i, low[feature]), high[feature]) for i in STEPS]
    return x_raw


def _limits(op: Forest, low: list[int], high: list[int]) -> list[Limits]:
    """What the way to each split asks of the features; one way where a shared subtree has several."""
    limits: list[Limits] = [{} for _ in range(op.n_nodes)]
    features, thresholds = op.feature.raw.tolist(), op.threshold.raw.tolist()
    for node, children in enumerate(zip(op.left.raw.tolist(), op.right.raw.tolist(), strict=True)):
        feature, threshold = features[node], thresholds[node]
        first, last = limits[node].get(feature, (low[feature], high[feature]))
        for child, span in zip(
            children, ((first, min(last, threshold - 1)), (max(first, threshold), last)), strict=True
        ):
            if child < op.n_nodes:
                limits[child] = {**limits[node], feature: span}
    return limits


def _drawn(op: Input, rng: np.random.Generator, n_events: int) -> IntArray:
    low, high, step = _bounds(op)
    flat = low + step * rng.integers(0, (high - low) // step + 1, (n_events, op.result.size))
    return flat.reshape(n_events, *op.result.shape)


def _bounds(op: Input) -> tuple[IntArray, IntArray, IntArray]:
    """Least and greatest raw integer and step of each element, in the order of the flattened tensor."""
    interval = op.tensor_type.interval
    step = np.array([1 << op.tensor_type.shift(kind) for kind in op.tensor_type.each], dtype=np.int64)
    return interval.low.ravel().astype(np.int64), interval.high.ravel().astype(np.int64), step
