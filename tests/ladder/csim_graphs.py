"""Random graphs for the C-simulation rung: many branches in one graph, so that one compile covers many ops."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np

from fasttrig.backends.hls4ml import emit
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Const, MatMul, Value
from fasttrig.ir.verify import verify
from fasttrig.settings import TargetSettings

WEIGHT, BIAS = FixedType(5, 1), FixedType(6, 2)
ALL_CASTS = tuple(itertools.product(Rounding, Overflow))


def random_const(rng: np.random.Generator, name: str, shape: tuple[int, ...], fixed_type: FixedType) -> Const:
    """Random raw integers over the whole range of the type."""
    return Const(name, fixed_type, rng.integers(fixed_type.min_raw, fixed_type.max_raw, shape, endpoint=True))


def random_inputs(rng: np.random.Generator, graph: Graph, n_events: int) -> dict[str, np.ndarray]:
    """Uniform raw integers, with the extreme ones in the first two events."""
    arrays = {}
    for op in graph.inputs:
        low, high = op.result.type.min_raw, op.result.type.max_raw
        raw = rng.integers(low, high, (n_events, *op.result.shape), endpoint=True)
        raw[0], raw[1] = low, high
        arrays[op.name] = raw
    return arrays


def dense_layer(
    b: GraphBuilder,
    rng: np.random.Generator,
    name: str,
    operand: Value,
    n_out: int,
    weight: FixedType = WEIGHT,
    bias: FixedType = BIAS,
) -> Value:
    n_in = operand.shape[-1]
    w = random_const(rng, f"{name}_w", (n_in, n_out), weight)
    return b.matmul(name, operand, w, random_const(rng, f"{name}_b", (n_out,), bias), origin=f"random > {name}")


def dense_network(seed: int, sizes: tuple[int, ...], name: str = "net") -> Graph:
    """matmul, relu, cast, ..., matmul: the usual tagger."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder(name)
    value = b.input("x", (sizes[0],), FixedType(8, 3))
    for index, n_out in enumerate(sizes[1:], start=1):
        value = dense_layer(b, rng, f"fc{index}", value, n_out, FixedType(6, 1), FixedType(6, 1))
        if index < len(sizes) - 1:
            value = b.relu(f"relu{index}", value)
            value = b.cast(f"act{index}", value, FixedType(6, 2, False), Rounding.RND_CONV, Overflow.SAT)
    return b.graph(value)


