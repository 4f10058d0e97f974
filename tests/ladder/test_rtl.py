"""alkaid's program of a graph, by alkaid's own interpreter: raw outputs equal the emulator's, for every op and mode."""

import numpy as np
import pytest
from csim_graphs import ALL_CASTS, all_casts, dense_network, every_op, narrow_accumulators, random_inputs
from csim_random import random_graph
from hypothesis import given, settings
from hypothesis import strategies as st
from rtl_cases import traced_outputs

pytest.importorskip("alkaid", reason="the extra rtl is not installed")

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from tests.strategies import graphs, raw_inputs

N_EVENTS = 300


def assert_equal(graph, inputs=None):
    inputs = inputs or random_inputs(np.random.default_rng(1), graph, N_EVENTS)
    got = traced_outputs(graph, inputs)
    for name, want in evaluate(graph, inputs).outputs.items():
        wrong = np.argwhere(got[name] != want)
        assert not len(wrong), f"{name}: {len(wrong)} words differ, the first at {wrong[0]}"


@pytest.mark.parametrize(
    "graph",
    [
        dense_network(1, (8, 10, 5)),
        every_op(2),
        all_casts(4),
        narrow_accumulators(5, ALL_CASTS),
        narrow_accumulators(6, ALL_CASTS[::3], rank=2),
    ],
    ids=["dense", "every_op", "all_casts", "narrow", "narrow_rows"],
)
def test_every_op_and_mode(graph):
    assert_equal(graph)


@pytest.mark.parametrize(
    "seed", [0, 1, 16, 131, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(200, 300))]
)
def test_random_graphs(seed):
    """0: a bit out of a scaled number; 16: signed operands of one bit; 131: a table behind a constant (see below)."""
    assert_equal(random_graph(seed))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_graphs_of_the_strategies(data):
    """Channel types, negative integer bits, tables, softmax; what is refused says what it wants."""
    graph = data.draw(graphs(max_ops=4))
    try:
        assert_equal(graph, data.draw(raw_inputs(graph)))
    except UnsupportedError as error:
        assert error.want


def test_one_bit_operands_of_a_matrix_product():
    """Signed and unsigned ones: alkaid's own tables for them are switched off, they misread a sign bit."""
    rng = np.random.default_rng(3)
    b = GraphBuilder("bits")
    x = b.input("x", (9,), FixedType(4, 2))
    outputs = []
    for signed in (False, True):
        bit = b.cast(f"bit{signed}", x, FixedType(1, 1, signed), Rounding.TRN, Overflow.WRAP)
        weight = Const(f"w{signed}", FixedType(4, 2), rng.integers(-8, 8, (9, 3)))
        bias = Const(f"b{signed}", FixedType(4, 2), rng.integers(-8, 8, 3))
        outputs.append(b.matmul(f"y{signed}", bit, weight, bias))
    assert_equal(b.graph(*outputs))
