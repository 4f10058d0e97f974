"""Seeds of a decision on the labelled events: whom they take, what quantisation changes, how they overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.physics.working_points import Chosen, share

ALL = "all"
"""The only group of events where no class is known."""


@dataclass(frozen=True, slots=True)
class SeedFacts:
    """One seed.

    Attributes
    ----------
    condition : its text
    efficiency, efficiency_float : share of each class that it takes; the latter of the float twins, None without them
    changed : share of all events on which both differ; None without float twins
    alone : share of all events that this seed takes and no other one
    overlap : by every other seed, the share of this seed's events that the other takes too; None where it takes none
    """

    name: str
    condition: str
    n_events: int
    efficiency: dict[str, float]
    efficiency_float: dict[str, float] | None
    changed: float | None
    alone: float
    overlap: dict[str, float | None]


def seed_facts(
    conditions: Mapping[str, str], bits: IntArray, real: FloatArray | None, groups: Mapping[str, IntArray]
) -> tuple[SeedFacts, ...]:
    """Facts of every seed.

    Parameters
    ----------
    conditions : text by name, in the order of the bits
    bits, real : arrays of shape (n_events, n_seeds), of the firmware and of the float twins
    groups : by class, the rows of its events
    """
    taken = bits.astype(bool)
    twin = None if real is None else real.astype(bool)
    found = []
    for k, (name, condition) in enumerate(conditions.items()):
        others = np.delete(taken, k, axis=1).any(axis=1)
        found.append(
            SeedFacts(
                name,
                condition,
                len(taken),
                _shares(taken[:, k], groups),
                None if twin is None else _shares(twin[:, k], groups),
                None if twin is None else float(np.mean(taken[:, k] != twin[:, k])),
                float(np.mean(taken[:, k] & ~others)),
                {other: share(taken[taken[:, k], j]) for j, other in enumerate(conditions) if j != k},
            )
        )
    return tuple(found)


def groups_of(labels: IntArray, classes: Sequence[str]) -> dict[str, IntArray]:
    """The rows of each class; of all events where there are no classes."""
    if not classes:
        return {ALL: np.arange(len(labels))}
    return {name: np.flatnonzero(labels == k) for k, name in enumerate(classes)}


def _shares(taken: Chosen, groups: Mapping[str, IntArray]) -> dict[str, float]:
    return {name: share(taken[rows]) or 0.0 for name, rows in groups.items()}
