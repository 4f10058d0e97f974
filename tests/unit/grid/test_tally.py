"""Tallies: the same in any order and for any partition, and every bit counts."""

from __future__ import annotations

import hashlib
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import pytest

from fasttrig.base.fixed import FixedType
from fasttrig.grid.tally import EventTally, tally_of

TYPES = {"a": FixedType(8, 4), "b": FixedType(3, 3, signed=False), "c": FixedType(40, 20)}
MASK = (1 << 64) - 1


def words(n_events: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {name: rng.integers(kind.min_raw, kind.max_raw + 1, n_events) for name, kind in TYPES.items()}


def by_definition(file: str, entry: int, event: list[int]) -> int:
    """The hash of an event in Python's integers, written down a second time."""
    x = int.from_bytes(hashlib.sha256(file.encode()).digest()[:8], "little") + entry * 0x9E3779B97F4A7C15
    for place, raw in enumerate(event):
        x += raw * (int.from_bytes(hashlib.sha256(place.to_bytes(4, "little")).digest()[:8], "little") | 1)
    x &= MASK
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


@pytest.mark.parametrize("seed", range(10))
def test_any_partition_in_any_order(seed: int) -> None:
    rng, data = np.random.default_rng(seed), words(500)
    cuts = [0, *sorted(rng.integers(0, 501, seed)), 500]
    parts = [tally_of("f.root", a, {name: raw[a:b] for name, raw in data.items()}, TYPES) for a, b in pairwise(cuts)]
    whole = tally_of("f.root", 0, data, TYPES)
    assert reduce(add, rng.permutation(np.array(parts, dtype=object)), EventTally()) == whole
    assert EventTally.from_dict(whole.to_dict()) == whole


def test_sums_histograms_and_the_checksum_by_their_definition() -> None:
    data = words(200)
    found = tally_of("f.root", 7, data, TYPES)
    events = zip(*(raw.tolist() for raw in data.values()), strict=True)
    assert found.checksum == sum(by_definition("f.root", 7 + k, list(event)) for k, event in enumerate(events)) & MASK
    for name, raw in data.items():
        assert found.words[name].total == sum(raw.tolist()) and sum(found.words[name].bins) == 200
    assert found.words["b"].bins == tuple(int((data["b"] == k).sum()) for k in range(8))


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("bit", [0, 2])
def test_one_bit_changes_the_checksum(name: str, bit: int) -> None:
    data = words(100)
    changed = {**data, name: data[name].copy()}
    changed[name][50] ^= 1 << bit
    assert tally_of("f", 0, data, TYPES).checksum != tally_of("f", 0, changed, TYPES).checksum


def test_events_that_change_places_change_the_checksum() -> None:
    data = words(100)
    turned = {name: raw[::-1] for name, raw in data.items()}
    assert tally_of("f", 0, data, TYPES).checksum != tally_of("f", 0, turned, TYPES).checksum
