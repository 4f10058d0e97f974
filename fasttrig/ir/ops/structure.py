"""Structure: inputs, and ops that only move integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fasttrig.base.fixed import FixedType
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.base import Fault, Op, Shape, Value
from fasttrig.ir.tensor_type import TensorType


@dataclass(frozen=True, slots=True, kw_only=True)
class Input(Op):
    """The raw integers a caller gives.

    `channel_types` (empty, one per entry of the last axis, or one per element) narrows single features: each must be on
    the grid and inside the range of `result.type`; the integers themselves are always at `result.type`'s fraction bits.
    """

    channel_types: tuple[FixedType, ...] = ()

    @property
    def fraction_bits(self) -> int:
        return self.result.type.fraction_bits

    @property
    def tensor_type(self) -> TensorType:
        return TensorType(self.result.shape, self.result.type, self.channel_types)

    @property
    def element_types(self) -> tuple[FixedType, ...]:
        return self.channel_types or (self.result.type,) * self.result.shape[-1]

    def result_shape(self) -> Shape:
        return self.result.shape

    def interval(self, *operands: Interval) -> Interval:
        return self.tensor_type.interval

    def fault(self) -> Fault | None:
        found = self.tensor_type.fault()
        return None if found is None else Fault(*found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat(Op):
    """The tensors of `parts` one after the other along `axis`, at the finest of their grids."""

    parts: tuple[Value, ...]
    axis: int

    own_bits: ClassVar[bool] = False

    @property
    def exact(self) -> bool:
        return True

    @property
    def fraction_bits(self) -> int:
        return max(part.type.fraction_bits for part in self.parts)

    @property
    def shifts(self) -> tuple[int, ...]:
        """Left shifts that bring each part to the grid of the result."""
        return tuple(self.fraction_bits - value.type.fraction_bits for value in self.parts)

    def result_shape(self) -> Shape:
        shape = list(self.parts[0].shape)
        shape[self.axis] = sum(part.shape[self.axis] for part in self.parts)
        return tuple(shape)

    def interval(self, *operands: Interval) -> Interval:
        parts = [part.shifted(shift) for part, shift in zip(operands, self.shifts, strict=True)]
        low, high = [part.low for part in parts], [part.high for part in parts]
        return Interval(np.concatenate(low, axis=self.axis), np.concatenate(high, axis=self.axis))

    def fault(self) -> Fault | None:
        if not self.parts or not 0 <= self.axis < len(self.parts[0].shape):
            got = f"axis {self.axis}, parts " + ", ".join(str(part.shape) for part in self.parts)
            return Fault("Concat has no such axis", got, "at least one part, and an axis of it")
        ranks = {len(part.shape) for part in self.parts}
        others = {part.shape[: self.axis] + part.shape[self.axis + 1 :] for part in self.parts}
        if len(ranks) == len(others) == 1:
            return None
        got = ", ".join(str(part.shape) for part in self.parts)
        return Fault("parts of Concat do not fit together", got, f"equal shapes but for axis {self.axis}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape(Op):
    """The same integers in another shape, last axis fastest."""

    operand: Value

    own_bits: ClassVar[bool] = False
    same_integers: ClassVar[bool] = True

    @property
    def fraction_bits(self) -> int:
        return self.operand.type.fraction_bits

    def result_shape(self) -> Shape:
        return self.result.shape

    def interval(self, *operands: Interval) -> Interval:
        return Interval(operands[0].low.reshape(self.result.shape), operands[0].high.reshape(self.result.shape))

    def fault(self) -> Fault | None:
        if self.operand.size != self.result.size:
            return Fault("Reshape changes the number of elements", str(self.result.shape), str(self.operand.shape))
        if self.result.type != self.operand.type:
            return Fault("Reshape changes the type", str(self.result.type), str(self.operand.type))
        return None
