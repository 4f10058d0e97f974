"""Hypothesis strategies: random types, random graphs of every op, inputs for them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder, exactly_typed
from fasttrig.ir.graph import Graph, Postprocessor
from fasttrig.ir.ops import Const, Forest, MatMul, Reduction, Value
from fasttrig.ir.ranges import infer_ranges

MAX_WIDTH = 150
"""Operands wider than this get no further arithmetic op, so that widths do not run away."""

roundings: SearchStrategy[Rounding] = st.sampled_from(Rounding)
overflows: SearchStrategy[Overflow] = st.sampled_from(Overflow)
origins = st.sampled_from(["", "jet.h5 > layer 'fc1'", 'a "quoted" \\ name from # elsewhere', "Gebäude\nµ"])


@st.composite
def fixed_types(draw: DrawFn, max_width: int = 9, signed: bool | None = None) -> FixedType:
    width = draw(st.integers(1, max_width))
    is_signed = draw(st.booleans()) if signed is None else signed
    return FixedType(width, draw(st.integers(-3, width + 3)), is_signed)


@st.composite
def constants(draw: DrawFn, name: str, shape: tuple[int, ...], fixed_type: FixedType | None = None) -> Const:
    kind = fixed_type or draw(fixed_types(7))
    seed = draw(st.integers(0, 2**20))
    raw = np.random.default_rng(seed).integers(kind.min_raw, kind.max_raw, shape, endpoint=True)
    return Const(name, kind, raw)


@st.composite
def graphs(draw: DrawFn, max_ops: int = 6, narrowed: bool = True) -> Graph:
    """A verified graph: one or two inputs, up to `max_ops` ops of any kind, one or two outputs."""
    builder = GraphBuilder(draw(st.sampled_from(["tiny", "jet_tagger", "G2"])))
    for index in range(draw(st.integers(1, 2))):
        _draw_input(draw, builder, f"x{index}")
    for index in range(draw(st.integers(1, max_ops))):
        made = [op.result for op in builder.ops if op.result.type.width <= MAX_WIDTH]
        kinds = _KINDS if narrowed else [kind for kind in _KINDS if kind is not _narrowed]
        draw(st.sampled_from(kinds))(draw, builder, f"v{index}", draw(st.sampled_from(made)))
    values = [op.result for op in builder.ops]
    outputs = dict.fromkeys([values[-1], *draw(st.lists(st.sampled_from(values), max_size=1))])
    graph = builder.graph(*outputs, postprocessor=draw(st.sampled_from(Postprocessor)))
    return replace(graph, link_scale=draw(st.fractions(min_value=Fraction(1, 1000), max_value=1000)))


@st.composite
def raw_inputs(draw: DrawFn, graph: Graph, max_events: int = 4) -> dict[str, Any]:
    """Raw integers inside every input's types: random ones and the corners."""
    n_events = draw(st.integers(1, max_events))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    return {op.name: random_raw(op, n_events, rng) for op in graph.inputs}


def random_raw(op: Any, n_events: int, rng: np.random.Generator) -> Any:
    """Integers of one input, shape (n_events, *shape); a third of the numbers are the ends of their type."""
    shape = (n_events, *op.result.shape)
    columns = []
    for kind in op.tensor_type.each:
        shift = op.result.type.fraction_bits - kind.fraction_bits
        numbers = rng.integers(kind.min_raw, kind.max_raw, n_events, endpoint=True)
        ends = rng.choice([kind.min_raw, kind.max_raw], n_events)
        columns.append(np.where(rng.random(n_events) < 0.33, ends, numbers) << shift)
    return np.stack(columns, axis=-1).reshape(shape)


def _draw_input(draw: DrawFn, builder: GraphBuilder, name: str) -> None:
    shape = draw(st.sampled_from([(1,), (3,), (2, 2), (3, 2), (4,)]))
    kind = draw(fixed_types())
    channels: tuple[FixedType, ...] = ()
    if draw(st.booleans()):
        n_types = draw(st.sampled_from([shape[-1], int(np.prod(shape))]))
        channels = tuple(_channel(draw, kind) for _ in range(n_types))
    builder.input(name, shape, kind, channel_types=channels, origin=draw(origins))


def _channel(draw: DrawFn, kind: FixedType) -> FixedType:
    """A type inside `kind`: fewer bits below, then fewer above."""
    below = draw(st.integers(0, kind.width - 1))
    above = draw(st.integers(0, kind.width - 1 - below))
    return FixedType(kind.width - below - above, kind.integer_bits - above, kind.signed)


