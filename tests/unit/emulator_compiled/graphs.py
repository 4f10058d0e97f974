"""Graphs for the compiled emulator: many branches in one graph, so that one compile covers many kernels and shapes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.forest import partial_sum_bounds
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Forest, Input, MatMul, Op, Reduction, Value
from fasttrig.ir.verify import verify

SIX_BITS = FixedType(6, 1)
MODES = tuple(itertools.product(Rounding, Overflow))


def const(rng: np.random.Generator, name: str, shape: tuple[int, ...], kind: FixedType, zeros: float = 0.0) -> Const:
    """Random raw integers over the whole range of `kind`, the ends among them; a share of zeros."""
    raw = rng.integers(kind.min_raw, kind.max_raw, shape, endpoint=True)
    ends = rng.choice([kind.min_raw, kind.max_raw], shape)
    raw = np.where(rng.random(shape) < 0.1, ends, raw)
    return Const(name, kind, np.where(rng.random(shape) < zeros, 0, raw))


def layer(
    b: GraphBuilder,
    rng: np.random.Generator,
    name: str,
    x: Value,
    n_out: int,
    *,
    weight: FixedType = SIX_BITS,
    bias: FixedType = SIX_BITS,
    zeros: float = 0.0,
) -> Value:
    w = const(rng, f"{name}_w", (x.shape[-1], n_out), weight, zeros)
    return b.matmul(name, x, w, const(rng, f"{name}_b", (n_out,), bias), origin=f"net.h5 > layer '{name}'")


def jet_network(sizes: tuple[int, ...] = (16, 64, 32, 32, 5), name: str = "jet_mlp", zeros: float = 0.0) -> Graph:
    """The usual tagger: 6-bit weights, ufixed<6,2> activations, fixed<10,3> inputs."""
    rng = np.random.default_rng(1)
    b = GraphBuilder(name)
    x = b.input("x", (sizes[0],), FixedType(10, 3))
    for index, n_out in enumerate(sizes[1:], start=1):
        x = layer(b, rng, f"fc{index}", x, n_out, zeros=zeros)
        if index < len(sizes) - 1:
            x = b.relu(f"relu{index}", x)
            x = b.cast(f"act{index}", x, FixedType(6, 2, False), Rounding.RND_CONV, Overflow.SAT)
    return b.graph(x)


def dense_shapes(seed: int, n_layers: int = 16) -> Graph:
    """Dense layers of odd sizes on bytes, on offset bytes and on 16 bits, full and sparse, one behind the other."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("shapes")
    outputs = []
    kinds = list(itertools.product((1, 6, 8, 16), (True, False), (0.0, 0.9)))
    for number, (width, signed, zeros) in enumerate(kinds[:: len(kinds) // n_layers]):
        n_in, n_middle, n_out = (int(n) for n in rng.integers(1, 23, 3))
        x = b.input(f"x{number}", (n_in,), FixedType(width, width, signed))
        wide = FixedType(8 if width <= 8 else 12, 3)
        y = layer(b, rng, f"first{number}", x, n_middle, weight=wide, zeros=zeros)
        rounding, overflow = MODES[int(rng.integers(len(MODES)))]
        kind = FixedType(min(width, 14), int(rng.integers(1, 5)), signed)
        y = b.cast(f"cast{number}", y, kind, rounding, overflow)
        outputs.append(layer(b, rng, f"second{number}", y, n_out, weight=wide, zeros=zeros))
    return b.graph(*outputs)


def epilogues(seed: int) -> Graph:
    """Every rounding with every overflow behind a dense layer; relus or none, packed or plain results."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("epilogues")
    x = b.input("x", (5,), FixedType(7, 3))
    outputs = []
    for number, (rounding, overflow) in enumerate(MODES):
        y = layer(b, rng, f"d{number}", x, 3)
        if number % 3 == 0:
            y = b.relu(f"r{number}", y, limit_raw=int(rng.integers(-300, 900)) if number % 2 else None)
        kind = FixedType(int(rng.integers(1, 9)), int(rng.integers(-1, 4)), bool(rng.integers(2)))
        y = b.cast(f"c{number}", y, kind, rounding, overflow)
        if number % 4 == 0:
            y = b.relu(f"s{number}", y, limit_raw=kind.max_raw // 2 + 1)
        outputs.append(layer(b, rng, f"e{number}", y, 2) if number % 2 else y)
    return b.graph(*outputs)


def extremes() -> Graph:
    """Sums that come as close to the ends of 16, 32 and 64 bits as a proof allows, and products at their widest."""
    b = GraphBuilder("extremes")
    outputs = []
    rows = (
        (8, 8, 64, False),
        (8, 8, 130, False),
        (16, 16, 2, True),
        (16, 16, 1, True),
        (16, 15, 3, True),
        (31, 31, 2, True),
        (32, 30, 1, True),
        (40, 60, 3, True),
        (8, 8, 64, True),
        (9, 7, 5, False),
        (9, 8, 5, True),
    )
    for number, (x_width, w_width, n, signed) in enumerate(rows):
        x = b.input(f"x{number}", (n,), FixedType(x_width, x_width, signed))
        kind = FixedType(w_width, w_width)
        raw = np.full((n, 3), kind.min_raw)
        raw[:, 1], raw[::2, 2] = kind.max_raw, kind.max_raw
        y = b.matmul(f"y{number}", x, Const(f"w{number}", kind, raw), Const(f"b{number}", FixedType(2, 2), np.zeros(3)))
        for mode, (rounding, overflow) in enumerate(zip(Rounding, itertools.cycle(Overflow), strict=False)):
            target = FixedType(x_width, y.type.integer_bits - mode, bool(mode % 2))
            outputs.append(b.cast(f"c{number}_{mode}", y, target, rounding, overflow))
    x = b.input("close", (2,), FixedType(16, 16))  # a sum that fits 32 bits, and no more once half of 2^20 is added
    y = b.matmul(
        "closer",
        x,
        Const("w_close", FixedType(16, 16), np.array([[32767], [32760]])),
        Const("b_close", FixedType(20, 20), np.array([200_000])),
    )
    outputs.append(b.cast("closest", y, FixedType(14, 34), Rounding.RND, Overflow.SAT))
    return b.graph(*outputs)


def other_ops(seed: int) -> Graph:
    """A branch for each op that is no dense layer, rank two included, beside an input that nothing reads."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("other_ops")
    x = b.input("x", (3, 4), FixedType(9, 4), channel_types=tuple(FixedType(w, 3) for w in (5, 6, 7, 8)))
    u = b.input("int", (3, 4), FixedType(5, 3, False))  # a name that C++ keeps for itself
    b.input("unread", (2,), FixedType(4, 4))
    leaky = b.relu("leaky", x, negative_shift=3)
    limited = b.relu("limited", leaky, limit_raw=300, negative_shift=0)
    scaled = b.scale("scaled", x, const(rng, "s", (4,), FixedType(5, 2)), const(rng, "o", (4,), FixedType(9, 2)))
    added = b.add("added", scaled, u)
    doubled = b.add("doubled", u, u)
    wide = b.concat("wide", (u, leaky, added), axis=1)
    tall = b.concat("tall", (u, doubled), axis=0)
    rows = layer(b, rng, "rows", wide, 5)
    flat = layer(b, rng, "flat", b.reshape("flattened", u, (12,)), 6)
    table = b.table("table", u, const(rng, "t", (32,), FixedType(60, 2)), "noise")
    index, inverse = FixedType(5, 3, False), FixedType(6, 9, False)
    z = b.cast("z", x, FixedType(6, 4), Rounding.RND, Overflow.WRAP)
    softmax = b.softmax(
        "softmax",
        z,
        FixedType(8, 0, False),
        index_type=index,
        exp_table=const(rng, "e", (32,), FixedType(6, 1, False)),
        inverse_index_type=inverse,
        inverse_table=const(rng, "i", (64,), FixedType(7, 1, False)),
    )
    far = b.cast("far", x, FixedType(4, 40), Rounding.TRN, Overflow.SAT)
    fine = b.cast("fine", x, FixedType(20, -30), Rounding.TRN, Overflow.WRAP)
    return b.graph(
        limited, wide, tall, rows, flat, table, softmax, b.argmax("best", z), b.argmax("best_u", u), far, fine, x
    )


def narrow_accumulators(seed: int) -> Graph:
    """A narrowed sum for every pair of modes."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("narrow")
    x = b.input("x", (2, 6), FixedType(7, 2))
    values = [layer(b, rng, f"d{number}", x, 2, bias=FixedType(9, 3)) for number in range(len(MODES))]
    graph = b.graph(*values)
    narrowed = {}
    for number, (rounding, overflow) in enumerate(MODES):
        accum = FixedType(int(rng.integers(4, 14)), int(rng.integers(2, 5)))
        narrowed[f"d{number}"] = (accum, rounding, overflow)
    ops = [_narrowed(op, *narrowed[op.name]) if isinstance(op, MatMul) else op for op in graph.ops]
    return Graph("narrow", tuple(ops), tuple(op.result for op in ops if isinstance(op, MatMul)))


def _narrowed(op: MatMul, accum: FixedType, rounding: Rounding, overflow: Overflow) -> MatMul:
    result = replace(op.result, type=accum)
    return replace(op, result=result, narrowed=True, accum_rounding=rounding, accum_overflow=overflow)


def forests(seed: int) -> Graph:
    """Forests of trees of any shape: one leaf, long chains, many leaves; one and several targets; wide and narrow."""
    rng = np.random.default_rng(seed)
    ops: list[Op] = []
    rows = (
        (FixedType(8, 4), 100, 1),
        (FixedType(16, 6), 2**14, 2),
        (FixedType(1, 1, False), 2**31, 1),
        (FixedType(40, 8), 7, 3),
    )
    for number, (kind, span, n_targets) in enumerate(rows):
        x = Value(f"x{number}", (4,), kind)
        tables = _trees(rng, kind, [0, 1, 2, 15, 40, 100])
        n_leaves = tables.pop("n_leaves")
        tables["leaf"] = rng.integers(-span, span, (n_leaves, n_targets), endpoint=True)
        tables["tree_output"] = rng.integers(0, 4 - n_targets, 6)
        tables["base_margin"] = np.array([-span, span, 0])
        consts = {
            name: Const.covering(f"{name}{number}", raw, kind.fraction_bits if name == "threshold" else 0)
            for name, raw in tables.items()
        }
        ops.append(Input(result=x))
        interval = ops[-1].interval()
        draft = Forest(result=Value(f"margin{number}", (3,), FixedType(60, 60)), operand=x, **consts)
        bounds = partial_sum_bounds(draft, interval.low, interval.high)
        ops.append(replace(draft, result=replace(draft.result, type=FixedType.covering(*bounds, 0, signed=True))))
    graph = Graph("forests", tuple(ops), tuple(op.result for op in ops if isinstance(op, Forest)))
    verify(graph)
    return graph


def _trees(rng: np.random.Generator, kind: FixedType, splits: list[int]) -> dict[str, Any]:
    """Trees grown by splitting a leaf at random, the newest one often, so that some become deep chains."""
    n_nodes, leaves, first = sum(splits), 0, 0
    children, roots = np.zeros((n_nodes, 2), dtype=np.int64), np.zeros(len(splits), dtype=np.int64)
    for tree, count in enumerate(splits):
        places: list[tuple[IntArray, int | tuple[int, int]]] = [(roots, tree)]
        for node in range(first, first + count):
            array, place = places.pop(-1 if rng.random() < 0.5 else int(rng.integers(len(places))))
            array[place] = node
            places += [(children, (node, 0)), (children, (node, 1))]
        for array, place in places:
            array[place] = n_nodes + leaves
            leaves += 1
        first += count
    threshold = rng.integers(kind.min_raw - 1, kind.max_raw + 2, n_nodes, endpoint=True)
    return {
        "tree_root": roots,
        "feature": rng.integers(0, 4, n_nodes),
        "threshold": threshold,
        "left": children[:, 0],
        "right": children[:, 1],
        "n_leaves": leaves,
    }


def events(graph: Graph, n_events: int, seed: int = 0) -> dict[str, IntArray]:
    """Raw inputs: all lowest, all highest, then random ones with a third at the ends of their types."""
    from tests.strategies import random_raw

    rng = np.random.default_rng(seed)
    arrays = {op.name: random_raw(op, n_events, rng) for op in graph.inputs}
    for op in graph.inputs:
        kinds = op.channel_types or (op.result.type,)
        shifts = [op.result.type.fraction_bits - kind.fraction_bits for kind in kinds]
        ends = [
            [kind.min_raw << shift for kind, shift in zip(kinds, shifts, strict=True)],
            [kind.max_raw << shift for kind, shift in zip(kinds, shifts, strict=True)],
        ]
        for event, end in enumerate(ends[:n_events]):
            arrays[op.name][event] = end
    return arrays


def neighbourhoods(seed: int, n_branches: int = 10) -> Graph:
    """Windows of one to three axes on any type, before products and reductions, packed or not, read once or twice."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("neighbourhoods")
    outputs: list[Value] = []
    for number in range(n_branches):
        rank, channels = 1 + number % 3, int(rng.integers(1, 7))
        kind = FixedType((4, 8, 16, 40)[number % 4], 3, bool(rng.integers(2)))
        x = b.input(f"x{number}", (*rng.integers(4, 7, rank).tolist(), channels), kind)
        near = _window(b, rng, f"near{number}", x)
        rows = b.reshape(f"rows{number}", near, (*near.shape[:-2], near.shape[-2] * channels))
        y = layer(b, rng, f"product{number}", rows, int(rng.choice([3, 4, 8])), zeros=0.7 * (number % 2))
        y = b.relu(f"relu{number}", y) if number % 3 else y
        y = b.cast(f"cast{number}", y, FixedType(6, 4, bool(number % 3 == 0)), Rounding.RND, Overflow.SAT)
        pooled = _window(b, rng, f"four{number}", y)
        small = b.reduce(f"pool{number}", pooled, len(pooled.shape) - 2, tuple(Reduction)[number % 3])
        flat = b.reshape(f"flat{number}", b.reshape(f"one{number}", small, (1, *small.shape)), (small.size,))
        outputs.append(layer(b, rng, f"end{number}", flat, 2))
        if number >= 7:  # each element by itself, neighbouring places together: no rows of neighbourhoods
            again = _window(b, rng, f"again{number}", x)
            outputs.append(layer(b, rng, f"each{number}", again, 2))
            far = _window(b, rng, f"far{number}", y)
            far = b.reshape(f"line{number}", far, (*far.shape[:-2], far.shape[-2] * far.shape[-1]))
            outputs.append(b.reduce(f"down{number}", far, len(far.shape) - 2, Reduction.MAX))
        sums = b.reduce(f"sums{number}", near, len(near.shape) - 2, tuple(Reduction)[number // 3 % 3])
        outputs += [(sums, small, near, y)[number % 4], sums]
    return b.graph(*dict.fromkeys(outputs))


def _window(b: GraphBuilder, rng: np.random.Generator, name: str, x: Value) -> Value:
    """Any strides, dilations and pads; the pad is an integer of the type."""
    kernel, stride, dilation, before, after = (
        tuple(rng.integers(low, high, len(x.shape) - 1).tolist())
        for low, high in ((1, 4), (1, 3), (1, 2 + int(min(x.shape[:-1]) > 4)), (0, 3), (0, 2))
    )
    after = tuple(
        max(pad, reach * (size - 1) + 1 - n - first)
        for pad, reach, size, n, first in zip(after, dilation, kernel, x.shape, before, strict=False)
    )
    pad = int(rng.choice([0, x.type.min_raw, x.type.max_raw]))
    return b.window(name, x, kernel, stride=stride, dilation=dilation, before=before, after=after, pad_raw=pad)
