"""Functions by look-up: any function of one number, and the softmax of two tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.base import Const, Fault, Op, Shape, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Op):
    """result.raw = table[operand.raw - operand.type.min_raw]: any function of one fixed-point number.

    `table` has one entry for each raw integer of the operand's type; `function` names what was tabulated.
    """

    operand: Value
    table: Const
    function: str

    pointwise: ClassVar[bool] = True
    pins_operands: ClassVar[bool] = True

    @property
    def fraction_bits(self) -> int:
        return self.table.type.fraction_bits

    def result_shape(self) -> Shape:
        return self.operand.shape

    def interval(self, *operands: Interval) -> Interval:
        """Least and greatest among the entries that each element's interval reaches."""
        first, table = self.operand.type.min_raw, self.table.raw
        low, high = np.empty(self.result.shape, dtype=object), np.empty(self.result.shape, dtype=object)
        for index in np.ndindex(self.result.shape):
            reachable = table[int(operands[0].low[index]) - first : int(operands[0].high[index]) - first + 1]
            low[index], high[index] = int(reachable.min()), int(reachable.max())
        return Interval(low, high)

    def fault(self) -> Fault | None:
        want = (1 << self.operand.type.width,)
        if self.table.shape == want:
            return None
        return Fault("the table does not cover its operand's type", str(self.table.shape), str(want))


@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax(Op):
    """exp(x - max x) / sum, over the last axis, by two tables; see SPEC.md for every cast."""

    operand: Value
    index_type: FixedType
    exp_table: Const
    inverse_index_type: FixedType
    inverse_table: Const
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.SAT

    @property
    def loses_bits(self) -> bool:
        return True

    @property
    def counts_overflows(self) -> bool:
        return False

    @property
    def fraction_bits(self) -> int:
        return self.result.type.fraction_bits

    def result_shape(self) -> Shape:
        return self.operand.shape

    def interval(self, *operands: Interval) -> Interval:
        return Interval.of_type(self.result.type, self.result.shape)

    def fault(self) -> Fault | None:
        for index, table in ((self.index_type, self.exp_table), (self.inverse_index_type, self.inverse_table)):
            if index.signed or table.shape != (1 << index.width,):
                want = f"unsigned index, {1 << index.width} entries"
                return Fault(f"table '{table.name}' does not cover its index", str(table.shape), want)
        return None
