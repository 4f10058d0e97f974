"""C++ integer types: the narrowest that a proven range fits."""

from __future__ import annotations

from dataclasses import dataclass

from fasttrig.base.errors import UnsupportedError
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Op


@dataclass(frozen=True, slots=True)
class CType:
    """A signed C++ integer type."""

    name: str
    bits: int

    def holds(self, low: int, high: int) -> bool:
        return -(1 << (self.bits - 1)) <= low and high < 1 << (self.bits - 1)


INT8, INT16 = CType("std::int8_t", 8), CType("std::int16_t", 16)
INT32, INT64 = CType("std::int32_t", 32), CType("std::int64_t", 64)
INT128 = CType("Int128", 128)
STORED = (INT8, INT16, INT32, INT64, INT128)
COMPUTED = (INT32, INT64, INT128)
"""Arithmetic below 32 bits happens in 32 anyway."""


def stored_type(interval: Interval, op: Op) -> CType:
    """The type of the array that keeps a value."""
    return _narrowest(STORED, *interval.bounds, op)


def compute_type(bound: int, op: Op) -> CType:
    """The type in which an op computes when nothing on the way exceeds `bound` in magnitude."""
    return _narrowest(COMPUTED, -bound, bound, op)


def table_type(numbers: list[int]) -> CType:
    """The type of a table of constants."""
    low, high = min(numbers, default=0), max(numbers, default=0)
    return next(kind for kind in STORED if kind.holds(low, high))


def _narrowest(kinds: tuple[CType, ...], low: int, high: int, op: Op) -> CType:
    for kind in kinds:
        if kind.holds(low, high):
            return kind
    bits = max((~low).bit_length() if low < 0 else 0, high.bit_length()) + 1
    raise UnsupportedError(
        "a number is too wide for the compiled emulator",
        where=op.where,
        got=f"{bits} bits",
        want="at most 128 bits anywhere, at most 62 in inputs and outputs",
        try_="the NumPy emulator takes any width; or narrow the types",
    )
