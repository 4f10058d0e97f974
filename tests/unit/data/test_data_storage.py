"""Stored integers: exact both ways, and nothing saturates silently."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasttrig.base.errors import DataError
from fasttrig.data import samples
from fasttrig.data.columns import ALL, OBSERVABLES, SIXTEEN, Column
from fasttrig.data.readers import read_table
from fasttrig.data.storage import decode, encode, write_sample


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


@pytest.mark.parametrize(("name", "key"), [("jets5", "mass_mmdt"), ("muons", "dphi_12")])
def test_any_tool_reads_the_values_of_a_sample(name: str, key: str) -> None:
    """pyarrow and pandas show the numbers that fasttrig works with, float32 and on the grid; the fields name units."""
    import pyarrow.parquet as pq

    path = samples.path(name)
    stored, read = pq.read_table(path), read_table(path)
    for column in read.columns:
        plain = np.array(stored.column(column).to_pylist())
        np.testing.assert_array_equal(plain, read[column], err_msg=column)
    about = stored.schema.field(key).metadata
    raw = read[key].astype(np.float64) / float(about[b"lsb"])
    assert read[key].dtype == np.float32 and (raw == np.rint(raw)).all()
    assert about[b"unit"].decode() == read.metadata["units"][key] and about[b"description"]
    assert path.stat().st_size < 10_000_000


def test_a_value_beyond_float32_is_refused(tmp_path: Path) -> None:
    column = Column("x", "GeV", "int32", -3, "")
    with pytest.raises(DataError, match="more bits than float32"):
        write_sample(tmp_path / "x.parquet", "fasttrig.test", {}, {column: np.array([1, (1 << 24) + 1])})
    assert not list(tmp_path.iterdir())


def test_integers_of_older_samples_still_mean_values(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    about = json.dumps({"columns": {"pt": {"unit": "GeV", "lsb_log2": -2, "description": ""}}})
    table = pa.table({"pt": np.array([1, 6], dtype=np.int16)}).replace_schema_metadata({"fasttrig.test": about})
    pq.write_table(table, tmp_path / "old.parquet")
    assert read_table(tmp_path / "old.parquet")["pt"].tolist() == [0.25, 1.5]
