"""Efficiencies of a cut on the raw words, in bins of a column that the model does not see (pT, mass, ...)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.data.labelled import Profile
from fasttrig.physics.working_points import Chosen, share, threshold_for

N_BINS, MIN_EVENTS, TARGET = 12, 20, 0.5
"""Bins hold equally many events; a share of fewer than `MIN_EVENTS` is left out; `TARGET` of the signal is kept."""


@dataclass(frozen=True, slots=True)
class EfficiencyProfile:
    """Shares of events that reach the threshold of one class's word, per bin of one column; None for few events."""

    column: str
    unit: str
    output: str
    threshold_raw: int
    edges: tuple[float, ...]
    efficiency: tuple[float | None, ...]
    background_efficiency: tuple[float | None, ...]


def efficiency_profiles(
    profiles: Sequence[Profile], words: IntArray, labels: IntArray, names: Sequence[str]
) -> tuple[EfficiencyProfile, ...]:
    """Of every column and class; words of shape (n_events, n_names), the label of the first name is 0."""
    found = []
    for profile in profiles:
        edges = np.unique(np.quantile(profile.values, np.linspace(0.0, 1.0, N_BINS + 1)))
        bins = np.clip(np.digitize(profile.values, edges) - 1, 0, max(0, len(edges) - 2))
        for k, name in enumerate(names):
            is_signal = labels == k
            if len(edges) < 2 or not is_signal.any():
                continue
            threshold = threshold_for(words[is_signal, k], TARGET)
            passes = words[:, k] >= threshold
            kept, false = (_shares(passes[part], bins[part], len(edges) - 1) for part in (is_signal, ~is_signal))
            found.append(EfficiencyProfile(profile.name, profile.unit, name, threshold, _plain(edges), kept, false))
    return tuple(found)


def _shares(passes: Chosen, bins: IntArray, n_bins: int) -> tuple[float | None, ...]:
    parts = (passes[bins == k] for k in range(n_bins))
    return tuple(share(part) if len(part) >= MIN_EVENTS else None for part in parts)


def _plain(numbers: FloatArray) -> tuple[float, ...]:
    return tuple(map(float, numbers))
