"""Reductions over one axis, all exact: the sum, the greatest, the least."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.base import Fault, Op, Shape, Value


class Reduction(Enum):
    """What a `Reduce` makes of the elements of its axis."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce(Op):
    """The sum, the greatest or the least element along `axis`, which goes; the only axis becomes one of size 1."""

    operand: Value
    axis: int
    reduction: Reduction

    @property
    def exact(self) -> bool:
        return True

    @property
    def is_sum(self) -> bool:
        return self.reduction is Reduction.SUM

    @property
    def fraction_bits(self) -> int:
        return self.operand.type.fraction_bits

    @property
    def work(self) -> int:
        return 4 * self.operand.size

    @property
    def runs(self) -> tuple[int, int, int]:
        """The operand as (outer, length of the axis, inner): how backends walk it."""
        shape = self.operand.shape
        outer = int(np.prod(shape[: self.axis], dtype=np.int64))
        inner = int(np.prod(shape[self.axis + 1 :], dtype=np.int64))
        return outer, shape[self.axis], inner

    def result_shape(self) -> Shape:
        shape = self.operand.shape
        return (shape[: self.axis] + shape[self.axis + 1 :]) or (1,)

    def interval(self, *operands: Interval) -> Interval:
        function = {Reduction.SUM: np.add, Reduction.MAX: np.maximum, Reduction.MIN: np.minimum}[self.reduction]
        low, high = (
            np.asarray(function.reduce(end, axis=self.axis), dtype=object).reshape(self.result.shape)
            for end in (operands[0].low, operands[0].high)
        )
        return Interval(low, high)

    def partial_sums(self, *operands: Interval) -> tuple[int, int] | None:
        if not self.is_sum:
            return None
        low, high = np.minimum(operands[0].low, 0), np.maximum(operands[0].high, 0)
        least, greatest = np.asarray(low.sum(axis=self.axis)), np.asarray(high.sum(axis=self.axis))
        return int(least.min()), int(greatest.max())

    def fault(self) -> Fault | None:
        if 0 <= self.axis < len(self.operand.shape):
            return None
        return Fault("Reduce has no such axis", f"axis {self.axis} of {self.operand.shape}", "an axis of the operand")
