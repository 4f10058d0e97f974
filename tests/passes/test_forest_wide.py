"""Features wider than 64 bits: a threshold that has no 64-bit place on the feature's grid stays as it is."""

from __future__ import annotations

from fasttrig.base.fixed import FixedType
from fasttrig.passes.merge_thresholds import MergeThresholds
from tests.ladder.forest_cases import forest_graph


def test_thresholds_beyond_64_bits_are_left_alone() -> None:
    tables = {
        "tree_root": [0],
        "tree_output": [0],
        "feature": [0],
        "threshold": [(1 << 63) - 1],
        "left": [1],
        "right": [2],
        "leaf": [[1], [2]],
        "base_margin": [0],
    }
    graph = forest_graph(tables, FixedType(70, 66), 1, 0, (FixedType(60, 66),))
    assert MergeThresholds().run(graph) == graph
