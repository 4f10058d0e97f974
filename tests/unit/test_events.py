"""Events given to Python: columns by name, integers as values, and nothing that is no real number."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fasttrig
from fasttrig.base.errors import DataError
from tests.unit.streaming.cases import columns, small_design

NAMES = ("pt", "n")


def events(n=50):
    data = columns()
    return np.stack([np.asarray(data[name][:n], dtype=np.float64) for name in NAMES], axis=1)


def named(kind, x):
    data = {name: x[:, k] for k, name in reversed(list(enumerate(NAMES)))}
    if kind == "structured":
        made = np.empty(len(x), dtype=[(name, "f8") for name in data])
        for name, column in data.items():
            made[name] = column
        return made
    return {"mapping": dict, "pandas": pd.DataFrame, "pyarrow": pa.table}[kind](data)


KINDS = ("mapping", "structured", "pandas", "pyarrow")


@pytest.mark.parametrize("kind", KINDS)
def test_named_columns_in_another_order_give_the_same_bits(kind):
    design, x = small_design(), events()
    want, got = design.emulate(x), design.emulate(named(kind, x))
    assert got.given == "values"
    assert all(np.array_equal(got.raw[name], array) for name, array in want.raw.items())


def test_a_missing_and_an_extra_column_are_named():
    frame = named("pandas", events())
    with pytest.raises(DataError, match=r"missing[^$]*pt"):
        small_design().emulate(frame.rename(columns={"pt": "ptt"}))
    with pytest.raises(DataError, match="no feature"):
        small_design().emulate(frame.assign(mass=1.0))


def test_integers_are_values_unless_raw_is_said():
    design, whole = small_design(), np.rint(events()).astype(np.int64)
    as_values, as_floats = design.emulate(whole), design.emulate(whole.astype(np.float64))
    raw, _ = design.quantise(whole)
    as_raw = design.emulate_raw(raw)
    assert (as_values.given, as_raw.given) == ("values", "raw")
    for name, want in as_floats.raw.items():
        assert np.array_equal(as_values.raw[name], want) and np.array_equal(as_raw.raw[name], want)
    with pytest.raises(DataError, match="must be integers"):
        design.emulate(whole.astype(np.float64), raw=True)


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (np.ma.masked_greater(events(), 1.0), "masked"),
        ([np.ma.masked_array([1.0, 2.0], [True, False])], "masked"),
        (events() + 1j, "complex"),
        (np.array([[1.0, 1j]], dtype=object), "not a real number"),
        (np.array([[1.0, None]], dtype=object), "not a real number"),
        (np.array([["1", "2"]]), "text"),
        (np.array([["2026-01-01", "2026-01-02"]], dtype="M8[D]"), "dates"),
        (np.array([[1.0, np.nan]]), "number"),
        ([[1.0, 2.0], [3.0]], "not an array of numbers"),
        (pa.table({"pt": [1.0, None], "n": [1.0, 2.0]}), "missing values"),
        (pd.DataFrame({"pt": pd.array([1, None], dtype="Int64"), "n": [1, 2]}), "missing values"),
    ],
)
def test_what_is_no_real_number_is_refused(x, told):
    with pytest.raises(DataError, match=told):
        small_design().emulate(x)


@pytest.mark.parametrize("compiled", [True, False])
def test_an_empty_selection(compiled: bool) -> None:
    """``x[:0]`` of every kind of events gives empty arrays of the right shapes."""
    design = fasttrig.read("models/jet_bdt")
    x = np.zeros((3, 16))
    frame = pd.DataFrame(x, columns=list(design.feature_names))
    selections = [x[:0], x[:0].astype(np.float32), frame[:0], dict.fromkeys(design.feature_names, x[:0, 0])]
    for events in selections:
        made = design.emulate(events, compiled=compiled)
        assert made.scores.shape == (0, 5) and made.raw["margin"].shape == made.values["margin"].shape == (0, 5)
    assert design.emulate_raw(x[:0].astype(int), compiled=compiled).scores.shape == (0, 5)
