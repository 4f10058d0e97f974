"""Loops: what is refused, what a pass may not touch, and the facts that come from the body."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fasttrig.base.errors import GraphError, InputError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.inline import inlined
from fasttrig.ir.ops import Scan
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.ir.verify import verify
from fasttrig.passes.apply_types import ApplyTypes
from fasttrig.passes.base import run_pipeline
from fasttrig.passes.pipeline import without_loops
from fasttrig.settings import NarrowedType
from tests.unit.ir.test_text import SPEC

ENTRY, STATE = FixedType(4, 2), FixedType(6, 4)


def body(entry: FixedType = ENTRY, state: FixedType = STATE, new: FixedType = STATE, size: int = 1) -> Graph:
    """Adds the entry to the state."""
    b = GraphBuilder("add_one")
    old = b.input("old", (1,), state)
    total = b.add("sum", old, b.input("entry", (size,), entry) if size == 1 else old)
    if size != 1:
        b.input("entry", (size,), entry)
    new_state = b.cast("new", total, new, Rounding.TRN, Overflow.SAT)
    return b.graph(new_state, new_state)


def graph(of: Graph | None = None, *, stacked: bool = False, steps: int = 3) -> Graph:
    b = GraphBuilder("g")
    x = b.input("x", (steps, 1), ENTRY)
    return b.graph(b.scan("total", [x], body() if of is None else of, stacked=stacked, origin="net.h5 > layer 'sum'"))


def test_a_running_sum_saturates_at_every_step() -> None:
    x = np.array([[[7], [7], [-8]]])
    wide = evaluate(graph(stacked=True), x)
    assert wide.outputs["total"].ravel().tolist() == [7, 14, 6]
    narrow = evaluate(graph(body(state=FixedType(5, 3), new=FixedType(5, 3)), steps=3), np.array([[[7], [7], [7]]]))
    assert narrow.outputs["total"].ravel().tolist() == [15]
    assert narrow.overflows == {"total": 1}


def test_the_loop_of_the_specification_is_this_one() -> None:
    example = SPEC.split("```\ntotal : ")[1].split("```")[0]
    head = "fasttrig-ir 1\ngraph g none\n\nx : (3, 1) fixed<4,2> = Input(channel_types=[])\n"
    whole = f"{head}total : {example}return total\n"
    read = parse_graph(whole)
    verify(read)
    assert print_graph(read) == whole
    assert read.op("total").n_steps == 3  # type: ignore[attr-defined]


FAULTS = {
    "another number of inputs": (lambda: replace(body(), outputs=body().outputs[:1]), "another number of inputs"),
    "a state that grows": (lambda: body(new=FixedType(7, 5)), "does not hold 'new'"),
    "a state on another grid": (lambda: body(new=FixedType(6, 3)), "does not hold 'new'"),
    "an entry too narrow": (lambda: body(entry=FixedType(3, 1)), "does not hold 'x'"),
    "an entry of another shape": (lambda: body(size=2), "do not fit the body"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_body_that_does_not_fit_is_refused(name: str) -> None:
    made, said = FAULTS[name]
    with pytest.raises(GraphError, match=said):
        graph(made())


def test_a_fault_inside_a_body_names_the_loop() -> None:
    good = graph()
    scan = good.op("total")
    assert isinstance(scan, Scan)
    broken = replace(scan.body, ops=(*scan.body.ops, scan.body.ops[-1]))
    with pytest.raises(GraphError, match="a value name is used twice") as caught:
        verify(replace(good, ops=(good.ops[0], replace(scan, body=broken))))
    assert caught.value.where == "op 'total' (net.h5 > layer 'sum') > op 'new'"


TEXT_FAULTS = {
    "no end": ("\n}", "", "cannot read this"),
    "no body": (" {", "", "the line ends too early"),
    "a value from outside": ("operand=sum", "operand=x", "unknown value"),
    "too deep": ("  return new, new\n", "LOOP {\n" * 9, "too many bodies inside each other"),
}


@pytest.mark.parametrize("name", TEXT_FAULTS)
def test_a_damaged_body_is_refused_with_its_line(name: str) -> None:
    old, new, said = TEXT_FAULTS[name]
    text = print_graph(graph())
    loop = next(line for line in text.splitlines() if "Scan(" in line).replace("[x]", "[]").removesuffix(" {")
    damaged = text.replace(old, new.replace("LOOP", loop), 1)
    assert damaged != text
    with pytest.raises(GraphError, match=said) as caught:
        parse_graph(damaged)
    assert "line " in caught.value.where


def test_facts_come_from_the_body() -> None:
    scan = graph(steps=5).op("total")
    assert isinstance(scan, Scan)
    assert scan.loses_bits and not scan.exact and scan.pins_operands
    assert scan.work == 5 * sum(op.work for op in scan.body.ops)
    assert [op.name for op in graph().all_ops] == ["x", "old", "entry", "sum", "new", "total"]


def test_the_type_of_a_sequence_stays() -> None:
    b = GraphBuilder("g")
    x = b.input("x", (3, 1), FixedType(8, 4))
    q = b.cast("q", x, ENTRY, Rounding.TRN, Overflow.SAT)
    made = b.graph(b.scan("total", [q], body()))
    with pytest.raises(InputError, match="a table or a loop was made for the type"):
        run_pipeline(made, [ApplyTypes({"q": NarrowedType(result=FixedType(2, 1))})])


def test_inlined_twice_the_bodies_have_names_of_their_own() -> None:
    b = GraphBuilder("both")
    x = b.input("x", (3, 1), ENTRY)
    for prefix in ("a_", "b_"):
        ops, _ = inlined(graph(), {"x": x}, prefix)
        b.ops.extend(ops)
    made = b.graph(*(op.result for op in b.ops[1:]))
    plain = without_loops(made)
    assert {"a_sum_step0", "b_sum_step2"} <= {op.name for op in plain.ops}
    raw = np.random.default_rng(1).integers(-8, 8, (20, 3, 1))
    found = evaluate(made, raw).outputs
    assert np.array_equal(found["a_total"], evaluate(graph(), raw).outputs["total"])
    assert np.array_equal(found["a_total"], found["b_total"])


def test_a_graph_without_loops_is_left_alone() -> None:
    plain = without_loops(graph())
    assert without_loops(plain) is plain
