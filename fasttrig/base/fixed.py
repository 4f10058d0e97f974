"""Fixed-point types and the casts between them: the only place that rounds or saturates.

Everything here counts as ``ap_fixed<W, I>`` does: the sign bit is inside `width` and inside `integer_bits`.
A tensor is an array of raw integers; ``value = raw * 2**-fraction_bits``. Arrays are int64 where every
intermediate fits, Python integers (dtype object) where it does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import InputError

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]
NumberArray: TypeAlias = npt.NDArray[Any]
"""Integers or floats of any dtype."""

WholeArray: TypeAlias = npt.NDArray[np.floating[Any]]
"""Whole numbers held in a float format that holds each of them exactly."""

INT64_BITS = 62
"""Widest signed number for which a sum or a shifted copy still fits int64 with a bit to spare."""

FLOAT64_BITS, FLOAT32_BITS = 53, 24
"""Whole numbers up to two to this power are exact in the format."""

MAX_BITS = 1 << 16
"""Largest width, and largest distance of the binary point: a guard against damaged files, not a design limit."""

_TYPE_PATTERN = re.compile(r"\s*(u?)fixed\s*<\s*([0-9]{1,9})\s*,\s*(-?[0-9]{1,9})\s*>\s*")


class Rounding(Enum):
    """Rounding of the fraction bits that a cast drops; the names of ``ap_fixed`` without ``AP_``."""

    TRN = "TRN"
    TRN_ZERO = "TRN_ZERO"
    RND = "RND"
    RND_ZERO = "RND_ZERO"
    RND_INF = "RND_INF"
    RND_MIN_INF = "RND_MIN_INF"
    RND_CONV = "RND_CONV"


class Overflow(Enum):
    """Result of a cast of a number outside the range of the target type."""

    WRAP = "WRAP"
    SAT = "SAT"
    SAT_ZERO = "SAT_ZERO"
    SAT_SYM = "SAT_SYM"


@dataclass(frozen=True, slots=True, order=True)
class FixedType:
    """A fixed-point type; ``FixedType(6, 1)`` is ``ap_fixed<6, 1>``.

    Parameters
    ----------
    width : int
        All bits, the sign included; at least 1.
    integer_bits : int
        Bits left of the binary point, the sign included. May be negative or above `width`.
    signed : bool
        Two's complement when true.
    """

    width: int
    integer_bits: int
    signed: bool = True

    def __post_init__(self) -> None:
        if self.width < 1:
            raise InputError("a fixed-point type needs at least one bit", got=f"width={self.width}", want="width >= 1")
        if self.width > MAX_BITS or abs(self.integer_bits) > MAX_BITS:
            raise InputError(
                "the fixed-point type is too wide",
                got=f"width={self.width}, integer_bits={self.integer_bits}",
                want=f"at most {MAX_BITS} bits",
            )

    @property
    def fraction_bits(self) -> int:
        return self.width - self.integer_bits

    @property
    def min_raw(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max_raw(self) -> int:
        return (1 << (self.width - 1)) - 1 if self.signed else (1 << self.width) - 1

    @property
    def min_sym_raw(self) -> int:
        """Least raw integer under ``SAT_SYM``; one signed bit keeps -1, as the ``ap_fixed`` header does."""
        return -self.max_raw if self.signed and self.width > 1 else self.min_raw

    @property
    def lsb(self) -> float:
        """The value of one raw step."""
        return 2.0**-self.fraction_bits

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer_bits}>"

    @classmethod
    def parse(cls, text: str) -> FixedType:
        """Read ``fixed<W,I>`` or ``ufixed<W,I>`` (with or without ``ap_``)."""
        match = _TYPE_PATTERN.fullmatch(text.strip().removeprefix("ap_"))
        if match is None:
            raise InputError("not a fixed-point type", got=repr(text), want="fixed<W,I> or ufixed<W,I>")
        return cls(int(match[2]), int(match[3]), signed=not match[1])

    @classmethod
    def covering(cls, low_raw: int, high_raw: int, fraction_bits: int, *, signed: bool | None = None) -> FixedType:
        """The narrowest type with `fraction_bits` that holds every raw integer from `low_raw` to `high_raw`."""
        signed = low_raw < 0 if signed is None else signed
        if low_raw < 0 and not signed:
            raise InputError("an unsigned type cannot hold a negative number", got=f"low_raw={low_raw}")
        magnitude = max(max(high_raw, 0).bit_length(), (~low_raw).bit_length() if low_raw < 0 else 0)
        width = max(1, magnitude + int(signed))
        return cls(width, width - fraction_bits, signed)

    def holds(self, low_raw: int, high_raw: int) -> bool:
        """Whether all raw integers from `low_raw` to `high_raw` (at this type's fraction bits) fit."""
        return self.min_raw <= low_raw and high_raw <= self.max_raw

    def contains(self, other: FixedType) -> bool:
        """Whether every number of `other` is one of this type."""
        shift = self.fraction_bits - other.fraction_bits
        return shift >= 0 and self.holds(other.min_raw << shift, other.max_raw << shift)


def to_value(raw: IntArray, fixed_type: FixedType) -> FloatArray:
    """Real numbers of raw integers; exact while `width` is at most 53. Shape is kept."""
    return np.ldexp(np.asarray(raw, dtype=np.float64), -fixed_type.fraction_bits)


def from_value(
    value: npt.ArrayLike,
    fixed_type: FixedType,
    rounding: Rounding = Rounding.RND_CONV,
    overflow: Overflow = Overflow.SAT,
) -> IntArray:
    """Quantise real numbers to raw integers; exact in the sense that no second rounding happens.

    Raises
    ------
    InputError
        If a value is NaN or infinite: neither has a fixed-point counterpart.
    """
    array = np.asarray(value, dtype=np.float64)
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0]
        raise InputError(
            "a value cannot be converted to fixed point",
            where=f"element {tuple(int(i) for i in bad)} of an array of shape {array.shape}",
            got=str(array[tuple(bad)]),
            want="finite numbers",
            try_="drop or impute these events before quantising",
        )
    with np.errstate(over="ignore"):
        scaled = np.ldexp(array, fixed_type.fraction_bits)
    rounded = _ROUND_FLOAT[rounding](scaled)
    if np.abs(rounded).max(initial=0.0) < 2.0**INT64_BITS:
        return overflow_raw(rounded.astype(np.int64), fixed_type, overflow)
    whole = [
        int(number) if np.isfinite(number) else int(given) << fixed_type.fraction_bits  # beyond float64, and whole
        for number, given in zip(rounded.ravel(), array.ravel(), strict=True)
    ]
    exact = np.empty(rounded.size, dtype=object)
    exact[:] = whole
    return overflow_raw(exact.reshape(rounded.shape), fixed_type, overflow)


