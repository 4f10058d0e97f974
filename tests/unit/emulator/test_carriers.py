"""Which number format carries which integers: chosen from proven bounds, and every format really taken."""

from __future__ import annotations

import numpy as np
import pytest

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.carriers import Carrier
from fasttrig.emulator.evaluate import evaluate
from fasttrig.emulator.plan import plan
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Input, MatMul, Value
from tests.unit.emulator.test_against_oracle import assert_same


def sum_of(n_inputs: int, operand: FixedType, weight_raw: int, bias_raw: int = 0) -> Graph:
    """One MatMul whose largest sum is n_inputs * max(operand) * weight_raw + bias_raw."""
    builder = GraphBuilder("sum")
    x = builder.input("x", (n_inputs,), operand)
    weight = Const.covering("w", np.full((n_inputs, 1), weight_raw), 0)
    return builder.graph(builder.matmul("y", x, weight, Const.covering("b", np.array([bias_raw]), 0)))


def carrier(graph: Graph, name: str) -> Carrier:
    return next(step.compute for step in plan(graph) if step.op.name == name)


@pytest.mark.parametrize(
    ("bits", "below", "above"),
    [
        (24, Carrier.FLOAT32, Carrier.FLOAT64),
        (53, Carrier.FLOAT64, Carrier.INT64),
        (62, Carrier.INT64, Carrier.OBJECT),
    ],
)
def test_the_carrier_changes_at_the_power_of_two(bits: int, below: Carrier, above: Carrier) -> None:
    """A sum of at most 2**bits - 1 stays; one more moves on. Both sums are right in the last bit."""
    one_bit = FixedType(1, 1, signed=False)
    weight = (1 << (bits - 1)) - 1
    under, over = sum_of(2, one_bit, weight, -1), sum_of(2, one_bit, weight, 2)
    inputs = {"x": np.array([[1, 1], [0, 1], [0, 0]])}
    for graph, want in ((under, below), (over, above)):
        assert carrier(graph, "y") is want
        assert_same(graph, inputs)


def test_float32_is_exact_at_its_last_integer() -> None:
    graph = sum_of(1, FixedType(24, 24, signed=False), 1)
    assert carrier(graph, "x") is Carrier.FLOAT32
    raw = np.array([[2**24 - 1], [2**24 - 2], [2**24 - 3]])
    assert np.array_equal(evaluate(graph, raw).outputs["y"], raw)


def test_a_network_stays_in_float32() -> None:
    builder = GraphBuilder("chain")
    v = builder.input("x", (8,), FixedType(12, 4))
    for index in range(3):
        weight = Const(f"w{index}", FixedType(6, 1), np.arange(64).reshape(8, 8) - 32)
        v = builder.matmul(f"fc{index}", v, weight, Const(f"b{index}", FixedType(6, 1), np.arange(8)))
        v = builder.relu(f"r{index}", v)
        v = builder.cast(f"q{index}", v, FixedType(6, 2, False), Rounding.RND_CONV, Overflow.SAT)
    assert {step.compute for step in plan(builder.graph(v))} == {Carrier.FLOAT32}


def test_a_huge_weight_behind_an_operand_that_is_always_zero() -> None:
    """No result is large, but float32 could not hold the weight (0 * inf would be no number)."""
    builder = GraphBuilder("zero")
    x = builder.input("x", (1,), FixedType(3, 3))
    zero = builder.cast("zero", x, FixedType(1, 200, signed=False), Rounding.TRN_ZERO, Overflow.SAT)
    weight = Const("w", FixedType(62, 300), np.array([[2**61 - 1]]))
    graph = builder.graph(builder.matmul("y", zero, weight, Const("b", FixedType(2, 2), np.array([1]))))
    assert_same(graph, {"x": np.array([[3], [-4], [0]])})


def test_ops_in_place_leave_values_that_are_still_read() -> None:
    """Relu and Cast may overwrite their operand; not when a Reshape shares its memory and is read later."""
    builder = GraphBuilder("alias")
    x = builder.input("x", (2, 2), FixedType(5, 3))
    weight = Const("w", FixedType(3, 1), np.array([[1, -2], [3, -4]]))
    a = builder.matmul("a", x, weight, Const("b", FixedType(2, 1), np.array([0, 1])))
    flat = builder.reshape("flat", a, (4,))
    relu = builder.relu("relu", a)
    wrapped = builder.cast("wrapped", flat, FixedType(3, 1), Rounding.RND_CONV, Overflow.WRAP)
    again = builder.relu("again", flat)
    same = builder.relu("same", relu, negative_shift=0)
    clipped = builder.cast("clipped", same, FixedType(3, 1), Rounding.TRN, Overflow.SAT)
    graph = builder.graph(builder.add("y", relu, clipped), builder.add("z", wrapped, again))
    rng = np.random.default_rng(0)
    assert_same(graph, {"x": rng.integers(-16, 16, (20, 2, 2))})


@pytest.mark.parametrize("limit_raw", [10**45, 2**64, 2**30, 3, 0, -1, -(2**40), -(2**70)])
def test_relu_limits_of_any_size(limit_raw: int) -> None:
    builder = GraphBuilder("limit")
    x = builder.input("x", (3,), FixedType(6, 3))
    graph = builder.graph(builder.relu("y", x, limit_raw=limit_raw, negative_shift=1))
    assert_same(graph, {"x": np.array([[-32, 0, 31], [1, -1, 5]])})


def test_overflow_that_cannot_happen_is_not_looked_for_and_counts_zero() -> None:
    builder = GraphBuilder("roomy")
    x = builder.input("x", (2,), FixedType(4, 2))
    graph = builder.graph(builder.cast("y", x, FixedType(9, 5), Rounding.TRN, Overflow.SAT))
    assert evaluate(graph, np.array([[7, -8]])).overflows == {"y": 0}


def test_wrap_that_a_later_term_undoes_is_no_overflow() -> None:
    x = Value("x", (2,), FixedType(4, 4))
    weight, bias = Const("w", FixedType(2, 2), np.array([[1], [1]])), Const("b", FixedType(1, 1), np.array([0]))
    made = {}
    for overflow in (Overflow.WRAP, Overflow.SAT):
        op = MatMul(
            result=Value("y", (1,), FixedType(3, 3)),
            operand=x,
            weight=weight,
            bias=bias,
            narrowed=True,
            accum_overflow=overflow,
        )
        run = evaluate(Graph("g", (Input(result=x), op), (op.result,)), np.array([[7, -6]]))
        made[overflow] = (int(run.outputs["y"][0, 0]), run.overflows["y"])
    assert made == {Overflow.WRAP: (1, 0), Overflow.SAT: (-1, 1)}


def test_a_graph_that_is_not_well_formed_is_not_run() -> None:
    x = Value("x", (1,), FixedType(4, 4))
    narrow = MatMul(
        result=Value("y", (1,), FixedType(2, 2)),
        operand=x,
        weight=Const("w", FixedType(4, 4), np.array([[7]])),
        bias=Const("b", FixedType(1, 1), np.array([0])),
    )
    with pytest.raises(GraphError, match="too narrow"):
        evaluate(Graph("g", (Input(result=x), narrow), (narrow.result,)), np.array([[1]]))
