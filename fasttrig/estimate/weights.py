"""What synthesis makes of a matrix of constants: which products cost a DSP, which a few adders, which nothing.

A product by a power of two is wiring. Two signed digits (3 = 4 - 1) are one adder. From three signed digits on (11, 13,
19, ...) HLS takes a DSP; 11 alone stays in LUTs. Equal constants that multiply the same input are computed once. With
random weights this gives the DSP counts of the published single-layer designs with no fitted constant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fasttrig.fixed import IntArray

_CHEAP_BY_TABLE = 11


@dataclass(frozen=True, slots=True)
class Products:
    """Products of one matrix, computed once each."""

    n_nonzeros: float
    cheap: float  # two signed digits
    costly: float  # three or more: a DSP where the tool agrees
    digits: float  # mean signed digits of the costly ones


def expected_products(n_in: int, n_nonzeros: float, magnitude: float) -> Products:
    """Products of a matrix whose weights nobody gave: raw integers uniform up to ``2**magnitude``."""
    values = max(2.0, 2.0 * 2.0**magnitude)
    per_input = n_nonzeros / n_in
    distinct = n_in * values * -math.expm1(-per_input / values)
    cheap, costly = _shares(round(max(magnitude, 0.0), 2))
    return Products(n_nonzeros, distinct * cheap, distinct * costly, max(3.0, (magnitude + 1) / 3))


def count_products(raw: IntArray) -> Products:
    """Products of a real matrix; `raw` holds the integers, shape (n_in, n_out)."""
    pairs = [np.unique(row[row != 0]) for row in raw.reshape(raw.shape[0], -1)]
    values = np.concatenate(pairs)
    counts = np.where(np.abs(values) == _CHEAP_BY_TABLE, 2, signed_digits(values))
    costly = counts[counts >= 3]
    return Products(float(np.count_nonzero(raw)), float(np.count_nonzero(counts == 2)), float(costly.size),
                    float(costly.mean()) if costly.size else 3.0)  # fmt: skip


def signed_digits(raw: IntArray) -> IntArray:
    """Non-zero digits of each integer in canonical signed-digit form: ones of ``x xor 3x``."""
    absolute = np.abs(raw.astype(np.int64))
    return np.bitwise_count(absolute ^ (3 * absolute)).astype(np.int64)


@lru_cache(maxsize=4096)
def _shares(magnitude: float) -> tuple[float, float]:
    """Shares of 1 ... 2**magnitude with two signed digits, and with more; each integer is a rounding interval."""
    top = 2.0**magnitude
    powers = {1 << high for high in range(int(magnitude) + 3)}
    sums = {high + sign * low for high in powers for low in powers if low < high for sign in (1, -1)}
    length = max(top - 0.5, 0.5)
    free = sum(min(1.0, top + 0.5 - value) for value in powers if value < top + 0.5) / length
    two = (sums | {_CHEAP_BY_TABLE}) - powers
    cheap = sum(min(1.0, top + 0.5 - value) for value in two if value < top + 0.5) / length
    return max(0.0, min(cheap, 1 - free)), max(0.0, 1 - free - cheap) if top > 12 else 0.0
