"""Real scales as integer multipliers: the fewest bits per channel that keep a stated loss.

A real scale (QKeras' ``alpha='auto'``, a batch normalisation) has no exact place in hardware. It becomes
``integer * 2**-fraction_bits``, and the model with those multipliers is what every rung of the ladder computes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, FloatArray, IntArray

MAX_SCALE_ERROR_LSB = 0.25
"""Default of ``max_scale_error_lsb``: a quarter of a step of the quantiser that follows."""

NOMINAL_BITS = 12
"""Where no quantiser follows, a step is this share of each value: 2**-12."""

MAX_MULTIPLIER_BITS = 30


@dataclass(frozen=True, slots=True)
class FollowingStep:
    """The quantiser that a scaled number goes to: its step, and the largest number that it does not clip.

    `type` is None where no quantiser follows; the step is then `NOMINAL_BITS` below each number.
    """

    type: FixedType | None = None

    @property
    def words(self) -> str:
        """What one LSB is."""
        return f"LSB of {self.type}" if self.type is not None else f"2**-{NOMINAL_BITS} of the value"

    def steps(self, offset: FloatArray) -> FloatArray:
        """The largest product, in steps, that is not clipped after `offset` is added; shape (n_channels,)."""
        if self.type is None:
            return np.full(offset.shape, 2.0**NOMINAL_BITS)
        top = max(-self.type.min_raw, self.type.max_raw) * self.type.lsb
        return np.asarray((top + np.abs(offset)) / self.type.lsb)

    def steps_of(self, offset: FloatArray) -> FloatArray:
        """An added number in steps."""
        nominal = np.full(offset.shape, 2.0**NOMINAL_BITS)
        return nominal if self.type is None else np.asarray(np.abs(offset) / self.type.lsb)


@dataclass(frozen=True, slots=True, eq=False)
class RoundedScale:
    """One real scale of a layer and the multipliers that stand for it.

    Attributes
    ----------
    layer, part : the layer of the framework, and its quantiser (``kernel_quantizer``) or ``scale``
    found : real scale, by channel; it broadcasts over the weights
    scale : multipliers as real numbers, exactly; same shape
    offset : rounded offsets of a batch normalisation, (n_channels,); None for a quantiser
    bits : of the widest multiplier, without sign and trailing zeros
    error_lsb : largest error of a result that is not clipped, in `lsb`
    lsb : what one LSB is
    """

    layer: str
    part: str
    found: FloatArray
    scale: FloatArray
    bits: int
    error_lsb: float
    lsb: str
    offset: FloatArray | None = None

    @property
    def largest_change(self) -> float:
        """Of a scale, as a share of it."""
        used = self.found != 0
        return float(np.abs(self.scale[used] / self.found[used] - 1.0).max(initial=0.0))

    def __str__(self) -> str:
        n = self.scale.size
        of = f"{n} scales" if n > 1 else "scale"
        return f"{of} rounded to {self.bits} bits, error at most {self.error_lsb:.2g} {self.lsb}"


@dataclass(frozen=True, slots=True, eq=False)
class Multipliers:
    """``raw * 2**-fraction_bits``, shape (n_channels,), and the error of each as a share of it."""

    raw: IntArray
    fraction_bits: int
    error: FloatArray

    @property
    def values(self) -> FloatArray:
        return np.ldexp(self.raw.astype(np.float64), -self.fraction_bits)

    @property
    def bits(self) -> int:
        """Of the widest, without sign and trailing zeros."""
        return max((_odd(abs(int(raw))).bit_length() for raw in self.raw), default=0)


def multipliers(scale: FloatArray, tolerance: FloatArray, where: str) -> Multipliers:
    """The fewest bits for each number that keep its relative error within `tolerance`; both of shape (n_channels,).

    Raises
    ------
    UnsupportedError
        If `MAX_MULTIPLIER_BITS` do not suffice, or a number is not finite.
    """
    pairs = [_shortest(float(s), float(t), where) for s, t in zip(scale, tolerance, strict=True)]
    fraction_bits = max((bits for raw, bits in pairs if raw), default=0)
    raw = np.array([raw << (fraction_bits - bits) if raw else 0 for raw, bits in pairs], dtype=np.int64)
    values, real = np.ldexp(raw.astype(np.float64), -fraction_bits), np.asarray(scale, dtype=np.float64)
    error = np.divide(np.abs(values - real), np.abs(real), out=np.zeros_like(real), where=real != 0)
    return Multipliers(raw, fraction_bits, error)


def _shortest(number: float, tolerance: float, where: str) -> tuple[int, int]:
    """(raw, fraction bits) of the shortest integer within `tolerance` of `number`, odd or zero."""
    if not np.isfinite(number):
        raise UnsupportedError("a scale is NaN or infinite", where=where, got=str(number), want="finite numbers")
    if number == 0.0 or tolerance >= 1.0:
        return 0, 0
    exponent = int(np.frexp(number)[1])
    for bits in range(1, MAX_MULTIPLIER_BITS + 1):
        fraction_bits = bits - exponent
        raw = int(np.rint(np.ldexp(number, fraction_bits)))
        if abs(float(np.ldexp(raw, -fraction_bits)) - number) <= tolerance * abs(number):
            odd = _odd(raw)
            return odd, fraction_bits - (raw // odd).bit_length() + 1
    raise UnsupportedError(
        f"no multiplier of {MAX_MULTIPLIER_BITS} bits keeps max_scale_error_lsb",
        where=where,
        got=f"scale {number!r}, relative error {tolerance:.3g}",
        want="a larger max_scale_error_lsb",
    )


def _odd(raw: int) -> int:
    """`raw` without trailing zeros."""
    return raw // (raw & -raw) if raw else 0
