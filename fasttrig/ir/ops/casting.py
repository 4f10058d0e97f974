"""A cast whose elements have types of their own: learned bit widths differ from element to element."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.arithmetic import Cast
from fasttrig.ir.ops.base import Fault, Op, Shape, Value
from fasttrig.ir.tensor_type import TensorType


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementCast(Op):
    """A `Cast` of each element to its own type, then to the grid of the result, which holds them all.

    `types` has one type for each entry of the last axis, or one for each element.
    """

    operand: Value
    types: tuple[FixedType, ...]
    rounding: Rounding
    overflow: Overflow

    @property
    def loses_bits(self) -> bool:
        return True

    @property
    def fraction_bits(self) -> int:
        return self.result.type.fraction_bits

    @property
    def tensor_type(self) -> TensorType:
        return TensorType(self.result.shape, self.result.type, self.types)

    @property
    def groups(self) -> tuple[tuple[Cast, IntArray, int], ...]:
        """For each distinct type: the cast of its elements, their flat indices, and the shift to the common grid."""
        found = []
        for number, (kind, places) in enumerate(self.tensor_type.groups):
            shape = (len(places),)
            operand = replace(self.operand, name=f"{self.operand.name}_group{number}", shape=shape)
            result = Value(f"{self.name}_group{number}", shape, kind)
            cast = Cast(result=result, operand=operand, rounding=self.rounding, overflow=self.overflow)
            found.append((cast, places, self.tensor_type.shift(kind)))
        return tuple(found)

    def result_shape(self) -> Shape:
        return self.operand.shape

    def interval(self, *operands: Interval) -> Interval:
        low, high = (np.empty(self.result.size, dtype=object) for _ in range(2))
        for cast, places, shift in self.groups:
            part = Interval(operands[0].low.ravel()[places], operands[0].high.ravel()[places])
            held = cast.interval(part).shifted(shift)
            low[places], high[places] = held.low, held.high
        return Interval(low.reshape(self.result.shape), high.reshape(self.result.shape))

    def fault(self) -> Fault | None:
        found = self.tensor_type.fault()
        if found is not None:
            return Fault(*found)
        return None if self.types else Fault("ElementCast needs a type for each element", "none", "types")
