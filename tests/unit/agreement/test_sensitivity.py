"""One bit less per op: against the same narrowing written by hand, and the parts that every op has."""

from dataclasses import replace

import numpy as np
import pytest

from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from fasttrig.physics.sensitivity import sensitivities

INPUT = FixedType(8, 3)


@pytest.fixture(scope="module")
def graph():
    rng = np.random.default_rng(0)
    b = GraphBuilder("net")
    x = b.input("x", (4,), INPUT, channel_types=(INPUT, INPUT, FixedType(5, 3), FixedType(1, 1)))
    y = b.matmul(
        "fc",
        x,
        Const("w", FixedType(5, 1), rng.integers(-16, 16, (4, 3))),
        Const("b", FixedType(5, 1), rng.integers(-16, 16, 3)),
    )
    y = b.cast("act", y, FixedType(6, 3, False), Rounding.RND, Overflow.SAT)
    return b.graph(b.add("sum", y, y))


def events(n=500):
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (n, 4))
    x[:, 2] &= ~7
    x[:, 3] = rng.choice([-32, 0], n)
    return {"x": x}


def mean(raw, rows):
    (outputs,) = raw.values()
    assert len(outputs) == len(rows)
    return {"mean": float(outputs.mean())}


def test_every_part_is_narrowed_once(graph):
    found = sensitivities(graph, events(), mean)
    assert [(row.op, row.part) for row in found] == [
        ("x", "result"),
        ("fc", "weights"),
        ("fc", "result"),
        ("act", "result"),
        ("sum", "result"),
    ]
    assert all(row.narrowed.fraction_bits == row.type.fraction_bits - 1 for row in found)


def test_a_narrowed_cast_is_the_cast_to_the_coarser_type(graph):
    by_hand = GraphBuilder("net")
    x = by_hand.input("x", (4,), INPUT)
    fc = graph.op("fc")
    y = by_hand.matmul("fc", x, fc.weight, fc.bias)
    y = by_hand.cast("act", y, FixedType(5, 3, False), Rounding.RND, Overflow.SAT)
    narrow = by_hand.graph(by_hand.add("sum", y, y))
    wanted = 2 * evaluate(narrow, events()).outputs["sum"].mean() - evaluate(graph, events()).outputs["sum"].mean()
    row = next(row for row in sensitivities(graph, events(), mean) if row.op == "act")
    assert row.change["mean"] == pytest.approx(wanted, abs=1e-12) and wanted != 0


def test_narrowed_weights_are_even_integers(graph):
    fc = graph.op("fc")
    even = np.clip(2 * np.round(fc.weight.raw / 2), -16, 14).astype(int)  # NumPy rounds halves to even
    changed = replace(fc, weight=replace(fc.weight, raw=even))
    ops = tuple(changed if op.name == "fc" else op for op in graph.ops)
    wanted = (
        evaluate(replace(graph, ops=ops), events()).outputs["sum"].mean()
        - evaluate(graph, events()).outputs["sum"].mean()
    )
    row = next(row for row in sensitivities(graph, events(), mean) if row.part == "weights")
    assert row.change["mean"] == pytest.approx(wanted, abs=1e-12) and wanted != 0


def test_a_feature_loses_a_bit_of_its_own_grid(graph):
    """The third feature has a step of 8: narrowed, of 16. The last has one bit and keeps it."""
    x = events()["x"]
    seen = []

    def watch(raw, rows):
        seen.append(raw)
        return {"mean": 0.0}

    sensitivities(graph, {"x": x}, watch)
    half = np.array([2, 2, 16, 1])
    coarse = np.clip(np.round(x / half), [-64, -64, -8, -128], [63, 63, 7, 127]).astype(int) * half
    assert np.array_equal(seen[1]["sum"], evaluate(graph, {"x": coarse}).outputs["sum"])


def test_a_large_graph_runs_on_a_seeded_choice_of_events(graph, monkeypatch):
    from fasttrig.physics import sensitivity

    monkeypatch.setattr(sensitivity, "MIN_EVENTS", 40)
    monkeypatch.setattr(sensitivity, "MAX_WORK", 1)
    chosen = []

    def watch(raw, rows):
        chosen.append(rows)
        return mean(raw, rows)

    found = sensitivities(graph, events(), watch)
    assert found[0].n_events == 40 and all(np.array_equal(rows, chosen[0]) for rows in chosen)
    assert found == sensitivities(graph, events(), mean)
