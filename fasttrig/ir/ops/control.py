"""Decisions on data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.base import Op, Shape, Value


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
