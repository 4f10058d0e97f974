"""The number formats that carry integers through the emulator.

Integers run on the floating-point units wherever the proven ranges show that neither a result nor anything computed on
the way to it leaves the exact integers of the format: below 2**24 for float32, below 2**53 for float64. Then int64 up
to 62 bits, Python integers beyond. A format is never chosen from data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fasttrig.base.fixed import INT64_BITS
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Op

CarriedArray: TypeAlias = npt.NDArray[Any]
"""Integers in the dtype of their carrier."""

Tally: TypeAlias = dict[str, int]
"""Elements changed by an overflow, per op name."""

Run: TypeAlias = Callable[[Tally, bool, list[CarriedArray]], CarriedArray]
"""(tally, whether the first operand may be overwritten, operands in the compute carrier) -> result."""


class Carrier(Enum):
    """A dtype, and the power of two below which it holds every integer and adds, multiplies and shifts them exactly."""

    FLOAT32 = (np.dtype(np.float32), 24)
    FLOAT64 = (np.dtype(np.float64), 53)
    INT64 = (np.dtype(np.int64), INT64_BITS)
    OBJECT = (np.dtype(object), None)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.value[0]

    @property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"

    @classmethod
    def for_bound(cls, bound: int) -> Carrier:
        """The fastest carrier for numbers of magnitude up to `bound`."""
        bits = bound.bit_length()
        return next(carrier for carrier in cls if carrier.value[1] is None or bits <= carrier.value[1])


@dataclass(frozen=True, slots=True)
class OpSite:
    """One op in context: proven bounds of its operands and its result, and the carrier it computes in."""

    op: Op
    operands: tuple[Interval, ...]
    result: Interval
    compute: Carrier


def magnitude(interval: Interval) -> int:
    """The largest magnitude inside an interval."""
    low, high = interval.bounds
    return max(-low, high)


def convert(array: CarriedArray, dtype: np.dtype[Any]) -> CarriedArray:
    """The same integers in another dtype; the same array where nothing changes."""
    if dtype.hasobject and array.dtype.kind == "f":
        array = array.astype(np.int64)
    return array.astype(dtype, copy=False)
