"""Text in, text out: a small graph, the pass, the graph expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from fasttrig.base.errors import GraphError, InputError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph
from fasttrig.ir.text import parse_graph, print_graph
from fasttrig.passes.apply_types import ApplyTypes
from fasttrig.passes.base import Pass, run_pipeline
from fasttrig.passes.merge_casts import MergeCasts
from fasttrig.passes.narrow_types import NarrowTypes
from fasttrig.passes.pipeline import DEFAULT, compile_graph
from fasttrig.passes.remove_dead_ops import RemoveDeadOps
from fasttrig.passes.remove_identity_casts import RemoveIdentityCasts

X = "x : (2) fixed<4,2> = Input(channel_types=[])"
W = """const @w : (2, 1) fixed<3,1>
  1
  -2

const @b : (1) fixed<2,0>
  1
"""
FC = "narrowed=false, accum_rounding=TRN, accum_overflow=WRAP)"


def graph_of(body: str, constants: str = "") -> Graph:
    head = f"fasttrig-ir 1\ngraph g none\n\n{constants}\n" if constants else "fasttrig-ir 1\ngraph g none\n\n"
    return parse_graph(head + body.strip() + "\n")


def body_of(graph: Graph) -> str:
    """The lines of the ops and what is returned."""
    lines = print_graph(graph).splitlines()
    start = next(index for index, line in enumerate(lines) if " = " in line)
    return "\n".join(lines[start:])


def constants_of(graph: Graph) -> dict[str, tuple[str, list[int]]]:
    return {const.name: (str(const.type), const.raw.ravel().tolist()) for const in graph.constants}


GOLDEN: dict[str, tuple[Pass, str, str, str]] = {
    "narrow-types: sums and what follows, not casts": (
        NarrowTypes(),
        W,
        f"""{X}
