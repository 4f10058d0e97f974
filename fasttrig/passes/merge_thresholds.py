"""merge-thresholds: comparisons that are equal for every event get one threshold, so that hardware has each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest
from fasttrig.passes.base import Pass
from fasttrig.passes.forest_tables import Features, rewrite_forests, with_thresholds


@dataclass(frozen=True, slots=True)
class MergeThresholds(Pass):
    """Thresholds rise to the next number the feature can be, and stay inside [lowest, highest + step].

    ``x < t`` is the same for all t between two neighbouring numbers of the feature, below all and above all of them.
    """

    name: ClassVar[str] = "merge-thresholds"

    def run(self, graph: Graph) -> Graph:
        return rewrite_forests(graph, merged)


def merged(op: Forest, features: Features) -> Forest:
    """`op` with one threshold per distinct comparison."""
    threshold = op.threshold.raw.astype(object)
    for channel, step in enumerate(features.step):
        nodes = np.flatnonzero(op.feature.raw == channel)
        if not nodes.size:
            continue
        on_grid = -(-threshold[nodes] // step) * step
        low, high = int(features.low[channel]), int(features.high[channel])
        threshold[nodes] = np.clip(on_grid, low, high + step)
    if threshold.size and not -(1 << 63) <= min(threshold) <= max(threshold) < 1 << 63:
        return op  # features wider than 64 bits: constants have 64
    return with_thresholds(op, threshold.astype(np.int64))
