"""What a caller may hand to the emulator, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph


@pytest.fixture
def graph() -> Graph:
    builder = GraphBuilder("g")
    x = builder.input("x", (2,), FixedType(4, 2), channel_types=(FixedType(4, 2), FixedType(2, 1)))
    return builder.graph(builder.cast("y", x, FixedType(3, 2), Rounding.TRN, Overflow.SAT))


@pytest.fixture
def pair() -> Graph:
    builder = GraphBuilder("pair")
    a, b = builder.input("a", (1,), FixedType(4, 2)), builder.input("b", (1,), FixedType(4, 2))
    return builder.graph(builder.add("y", a, b))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int64, object])
def test_integer_dtypes_give_int64(graph: Graph, dtype: Any) -> None:
    made = evaluate(graph, np.array([[7, 2], [-8, -4]], dtype=dtype)).outputs["y"]
    assert made.dtype == np.int64
    assert made.tolist() == [[3, 1], [-4, -2]]


def test_no_events_give_no_events(graph: Graph) -> None:
    run = evaluate(graph, np.zeros((0, 2), dtype=np.int64), keep=["x"])
    assert run.outputs["y"].shape == (0, 2)
    assert run.trace["x"].shape == (0, 2)
    assert run.overflows == {"y": 0}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.array([[1.0, 2.0]]), "must be integers"),
        (np.array([[np.nan, 2.0]]), "must be integers"),
        (np.array([[1.5, 2]], dtype=object), "must be integers"),
        (np.array([[True, False]]), "must be integers"),
        (np.array([1, 2]), "wrong input shape"),
        (np.array(1), "wrong input shape"),
        (np.array([[1, 2, 3]]), "wrong input shape"),
        (np.array([[[1, 2]]]), "wrong input shape"),
        (np.array([[8, 0]]), "outside the range of their type"),
        (np.array([[-9, 0]]), "outside the range of their type"),
        (np.array([[2**63, 0]], dtype=np.uint64), "outside the range of their type"),
        (np.array([[0, 1]]), "off the grid of their feature"),
        (np.array([[0, 4]]), "outside the range of their feature type"),
        (np.array([[0, -6]]), "outside the range of their feature type"),
    ],
)
def test_wrong_arrays_are_refused(graph: Graph, raw: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(graph, raw)


def test_the_channel_is_named(graph: Graph) -> None:
    with pytest.raises(DataError, match="channel 1"):
        evaluate(graph, np.array([[0, 0], [0, 1]]))


def test_several_inputs_need_a_mapping(pair: Graph) -> None:
    one = np.array([[1]])
    assert evaluate(pair, {"a": one, "b": one}).outputs["y"].tolist() == [[2]]
    with pytest.raises(DataError, match="several inputs"):
        evaluate(pair, one)
    with pytest.raises(DataError, match="an input is missing"):
        evaluate(pair, {"a": one})
    with pytest.raises(DataError, match="unknown input name"):
        evaluate(pair, {"a": one, "b": one, "bb": one})
    with pytest.raises(DataError, match="numbers of events"):
        evaluate(pair, {"a": one, "b": np.array([[1], [2]])})


def test_a_value_to_keep_must_exist(graph: Graph) -> None:
    with pytest.raises(DataError, match="did you mean 'x'"):
        evaluate(graph, np.array([[0, 0]]), keep=["xx"])