def cast_raw(raw: IntArray, source: FixedType, target: FixedType, rounding: Rounding, overflow: Overflow) -> IntArray:
    """Raw integers of `source` as raw integers of `target`, bit for bit as ``ap_fixed`` assigns.

    Shapes: any -> same.
    """
    return overflow_raw(round_raw(raw, source, target.fraction_bits, rounding), target, overflow)


def round_raw(raw: IntArray, source: FixedType, fraction_bits: int, rounding: Rounding) -> IntArray:
    """First half of a cast: move to `fraction_bits`, rounding what is dropped; the integer part may grow."""
    dropped = source.fraction_bits - fraction_bits
    wide = _widen(raw, source.width + max(0, -dropped))
    if dropped <= 0:
        return wide << -dropped
    if dropped > INT64_BITS:
        wide = wide.astype(object)
    floor = wide >> dropped
    if rounding is Rounding.TRN:
        return floor
    rest = wide & ((1 << dropped) - 1)
    return floor + _ROUND_UP[rounding](floor, rest, 1 << (dropped - 1))


def overflow_raw(raw: IntArray, target: FixedType, overflow: Overflow) -> IntArray:
    """Second half of a cast: bring integers into the range of `target`, whose fraction bits they already have."""
    low, high = target.min_raw, target.max_raw
    if target.width > INT64_BITS:
        raw = raw.astype(object)
    if overflow is Overflow.WRAP:
        raw = ((raw - low) & ((1 << target.width) - 1)) + low if raw.dtype == object else _wrap_int64(raw, target)
    elif overflow is Overflow.SAT:
        raw = np.clip(raw, low, high)
    elif overflow is Overflow.SAT_SYM:
        raw = np.clip(raw, target.min_sym_raw, high)
    else:
        raw = np.where((raw < low) | (raw > high), 0, raw)
    return raw.astype(np.int64) if target.width <= INT64_BITS else raw


def round_whole(raw: WholeArray, dropped_bits: int, rounding: Rounding) -> WholeArray:
    """`round_raw` for whole numbers held in floats; overwrites `raw`.

    Exact when the format holds every whole number up to ``max |raw| + 2**(dropped_bits - 1)`` and the result.
    Shapes: any -> same.
    """
    if dropped_bits == 0:
        return raw
    raw *= 2.0**-dropped_bits
    return raw if dropped_bits < 0 else _ROUND_WHOLE[rounding](raw)


