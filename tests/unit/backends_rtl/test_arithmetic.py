"""Casts on alkaid's numbers against `cast_raw`, every input of small types in every mode; what is refused."""

import itertools

import numpy as np
import pytest

pytest.importorskip("alkaid", reason="the extra rtl is not installed")

from alkaid.trace import FVariable, HWConfig, trace

from fasttrig.backends.rtl import emit_rtl
from fasttrig.backends.rtl.arithmetic import add_constant, cast, constant, take_bits
from fasttrig.backends.rtl.tracing import trace_graph
from fasttrig.base.errors import MissingPackageError, UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding, cast_raw
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from fasttrig.settings import TargetSettings

MODES = tuple(itertools.product(Rounding, Overflow))
TARGETS = [
    FixedType(width, integer_bits, signed)
    for width, integer_bits, signed in [
        (1, 1, True),
        (1, 0, False),
        (2, 2, True),
        (3, 2, False),
        (3, 0, True),
        (4, 4, True),
        (2, 4, False),
        (5, 1, True),
        (3, 5, True),
        (6, 3, False),
        (2, -1, True),
        (8, 4, True),
    ]
]


def variable(kind):
    return FVariable(kind.min_raw * kind.lsb, kind.max_raw * kind.lsb, kind.lsb, hwconf=HWConfig(1, 1, -1), latency=0.0)


@pytest.mark.parametrize("source", [FixedType(5, 3), FixedType(5, 2, False), FixedType(1, 0), FixedType(6, 1)], ids=str)
def test_every_cast_of_every_number(source):
    raw = np.arange(source.min_raw, source.max_raw + 1)
    x = variable(source)
    cases = [(target, *mode) for target in TARGETS for mode in MODES]
    program = trace([x], [cast(x, *case) for case in cases])
    found = program.predict((raw * source.lsb)[:, None], n_threads=1)
    for column, (target, rounding, overflow) in zip(found.T, cases, strict=True):
        want = cast_raw(raw, source, target, rounding, overflow)
        assert np.array_equal(column / target.lsb, want), f"{source} to {target}, {rounding}, {overflow}"


def test_every_cast_of_a_constant():
    x = variable(FixedType(5, 3))
    for raw, target, (rounding, overflow) in itertools.product(range(-16, 16), TARGETS, MODES):
        got = cast(constant(raw / 4, x), target, rounding, overflow)
        want = cast_raw(np.array([raw]), FixedType(5, 3), target, rounding, overflow)[0]
        assert got.low == got.high == want * target.lsb


def test_one_bit_out_of_a_scaled_number():
    """alkaid takes the highest bit instead when the number carries a scale and the bit looks like it."""
    x = variable(FixedType(2, 1, False))
    low_bit = take_bits(add_constant(x * 2.0, 1.0), False, 1, 0)
    got = trace([x], [low_bit]).predict(np.array([[0.0], [0.5], [1.0], [1.5]]), n_threads=1).ravel()
    assert got.tolist() == [1.0, 0.0, 1.0, 0.0]


def test_merged_constants_are_checked_together():
    """Each fits a float32, their sum does not: alkaid would drop its low bits without a word."""
    x = variable(FixedType(5, 3))
    raised = add_constant(x, 2.0**20)
    with pytest.raises(UnsupportedError, match="constant is too wide"):
        add_constant(raised, 2.0**-20)


def graph_with(name):
    b = GraphBuilder("refused")
    x = b.input("x", (2,), FixedType(20, 10) if name == "table" else FixedType(30, 10))
    if name == "wide":
        return b.graph(
            b.matmul(
                "y",
                x,
                Const("w", FixedType(25, 2), np.full((2, 1), 2**23)),
                Const("b", FixedType(2, 2), np.zeros(1, dtype=int)),
            )
        )
    if name == "weight":
        narrow = b.input("n", (1,), FixedType(2, 2))
        return b.graph(
            b.matmul(
                "y",
                narrow,
                Const("w", FixedType(26, 2), np.full((1, 1), 2**24 + 1)),
                Const("b", FixedType(2, 2), np.zeros(1, dtype=int)),
            )
        )
    if name == "table":
        return b.graph(b.table("y", x, Const("t", FixedType(3, 1), np.zeros(2**20, dtype=int)), "zero"))
    return b.graph(b.relu("y", x, limit_raw=-(2**29)))


@pytest.mark.parametrize(
    "name, message",
    [
        ("wide", "a number is too wide"),
        ("weight", "a constant is too wide"),
        ("table", "a table is too large"),
        ("constant", "no output depends on an input"),
    ],
)
def test_refusals_name_the_op(name, message):
    with pytest.raises(UnsupportedError, match=message) as failure:
        trace_graph(graph_with(name))
    assert ("op 'y'" in failure.value.where) == (name != "constant")
    assert failure.value.want


def test_without_alkaid_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("fasttrig.backends.rtl.has_alkaid", lambda: False)
    with pytest.raises(MissingPackageError, match="not installed") as failure:
        emit_rtl(graph_with("constant"), TargetSettings())
    assert "fasttrig[rtl]" in failure.value.try_
