"""Exact fixed-point steps on alkaid's symbolic numbers: casts, saturation, constants.

alkaid counts a type as (signed, integer bits without the sign, fraction bits). Its own `quantize` is used for one thing
only: to take bits as they are (truncate, wrap). Three of its habits need care: constants pass through a float32, so
wider ones lose bits silently; a wrap of a constant to an unsigned type keeps one bit too many; and a single bit taken
out of a number that carries a scale becomes its highest bit when the program is simplified.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from alkaid.trace import FVariable

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding, cast_raw

CONSTANT_BITS = 24
"""Significant bits of a constant that alkaid keeps: those of a float32."""


def is_constant(number: FVariable) -> bool:
    return bool(number.low == number.high)


def constant(value: float, like: FVariable) -> FVariable:
    """A constant beside the variable `like`; refused when alkaid would round it."""
    return FVariable.from_const(_kept(value), hwconf=like.hwconf)


def fraction_bits(number: FVariable) -> int:
    """Fraction bits of the grid that `number` is on."""
    return -round(math.log2(number.step))


def add_constant(number: FVariable, value: float) -> FVariable:
    """number + value; alkaid merges constants that are added one after the other, so the merged one must fit too."""
    if is_constant(number):
        return constant(number.low + value, number)
    if number.opr == "cadd":
        parent = number._from[0]
        offset = number.low - parent.low * number._factor / parent._factor if number._factor > 0 else 0.0
        _kept(offset + value)
    _kept(value)
    return number + value


def add(left: FVariable, right: FVariable) -> FVariable:
    if is_constant(left):
        return add_constant(right, left.low)
    return add_constant(left, right.low) if is_constant(right) else left + right


def multiply_constant(number: FVariable, value: float) -> FVariable:
    """number * value."""
    if is_constant(number) or value == 0:
        return constant(number.low * value if value else 0.0, number)
    return number * _kept(value)


def take_bits(number: FVariable, signed: bool, integer_bits: int, fraction: int) -> FVariable:
    """The bits of a type (alkaid's count) out of `number`: what is below is truncated, what is above wraps."""
    if is_constant(number):
        step = Fraction(2) ** -fraction
        high = Fraction(2) ** integer_bits
        low = -high if signed else Fraction(0)
        value = math.floor(Fraction(number.low) / step) * step
        return constant(float((value - low) % (high - low) + low), number)
    scale = abs(number._factor)
    if scale == 1.0:
        return number.quantize(int(signed), integer_bits, fraction, "WRAP", "TRN")
    shift = round(math.log2(scale))
    plain = number * (1.0 / scale)
    return plain.quantize(int(signed), integer_bits - shift, fraction + shift, "WRAP", "TRN") * scale


def truncate(number: FVariable, fraction: int) -> FVariable:
    """floor to `fraction` bits; the integer part stays, and grows where the step is larger than the range."""
    signed, integer_bits, _ = number.kif
    return take_bits(number, signed, max(integer_bits, 1 - fraction - int(signed)), fraction)


def any_bit(number: FVariable) -> FVariable:
    """1 unless `number` is 0."""
    return constant(float(number.low != 0), number) if is_constant(number) else number.unary_bit_op("any")


def repeat(bit: FVariable, integer_bits: int, fraction: int) -> FVariable:
    """An unsigned number whose bits all equal `bit`."""
    return take_bits(multiply_constant(bit, -(2.0**-fraction)), False, integer_bits, fraction)


def cast(number: FVariable, target: FixedType, rounding: Rounding, overflow: Overflow) -> FVariable:
    """What the op `Cast` does, bit for bit; see SPEC.md."""
    if is_constant(number):
        return _cast_constant(number, target, rounding, overflow)
    rounded = round_to(number, target.fraction_bits, rounding)
    if is_constant(rounded):
        return _cast_constant(rounded, target, rounding, overflow)
    return bring_into_range(rounded, target, overflow)


def round_to(number: FVariable, fraction: int, rounding: Rounding) -> FVariable:
    """The first half of a cast: on a grid of `fraction` bits, the range grows where it must."""
    present = fraction_bits(number)
    if present <= fraction:
        return number
    ulp, half = 2.0**-present, 2.0 ** -(fraction + 1)
    if rounding is Rounding.TRN:
        return truncate(number, fraction)
    if rounding is Rounding.RND_CONV:
        return _round_half_even(number, fraction)
    if rounding is Rounding.RND:
        return truncate(add_constant(number, half), fraction)
    if rounding is Rounding.RND_MIN_INF:
        return truncate(add_constant(number, half - ulp), fraction)
    negative = number.is_negative()
    if rounding is Rounding.TRN_ZERO:
        return truncate(add(number, repeat(negative, -fraction, present)), fraction)
    if rounding is Rounding.RND_INF:
        return truncate(add(add_constant(number, half), multiply_constant(negative, -ulp)), fraction)
    return truncate(add(add_constant(number, half - ulp), multiply_constant(negative, ulp)), fraction)


def bring_into_range(number: FVariable, target: FixedType, overflow: Overflow) -> FVariable:
    """The second half of a cast; `number` is on the target's grid."""
    lsb = target.lsb
    least = target.min_sym_raw if overflow is Overflow.SAT_SYM else target.min_raw
    if number.low >= least * lsb and number.high <= target.max_raw * lsb:
        return number
    wrapped = take_bits(number, target.signed, *_bits_of(target))
    if overflow is Overflow.WRAP:
        return wrapped
    if overflow is Overflow.SAT_ZERO:
        return _choose(_is_outside(number, target), constant(0.0, number), wrapped)
    held = _saturate_signed(number, target) if target.signed else _saturate_unsigned(number, target)
    if overflow is Overflow.SAT_SYM and held.low < least * lsb:
        held = held.max_of(_kept(least * lsb))
    return held


def least_of(number: FVariable, limit: float) -> FVariable:
    """min(number, limit)."""
    if is_constant(number):
        return constant(min(number.low, limit), number)
    all_ones = _all_ones(limit, fraction_bits(number))
    if all_ones is not None and number.low >= 0:
        return _saturate_unsigned(number, all_ones)
    return number.min_of(_kept(limit))


def confine(number: FVariable, target: FixedType) -> FVariable:
    """`number`, known to lie in the range of `target`, without bits that this makes superfluous."""
    if number.low >= target.min_raw * target.lsb and number.high <= target.max_raw * target.lsb:
        return number
    return take_bits(number, target.signed, *_bits_of(target))


def _bits_of(fixed_type: FixedType) -> tuple[int, int]:
    return fixed_type.integer_bits - int(fixed_type.signed), fixed_type.fraction_bits


def _kept(value: float) -> float:
    numerator = abs(float(value).as_integer_ratio()[0])
    bits = (numerator // (numerator & -numerator)).bit_length() if numerator else 0
    if bits > CONSTANT_BITS:
        raise UnsupportedError(
            "a constant is too wide for alkaid",
            got=f"{value!r}, {bits} significant bits",
            want=f"at most {CONSTANT_BITS}",
            try_="quantise weights and biases to fewer bits",
        )
    return float(value)


def _cast_constant(number: FVariable, target: FixedType, rounding: Rounding, overflow: Overflow) -> FVariable:
    numerator, denominator = float(number.low).as_integer_ratio()
    present = denominator.bit_length() - 1
    source = FixedType.covering(min(numerator, -1), max(numerator, 0), present)
    raw = int(cast_raw(np.array([numerator], dtype=object), source, target, rounding, overflow)[0])
    return constant(math.ldexp(raw, -target.fraction_bits), number)


def _round_half_even(number: FVariable, fraction: int) -> FVariable:
    """Half is added and the rest dropped; on a tie, where nothing is dropped, the last bit kept is cleared."""
    present = fraction_bits(number)
    raised = add_constant(number, 2.0 ** -(fraction + 1))
    up = truncate(raised, fraction)
    no_tie = any_bit(take_bits(raised, False, -fraction, present))
    last = take_bits(up, False, 1 - fraction, fraction)
    if is_constant(last) and last.low == 0:
        return up
    return add(truncate(up, fraction - 1), multiply_constant(no_tie, 2.0**-fraction) & last)


def _is_outside(number: FVariable, target: FixedType) -> FVariable:
    """1 where a bit above the target's range says that `number` does not fit."""
    integer_bits, _ = _bits_of(target)
    above = truncate(number, -integer_bits)
    if target.signed and number.low < 0:
        sign = multiply_constant(number.is_negative(), -(2.0**integer_bits))
        above = add(above, multiply_constant(sign, -1.0)) if is_constant(sign) or is_constant(above) else above ^ sign
    return any_bit(above)


def _saturate_unsigned(number: FVariable, target: FixedType) -> FVariable:
    """Negative numbers give 0; a bit above the range sets all bits."""
    positive = number.relu() if number.low < 0 else number
    if positive.high <= target.max_raw * target.lsb:
        return positive
    integer_bits, fraction = _bits_of(target)
    return either(
        take_bits(positive, False, integer_bits, fraction),
        repeat(_is_outside(positive, target), integer_bits, fraction),
    )


def _saturate_signed(number: FVariable, target: FixedType) -> FVariable:
    """The sign stays; outside the range the other bits are its complement."""
    integer_bits, fraction = _bits_of(target)
    outside = _is_outside(number, target)
    if number.low >= 0:
        return either(take_bits(number, False, integer_bits, fraction), repeat(outside, integer_bits, fraction))
    negative = number.is_negative()
    sign = multiply_constant(negative, -(2.0**integer_bits))
    if target.width == 1:
        return sign
    positive = constant(1.0 - negative.low, number) if is_constant(negative) else ~negative
    ends = repeat(positive, integer_bits, fraction)
    return either(sign, _choose(outside, ends, take_bits(number, False, integer_bits, fraction)))


def either(left: FVariable, right: FVariable) -> FVariable:
    """left | right, where no constant but 0 and all ones occurs."""
    if is_constant(left) and left.low == 0:
        return right
    return left if is_constant(right) and right.low == 0 else left | right


def _choose(bit: FVariable, if_one: FVariable, if_zero: FVariable) -> FVariable:
    if is_constant(bit):
        return if_one if bit.low else if_zero
    return bit.msb_mux(if_one, if_zero)


def _all_ones(limit: float, fraction: int) -> FixedType | None:
    """The unsigned type whose greatest number is `limit`, on a grid of `fraction` bits; None when there is none."""
    raw = limit * 2.0**fraction
    if raw != int(raw) or raw < 1 or int(raw) & (int(raw) + 1):
        return None
    return FixedType.covering(0, int(raw), fraction, signed=False)


def pick(bit: FVariable, if_one: FVariable, if_zero: FVariable) -> FVariable:
    """A multiplexer."""
    if is_constant(bit):
        return if_one if bit.low else if_zero
    return bit.msb_mux(if_one, if_zero)
