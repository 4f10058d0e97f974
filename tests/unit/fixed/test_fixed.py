"""Types and casts against Python integers and fractions, at every width."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import (
    MAX_BITS,
    FixedType,
    Overflow,
    Rounding,
    cast_raw,
    from_value,
    overflow_whole,
    round_whole,
    to_value,
)
from tests.oracle import cast, limits, overflowed, rounded, step_of
from tests.strategies import fixed_types, overflows, roundings

real_numbers = st.floats(-1e6, 1e6) | st.integers(-4000, 4000).map(lambda k: k / 16) | st.floats(-1e-3, 1e-3)
MANY = settings(max_examples=400, deadline=None)


def test_type_counts_the_sign_as_ap_fixed_does() -> None:
    kind = FixedType(6, 2)
    assert (kind.fraction_bits, kind.min_raw, kind.max_raw, kind.min_sym_raw, kind.lsb) == (4, -32, 31, -31, 1 / 16)
    kind = FixedType(3, 5, signed=False)
    assert (kind.fraction_bits, kind.min_raw, kind.max_raw, kind.min_sym_raw, kind.lsb) == (-2, 0, 7, 0, 4.0)
    kind = FixedType(1, 1)
    assert (kind.min_raw, kind.max_raw, kind.min_sym_raw) == (-1, 0, -1)


@MANY
@given(fixed_types(200))
def test_parse_gives_back_what_str_wrote(kind: FixedType) -> None:
    assert FixedType.parse(str(kind)) == kind
    assert FixedType.parse(f"  ap_{kind} ") == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fixed",
        "fixed<4>",
        "fixed<4,2",
        "fixed<-4,2>",
        "fixed<4.5,2>",
        "int<4,2>",
        "fixed<4,2> x",
        "ufixed<a,b>",
        "fixed<٤,2>",
        "ap_ap_fixed<4,2>",
    ],
)
def test_no_type_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a fixed-point type"):
        FixedType.parse(text)


@pytest.mark.parametrize("numbers", [(0, 0), (-1, 0), (MAX_BITS + 1, 0), (4, MAX_BITS + 1), (4, -MAX_BITS - 1)])
def test_impossible_types_are_refused(numbers: tuple[int, int]) -> None:
    with pytest.raises(InputError):
        FixedType(*numbers)


@MANY
@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70), st.integers(-9, 9), st.sampled_from([None, True]))
@example(0, 0, 0, None)
@example(-1, 0, 0, None)
def test_covering_is_the_narrowest(a: int, b: int, fraction_bits: int, signed: bool | None) -> None:
    low, high = min(a, b), max(a, b)
    kind = FixedType.covering(low, high, fraction_bits, signed=signed)
    assert kind.signed == (low < 0 or bool(signed))
    assert kind.fraction_bits == fraction_bits
    assert kind.holds(low, high)
    if kind.width > 1:
        narrower = FixedType(kind.width - 1, kind.width - 1 - fraction_bits, kind.signed)
        assert not narrower.holds(low, high)


def test_covering_refuses_negative_numbers_in_an_unsigned_type() -> None:
    with pytest.raises(InputError, match="cannot hold a negative number"):
        FixedType.covering(-1, 3, 0, signed=False)


@st.composite
def wide_casts(draw: st.DrawFn) -> tuple[list[int], FixedType, FixedType, Rounding, Overflow]:
    """Numbers of a type of up to 120 bits, near its ends and near ties of the target's grid."""
    source = draw(fixed_types(draw(st.sampled_from([8, 66, 120]))))
    dropped = draw(st.integers(-70, 130))
    width = draw(st.integers(1, 120))
    target = FixedType(width, width - source.fraction_bits + dropped, draw(st.booleans()))
    near = [source.min_raw, source.max_raw, 0, *(1 << bit for bit in range(0, source.width, 7))]
    if dropped > 0:
        near += [draw(st.integers(-3, 3)) * (1 << dropped) + (1 << (dropped - 1))]
    raw = draw(st.lists(st.integers(source.min_raw, source.max_raw), min_size=1, max_size=5))
    raw += [number + shift for number in near for shift in (-1, 0, 1)]
    inside = [number for number in raw if source.min_raw <= number <= source.max_raw]
    return inside, source, target, draw(roundings), draw(overflows)


@MANY
@given(wide_casts())
def test_casts_of_any_width(case: tuple[list[int], FixedType, FixedType, Rounding, Overflow]) -> None:
    raw, source, target, rounding, overflow = case
    made = cast_raw(np.array(raw, dtype=object), source, target, rounding, overflow)
    want = [cast(number * step_of(source), target, rounding.name, overflow.name) / step_of(target) for number in raw]
    assert [int(number) for number in made] == want


