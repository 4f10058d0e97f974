"""The text form: what is printed parses back; what is no graph is refused with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import fasttrig.ir
from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.text import parse_graph, print_graph, print_op
from fasttrig.ir.verify import verify
from tests.strategies import graphs

MANY = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
SPEC = Path(fasttrig.ir.__file__).with_name("SPEC.md").read_text()
TINY = next(block for block in re.findall(r"```\n(.*?)```", SPEC, re.DOTALL) if block.startswith("fasttrig-ir"))


@MANY
@given(graphs())
def test_print_then_parse_gives_the_same_graph(graph: Graph) -> None:
    text = print_graph(graph)
    assert parse_graph(text) == graph
    assert print_graph(parse_graph(text)) == text


def test_the_example_of_the_specification_is_a_graph() -> None:
    graph = parse_graph(TINY)
    verify(graph)
    assert print_graph(graph) == TINY
    assert graph.op("fc1").origin == "tiny.h5 > layer 'fc1'"


def test_comments_blank_lines_and_carriage_returns_are_skipped() -> None:
    noisy = TINY.replace("  1\n  -2\n", "  1 # first\n\n # second\n\t-2\r\n")
    assert parse_graph(noisy) == parse_graph(TINY)


def test_values_may_be_called_like_keywords() -> None:
    builder = GraphBuilder("graph")
    x = builder.input("const", (1,), FixedType(4, 2))
    graph = builder.graph(builder.add("return", x, builder.relu("none", x)))
    assert parse_graph(print_graph(graph)) == graph


def test_one_op_prints_without_its_origin() -> None:
    op = parse_graph(TINY).op("fc1")
    assert print_op(op) == TINY.splitlines()[-2].partition(" from ")[0]


FAULTS = {
    "another version": ("fasttrig-ir 1", "fasttrig-ir 2", "not a graph of this version", 1),
    "no version": ("fasttrig-ir 1\n", "", "not a graph of this version", 1),
    "unknown postprocessor": ("tiny none", "tiny softmaxx", "did you mean 'softmax'", 2),
    "link scale of zero": ("tiny none", "tiny none(0, 1)", "not the scale of a link", 2),
    "link scale of one number": ("tiny none", "tiny none(2)", "not the scale of a link", 2),
    "rest of a line": ("tiny none", "tiny none none", "rest of the line", 2),
    "type without bits": ("fixed<3,1>", "fixed<0,1>", "at least one bit", 4),
    "type far too wide": ("fixed<3,1>", "fixed<999999999,1>", "too wide", 4),
    "type with too many digits": ("fixed<3,1>", f"fixed<{'9' * 5000},1>", "cannot read this", 4),
    "constant outside its type": ("  -2", "  -5", "does not fit its type", 6),
    "constant beyond 64 bits": ("  -2", "  -99999999999999999999", "does not fit its type", 6),
    "endless number": ("  -2", "  " + "9" * 5000, "not an integer", 6),
    "no number": ("  -2", "  x", "not an integer", 6),
    "too many numbers": ("  -2", "  -2 1", "too many raw integers", 6),
    "constant of a huge shape": ("(2, 1) fixed<3,1>", "(99999999, 99999999, 99999999) fixed<3,1>", "not an integer", 8),
    "constant of a negative shape": ("(2, 1) fixed<3,1>", "(-2, 1) fixed<3,1>", "not a size", 4),
    "constant twice": ("const @fc1_bias", "const @fc1_weight", "a name is used twice", 8),
    "value twice": ("fc1 : (1)", "x : (1)", "a name is used twice", 12),
    "unknown op": ("MatMul", "MatMull", "did you mean 'MatMul'", 12),
    "unknown field": ("narrowed", "narowed", "did you mean 'narrowed'", 12),
    "field twice": ("narrowed=false", "operand=x", "a name is used twice", 12),
    "field missing": (", narrowed=false", "", "a field is missing", 12),
    "unknown value": ("operand=x", "operand=y", "unknown value", 12),
    "unknown constant": ("@fc1_bias,", "@fc1_bia,", "did you mean 'fc1_bias'", 12),
    "constant for a value": ("operand=x", "operand=@fc1_bias", "unknown value", 12),
    "value for a constant": ("bias=@fc1_bias", "bias=x", "unknown constant", 12),
    "number for a flag": ("narrowed=false", "narrowed=1", "not true or false", 12),
    "unknown rounding": ("accum_rounding=TRN", "accum_rounding=RNDD", "did you mean 'RND'", 12),
    "overflow for rounding": ("accum_rounding=TRN", "accum_rounding=WRAP", "unknown rounding", 12),
    "deep nesting": ("channel_types=[]", f"channel_types={'[' * 9999}", "not a fixed-point type", 11),
    "bad string": ('"tiny', '"\\q tiny', "not a string", 12),
    "open string": ("layer 'fc1'\"", "layer 'fc1'", "cannot read this", 12),
    "no output": ("return fc1", "return", "the line ends too early", 13),
    "unknown output": ("return fc1", "return fc2", "did you mean 'fc1'", 13),
    "no return": ("return fc1\n", "", "the text ends too early", 13),
    "text after the end": ("return fc1\n", "return fc1\nreturn fc1\n", "text after the end", 14),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_refused_with_their_line(fault: str) -> None:
    old, new, message, line = FAULTS[fault]
    assert TINY.count(old) >= 1
    with pytest.raises(GraphError) as caught:
        parse_graph(TINY.replace(old, new, 1))
    assert message in str(caught.value)
    assert f"line {line}" in caught.value.where


TOKENS = re.findall(r"\s+|[\w.@/-]+|.", TINY) + [
    "(99999999, 99999999)",
    "fixed<9999,-9999>",
    "ufixed<1,1>",
    "[",
    "]",
    "none",
    "-1",
    "Concat",
    "Reshape",
    "axis=7",
    "Table",
    "Softmax",
    "operand",
    '"',
    "#",
    "\n",
    "\x00",
    "é",
    "9" * 30,
    "Relu",
    "limit_raw=none",
    "ArgMax",
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """The example with a few tokens dropped, doubled or replaced."""
    tokens = re.findall(r"\s+|[\w.@/-]+|.", TINY)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(tokens) - 1))
        tokens[place] = draw(st.sampled_from(["", tokens[place] * 2, *TOKENS]))
    return "".join(tokens)


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@example("")
@example("\x00")
@example(TINY[:-4])
@given(damaged() | st.text(max_size=200))
def test_damaged_text_is_a_graph_or_a_graph_error(text: str) -> None:
    try:
        graph = parse_graph(text)
    except GraphError as error:
        assert error.where.startswith("graph text, line ")
        return
    try:
        verify(graph)
    except GraphError:
        return
    assert parse_graph(print_graph(graph)) == graph


@pytest.mark.parametrize(
    "line",
    [
        "x : (99999999, 99999999) fixed<4,2> = Input(channel_types=[])",
        "x : (4, 0) fixed<4,2> = Input(channel_types=[])",
        "x : () fixed<4,2> = Input(channel_types=[])",
    ],
)
def test_shapes_that_no_memory_holds_are_refused_before_they_are_filled(line: str) -> None:
    graph = parse_graph(f"fasttrig-ir 1\ngraph g none\n{line}\nreturn x\n")
    with pytest.raises(GraphError, match="a shape that no firmware has"):
        verify(graph)
