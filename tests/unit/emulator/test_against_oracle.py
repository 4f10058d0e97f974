"""The emulator against the slow interpreter in tests/oracle.py: every value, every event, every overflow count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.evaluate import Evaluation, evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Input, MatMul, Value
from tests import oracle
from tests.strategies import graphs, random_raw, raw_inputs

SLOW = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def by_oracle(graph: Graph, inputs: Mapping[str, Any]) -> tuple[dict[str, list[Any]], dict[str, int]]:
    """Raw integers per value, one nested dict an event, and the overflow counts."""
    n_events = len(next(iter(inputs.values())))
    overflows: dict[str, int] = {}
    runs = [
        oracle.run_event(graph, {name: raw[event] for name, raw in inputs.items()}, overflows)
        for event in range(n_events)
    ]
    return {op.name: [run[op.name] for run in runs] for op in graph.ops}, overflows


def assert_same(graph: Graph, inputs: Mapping[str, Any]) -> Evaluation:
    run = evaluate(graph, inputs, keep=[op.name for op in graph.ops])
    want, overflows = by_oracle(graph, inputs)
    for name, events in want.items():
        for event, tensor in enumerate(events):
            got = {index: int(run.trace[name][(event, *index)]) for index in tensor}
            assert got == tensor, f"{name}, event {event}"
    assert {name: count for name, count in run.overflows.items() if count} == overflows
    return run


@SLOW
@given(st.data())
def test_random_graphs_agree(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    assert_same(graph, data.draw(raw_inputs(graph)))


@SLOW
@given(st.data())
def test_results_do_not_depend_on_the_chunk_size(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    inputs = data.draw(raw_inputs(graph, max_events=9))
    whole = evaluate(graph, inputs)
    for chunk_events in (1, 2, 5):
        parts = evaluate(graph, inputs, chunk_events=chunk_events)
        assert parts.overflows == whole.overflows
        assert all(np.array_equal(parts.outputs[name], whole.outputs[name]) for name in whole.outputs)


@SLOW
@given(st.data())
def test_the_callers_arrays_are_left_alone(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    inputs = data.draw(raw_inputs(graph))
    before = {name: raw.copy() for name, raw in inputs.items()}
    evaluate(graph, inputs)
    assert all(np.array_equal(before[name], raw) for name, raw in inputs.items())


@pytest.mark.parametrize("bits", [4, 23, 24, 25, 30, 52, 53, 54, 61, 62, 63, 64, 90])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("rounding", Rounding)
def test_casts_at_every_width(bits: int, signed: bool, rounding: Rounding) -> None:
    """The ends of the operand's type, where a carrier one size too small would lose the last bit."""
    kind = FixedType(bits, bits, signed)
    rng = np.random.default_rng(bits)
    for overflow in Overflow:
        for dropped in (1, 2, bits // 2, bits - 1, bits, bits + 1):
            builder = GraphBuilder("cast")
            x = builder.input("x", (16,), kind)
            target = FixedType(max(1, bits // 3), max(1, bits // 3) + dropped)
            graph = builder.graph(builder.cast("y", x, target, rounding, overflow))
            assert_same(graph, {"x": edge_raw(kind, 16, rng)})


def edge_raw(kind: FixedType, n: int, rng: np.random.Generator) -> Any:
    ends = [kind.min_raw + i for i in range(n // 4)] + [kind.max_raw - i for i in range(n // 4)]
    near_ties = [sign * ((1 << int(rng.integers(kind.width))) + int(rng.integers(-1, 2))) for sign in (-1, 1)] * n
    raw = [min(max(number, kind.min_raw), kind.max_raw) for number in (ends + near_ties)[:n]]
    return np.array([raw], dtype=object)


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize(
    "accum",
    [
        FixedType(7, 3),
        FixedType(12, 4),
        FixedType(5, 6),
        FixedType(40, 20),
        FixedType(70, 8),
        FixedType(6, 3, signed=False),
        FixedType(1, 1),
    ],
)
def test_narrowed_accumulators(rounding: Rounding, overflow: Overflow, accum: FixedType) -> None:
    rng = np.random.default_rng(accum.width)
    x = Value("x", (2, 5), FixedType(6, 2))
    op = MatMul(
        result=Value("y", (2, 3), accum),
        operand=x,
        narrowed=True,
        accum_rounding=rounding,
        accum_overflow=overflow,
        weight=Const("w", FixedType(5, 2), rng.integers(-16, 16, (5, 3))),
        bias=Const("b", FixedType(6, 3), rng.integers(-32, 32, 3)),
    )
    source = Input(result=x)
    graph = Graph("narrow", (source, op), (op.result,))
    assert_same(graph, {"x": random_raw(source, 6, rng)})