@pytest.mark.parametrize("source_width", range(60, 67))
@pytest.mark.parametrize("target_width", [1, 31, 60, 61, 62, 63, 64, 65, 66])
@pytest.mark.parametrize("dropped", [-3, -1, 0, 1, 59, 62, 63, 64])
def test_casts_around_64_bits(source_width: int, target_width: int, dropped: int) -> None:
    for signed in (True, False):
        source = FixedType(source_width, 10, signed)
        low, high = limits(source)
        near = [end + shift for end in (low, high, 0, 2**61, 2**62) for shift in (-1, 0, 1)]
        raw = [number for number in near if low <= number <= high]
        dtype = np.int64 if source_width <= 63 else object
        target = FixedType(target_width, target_width - source.fraction_bits + dropped, signed)
        for rounding in Rounding:
            for overflow in Overflow:
                made = cast_raw(np.array(raw, dtype=dtype), source, target, rounding, overflow)
                want = [
                    overflowed(rounded(number * step_of(source), target, rounding.name), target, overflow.name)
                    for number in raw
                ]
                assert [int(number) for number in made] == want, (rounding, overflow)


@MANY
@given(st.lists(real_numbers, max_size=9), fixed_types(30), roundings, overflows)
@example([0.5 - 2**-54, -(0.5 - 2**-54), 0.5, -0.5, 5e-324], FixedType(4, 4), Rounding.RND, Overflow.SAT)
@example([1e300, -1e300, 2.0**62, 2.0**70], FixedType(66, 66), Rounding.TRN, Overflow.SAT)
@example([1e300, -1e300, 2.0**62 + 1024], FixedType(9, 9), Rounding.RND_CONV, Overflow.WRAP)
def test_from_value_rounds_once(values: list[float], kind: FixedType, rounding: Rounding, overflow: Overflow) -> None:
    made = from_value(np.array(values, dtype=np.float64), kind, rounding, overflow)
    want = [cast(Fraction(value), kind, rounding.name, overflow.name) / step_of(kind) for value in values]
    assert [int(number) for number in made] == want


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_without_a_counterpart_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="cannot be converted to fixed point") as caught:
        from_value(np.array([[0.0, 1.0], [0.0, value]]), FixedType(8, 4))
    assert "element (1, 1)" in caught.value.where


@MANY
@given(st.data(), fixed_types(53))
def test_to_value_is_exact_and_back(data: st.DataObject, kind: FixedType) -> None:
    raw = np.array(data.draw(st.lists(st.integers(kind.min_raw, kind.max_raw), min_size=1, max_size=6)))
    values = to_value(raw, kind)
    assert [Fraction(float(value)) for value in values] == [int(number) * step_of(kind) for number in raw]
    for rounding in Rounding:
        assert np.array_equal(from_value(values, kind, rounding, Overflow.WRAP), raw)


@MANY
@given(st.data(), roundings, overflows, st.sampled_from([np.float32, np.float64]), st.integers(-4, 8))
def test_whole_floats_cast_as_integers_do(
    data: st.DataObject, rounding: Rounding, overflow: Overflow, dtype: type, dropped: int
) -> None:
    """`round_whole` and `overflow_whole` against fractions, up to the last number the format allows for."""
    top = (1 << (24 if dtype is np.float32 else 53)) - (1 << 9)
    top >>= max(0, -dropped)
    raw = data.draw(st.lists(st.integers(-top, top) | st.integers(-99, 99), min_size=1, max_size=8))
    raw += [top, -top, top - 1, 1, -1, 0]
    target = FixedType(data.draw(st.integers(1, 21)), 0, data.draw(st.booleans()))
    made = np.array(raw, dtype=dtype)
    assert [int(number) for number in made] == raw
    made = round_whole(made, dropped, rounding)
    grid = FixedType(1, 1 + dropped)
    whole = [rounded(Fraction(number), grid, rounding.name) for number in raw]
    assert [int(number) for number in made] == whole
    changed = overflow_whole(made, target, overflow, below=True, above=True)
    want = [overflowed(number, target, overflow.name) for number in whole]
    if max(map(abs, whole)) + (2 << target.width) < (1 << 24 if dtype is np.float32 else 1 << 53):
        assert [int(number) for number in made] == want
        assert changed == sum(a != b for a, b in zip(whole, want, strict=True))
