"""Golden vectors: round trip for every width, the format to the letter, a clear error for every broken file."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FixedType
from fasttrig.toolchain.vectors import read_hex, write_hex

TYPES = [FixedType(6, 1), FixedType(9, 3, False)]
SHAPES = [(2,), (1,)]


@given(
    st.lists(st.tuples(st.integers(1, 70), st.booleans(), st.integers(1, 4)), min_size=1, max_size=4),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_round_trip(specs, n_events, random):
    types = [FixedType(width, 3, signed) for width, signed, _ in specs]
    shapes = [(size,) for _, _, size in specs]
    arrays = []
    for fixed_type, (size,) in zip(types, shapes, strict=True):
        numbers = [random.randint(fixed_type.min_raw, fixed_type.max_raw) for _ in range(n_events * size)]
        arrays.append(np.array(numbers, dtype=object if fixed_type.width > 62 else np.int64).reshape(n_events, size))
    again = read_hex(write_hex(arrays, types), types, shapes, n_events=n_events)
    for array, read in zip(arrays, again, strict=True):
        assert array.dtype == read.dtype
        assert array.tolist() == read.tolist()


def test_the_format_to_the_letter():
    arrays = [np.array([[-1, 5], [-32, 31]]), np.array([[511], [0]])]
    assert write_hex(arrays, TYPES) == "3f 05 1ff\n20 1f 000\n"


def test_last_axis_is_fastest_and_shapes_come_back():
    array = np.arange(12).reshape(2, 2, 3)
    text = write_hex([array], [FixedType(5, 5)])
    assert text.splitlines()[0] == "00 01 02 03 04 05"
    assert np.array_equal(read_hex(text, [FixedType(5, 5)], [(2, 3)])[0], array)


def test_windows_line_ends_and_a_missing_last_one_are_read():
    assert read_hex("3f 05 1ff\r\n20 1f 000", TYPES, SHAPES)[0].tolist() == [[-1, 5], [-32, 31]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("3f 05 1ff\n20 1f\n", "event 1"),  # cut short
        ("3f 05 1ff 0\n", "unexpected number of words"),
        ("3f 05 01ff\n", "'01ff'"),  # too many digits
        ("3f 5 1ff\n", "'5'"),
        ("3F 05 1ff\n", "'3F'"),
        ("3f 05 1fg\n", "word 2"),
        ("3f  05 1ff\n", "event 0"),
        ("3f 05 fff\n", "more bits"),  # nine bits in three digits
        ("ff 05 1ff\n", "more bits"),
        ("3f 05 1ff\n\n", "event 1"),
        ("3f 05 1é0\n", "word 2"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(text, says):
    with pytest.raises(DataError) as error:
        read_hex(text, TYPES, SHAPES, where="inputs.hex")
    assert says in str(error.value)
    assert "inputs.hex" in str(error.value)


def test_a_file_cut_between_two_events_is_found_by_their_number():
    with pytest.raises(DataError, match="different numbers of events"):
        read_hex("3f 05 1ff\n", TYPES, SHAPES, n_events=2)


def test_integers_outside_their_type_are_not_written():
    with pytest.raises(DataError, match="outside the range of their type"):
        write_hex([np.array([[32, 0]]), np.array([[0]])], TYPES)
    with pytest.raises(DataError, match="numbers of events"):
        write_hex([np.array([[3, 0]]), np.array([[0], [1]])], TYPES)


def test_pitfall_08_neighbouring_words_stay_apart():
    fixed_type = FixedType(24, 4)
    words = write_hex([np.array([[1048575], [1048576]])], [fixed_type]).split()
    assert words == ["0fffff", "100000"]


def test_twenty_thousand_events_take_no_time():
    fixed_type = FixedType(16, 6)
    array = np.random.default_rng(0).integers(-32768, 32768, (20_000, 16))
    start = time.perf_counter()
    text = write_hex([array], [fixed_type])
    assert np.array_equal(read_hex(text, [fixed_type], [(16,)])[0], array)
    assert time.perf_counter() - start < 2.0  # 0.1 s on a quiet machine, and CI is not
