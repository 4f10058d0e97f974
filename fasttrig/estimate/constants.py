"""Hardware for a matrix of constants: which products cost a DSP, a few adders, or nothing.

A product by a power of two is wiring. Two signed digits (3 = 4 - 1) are one adder, unless they are eight places away
from each other (257) and the adder gets long. From three signed digits on (13, 19, ...) HLS takes a DSP; 11 alone stays
in LUTs. Equal constants that multiply the same input are computed once. With random weights this gives the DSP counts
of the published single-layer designs with no fitted constant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fasttrig.base.fixed import IntArray

_CHEAP_BY_TABLE = 11
_FAR = 8


@dataclass(frozen=True, slots=True)
class Products:
    """Products of one matrix, computed once each."""

    n_nonzeros: float
    cheap: float  # two signed digits
    costly_of_bits: tuple[float, ...]  # three digits or more, by the bits of the raw weight's magnitude
    digits: float  # mean signed digits of the costly ones
    by_table: float = 0.0  # 11s: adders as long as multipliers are not shared

    @property
    def costly(self) -> float:
        """Three digits or more: a DSP where the tool agrees."""
        return sum(self.costly_of_bits)

    def wide(self, least_bits: int) -> float:
        """Costly products of weights with at least so many bits of magnitude."""
        return sum(self.costly_of_bits[max(0, least_bits) :])


def expected_products(n_in: int, n_nonzeros: float, magnitude: float) -> Products:
    """Products of a matrix with unknown weights: raw integers uniform up to ``2**magnitude``."""
    values = max(2.0, 2.0 * 2.0**magnitude)
    per_input = n_nonzeros / n_in
    distinct = n_in * values * -math.expm1(-per_input / values)
    cheap, costly, by_table = _shares(round(max(magnitude, 0.0), 2))
    return Products(
        n_nonzeros,
        distinct * cheap,
        tuple(distinct * share for share in costly),
        max(3.0, (magnitude + 1) / 3),
        distinct * by_table,
    )


def count_products(raw: IntArray) -> Products:
    """Products of a real matrix; `raw` holds the integers, shape (n_in, n_out)."""
    pairs = [np.unique(row[row != 0]) for row in raw.reshape(raw.shape[0], -1)]
    values = np.abs(np.concatenate(pairs).astype(np.int64))
    by_table = values == _CHEAP_BY_TABLE
    counts = np.where(by_table, 2, signed_digits(values))
    counts = np.where((counts == 2) & ~by_table & (_distance(values) >= _FAR), 3, counts)
    costly = counts >= 3
    bits = np.bincount(_bit_length(values[costly]))
    digits = float(counts[costly].mean()) if costly.any() else 3.0
    return Products(
        float(np.count_nonzero(raw)),
        float(np.count_nonzero(counts == 2)),
        tuple(bits.astype(float)),
        digits,
        float(np.count_nonzero(by_table)),
    )


def signed_digits(raw: IntArray) -> IntArray:
    """Non-zero digits of each integer in canonical signed-digit form: ones of ``x xor 3x``."""
    absolute = np.abs(raw.astype(np.int64))
    return np.bitwise_count(absolute ^ (3 * absolute)).astype(np.int64)


def _distance(absolute: IntArray) -> IntArray:
    """Places between the two signed digits of each number: 3 = 4 - 1 -> 2, 257 -> 8, 24 = 32 - 8 -> 2."""
    digits = absolute ^ (3 * absolute)  # one bit per signed digit, a place above it
    return _bit_length(digits) - _bit_length(digits & -digits)


def _bit_length(absolute: IntArray) -> IntArray:
    """Bits of each magnitude: 1 -> 1, 7 -> 3, 8 -> 4."""
    return np.frexp(absolute.astype(np.float64))[1].astype(np.int64)


@lru_cache(maxsize=4096)
def _shares(magnitude: float) -> tuple[float, tuple[float, ...], float]:
    """Of 1 ... 2**magnitude: two signed digits; more, by bits; the 11s. Each integer is a rounding interval."""
    top = 2.0**magnitude
    powers = {1 << high for high in range(int(magnitude) + 3)}
    sums = {high + sign * low for high in powers for low in powers if low < high < low << _FAR for sign in (1, -1)}
    length = max(top - 0.5, 0.5)
    two = (sums | {_CHEAP_BY_TABLE}) - powers

    def part(value: float) -> float:
        """Share of the interval around `value`."""
        return max(0.0, min(1.0, top + 0.5 - value)) / length

    free, cheap = sum(map(part, powers)), sum(map(part, two))
    cheap = max(0.0, min(cheap, 1 - free))
    if top <= 12:
        return cheap, (), part(_CHEAP_BY_TABLE)
    costly = []
    for bits in range(int(magnitude) + 2):
        low, high = (1 << bits) >> 1, 1 << bits
        inside = max(0.0, min(high - 0.5, top) - max(low - 0.5, 0.5)) / length
        known = sum(part(value) for value in powers | two if low <= value < high)
        costly.append(max(0.0, inside - known))
    total = sum(costly)
    wanted = max(0.0, 1 - free - cheap)
    return cheap, tuple(share * wanted / total if total else 0.0 for share in costly), part(_CHEAP_BY_TABLE)
