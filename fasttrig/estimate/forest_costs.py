"""Hardware that conifer builds for a forest: a comparison and a path decision per split node, sums of leaves.

The VHDL library's latency and area are conifer's own published formulas (conifer, utils/performance/prediction.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fasttrig.estimate.counts import Setting
from fasttrig.estimate.layer_costs import ForestSize

_WORD = 18.0
_BITS_PER_LUT = 3.0


@dataclass(frozen=True, slots=True)
class ForestCounts:
    """Counts of a forest in words of 18 bits."""

    comparison_lut: float  # comparisons with a constant, three bits to a LUT
    nodes: float
    registered_words: float  # split nodes times pipeline stages
    paced_levels: float  # comparisons, path and adder levels against the clock
    vhdl: bool = False
    vhdl_lut: float = 0.0
    vhdl_ff: float = 0.0
    vhdl_cycles: float = 0.0

    @classmethod
    def total(cls, counts: Sequence[ForestCounts]) -> ForestCounts:
        """All forests of a design, side by side."""
        return cls(
            comparison_lut=sum(c.comparison_lut for c in counts),
            nodes=sum(c.nodes for c in counts),
            registered_words=sum(c.registered_words for c in counts),
            paced_levels=max(c.paced_levels for c in counts),
            vhdl=any(c.vhdl for c in counts),
            vhdl_lut=sum(c.vhdl_lut for c in counts),
            vhdl_ff=sum(c.vhdl_ff for c in counts),
            vhdl_cycles=max(c.vhdl_cycles for c in counts),
        )


def forest_counts(forest: ForestSize, setting: Setting) -> ForestCounts:
    """The counts of one forest."""
    words = forest.bits / _WORD
    per_output = max(1.0, forest.n_trees / forest.n_classes)
    depth = float(forest.max_depth)
    levels = depth + math.log2(per_output)
    summed = (depth * 2**depth) ** 0.5  # the path of a deep tree is wide logic, not a chain
    paced = (levels + summed) * setting.slowness
    return ForestCounts(
        comparison_lut=forest.n_comparisons * forest.bits / _BITS_PER_LUT,
        nodes=float(forest.n_nodes),
        registered_words=forest.n_nodes * words * paced,
        paced_levels=paced,
        vhdl=forest.library == "vhdl",
        vhdl_lut=max(0.0, -54.696 + 8.031 * per_output + 14.000 * forest.n_nodes) * words,
        vhdl_ff=(12.780 + 33.569 * per_output + 4.013 * forest.n_nodes) * words,
        vhdl_cycles=2 + forest.max_depth + math.ceil(math.log2(per_output) if per_output > 1 else 0),
    )
