"""Intervals of raw integers: the least and greatest number that each element of a tensor can hold.

Python integers (dtype object) throughout: exact for any width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Lowest and highest raw integer of each element; arrays of the value's shape, at its fraction bits."""

    low: IntArray
    high: IntArray

    @property
    def bounds(self) -> tuple[int, int]:
        return int(self.low.min()), int(self.high.max())

    @classmethod
    def of_type(cls, fixed_type: FixedType, shape: tuple[int, ...]) -> Interval:
        """Everything that `fixed_type` can hold."""
        return cls.filled(shape, fixed_type.min_raw, fixed_type.max_raw)

    @classmethod
    def filled(cls, shape: tuple[int, ...], low: int, high: int) -> Interval:
        """The same bounds for every element."""
        return cls(_filled(shape, low), _filled(shape, high))

    def shifted(self, left_bits: int) -> Interval:
        return Interval(self.low << left_bits, self.high << left_bits)

    def type(self, fraction_bits: int, *, signed: bool | None = None) -> FixedType:
        """The narrowest type that holds the interval."""
        return FixedType.covering(*self.bounds, fraction_bits, signed=signed)


def _filled(shape: tuple[int, ...], content: int) -> IntArray:
    array = np.empty(shape, dtype=object)
    array.fill(content)
    return array
