"""Thresholds on the words of the firmware for a rate that the trigger may keep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FixedType, IntArray
from fasttrig.physics.working_points import leads

CONFIDENCE = 0.6827

RateCut = Literal["word", "lead"]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many events pass; the interval is that of Clopper and Pearson at 68.27 %."""

    n_passing: int
    n_events: int
    low: float
    high: float

    @property
    def central(self) -> float:
        return self.n_passing / self.n_events

    @classmethod
    def of(cls, n_passing: int, n_events: int) -> Share:
        """Raises DataError without events."""
        from scipy.stats import binomtest

        if n_events < 1:
            raise DataError("there are no events to find a rate of")
        found = binomtest(n_passing, n_events).proportion_ci(CONFIDENCE, method="exact")
        return cls(n_passing, n_events, float(found.low), float(found.high))


class WordCounts:
    """How often each number occurs, chunk after chunk: memory for distinct numbers, not for events."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.n_events = 0

    def add(self, words: IntArray) -> None:
        """Count `words`, of shape (n_events,)."""
        numbers, counts = np.unique(words, return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            self.counts[number] = self.counts.get(number, 0) + count
        self.n_events += len(words)

    def passing(self, threshold: int) -> Share:
        """The events at or above `threshold`."""
        return Share.of(sum(count for number, count in self.counts.items() if number >= threshold), self.n_events)

    def threshold(self, share: Fraction) -> int:
        """The lowest threshold that at most `share` of the events reach; above all of them if need be."""
        if not self.counts:
            raise DataError("there are no events to find a threshold on")
        numbers = sorted(self.counts, reverse=True)
        allowed, passing, threshold = share * self.n_events, 0, numbers[0] + 1
        for number in numbers:
            passing += self.counts[number]
            if passing > allowed:
                break
            threshold = number
        return threshold


@dataclass(frozen=True, slots=True)
class RatePoint:
    """A cut that keeps the rate: events pass where the number is at or above `threshold_raw`, in the output's LSB.

    `signal` is the share of the signal that passes; None where none was given. For a seed there is no threshold.
    """

    output: str
    cut: RateCut | Literal["seed"]
    threshold_raw: int | None
    threshold: float | None
    background: Share
    signal: Share | None


def cut_numbers(words: IntArray, cut: RateCut) -> IntArray:
    """What is cut on, of shape (n_events, n_words): the words, or the lead of each over the largest of the others."""
    return words if cut == "word" else leads(words)


def rate_point(
    output: str, cut: RateCut, kind: FixedType, background: WordCounts, signal: WordCounts | None, share: Fraction
) -> RatePoint:
    """The cut at which at most `share` of the background passes."""
    threshold = background.threshold(share)
    value = threshold * 2.0**-kind.fraction_bits
    kept = None if signal is None else signal.passing(threshold)
    return RatePoint(output, cut, threshold, value, background.passing(threshold), kept)


class SeedCounts:
    """How often each pattern of seed bits occurs."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self.n_events = 0
        self._patterns: dict[int, int] = {}

    def add(self, bits: IntArray) -> None:
        """Count `bits`, of shape (n_events, n_seeds)."""
        packed = np.packbits(bits.astype(np.uint8), axis=1, bitorder="little")
        patterns, counts = np.unique(packed, axis=0, return_counts=True)
        for row, count in zip(patterns, counts.tolist(), strict=True):
            pattern = int.from_bytes(row.tobytes(), "little")
            self._patterns[pattern] = self._patterns.get(pattern, 0) + count
        self.n_events += len(bits)

    def share(self, mask: int) -> Share:
        """Events with at least one of the seeds in `mask`."""
        passing = sum(count for pattern, count in self._patterns.items() if pattern & mask)
        return Share.of(passing, self.n_events)

    def alone(self, place: int) -> Share:
        """Events with this seed and no other."""
        return Share.of(self._patterns.get(1 << place, 0), self.n_events)
