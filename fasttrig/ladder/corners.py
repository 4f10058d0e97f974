"""Corner vectors: raw inputs that reveal a wrong width, sign or wrap, and that a sample rarely contains."""

from __future__ import annotations

import numpy as np

from fasttrig.base.fixed import IntArray
from fasttrig.data.spread import spread
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Input
from fasttrig.ir.ranges import infer_ranges

N_RANDOM = 4096
SEED = 1


def corner_inputs(graph: Graph, seed: int = SEED, n_random: int = N_RANDOM) -> dict[str, IntArray]:
    """Raw inputs per input name, each of shape (n_events, *shape), on every feature's own grid and range.

    All at the minimum, all at the maximum, zeros; each element alone at an extreme with the others at zero, and with
    the others at the opposite extreme; `n_random` events uniform over the full range of every element.
    """
    rng = np.random.default_rng(seed)
    ranges = infer_ranges(graph)
    bounds = {op.name: _flat_bounds(op, ranges[op.result].low, ranges[op.result].high) for op in graph.inputs}
    low = np.concatenate([bounds[op.name][0] for op in graph.inputs])
    high = np.concatenate([bounds[op.name][1] for op in graph.inputs])
    step = np.concatenate([bounds[op.name][2] for op in graph.inputs])
    zero = np.clip(np.zeros_like(low), low, high)
    rows = [low[None], high[None], zero[None]]
    for extreme, other in ((low, zero), (high, zero), (low, high), (high, low)):
        rows.append(np.where(np.eye(len(low), dtype=bool), extreme, other))
    rows.append(low + step * rng.integers(0, (high - low) // step + 1, (n_random, len(low))))
    return spread(graph, np.concatenate(rows))


def _flat_bounds(op: Input, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    step = np.array([1 << op.tensor_type.shift(kind) for kind in op.tensor_type.each], dtype=np.int64)
    return low.ravel().astype(np.int64), high.ravel().astype(np.int64), step
