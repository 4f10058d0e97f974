"""Stored integers: exact both ways, and nothing saturates silently."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasttrig.base.errors import DataError
from fasttrig.data.columns import ALL, OBSERVABLES, SIXTEEN, Column
from fasttrig.data.storage import decode, encode


@pytest.mark.parametrize("column", ALL, ids=lambda column: column.name)
def test_every_stored_integer_survives_the_way_to_a_value_and_back(column: Column) -> None:
    limits = np.iinfo(column.raw_type)
    raw = np.unique(np.linspace(limits.min, limits.max, 1001).astype(column.raw_type))
    np.testing.assert_array_equal(encode(column, decode(raw, column.lsb_log2)), raw)


@given(st.floats(-100.0, 100.0), st.integers(-8, 2))
def test_rounding_is_to_the_nearest_multiple(value: float, lsb_log2: int) -> None:
    column = Column("x", "", "int32", lsb_log2, "")
    assert abs(float(decode(encode(column, [value]), lsb_log2)[0]) - value) <= column.lsb / 2


@pytest.mark.parametrize("value", [-1.0, 16.0, np.nan, np.inf])
def test_a_value_that_does_not_fit_is_refused(value: float) -> None:
    with pytest.raises(DataError, match="does not fit") as error:
        encode(Column("x", "GeV", "uint16", -12, ""), [0.0, value])
    assert "column 'x'" in str(error.value)


def test_names_are_those_of_the_public_sample() -> None:
    assert SIXTEEN == (
        "zlogz",
        "c1_b0_mmdt",
        "c1_b1_mmdt",
        "c1_b2_mmdt",
        "c2_b1_mmdt",
        "c2_b2_mmdt",
        "d2_b1_mmdt",
        "d2_b2_mmdt",
        "d2_a1_b1_mmdt",
        "d2_a1_b2_mmdt",
        "m2_b1_mmdt",
        "m2_b2_mmdt",
        "n2_b1_mmdt",
        "n2_b2_mmdt",
        "mass_mmdt",
        "multiplicity",
    )
    assert len({column.name for column in ALL}) == len(ALL)
    assert len(OBSERVABLES) == 16
