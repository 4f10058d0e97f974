"""Effect of rounding the leaves of a forest: decisions that differ from those with the library's own leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fasttrig.base.fixed import FloatArray, IntArray, to_value
from fasttrig.design import Design
from fasttrig.emulator.emulation import postprocess
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Forest

_AT_ONCE = 8192


@dataclass(frozen=True, slots=True)
class LeafGrid:
    """Decisions on the same inputs, by leaves on the grid and by leaves as trained.

    Attributes
    ----------
    fraction_bits : int
        Of the leaves.
    n_events, n_flipped : int
        Events, and those whose most probable class changes.
    """

    fraction_bits: int
    n_events: int
    n_flipped: int


def leaf_grid(
    design: Design, inputs: dict[str, IntArray], outputs: dict[str, IntArray], n_events: int | None = None
) -> LeafGrid | None:
    """Of the first `n_events` raw inputs and outputs; None where no leaf is rounded, or no class decided.

    A library that sums in fixed point itself rounds its own leaves; a regression decides nothing.
    """
    ensemble, graph = design.ensemble, design.graph
    if ensemble is None or ensemble.score is not None or ensemble.n_classes == 0:
        return None
    (source,), (output,) = graph.inputs, graph.outputs
    raw, found = inputs[source.name][:n_events], outputs[output.name][:n_events]
    flipped = 0
    for first in range(0, len(raw), _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        trained = ensemble.margin(to_value(raw[rows], source.result.type))
        rounded = to_value(found[rows].reshape(len(trained), -1), output.type)
        flipped += int(np.count_nonzero(_decided(trained, graph) != _decided(rounded, graph)))
    bits = max(op.fraction_bits for op in graph.ops_of(Forest))
    return LeafGrid(bits, len(raw), flipped)


def _decided(margins: FloatArray, graph: Graph) -> npt.NDArray[np.intp]:
    """The class with the highest score; of a single score, whether its margin is positive."""
    scores = postprocess(margins, graph)
    return np.asarray(scores.argmax(axis=1) if scores.shape[1] > 1 else margins[:, 0] > 0, dtype=np.intp)
