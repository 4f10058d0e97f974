"""Counts, sums, histograms and a checksum of raw words. Adding tallies is associative and commutative, in integers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.fixed import FixedType, IntArray

N_BINS_LOG2 = 6
"""A histogram has at most 2**6 bins: the top bits of a word choose the bin."""

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""The constants of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014)."""


@dataclass(frozen=True, slots=True)
class WordTally:
    """Of one raw word: its sum, and how often it fell into each bin, from the lowest raw integer on."""

    total: int
    bins: tuple[int, ...]

    def __add__(self, other: WordTally) -> WordTally:
        return WordTally(self.total + other.total, tuple(a + b for a, b in zip(self.bins, other.bins, strict=True)))


@dataclass(frozen=True, slots=True)
class EventTally:
    """What was counted of some events.

    Attributes
    ----------
    n_events : int
    checksum : int
        Sum modulo 2**64 of a hash of each event: of its file's name, its entry, and all its raw words.
    words : dict of column name to WordTally
    """

    n_events: int = 0
    checksum: int = 0
    words: Mapping[str, WordTally] = field(default_factory=dict)

    def __add__(self, other: EventTally) -> EventTally:
        if not self.words or not other.words:
            words = self.words or other.words
        else:
            words = {name: word + other.words[name] for name, word in self.words.items()}
        return EventTally(self.n_events + other.n_events, (self.checksum + other.checksum) & _MASK, words)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; the checksum is hexadecimal."""
        words = {name: asdict(word) | {"bins": list(word.bins)} for name, word in self.words.items()}
        return {"n_events": self.n_events, "checksum": f"{self.checksum:016x}", "words": words}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> EventTally:
        words = {name: WordTally(word["total"], tuple(word["bins"])) for name, word in content["words"].items()}
        return cls(content["n_events"], int(content["checksum"], 16), words)


def tally_of(file: str, first_entry: int, words: Mapping[str, IntArray], types: Mapping[str, FixedType]) -> EventTally:
    """The tally of consecutive events of one file.

    Parameters
    ----------
    file : str
        The name that goes into the hash of every event.
    words : dict of column name to raw integers of shape (n_events,)
    types : dict of column name to the word's type
    """
    n_events = len(next(iter(words.values())))
    checksum = int(event_hashes(file, first_entry, tuple(words.values())).sum(dtype=np.uint64))
    return EventTally(n_events, checksum, {name: _word_tally(raw, types[name]) for name, raw in words.items()})


def event_hashes(file: str, first_entry: int, words: tuple[IntArray, ...]) -> NDArray[np.uint64]:
    """A hash of each event, of shape (n_events,): SplitMix64 of the file, the entry and the words, each times an odd
    constant. A change of one word changes the sum that is mixed, because an odd factor loses no bit."""
    seed = int.from_bytes(hashlib.sha256(file.encode()).digest()[:8], "little")
    entries = np.arange(first_entry, first_entry + len(words[0]), dtype=np.uint64)
    mixed = entries * np.uint64(_GOLDEN) + np.uint64(seed)
    for place, raw in enumerate(words):
        mixed += raw.astype(np.int64).view(np.uint64) * np.uint64(_odd(place))
    for factor, shift in zip(_MIX, (30, 27), strict=True):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _odd(place: int) -> int:
    """Another odd factor for every place of a word."""
    return int.from_bytes(hashlib.sha256(place.to_bytes(4, "little")).digest()[:8], "little") | 1


def _word_tally(raw: IntArray, kind: FixedType) -> WordTally:
    n_bits = min(kind.width, N_BINS_LOG2)
    bins = np.bincount((raw.astype(np.int64) - kind.min_raw) >> (kind.width - n_bits), minlength=1 << n_bits)
    return WordTally(_sum(raw), tuple(int(count) for count in bins))


def _sum(raw: IntArray) -> int:
    """The exact sum of words of up to 64 bits: of their halves, which 64 bits hold for 2**31 events."""
    wide = raw.astype(np.int64)
    high, low = wide >> 32, wide & 0xFFFFFFFF
    return (int(high.sum()) << 32) + int(low.sum())