def overflow_whole(raw: WholeArray, target: FixedType, overflow: Overflow, *, below: bool, above: bool) -> int:
    """`overflow_raw` for whole numbers held in floats: overwrites `raw`, and gives the number of changed elements.

    `below` and `above` tell whether numbers under the least and over the greatest can occur at all. Exact when the
    format holds every whole number up to ``max |raw| + 2**(width + 1)``.
    """
    if not (below or above):
        return 0
    low, high = target.min_raw, target.max_raw
    if overflow is Overflow.WRAP:
        turns = np.floor((raw - low) * 2.0**-target.width)
        raw -= turns * 2.0**target.width
        return int(np.count_nonzero(turns))
    if overflow is Overflow.SAT_ZERO:
        outside = (raw < low) | (raw > high)
        raw[outside] = 0
        return int(np.count_nonzero(outside))
    low = target.min_sym_raw if overflow is Overflow.SAT_SYM else low
    changed = 0
    if above:
        changed += int(np.count_nonzero(raw > high))
        np.minimum(raw, high, out=raw)
    if below:
        changed += int(np.count_nonzero(raw < low))
        np.maximum(raw, low, out=raw)
    return changed


def _wrap_int64(raw: IntArray, target: FixedType) -> IntArray:
    wrapped = raw & ((1 << target.width) - 1)
    if not target.signed:
        return wrapped
    return wrapped - ((wrapped >> (target.width - 1)) << target.width)


def _widen(raw: IntArray, bits: int) -> IntArray:
    array = np.asarray(raw)
    if bits > INT64_BITS:
        return array.astype(object)
    return array if array.dtype == object else array.astype(np.int64, copy=False)


def _as_int(condition: npt.NDArray[np.bool_]) -> IntArray:
    return np.asarray(condition).astype(np.int64)


# Whether to add one to the floor, from (floor, rest, half): rest is in [0, 2 * half).
_ROUND_UP = {
    Rounding.TRN_ZERO: lambda floor, rest, half: _as_int((floor < 0) & (rest != 0)),
    Rounding.RND: lambda floor, rest, half: _as_int(rest >= half),
    Rounding.RND_ZERO: lambda floor, rest, half: _as_int((rest > half) | ((rest == half) & (floor < 0))),
    Rounding.RND_INF: lambda floor, rest, half: _as_int((rest > half) | ((rest == half) & (floor >= 0))),
    Rounding.RND_MIN_INF: lambda floor, rest, half: _as_int(rest > half),
    Rounding.RND_CONV: lambda floor, rest, half: _as_int((rest > half) | ((rest == half) & (floor & 1 == 1))),
}


def _half_aware(tie: str) -> Any:
    def rounded(scaled: FloatArray) -> FloatArray:
        floor = np.floor(scaled)
        rest = scaled - floor  # exact: both share the exponent range below 2**53, and rest is 0 above it
        up = {
            "up": rest >= 0.5,
            "down": rest > 0.5,
            "zero": (rest > 0.5) | ((rest == 0.5) & (scaled < 0)),
            "away": (rest > 0.5) | ((rest == 0.5) & (scaled > 0)),
        }[tie]
        return floor + up

    return rounded


_ROUND_FLOAT: dict[Rounding, Any] = {
    Rounding.TRN: np.floor,
    Rounding.TRN_ZERO: np.trunc,
    Rounding.RND: _half_aware("up"),
    Rounding.RND_ZERO: _half_aware("zero"),
    Rounding.RND_INF: _half_aware("away"),
    Rounding.RND_MIN_INF: _half_aware("down"),
    Rounding.RND_CONV: np.rint,
}


def _round_symmetric(raw: WholeArray, shift: float, step: Any) -> WholeArray:
    """Round the magnitude by `step` after adding `shift`; the sign stays."""
    magnitude = np.abs(raw)
    magnitude += shift
    return np.copysign(step(magnitude, out=magnitude), raw, out=raw)


def _round_shifted(raw: WholeArray, shift: float, step: Any) -> WholeArray:
    raw += shift
    return step(raw, out=raw)


# In place, on whole numbers divided by a power of two; one half more is still exact (see `round_whole`).
_ROUND_WHOLE: dict[Rounding, Any] = {
    Rounding.TRN: lambda raw: np.floor(raw, out=raw),
    Rounding.TRN_ZERO: lambda raw: np.trunc(raw, out=raw),
    Rounding.RND: lambda raw: _round_shifted(raw, 0.5, np.floor),
    Rounding.RND_ZERO: lambda raw: _round_symmetric(raw, -0.5, np.ceil),
    Rounding.RND_INF: lambda raw: _round_symmetric(raw, 0.5, np.floor),
    Rounding.RND_MIN_INF: lambda raw: _round_shifted(raw, -0.5, np.ceil),
    Rounding.RND_CONV: lambda raw: np.rint(raw, out=raw),
}
