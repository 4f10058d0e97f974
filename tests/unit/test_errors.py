"""An error says what, where, got, want, try; in that order, and only what it knows."""

import pickle

import pytest

from fasttrig.base import errors


def test_rows_stand_in_order_and_empty_ones_are_left_out():
    error = errors.UnsupportedError("cannot use this", where="a.h5 > layer 'x'", want="alpha=1", try_="retrain")
    assert str(error) == ("cannot use this\n  where: a.h5 > layer 'x'\n  want:  alpha=1\n  try:   retrain")


def test_refusals_are_listed_together():
    one, two = errors.UnsupportedError("first", got="1"), errors.UnsupportedError("second", got="2")
    text = str(errors.RefusalError([one, two]))
    assert "2 places" in text and "first" in text and "second" in text


@pytest.mark.parametrize(
    "error",
    [
        errors.CheckFailed("x", got="1"),
        errors.ToolError("y", where="z"),
        errors.RefusalError([errors.GraphError("q")]),
    ],
)
def test_errors_survive_a_process_boundary(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error) and str(copy) == str(error) and copy.exit_code == error.exit_code


def test_exit_codes():
    assert errors.CheckFailed("x").exit_code == 1
    assert errors.DataError("x").exit_code == 2
    assert errors.ToolError("x").exit_code == 3


def test_near_names_offers_the_close_one_or_all():
    assert errors.near_names("epoch", ["epochs", "seed"]) == "did you mean 'epochs'?"
    assert errors.near_names("zzz", ["b", "a"]) == "one of: a, b"
