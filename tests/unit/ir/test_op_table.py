"""Tables keyed by op class."""

import pytest

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.op_table import OpTable
from fasttrig.ir.ops import Cast, Input, Op, Value

TYPE = FixedType(8, 4, signed=True)
INPUT = Input(result=Value("x", (2,), TYPE))
CAST = Cast(result=Value("y", (2,), TYPE), operand=INPUT.result, rounding=Rounding.TRN, overflow=Overflow.WRAP)


def table() -> OpTable[[int], str]:
    made: OpTable[[int], str] = OpTable("examples")

    @made.row(Cast)
    def _cast(op: Cast, number: int) -> str:
        return f"{op.rounding.value} {number}"

    return made


def test_runs_the_row_of_the_class():
    assert table()(CAST, 3) == "TRN 3"
    assert CAST in table() and INPUT not in table()


def test_names_the_op_without_a_row():
    table().complete([Cast])
    with pytest.raises(GraphError, match="the table of examples has no row for Input"):
        table().complete([Input, Cast])


def test_refuses_a_second_row():
    def again(op: Op, number: int) -> str:
        return ""

    with pytest.raises(GraphError, match="the table of examples has two rows for Cast"):
        table().row(Cast)(again)
