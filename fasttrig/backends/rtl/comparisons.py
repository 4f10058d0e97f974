"""Comparisons with constants as tables of at most six address bits: one LUT each, and what they share made once.

``x < t`` of a feature of up to six bits is one table. A wider one is cut into its five highest bits and the rest:
``high < t_high``, or ``high == t_high`` and ``rest < t_rest``, which is again one table of six bits, five of them of
the feature. How the rest compares depends on the low bits of the threshold alone, so the thresholds of a feature share
it: a feature of eight bits needs one LUT per threshold and at most seven for all of them. Bits of the feature below the
last one of a threshold do not matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from alkaid.trace import FVariable

from fasttrig.backends.rtl.arithmetic import (
    constant,
    either,
    fraction_bits,
    is_constant,
    multiply_constant,
    pick,
    take_bits,
    truncate,
)

LUT_INPUTS = 6


class Comparisons:
    """The bits ``feature < threshold`` of some features, each made once."""

    def __init__(self, features: Sequence[FVariable]) -> None:
        self.features = features
        self._made: dict[tuple[object, ...], FVariable] = {}

    def less(self, feature: int, threshold: float) -> FVariable:
        """1 where the feature is below the threshold."""
        number = self.features[feature]
        fraction = fraction_bits(number) if not is_constant(number) else 0
        raw = math.ceil(Fraction(threshold) * Fraction(2) ** fraction)
        key = (feature, raw)
        if key not in self._made:
            self._made[key] = self._compared(number, raw, fraction, (feature,))
        return self._made[key]

    def _compared(self, number: FVariable, raw: int, fraction: int, place: tuple[object, ...]) -> FVariable:
        """number < raw * 2**-fraction, `number` being on that grid; `place` names the number."""
        limit = math.ldexp(raw, -fraction)
        if number.low >= limit or number.high < limit:
            return constant(float(number.high < limit), number)
        zeros = (raw & -raw).bit_length() - 1 if raw else bits_of(number)
        zeros = min(zeros, bits_of(number) - 1)
        if zeros:
            number, raw, fraction = truncate(number, fraction - zeros), raw >> zeros, fraction - zeros
        if bits_of(number) <= LUT_INPUTS:
            return tabulate(number, lambda value: float(value < math.ldexp(raw, -fraction)))
        n_rest = bits_of(number) - (LUT_INPUTS - 1)
        rest_raw = raw & ((1 << n_rest) - 1)
        key = (*place, fraction, n_rest, rest_raw)
        if key not in self._made:
            rest = take_bits(number, False, n_rest - fraction, fraction)
            self._made[key] = self._compared(rest, rest_raw, fraction, (*place, fraction, n_rest))
        high = truncate(number, fraction - n_rest)
        return _decided(high, raw >> n_rest, fraction - n_rest, self._made[key])


def _decided(high: FVariable, raw: int, fraction: int, rest: FVariable) -> FVariable:
    """high < raw * 2**-fraction, or equal to it where `rest` is 1."""
    limit, half = math.ldexp(raw, -fraction), math.ldexp(1.0, -fraction - 1)
    if is_constant(rest):
        return tabulate(high, lambda value: float(value < limit or (value == limit and bool(rest.low))))
    both = either(high, multiply_constant(rest, half))
    return tabulate(both, lambda value: float(value < limit or value == limit + half))


def bits_of(number: FVariable) -> int:
    """Width of a number."""
    return int(sum(number.kif))


def joined(parts: Sequence[FVariable]) -> FVariable:
    """Unsigned integers side by side, the first at the low bits; by OR, for alkaid would merge sums with others."""
    found, place = parts[0], bits_of(parts[0])
    for part in parts[1:]:
        found, place = either(found, multiply_constant(part, math.ldexp(1.0, place))), place + bits_of(part)
    return found


def tabulate(number: FVariable, function: Callable[[float], float]) -> FVariable:
    """`function` of every value that `number` can have, as a table."""
    if is_constant(number):
        return constant(function(number.low), number)
    n_values = round((number.high - number.low) / number.step) + 1
    entries = [function(number.low + index * number.step) for index in range(n_values)]
    if len(set(entries)) == 1:
        return constant(entries[0], number)
    if bits_of(number) == 1:
        first, second = (constant(entry, number) for entry in entries)
        return pick(number, first, second) if number.low < 0 else pick(number, second, first)
    return number.lookup(np.array(entries, dtype=np.float64))


def is_exact(entries: Sequence[float]) -> bool:
    """Whether alkaid keeps these entries of a table: it counts their bits in single precision."""
    wide = [abs(Fraction(entry)) for entry in entries if entry]
    if not wide:
        return True
    fraction = max(entry.denominator for entry in wide)
    return max(int(entry * fraction) for entry in wide).bit_length() <= 24
