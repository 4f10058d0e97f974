"""Decisions on data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.base import Fault, Op, Pairwise, Shape, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgMax(Op):
    """The index of the largest entry of the last axis; the first of equals."""

    operand: Value

    own_bits: ClassVar[bool] = False

    @property
    def fraction_bits(self) -> int:
        return 0

    def result_shape(self) -> Shape:
        return (*self.operand.shape[:-1], 1)

    def interval(self, *operands: Interval) -> Interval:
        return Interval.filled(self.result.shape, 0, self.operand.shape[-1] - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(Pairwise):
    """1 where left < right, else 0; both on the finer of their grids; shapes are equal."""

    own_bits: ClassVar[bool] = False

    @property
    def fraction_bits(self) -> int:
        return 0

    @property
    def shifts(self) -> tuple[int, int]:
        """Left shifts that bring both operands to one grid."""
        left, right = (value.type.fraction_bits for value in self.operands)
        return max(left, right) - left, max(left, right) - right

    def interval(self, *operands: Interval) -> Interval:
        a, b = (part.shifted(shift) for part, shift in zip(operands, self.shifts, strict=True))
        always, possibly = a.high < b.low, a.low < b.high
        return Interval(always.astype(int).astype(object), possibly.astype(int).astype(object))


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Op):
    """`if_one` where `condition` is 1, else `if_zero`; at the finer of their grids; shapes are equal."""

    condition: Value
    if_one: Value
    if_zero: Value

    own_bits: ClassVar[bool] = False

    @property
    def exact(self) -> bool:
        return True

    @property
    def fraction_bits(self) -> int:
        return max(self.if_one.type.fraction_bits, self.if_zero.type.fraction_bits)

    @property
    def shifts(self) -> tuple[int, int]:
        """Left shifts that bring `if_one` and `if_zero` to the grid of the result."""
        bits = self.fraction_bits
        return bits - self.if_one.type.fraction_bits, bits - self.if_zero.type.fraction_bits

    def result_shape(self) -> Shape:
        return self.if_one.shape

    def interval(self, *operands: Interval) -> Interval:
        condition = operands[0]
        one, zero = (part.shifted(shift) for part, shift in zip(operands[1:], self.shifts, strict=True))
        always, never = condition.low >= 1, condition.high <= 0
        low = np.where(always, one.low, np.where(never, zero.low, np.minimum(one.low, zero.low)))
        high = np.where(always, one.high, np.where(never, zero.high, np.maximum(one.high, zero.high)))
        return Interval(low, high)

    def fault(self) -> Fault | None:
        shapes = {value.shape for value in self.operands}
        if len(shapes) > 1:
            got = ", ".join(str(value.shape) for value in self.operands)
            return Fault("operands of Select differ in shape", got, "equal")
        bit = self.condition.type
        if bit.signed or bit.width != 1 or bit.fraction_bits != 0:
            return Fault("the condition of Select is no bit", str(bit), "ufixed<1,1>")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopK(Op):
    """Indices of the `k` greatest entries of the last axis, the greatest first; of equals the first one first."""

    operand: Value
    k: int

    own_bits: ClassVar[bool] = False

    @property
    def fraction_bits(self) -> int:
        return 0

    @property
    def work(self) -> int:
        return 8 * self.operand.size * self.k

    def result_shape(self) -> Shape:
        return (*self.operand.shape[:-1], self.k)

    def interval(self, *operands: Interval) -> Interval:
        return Interval.filled(self.result.shape, 0, self.operand.shape[-1] - 1)

    def fault(self) -> Fault | None:
        n = self.operand.shape[-1]
        return None if 1 <= self.k <= n else Fault("TopK takes no such number of entries", str(self.k), f"1 to {n}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherBy(Op):
    """Entries of the first axis by indices that are data: (n, *rest) and (*m) -> (*m, *rest).

    An index above ``n - 1`` takes the last entry.
    """

    operand: Value
    index: Value

    own_bits: ClassVar[bool] = False

    @property
    def exact(self) -> bool:
        return True

    @property
    def fraction_bits(self) -> int:
        return self.operand.type.fraction_bits

    @property
    def n_rest(self) -> int:
        """Elements of an entry."""
        return self.operand.size // self.operand.shape[0]

    def result_shape(self) -> Shape:
        return (*self.index.shape, *self.operand.shape[1:])

    def interval(self, *operands: Interval) -> Interval:
        low, high = operands[0].low.min(axis=0), operands[0].high.max(axis=0)
        return Interval(*(np.broadcast_to(np.asarray(end, dtype=object), self.result.shape) for end in (low, high)))

    def fault(self) -> Fault | None:
        kind = self.index.type
        if kind.signed or kind.fraction_bits != 0:
            return Fault("an index is no natural number", str(kind), "ufixed without fraction bits")
        return None
