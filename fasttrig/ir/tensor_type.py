"""The type of a tensor: a shape, and one fixed type or an array of them.

Elements of one tensor may differ in their bits (a feature, a channel, a learned width). They are stored at one grid,
that of `type`, which holds them all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray
from fasttrig.ir.interval import Interval


@dataclass(frozen=True, slots=True)
class TensorType:
    """`elements` is empty (all of `type`), or has one type for each entry of the last axis, or one for each element."""

    shape: tuple[int, ...]
    type: FixedType
    elements: tuple[FixedType, ...] = ()

    @property
    def each(self) -> tuple[FixedType, ...]:
        """The type of every element, last axis fastest."""
        kinds = self.elements or (self.type,)
        return kinds * (math.prod(self.shape) // len(kinds))

    @property
    def groups(self) -> tuple[tuple[FixedType, IntArray], ...]:
        """Every distinct type with the flat indices of its elements, in the order of first use."""
        places: dict[FixedType, list[int]] = {}
        for place, kind in enumerate(self.each):
            places.setdefault(kind, []).append(place)
        return tuple((kind, np.array(found, dtype=np.int64)) for kind, found in places.items())

    def shift(self, kind: FixedType) -> int:
        """Left shift that brings raw integers of `kind` to the common grid."""
        return self.type.fraction_bits - kind.fraction_bits

    @property
    def interval(self) -> Interval:
        """Everything that each element can hold, at the common grid."""
        if not self.elements:
            return Interval.of_type(self.type, self.shape)
        kinds = self.each
        low, high = np.empty(len(kinds), dtype=object), np.empty(len(kinds), dtype=object)
        low[:] = [kind.min_raw << self.shift(kind) for kind in kinds]
        high[:] = [kind.max_raw << self.shift(kind) for kind in kinds]
        return Interval(low.reshape(self.shape), high.reshape(self.shape))

    def fault(self) -> tuple[str, str, str] | None:
        """What, got and want of the first error in `elements`."""
        last, size = self.shape[-1], math.prod(self.shape)
        if self.elements and len(self.elements) not in (last, size):
            want = str(last) if last == size else f"{last} or {size}"
            return "one type per entry of the last axis or per element is needed", str(len(self.elements)), want
        for kind in self.elements:
            if self.shift(kind) < 0:
                want = f"at most {self.type.fraction_bits} fraction bits"
                return "the grid of an element is finer than the tensor's", str(kind), want
        return None