def _matmul(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    n_out = draw(st.integers(1, 3))
    weight = draw(constants(f"{name}_w", (x.shape[-1], n_out)))
    builder.matmul(name, x, weight, draw(constants(f"{name}_b", (n_out,))), origin=draw(origins))


def _narrowed(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    n_out = draw(st.integers(1, 3))
    accum = draw(fixed_types(12))
    op = MatMul(
        result=Value(name, (*x.shape[:-1], n_out), accum),
        operand=x,
        narrowed=True,
        weight=draw(constants(f"{name}_w", (x.shape[-1], n_out))),
        bias=draw(constants(f"{name}_b", (n_out,))),
        accum_rounding=draw(roundings),
        accum_overflow=draw(overflows),
    )
    builder.ops.append(op)


def _scale(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    n = x.shape[-1]
    builder.scale(name, x, draw(constants(f"{name}_s", (n,))), draw(constants(f"{name}_o", (n,))))


def _cast(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    near = FixedType(draw(st.integers(1, 12)), x.type.integer_bits + draw(st.integers(-3, 3)), draw(st.booleans()))
    kind = draw(st.sampled_from([near, x.type, draw(fixed_types())]))
    builder.cast(name, x, kind, draw(roundings), draw(overflows), origin=draw(origins))


def _element_cast(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    n = draw(st.sampled_from([x.shape[-1], x.size]))
    types = draw(st.lists(fixed_types(6), min_size=n, max_size=n))
    builder.element_cast(name, x, types, draw(roundings), draw(overflows))


def _relu(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    limit = draw(st.none() | st.integers(-4, 200))
    builder.relu(name, x, limit_raw=limit, negative_shift=draw(st.none() | st.integers(0, 3)))


def _add(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    same = [op.result for op in builder.ops if op.result.shape == x.shape and op.result.type.width <= MAX_WIDTH]
    builder.add(name, x, draw(st.sampled_from(same)))


def _concat(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    fitting = [op.result for op in builder.ops if op.result.shape == x.shape and op.result.type.width <= MAX_WIDTH]
    parts = draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=3))
    builder.concat(name, (x, *parts), axis=draw(st.integers(0, len(x.shape) - 1)))


def _reshape(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    builder.reshape(name, x, draw(st.sampled_from([(x.size,), (1, x.size), (x.size, 1), x.shape[::-1]])))


def _narrow_operand(draw: DrawFn, builder: GraphBuilder, name: str, x: Value, max_width: int) -> Value:
    if x.type.width <= max_width:
        return x
    return builder.cast(f"{name}_index", x, draw(fixed_types(max_width)), draw(roundings), draw(overflows))


def _table(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    operand = _narrow_operand(draw, builder, name, x, 6)
    builder.table(name, operand, draw(constants(f"{name}_t", (2**operand.type.width,))), "sigmoid from #2")


def _softmax(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    index, inverse = draw(fixed_types(5, signed=False)), draw(fixed_types(5, signed=False))
    exp_type, inverse_type = draw(fixed_types(7, signed=False)), draw(fixed_types(7, signed=False))
    builder.softmax(
        name,
        x,
        draw(fixed_types()),
        index_type=index,
        inverse_index_type=inverse,
        exp_table=draw(constants(f"{name}_e", (2**index.width,), exp_type)),
        inverse_table=draw(constants(f"{name}_i", (2**inverse.width,), inverse_type)),
    )


def _argmax(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    builder.argmax(name, x)


def _same_shape(builder: GraphBuilder, x: Value, max_width: int = MAX_WIDTH) -> list[Value]:
    return [op.result for op in builder.ops if op.result.shape == x.shape and op.result.type.width <= max_width]


def _multiply(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    builder.multiply(name, x, draw(st.sampled_from(_same_shape(builder, x))))


def _reduce(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    builder.reduce(name, x, draw(st.integers(0, len(x.shape) - 1)), draw(st.sampled_from(Reduction)))


def _select(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    same = st.sampled_from(_same_shape(builder, x))
    condition = builder.compare(f"{name}_less", x, draw(same))
    builder.select(name, condition, draw(same), draw(same))


def _choice(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    """Indices of the greatest entries, and the entries of another tensor at these places."""
    best = builder.top_k(f"{name}_best", x, draw(st.integers(1, x.shape[-1])))
    made = [op.result for op in builder.ops if op.result.type.width <= MAX_WIDTH]
    builder.gather_by(name, draw(st.sampled_from(made)), best)


def _transpose(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    builder.transpose(name, x, tuple(draw(st.permutations(range(len(x.shape))))))


def _gather(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    axis = draw(st.integers(0, len(x.shape) - 1))
    index = draw(st.lists(st.integers(-1, x.shape[axis] - 1), min_size=1, max_size=4))
    builder.gather(name, x, axis, index, pad_raw=draw(st.integers(-9, 9)))


def _window(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    if len(x.shape) == 1:
        x = builder.reshape(f"{name}_column", x, (x.size, 1))
    spatial, rank = x.shape[:-1], len(x.shape) - 1
    dilation = [draw(st.integers(1, 2)) for _ in range(rank)]
    before, after = ([draw(st.integers(0, 1)) for _ in range(rank)] for _ in range(2))
    most = [(size + b + a - 1) // d + 1 for size, b, a, d in zip(spatial, before, after, dilation, strict=True)]
    kernel = [draw(st.integers(1, min(2, limit))) for limit in most]
    builder.window(
        name,
        x,
        tuple(kernel),
        stride=tuple(draw(st.integers(1, 2)) for _ in range(rank)),
        dilation=tuple(dilation),
        before=tuple(before),
        after=tuple(after),
        pad_raw=draw(st.integers(-9, 9)),
    )


def _scan(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    """A loop with up to two states that depend on the entry and on each other, or a map."""
    if len(x.shape) == 1:
        x = builder.reshape(f"{name}_column", x, (x.size, 1))
    body = GraphBuilder(f"{name}_step")
    n_states = draw(st.integers(0, 2))
    kinds = [draw(fixed_types(6)) for _ in range(n_states)]
    states = [body.input(f"{name}_old{i}", (2,), kind) for i, kind in enumerate(kinds)]
    entry = body.input(f"{name}_entry", x.shape[1:], x.type)
    flat = entry if len(entry.shape) == 1 else body.reshape(f"{name}_flat", entry, (entry.size,))
    bias = draw(constants(f"{name}_bias", (2,)))
    total = body.matmul(f"{name}_in", flat, draw(constants(f"{name}_kernel", (flat.size, 2))), bias)
    for i, state in enumerate(states):
        weight = draw(constants(f"{name}_recurrent{i}", (2, 2)))
        total = body.add(f"{name}_sum{i}", total, body.matmul(f"{name}_past{i}", state, weight, bias))
    made = [
        body.cast(f"{name}_new{i}", draw(st.sampled_from([total, *states])), kind, draw(roundings), draw(overflows))
        for i, kind in enumerate(kinds)
    ]
    output = draw(st.sampled_from([total, *made, *states]))
    builder.scan(name, [x], body.graph(*made, output), stacked=draw(st.booleans()), origin=draw(origins))


def _forest(draw: DrawFn, builder: GraphBuilder, name: str, x: Value) -> None:
    """Up to three trees on a flat tensor: children are any later split or any leaf, so that subtrees may be shared."""
    if len(x.shape) > 1:
        x = builder.reshape(f"{name}_flat", x, (x.size,))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    n_trees, n_nodes, n_outputs = draw(st.integers(1, 3)), draw(st.integers(0, 6)), draw(st.integers(1, 3))
    n_leaves, n_targets = n_nodes + n_trees, draw(st.integers(1, n_outputs))
    bits, span = draw(st.integers(-2, 6)), draw(st.sampled_from([1, 60]))
    low, high = max(x.type.min_raw, -(2**60)) - 1, min(x.type.max_raw, 2**60) + 1
    tables = {
        "tree_root": (rng.integers(0, n_nodes + n_leaves, n_trees), 0),
        "tree_output": (rng.integers(0, n_outputs - n_targets + 1, n_trees), 0),
        "feature": (rng.integers(0, x.size, n_nodes), 0),
        "threshold": (rng.integers(low, high, n_nodes, endpoint=True), x.type.fraction_bits),
        "left": (np.array([rng.integers(node + 1, n_nodes + n_leaves) for node in range(n_nodes)], dtype=int), 0),
        "right": (np.array([rng.integers(node + 1, n_nodes + n_leaves) for node in range(n_nodes)], dtype=int), 0),
        "leaf": (rng.integers(-span, span, (n_leaves, n_targets), endpoint=True), bits),
        "base_margin": (rng.integers(-span, span, n_outputs, endpoint=True), bits),
    }
    constants = {key: Const.covering(f"{name}_{key}", raw, grid) for key, (raw, grid) in tables.items()}
    draft = Forest(
        result=Value(name, (n_outputs,), FixedType(60, 60 - bits)), operand=x, origin=draw(origins), **constants
    )
    operand = infer_ranges(Graph("before", tuple(builder.ops), (x,)))[x]
    builder.ops.append(exactly_typed(draft, [operand]))


_KINDS = [
    _forest,
    _scan,
    _matmul,
    _matmul,
    _narrowed,
    _scale,
    _cast,
    _cast,
    _relu,
    _add,
    _concat,
    _reshape,
    _table,
    _softmax,
    _argmax,
    _element_cast,
    _multiply,
    _reduce,
    _select,
    _choice,
    _transpose,
    _gather,
    _window,
]
