"""Element by element: the sum and the product of two tensors of one shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.base import Pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Pairwise):
    """left + right at the finer of the two grids; shapes are equal."""

    @property
    def fraction_bits(self) -> int:
        return max(value.type.fraction_bits for value in self.operands)

    @property
    def shifts(self) -> tuple[int, ...]:
        """Left shifts that bring each operand to the grid of the result."""
        return tuple(self.fraction_bits - value.type.fraction_bits for value in self.operands)

    def interval(self, *operands: Interval) -> Interval:
        a, b = (part.shifted(shift) for part, shift in zip(operands, self.shifts, strict=True))
        return Interval(a.low + b.low, a.high + b.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiply(Pairwise):
    """left * right, exactly; shapes are equal (a `Gather` repeats what is to be broadcast)."""

    @property
    def fraction_bits(self) -> int:
        return self.left.type.fraction_bits + self.right.type.fraction_bits

    def interval(self, *operands: Interval) -> Interval:
        a, b = operands
        corners = np.array([a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high], dtype=object)
        if self.left == self.right:  # a square
            holds_zero = (a.low <= 0) & (a.high >= 0)
            return Interval(np.where(holds_zero, 0, corners[[0, 3]].min(axis=0)), corners[[0, 3]].max(axis=0))
        return Interval(corners.min(axis=0), corners.max(axis=0))
