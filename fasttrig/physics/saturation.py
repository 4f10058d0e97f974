"""Elements that casts change: negative numbers that a ReLU sets to zero, and numbers that do not fit (a loss)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.base.fixed import IntArray, Overflow, round_raw
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Cast


@dataclass(frozen=True, slots=True)
class Saturation:
    """Shares of one cast.

    Attributes
    ----------
    cut_fraction : share of elements below zero of which an unsigned type keeps zero, as a ReLU does
    clipped_fraction : share of elements too large for the type, or too low for a signed one
    clipped_events : share of events with at least one such element
    """

    cut_fraction: float
    clipped_fraction: float
    clipped_events: float


@dataclass(frozen=True, slots=True)
class Saturations:
    """Of the casts by name; `clipped_events` is the share of events that any of them clips."""

    n_events: int
    clipped_events: float
    ops: dict[str, Saturation]


def saturations(graph: Graph, trace: dict[str, IntArray], n_events: int | None = None) -> Saturations:
    """Of the first `n_events` events of `trace`, which holds every op's raw result, shapes (n_events, *shape)."""
    ops, any_clipped = {}, np.zeros(len(next(iter(trace.values()))[:n_events]), dtype=bool)
    for op in graph.ops_of(Cast):
        below, above = _outside(op, trace[op.operand.name][:n_events])
        is_relu = not op.result.type.signed and op.overflow is not Overflow.WRAP
        is_cut = below if is_relu else np.zeros_like(below)
        is_clipped = above | (below & ~is_cut)
        events = is_clipped.reshape(len(is_clipped), -1).any(axis=1)
        any_clipped |= events
        ops[op.name] = Saturation(_mean(is_cut), _mean(is_clipped), _mean(events))
    return Saturations(len(any_clipped), _mean(any_clipped), ops)


def _outside(op: Cast, operand: IntArray) -> tuple[np.ndarray, np.ndarray]:
    """Which elements are below and above the range of the type, after rounding."""
    rounded = round_raw(operand, op.operand.type, op.result.type.fraction_bits, op.rounding)
    least, greatest = op.limits
    return np.asarray(rounded < least, dtype=bool), np.asarray(rounded > greatest, dtype=bool)


def _mean(flags: np.ndarray) -> float:
    return float(np.mean(flags)) if flags.size else 0.0