y : (1) fixed<20,16> = MatMul(operand=x, weight=@w, bias=@b, {FC} from "fc1"
r : (1) fixed<25,21> = Relu(operand=y, limit_raw=none, negative_shift=none)
q : (1) ufixed<9,7> = Cast(operand=r, rounding=RND_CONV, overflow=SAT)
s : (1) fixed<30,28> = Add(left=q, right=q)
return s""",
        f"""{X}
y : (1) fixed<6,2> = MatMul(operand=x, weight=@w, bias=@b, {FC} from "fc1"
r : (1) ufixed<5,1> = Relu(operand=y, limit_raw=none, negative_shift=none)
q : (1) ufixed<9,7> = Cast(operand=r, rounding=RND_CONV, overflow=SAT)
s : (1) ufixed<4,2> = Add(left=q, right=q)
return s""",
    ),
    "narrow-types: a table's operand stays, a reshape follows": (
        NarrowTypes(),
        "const @t : (8) ufixed<2,2>\n  0 1 2 3 0 1 2 3\n",
        """x : (2) ufixed<1,1> = Input(channel_types=[])
r : (2) fixed<3,3> = Relu(operand=x, limit_raw=none, negative_shift=none)
t : (2) ufixed<2,2> = Table(operand=r, table=@t, function="f")
s : (2) fixed<9,9> = Add(left=x, right=x)
f : (1, 2) fixed<9,9> = Reshape(operand=s)
return t, f""",
        """x : (2) ufixed<1,1> = Input(channel_types=[])
r : (2) fixed<3,3> = Relu(operand=x, limit_raw=none, negative_shift=none)
t : (2) ufixed<2,2> = Table(operand=r, table=@t, function="f")
s : (2) ufixed<2,2> = Add(left=x, right=x)
f : (1, 2) ufixed<2,2> = Reshape(operand=s)
return t, f""",
    ),
    "narrow-types: a narrowed accumulator is the user's": (
        NarrowTypes(),
        W,
        f"""{X}
y : (1) fixed<20,16> = MatMul(operand=x, weight=@w, bias=@b, {FC.replace("false", "true")}
return y""",
        f"""{X}
y : (1) fixed<20,16> = MatMul(operand=x, weight=@w, bias=@b, {FC.replace("false", "true")}
return y""",
    ),
    "remove-dead-ops: inputs stay": (
        RemoveDeadOps(),
        "",
        f"""{X}
u : (2) fixed<4,2> = Input(channel_types=[])
a : (2) fixed<5,3> = Add(left=u, right=u)
b : (2) fixed<6,4> = Add(left=a, right=a)
c : (2) fixed<5,3> = Add(left=x, right=x)
return c""",
        f"""{X}
u : (2) fixed<4,2> = Input(channel_types=[])
c : (2) fixed<5,3> = Add(left=x, right=x)
return c""",
    ),
    "remove-identity-casts: the same type, unless it is an output": (
        RemoveIdentityCasts(),
        "",
        f"""{X}
a : (2) fixed<4,2> = Cast(operand=x, rounding=TRN, overflow=WRAP)
b : (2) fixed<5,3> = Cast(operand=a, rounding=TRN, overflow=WRAP)
c : (2) fixed<4,2> = Cast(operand=x, rounding=TRN, overflow=SAT_SYM)
d : (2) fixed<6,4> = Add(left=b, right=c)
e : (2) fixed<6,4> = Cast(operand=d, rounding=TRN, overflow=SAT)
return e""",
        f"""{X}
b : (2) fixed<5,3> = Cast(operand=x, rounding=TRN, overflow=WRAP)
c : (2) fixed<4,2> = Cast(operand=x, rounding=TRN, overflow=SAT_SYM)
d : (2) fixed<6,4> = Add(left=b, right=c)
e : (2) fixed<6,4> = Cast(operand=d, rounding=TRN, overflow=SAT)
return e""",
    ),
    "merge-casts: only past a cast that keeps every number": (
        MergeCasts(),
        "",
        f"""{X}
a : (2) fixed<7,4> = Cast(operand=x, rounding=TRN, overflow=WRAP)
b : (2) fixed<3,2> = Cast(operand=a, rounding=RND, overflow=SAT)
c : (2) fixed<2,2> = Cast(operand=b, rounding=RND, overflow=SAT)
return b, c""",
        f"""{X}
a : (2) fixed<7,4> = Cast(operand=x, rounding=TRN, overflow=WRAP)
b : (2) fixed<3,2> = Cast(operand=x, rounding=RND, overflow=SAT)
c : (2) fixed<2,2> = Cast(operand=b, rounding=RND, overflow=SAT)
return b, c""",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_pass(name: str) -> None:
    step, constants, before, after = GOLDEN[name]
    assert body_of(run_pipeline(graph_of(before, constants), [step])) == after


@dataclass(frozen=True)
class Choice:
    accum: FixedType | None = None
    result: FixedType | None = None
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP


NETWORK = f"""{X}
y : (1) fixed<6,2> = MatMul(operand=x, weight=@w, bias=@b, {FC}
r : (1) ufixed<5,1> = Relu(operand=y, limit_raw=24, negative_shift=none)
a : (1) fixed<7,3> = Add(left=y, right=r)
return a"""


def test_apply_types_narrows_the_accumulator_and_retypes_what_follows() -> None:
    choices = {"y": Choice(accum=FixedType(4, 3), rounding=Rounding.RND, overflow=Overflow.SAT)}
    graph = graph_of(NETWORK.replace("limit_raw=24", "limit_raw=8").replace("ufixed<5,1>", "ufixed<4,0>"), W)
    assert (
        body_of(run_pipeline(graph, [ApplyTypes(choices)]))
        == f"""{X}
y : (1) fixed<4,3> = MatMul(operand=x, weight=@w, bias=@b, narrowed=true, accum_rounding=RND, accum_overflow=SAT)
r : (1) ufixed<1,0> = Relu(operand=y, limit_raw=1, negative_shift=none)
a : (1) fixed<5,4> = Add(left=y, right=r)
return a"""
    )


def test_apply_types_puts_a_cast_behind_an_op_and_keeps_its_name() -> None:
    choices = {"r": Choice(result=FixedType(3, 1, signed=False)), "a": Choice(result=FixedType(3, 2))}
    assert (
        body_of(run_pipeline(graph_of(NETWORK, W), [ApplyTypes(choices)]))
        == f"""{X}
y : (1) fixed<6,2> = MatMul(operand=x, weight=@w, bias=@b, {FC}
r_exact : (1) ufixed<5,1> = Relu(operand=y, limit_raw=24, negative_shift=none)
r : (1) ufixed<3,1> = Cast(operand=r_exact, rounding=TRN, overflow=WRAP)
a_exact : (1) fixed<7,3> = Add(left=y, right=r)
a : (1) fixed<3,2> = Cast(operand=a_exact, rounding=TRN, overflow=WRAP)
return a"""
    )


def test_apply_types_counts_the_overflows_it_makes() -> None:
    choices = {"y": Choice(accum=FixedType(5, 1), overflow=Overflow.WRAP)}
    made = compile_graph(graph_of(NETWORK, W), choices)
    run = evaluate(made, np.array([[7, -8], [0, 0], [-8, 7]]))
    # At 4 fraction bits the sums are 7 + 16 + 4 = 27, 4 and -8 - 14 + 4 = -18: two of three leave [-16, 15].
    assert run.overflows == {"y": 2}


TABLE = """x : (2) ufixed<2,2> = Input(channel_types=[])
q : (2) ufixed<3,3> = Cast(operand=x, rounding=TRN, overflow=SAT)
t : (2) ufixed<2,2> = Table(operand=q, table=@t, function="f")
return t"""


@pytest.mark.parametrize(
    ("body", "name", "choice", "message"),
    [
        (NETWORK, "yy", Choice(accum=FixedType(4, 2)), "did you mean 'y'"),
        (NETWORK, "r", Choice(accum=FixedType(4, 2)), "only a matrix product has an accumulator"),
        (NETWORK, "x", Choice(result=FixedType(4, 2)), "an input's type is the interface"),
        (NETWORK, "y", Choice(accum=FixedType(4, 3)), "the limit of a Relu is not a multiple"),
        (TABLE, "q", Choice(result=FixedType(2, 2, False)), "a table or a loop was made for the type"),
    ],
)
def test_apply_types_refuses(body: str, name: str, choice: Choice, message: str) -> None:
    constants = W if body == NETWORK else "const @t : (8) ufixed<2,2>\n  0 1 2 3 0 1 2 3\n"
    graph = graph_of(body.replace("limit_raw=24", "limit_raw=23"), constants)
    with pytest.raises(InputError) as caught:
        run_pipeline(graph, [ApplyTypes({name: choice})])
    assert message in str(caught.value)


def test_compile_graph_without_types_runs_the_default_passes() -> None:
    graph = graph_of(NETWORK, W)
    assert compile_graph(graph) == compile_graph(graph, {}) == run_pipeline(graph, DEFAULT)


class BreaksTypes(Pass):
    name = "breaks-types"

    def run(self, graph: Graph) -> Graph:
        text = print_graph(graph).replace("y : (1) fixed<6,2>", "y : (1) fixed<5,1>")
        return parse_graph(text)


class Picky(Pass):
    name = "picky"

    def requires(self, graph: Graph) -> None:
        raise GraphError("not for me")

    def run(self, graph: Graph) -> Graph:
        raise AssertionError("requires comes first")


class Forgets(NarrowTypes):
    def run(self, graph: Graph) -> Graph:
        return parse_graph(print_graph(graph).replace("q : (2) fixed<3,2>", "q : (2) fixed<4,2>"))


def test_the_error_names_the_pass_that_broke_the_graph() -> None:
    graph = graph_of(NETWORK, W)
    with pytest.raises(GraphError, match=r"too narrow for its sum   \(after pass breaks-types\)"):
        run_pipeline(graph, [RemoveDeadOps(), BreaksTypes(), NarrowTypes()])
    with pytest.raises(GraphError, match="not for me"):
        run_pipeline(graph, [Picky()])


def test_what_a_pass_ensures_is_checked() -> None:
    body = f"{X}\nq : (2) fixed<3,2> = Cast(operand=x, rounding=TRN, overflow=SAT)\nreturn q"
    with pytest.raises(GraphError, match=r"a grid changed   \(after pass narrow-types\)"):
        run_pipeline(graph_of(body), [Forgets()])
