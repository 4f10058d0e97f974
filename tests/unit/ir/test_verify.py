"""One malformed graph per rule; the error names the op, what is wrong, and the pass that left it so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import (
    Add,
    ArgMax,
    Cast,
    Concat,
    Const,
    Input,
    MatMul,
    Op,
    Relu,
    Reshape,
    Scale,
    Softmax,
    Table,
    Value,
)
from fasttrig.ir.verify import verify

T = FixedType(4, 2)
X = Value("x", (2,), T)
M = Value("m", (2, 2), T)
SOURCES = (Input(result=X), Input(result=M))
MODES = {"rounding": Rounding.TRN, "overflow": Overflow.SAT}


def const(name: str, *shape: int) -> Const:
    return Const(name, FixedType(2, 1), np.ones(shape, dtype=np.int64))


def y(width: int, integer_bits: int, *shape: int, signed: bool = True) -> Value:
    return Value("y", shape, FixedType(width, integer_bits, signed))


WEIGHT, BIAS = const("w", 2, 3), const("b", 3)
SUM = MatMul(result=y(6, 3, 3), operand=X, weight=WEIGHT, bias=BIAS)
TABLE = const("t", 16)
SOFT = Softmax(
    result=y(4, 2, 2),
    operand=X,
    index_type=FixedType(2, 2, False),
    exp_table=const("e", 4),
    inverse_index_type=FixedType(2, 2, False),
    inverse_table=const("i", 4),
)
GOOD: dict[str, Op] = {
    "MatMul": SUM,
    "Scale": Scale(result=y(6, 3, 2), operand=X, scale=const("s", 2), offset=const("o", 2)),
    "Cast": Cast(result=y(3, 1, 2), operand=X, **MODES),
    "Relu": Relu(result=y(3, 1, 2, signed=False), operand=X),
    "Add": Add(result=y(5, 3, 2), left=X, right=X),
    "Concat": Concat(result=y(4, 2, 4), parts=(X, X), axis=0),
    "Reshape": Reshape(result=y(4, 2, 1, 2), operand=X),
    "Table": Table(result=y(2, 1, 2), operand=X, table=TABLE, function="f"),
    "Softmax": SOFT,
    "ArgMax": ArgMax(result=y(1, 1, 1, signed=False), operand=X),
}
BAD: dict[str, tuple[Op, str]] = {
    "shape": (replace(SUM, result=y(6, 3, 4)), "result shape of MatMul does not follow from its operand"),
    "grid": (replace(SUM, result=y(6, 4, 3)), "result type of MatMul does not follow from its operand"),
    "narrow sum": (replace(SUM, result=y(5, 2, 3)), "an accumulator is too narrow for its sum"),
    "weight shape": (replace(SUM, weight=const("w", 3, 3)), "weight and bias do not fit"),
    "weight rank": (replace(SUM, weight=const("w", 2)), "weight and bias do not fit"),
    "bias shape": (replace(SUM, bias=const("b", 2)), "weight and bias do not fit"),
    "bias of no axis": (replace(SUM, bias=const("b")), "weight and bias do not fit"),
    "scale shape": (replace(GOOD["Scale"], scale=const("s", 3)), "scale and offset do not fit"),
    "offset shape": (replace(GOOD["Scale"], offset=const("o", 1)), "scale and offset do not fit"),
    "scale range": (replace(GOOD["Scale"], result=y(4, 1, 2)), "result type of Scale does not hold its range"),
    "cast shape": (replace(GOOD["Cast"], result=y(3, 1, 3)), "result shape of Cast"),
    "relu range": (replace(GOOD["Relu"], result=y(2, 0, 2, signed=False)), "does not hold its range"),
    "relu slope": (replace(GOOD["Relu"], negative_shift=-1), "a leaky slope above one"),
    "relu shift": (replace(GOOD["Relu"], negative_shift=10**9), "a leaky slope above one"),
    "add shapes": (Add(result=y(5, 3, 2), left=X, right=M), "operands of Add differ in shape"),
    "add range": (replace(GOOD["Add"], result=y(4, 2, 2)), "does not hold its range"),
    "concat parts": (replace(GOOD["Concat"], parts=(X, M)), "parts of Concat do not fit together"),
    "concat axis": (replace(GOOD["Concat"], axis=1), "Concat has no such axis"),
    "concat below": (replace(GOOD["Concat"], axis=-1), "Concat has no such axis"),
    "concat nothing": (replace(GOOD["Concat"], parts=()), "Concat has no such axis"),
    "reshape size": (replace(GOOD["Reshape"], result=y(4, 2, 3)), "Reshape changes the number of elements"),
    "reshape type": (replace(GOOD["Reshape"], result=y(5, 3, 1, 2)), "Reshape changes the type"),
    "table size": (replace(GOOD["Table"], table=const("t", 8)), "the table does not cover its operand's type"),
    "table range": (replace(GOOD["Table"], result=y(1, 0, 2)), "does not hold its range"),
    "softmax table": (replace(SOFT, exp_table=const("e", 8)), "table 'e' does not cover its index"),
    "softmax index": (replace(SOFT, inverse_index_type=FixedType(2, 2)), "table 'i' does not cover its index"),
    "argmax grid": (replace(GOOD["ArgMax"], result=y(2, 1, 1, signed=False)), "does not follow from its operand"),
    "argmax shape": (replace(GOOD["ArgMax"], result=y(1, 1, 2, signed=False)), "result shape of ArgMax"),
    "empty axis": (Input(result=y(4, 2, 2, 0)), "a shape that no firmware has"),
    "no axis": (Input(result=y(4, 2)), "a shape that no firmware has"),
    "channel count": (Input(result=y(4, 2, 2), channel_types=(T,)), "one type per entry of the last axis"),
    "channel grid": (
        Input(result=y(4, 2, 1), channel_types=(FixedType(4, 1),)),
        "grid of an element is finer",
    ),
    "channel range": (Input(result=y(4, 2, 1), channel_types=(FixedType(5, 3),)), "does not hold its range"),
    "operand unknown": (Relu(result=y(3, 1, 2), operand=replace(X, name="z")), "is not made before it is used"),
    "operand retyped": (Relu(result=y(3, 1, 2), operand=replace(X, type=FixedType(5, 3))), "is not made before"),
    "name twice": (replace(GOOD["Relu"], result=replace(GOOD["Relu"].result, name="x")), "a value name is used twice"),
    "bad name": (
        replace(GOOD["Relu"], result=replace(GOOD["Relu"].result, name="a b")),
        "invalid name for the text form",
    ),
    "bad constant": (replace(SUM, bias=const("b b", 3)), "invalid name for the text form"),
    "constants": (replace(SUM, weight=const("b", 2, 3)), "two constants share a name"),
}


def graph_of(op: Op) -> Graph:
    return Graph("g", (*SOURCES, op), (op.result,))


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_op_of_each_kind_passes(kind: str) -> None:
    assert GOOD[kind].result in verify(graph_of(GOOD[kind]))


@pytest.mark.parametrize("fault", BAD)
def test_each_fault_is_found_and_the_pass_named(fault: str) -> None:
    op, message = BAD[fault]
    with pytest.raises(GraphError) as caught:
        verify(graph_of(op), after="pass narrow-types")
    assert message in caught.value.what
    assert caught.value.what.endswith("   (after pass narrow-types)")
    assert caught.value.where


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (Graph("g", SOURCES, ()), "at least one input and one output"),
        (Graph("g", SOURCES, (Value("nothing", (2,), T),)), "no op produces this output"),
        (Graph("two words", SOURCES, (X,)), "invalid name for the text form"),
        (Graph("g", (), ()), "at least one input and one output"),
    ],
)
def test_faults_of_the_graph_itself(graph: Graph, message: str) -> None:
    with pytest.raises(GraphError, match=message) as caught:
        verify(graph, after="pass x")
    assert caught.value.what.endswith("(after pass x)")


def test_the_whole_message() -> None:
    op = replace(SUM, result=y(5, 2, 3), origin="jet.h5 > layer 'fc1'")
    with pytest.raises(GraphError) as caught:
        verify(graph_of(op), after="pass narrow-types")
    assert str(caught.value) == (
        "an accumulator is too narrow for its sum   (after pass narrow-types)\n"
        "  where: op 'y' (jet.h5 > layer 'fc1')\n"
        "  got:   fixed<5,2>\n"
        "  want:  at least fixed<6,3>"
    )