def all_casts(seed: int) -> Graph:
    """Every rounding with every overflow after a matmul (fused), a relu (fused) and an input (alone)."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("casts")
    x = b.input("x", (3,), FixedType(9, 3))
    outputs = []
    for number, (rounding, overflow) in enumerate(ALL_CASTS):
        signed = bool(rng.integers(2))
        width = int(rng.integers(2, 8))
        target = FixedType(width, int(rng.integers(-1, 4)), signed)
        total = dense_layer(b, rng, f"d{number}", x, 2)
        if number % 3 == 0:
            total = b.relu(f"r{number}", total)
        outputs.append(b.cast(f"c{number}", total, target, rounding, overflow))
        outputs.append(b.cast(f"lone{number}", x, target, rounding, overflow))
    return b.graph(b.concat("all", tuple(outputs)))


def every_op(seed: int, *, streamed: bool = False) -> Graph:
    """Two inputs and a branch for each op, fused and alone, signed and unsigned."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("every_op")
    x = b.input("x", (4,), FixedType(7, 2))
    u = b.input("w2", (4,), FixedType(5, 3, False))  # a name that hls4ml uses itself
    y = b.cast("y", dense_layer(b, rng, "fc", x, 4), FixedType(6, 4), Rounding.RND, Overflow.SAT)
    z = b.cast("z", dense_layer(b, rng, "fc_z", x, 4), FixedType(6, 4), Rounding.RND_CONV, Overflow.WRAP)
    relu = b.cast("relu_cast", b.relu("relu_y", y), FixedType(4, 3, False), Rounding.RND_ZERO, Overflow.SAT_SYM)
    limited = b.relu("limited", y, limit_raw=9)
    leaky = b.relu("leaky", y, negative_shift=3)
    both = b.cast(
        "both_cast",
        b.relu("both", y, limit_raw=21, negative_shift=2),
        FixedType(5, 3),
        Rounding.TRN_ZERO,
        Overflow.WRAP,
    )
    rising = b.relu("unsigned_limit", u, limit_raw=13)
    scaled = b.scale(
        "scaled", z, random_const(rng, "s", (4,), FixedType(5, 2)), random_const(rng, "o", (4,), FixedType(7, 3))
    )
    scaled_cast = b.cast("scaled_cast", scaled, FixedType(6, 5), Rounding.RND_MIN_INF, Overflow.SAT)
    added = b.add("added", relu, scaled_cast)
    added_cast = b.cast("added_cast", b.add("added2", y, u), FixedType(5, 5), Rounding.RND_INF, Overflow.SAT_ZERO)
    table = b.table("table", z, random_const(rng, "t", (64,), FixedType(7, 2)), "noise")
    table_u = b.table("table_u", u, random_const(rng, "tu", (32,), FixedType(3, 3, False)), "unsigned noise")
    index, inverse_index = FixedType(4, 2, False), FixedType(5, 2, False)  # both saturate
    softmax = b.softmax(
        "softmax",
        z,
        FixedType(9, 3, False),
        index_type=index,
        exp_table=random_const(rng, "e", (16,), FixedType(6, 1, False)),
        inverse_index_type=inverse_index,
        inverse_table=random_const(rng, "i", (32,), FixedType(7, 1, False)),
    )
    best = b.argmax("best", z)
    best_u = b.argmax("best_u", u)
    joined = b.concat("joined", (relu, limited, leaky, both, rising, scaled_cast, added, added_cast))
    tail = b.cast("tail", dense_layer(b, rng, "fc2", joined, 3), FixedType(8, 5), Rounding.RND_CONV, Overflow.SAT)
    outputs = [joined, tail, table, table_u, softmax, best, best_u]
    if not streamed:
        square = b.reshape("square", joined, (8, 4))
        rows = dense_layer(b, rng, "fc_rows", square, 3)
        other = b.concat("stacked", (square, square), axis=0)
        outputs += [rows, other, b.argmax("best_rows", rows), x, square]
    return b.graph(*outputs)


def narrowed(graph: Graph, name: str, fixed_type: FixedType, rounding: Rounding, overflow: Overflow) -> Graph:
    """`graph` with the matmul `name` summing in `fixed_type`; its users must not depend on the type."""

    def step(op: object) -> object:
        if not isinstance(op, MatMul) or op.name != name:
            return op
        result = replace(op.result, type=fixed_type)
        return replace(op, result=result, narrowed=True, accum_rounding=rounding, accum_overflow=overflow)

    new = rewrite(graph, step)
    verify(new)
    return new


def narrow_accumulators(
    seed: int, modes: tuple[tuple[Rounding, Overflow], ...], *, rank: int = 1, n_in: int = 6
) -> Graph:
    """One matmul per pair of modes, each with an accumulator far too narrow for its sum."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("narrow")
    x = b.input("x", (n_in,) if rank == 1 else (3, n_in), FixedType(7, 2))
    outputs = []
    for number in range(len(modes)):
        outputs.append(dense_layer(b, rng, f"d{number}", x, 2, FixedType(6, 2), FixedType(9, 3)))
        if number % 4 == 2:  # the sum itself has no tensor of its own
            outputs[-1] = b.cast(f"c{number}", outputs[-1], FixedType(5, 3), Rounding.RND_CONV, Overflow.SAT)
    graph = b.graph(*outputs)
    for number, (rounding, overflow) in enumerate(modes):
        accum = FixedType(int(rng.integers(4, 9)), int(rng.integers(2, 5)))
        graph = narrowed(graph, f"d{number}", accum, rounding, overflow)
    return graph


def write_project(graph: Graph, target: TargetSettings, folder: Path) -> dict[str, str]:
    """Emit `graph` into `folder`; returns the texts."""
    files = emit(graph, target)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return files
