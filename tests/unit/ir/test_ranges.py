"""Proven ranges: no emulated number leaves them, and those of one matrix product are met."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, MatMul
from fasttrig.ir.ranges import infer_ranges
from fasttrig.ir.verify import verify
from tests.strategies import graphs, raw_inputs


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_number_leaves_its_interval(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    inputs = data.draw(raw_inputs(graph, max_events=12))
    ranges = verify(graph)
    trace = evaluate(graph, inputs, keep=[op.name for op in graph.ops]).trace
    for op in graph.ops:
        raw, interval = trace[op.name].astype(object), ranges[op.result]
        assert (raw >= interval.low).all(), op.name
        assert (raw <= interval.high).all(), op.name


def small_product(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    builder = GraphBuilder("small")
    x = builder.input("x", (3,), FixedType(2, 1, signed=bool(seed % 2)))
    weight = Const("w", FixedType(4, int(rng.integers(-1, 5))), rng.integers(-8, 8, (3, 2)))
    bias = Const("b", FixedType(3, int(rng.integers(-1, 4))), rng.integers(-4, 4, 2))
    return builder.graph(builder.matmul("y", x, weight, bias))


@pytest.mark.parametrize("seed", range(12))
def test_the_range_of_a_product_is_met_at_both_ends(seed: int) -> None:
    """All inputs there are: the ends of each output are reached."""
    graph = small_product(seed)
    kind = graph.inputs[0].result.type
    raw = np.array(list(product(range(kind.min_raw, kind.max_raw + 1), repeat=3)))
    made = evaluate(graph, raw).outputs["y"]
    interval = infer_ranges(graph)[graph.outputs[0]]
    assert made.min(axis=0).tolist() == interval.low.tolist()
    assert made.max(axis=0).tolist() == interval.high.tolist()


@pytest.mark.parametrize("seed", range(12))
def test_the_accumulator_holds_every_partial_sum_and_not_one_bit_more(seed: int) -> None:
    """All inputs, all subsets of the terms, hence all orders."""
    graph = small_product(seed)
    op = graph.op("y")
    assert isinstance(op, MatMul)
    kind, bits = op.operand.type, op.result.type.fraction_bits
    weight = op.weight.raw << (bits - kind.fraction_bits - op.weight.type.fraction_bits)
    bias = op.bias.raw << (bits - op.bias.type.fraction_bits)
    raw = np.array(list(product(range(kind.min_raw, kind.max_raw + 1), repeat=3)))
    terms = np.concatenate([raw[:, :, None] * weight, np.broadcast_to(bias, (len(raw), 1, 2))], axis=1)
    subsets = np.array([subset for subset in product((0, 1), repeat=4) if any(subset)])
    sums = np.einsum("st,ntj->nsj", subsets, terms)
    low, high = min(0, int(sums.min())), max(0, int(sums.max()))
    assert op.partial_sums(infer_ranges(graph)[op.operand]) == (low, high)
    assert op.result.type == FixedType.covering(low, high, bits, signed=True)
