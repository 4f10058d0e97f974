"""The link of a graph as a table that NumPy fills: the compiled emulator's scores have NumPy's bits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from fasttrig.base.fixed import FloatArray, to_value
from fasttrig.emulator.emulation import postprocess
from fasttrig.ir.graph import Graph, Postprocessor
from fasttrig.ir.verify import verify

MAX_ENTRIES = 1 << 20
"""A longer table would leave the cache: NumPy computes the link then."""

MAX_SUMMED = 128
"""NumPy sums more numbers than this in another order than the library does."""

MAX_BITS = 50
"""Outputs of so many bits, and at most so many fraction bits, are exact in float64 for any scale of the link."""


class LinkKind(Enum):
    """As in ``columns.h``."""

    NONE = 0
    LINEAR = 1
    TABLE = 2
    SOFTMAX = 3


@dataclass(frozen=True, slots=True, eq=False)
class LinkTable:
    """How the library makes scores of the first output.

    Attributes
    ----------
    table : float64 array, shape (n_tables, n_entries)
        TABLE: scores from the raw integer `low` on, a row per score where the output is a single number, else one row.
        SOFTMAX: ``exp(-distance)`` by the distance from the largest of an event, in raw integers.
    lsb, scale : float
        LINEAR: ``score = scale * (raw * lsb)``.
    """

    kind: LinkKind
    n_scores: int
    table: FloatArray
    low: int = 0
    lsb: float = 1.0
    scale: float = 1.0


NO_LINK = LinkTable(LinkKind.NONE, 0, np.zeros((1, 1)))
"""The library makes no scores."""


def link_table(graph: Graph) -> LinkTable:
    """The link of `graph`, bit for bit as `postprocess`; `NO_LINK` where the library cannot make it so."""
    output = graph.outputs[0]
    if output.type.width > MAX_BITS or abs(output.type.fraction_bits) > MAX_BITS:
        return NO_LINK
    if graph.postprocessor is Postprocessor.NONE:
        empty = np.zeros((1, 1))
        return LinkTable(LinkKind.LINEAR, output.size, empty, lsb=output.type.lsb, scale=float(graph.link_scale))
    low, high = verify(graph)[output].bounds
    if high - low >= MAX_ENTRIES:
        return NO_LINK
    if graph.postprocessor is Postprocessor.SOFTMAX:
        return _softmax(graph, high - low + 1)
    values = to_value(np.arange(low, high + 1), output.type)
    margins = values[:, np.newaxis] if output.size == 1 else np.stack([values, values], axis=1)
    with np.errstate(all="ignore"):  # Warnings would come from values that no event produces.
        scores = postprocess(margins, graph)
    if output.size > 1:  # Each output has its own score.
        return LinkTable(LinkKind.TABLE, output.size, np.ascontiguousarray(scores[:, :1].T), low)
    return LinkTable(LinkKind.TABLE, scores.shape[1], np.ascontiguousarray(scores.T), low)


def _softmax(graph: Graph, n_entries: int) -> LinkTable:
    output, scale = graph.outputs[0], graph.link_scale
    is_power = scale.numerator.bit_count() == 1 and scale.denominator.bit_count() == 1
    if output.size > MAX_SUMMED or not is_power or abs(_log2(scale.numerator) - _log2(scale.denominator)) > MAX_BITS:
        return NO_LINK  # Without a power of two, float64 rounds the difference of scaled margins.
    distance = float(scale) * to_value(-np.arange(n_entries), output.type)
    return LinkTable(LinkKind.SOFTMAX, output.size, np.exp(distance)[np.newaxis])


def _log2(power: int) -> int:
    return power.bit_length() - 1
