"""Choices on data: the greatest of several, the k greatest, an entry by its index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from alkaid.trace import FVariable

from fasttrig.backends.rtl.arithmetic import add, constant, is_constant, multiply_constant, pick

Contender = tuple[FVariable, FVariable]
"""A number, and the index that it had."""


def is_less(left: FVariable, right: FVariable) -> FVariable:
    """1 where left < right."""
    difference = add(left, multiply_constant(right, -1.0))
    return constant(float(difference.low < 0), left) if is_constant(difference) else difference.is_negative()


def larger(left: FVariable, right: FVariable) -> FVariable:
    """max(left, right)."""
    return pick(is_less(left, right), right, left)


def smaller(left: FVariable, right: FVariable) -> FVariable:
    """min(left, right)."""
    return pick(is_less(right, left), right, left)


def index_of_largest(row: Sequence[FVariable]) -> FVariable:
    """The first of equals: a tournament in which the later one must be strictly larger to win."""
    return _winner_of([(number, constant(float(i), number)) for i, number in enumerate(row)])


def indices_of_largest(row: Sequence[FVariable], k: int) -> list[FVariable]:
    """The k largest, one tournament after the other; who has won sinks below every other number."""
    numbers, found = list(row), []
    below = min(number.low for number in row) - min((number.step for number in row if number.step > 0), default=1.0)
    for _ in range(k):
        winner = index_of_largest(numbers)
        found.append(winner)
        numbers = [
            pick(_equals(winner, i, len(row)), constant(below, number), number) for i, number in enumerate(numbers)
        ]
    return found


def entry_by_index(entries: Sequence[FVariable], index: FVariable) -> FVariable:
    """A tree of multiplexers, one level per bit of the index; beyond the last entry the last."""
    if is_constant(index):
        return entries[min(int(index.low), len(entries) - 1)]
    bits = max(int(index.high), len(entries) - 1).bit_length()
    level = [*entries, *[entries[-1]] * ((1 << bits) - len(entries))]
    for bit in range(bits):
        chooser = _looked_up(index, [float(i >> bit & 1) for i in range(int(index.high) + 1)])
        level = [pick(chooser, high, low) for low, high in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def _winner_of(entries: list[Contender]) -> FVariable:
    while len(entries) > 1:
        pairs = zip(entries[::2], entries[1::2], strict=False)
        winners = [_winner(left, right) for left, right in pairs]
        entries = winners + entries[len(winners) * 2 :]
    return entries[0][1]


def _winner(left: Contender, right: Contender) -> Contender:
    less = is_less(left[0], right[0])
    return pick(less, right[0], left[0]), pick(less, right[1], left[1])


def _equals(index: FVariable, place: int, n: int) -> FVariable:
    return _looked_up(index, [float(i == place) for i in range(n)])


def _looked_up(index: FVariable, entries: list[float]) -> FVariable:
    """`entries` by a whole number that is not negative."""
    low, high, step = int(index.low), int(index.high), max(1, int(index.step))
    reached = np.array(entries[low : high + 1 : step])
    if len(np.unique(reached)) == 1:
        return constant(float(reached[0]), index)
    return index.lookup(reached)
