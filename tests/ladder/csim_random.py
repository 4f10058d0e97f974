"""Random graphs with random types: widths from one bit, integer bits below zero and above the width."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from csim_graphs import random_const

from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value

N = 3
"""Elements of every tensor: any two can be added."""

Step = Callable[["RandomGraph", str, Value], Value]


class RandomGraph:
    """Draws ops one after the other, each on a tensor made before."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.builder = GraphBuilder(f"random{seed}")
        self.values: list[Value] = []

    def type(self, most: int = 9, signed: bool | None = None) -> FixedType:
        width = int(self.rng.integers(1, most + 1))
        if signed is None:
            signed = bool(self.rng.integers(2))
        return FixedType(width, int(self.rng.integers(-2, width + 3)), signed)

    def mode(self, kind: type) -> object:
        return list(kind)[self.rng.integers(len(kind))]

    def const(self, name: str, shape: tuple[int, ...], fixed_type: FixedType) -> object:
        return random_const(self.rng, name, shape, fixed_type)


def random_graph(seed: int, n_ops: int = 24) -> Graph:
    draw = RandomGraph(seed)
    for number in range(2):
        draw.values.append(draw.builder.input(f"in{number}", (N,), draw.type()))
    for number in range(n_ops):
        operand = draw.values[draw.rng.integers(len(draw.values))]
        if operand.type.width > 10:  # keep types small enough for tables, and accumulators in sight
            step: Step = _cast
        else:
            step = _STEPS[draw.rng.integers(len(_STEPS))]
        draw.values.append(step(draw, f"op{number}", operand))
    used = {value for op in draw.builder.ops for value in op.operands}
    return draw.builder.graph(*[value for value in draw.values[2:] if value not in used])


def _matmul(draw: RandomGraph, name: str, operand: Value) -> Value:
    weight, bias = draw.const(f"{name}_w", (N, N), draw.type(6)), draw.const(f"{name}_b", (N,), draw.type(6))
    return draw.builder.matmul(name, operand, weight, bias)


def _scale(draw: RandomGraph, name: str, operand: Value) -> Value:
    scale, offset = draw.const(f"{name}_s", (N,), draw.type(5)), draw.const(f"{name}_o", (N,), draw.type(6))
    return draw.builder.scale(name, operand, scale, offset)


def _cast(draw: RandomGraph, name: str, operand: Value) -> Value:
    return draw.builder.cast(name, operand, draw.type(8), draw.mode(Rounding), draw.mode(Overflow))


def _relu(draw: RandomGraph, name: str, operand: Value) -> Value:
    limit = int(draw.rng.integers(0, operand.type.max_raw + 2)) if draw.rng.integers(2) else None
    shift = int(draw.rng.integers(0, 4)) if draw.rng.integers(2) else None
    return draw.builder.relu(name, operand, limit_raw=limit, negative_shift=shift)


def _add(draw: RandomGraph, name: str, operand: Value) -> Value:
    return draw.builder.add(name, operand, draw.values[draw.rng.integers(len(draw.values))])


def _concat(draw: RandomGraph, name: str, operand: Value) -> Value:
    parts = [draw.values[draw.rng.integers(len(draw.values))] for _ in range(draw.rng.integers(1, 4))]
    joined = draw.builder.concat(f"{name}_joined", (operand, *parts))
    weight = draw.const(f"{name}_w", (joined.shape[0], N), draw.type(3))
    return draw.builder.matmul(name, joined, weight, draw.const(f"{name}_b", (N,), draw.type(3)))


def _table(draw: RandomGraph, name: str, operand: Value) -> Value:
    table = draw.const(f"{name}_t", (1 << operand.type.width,), draw.type(7))
    return draw.builder.table(name, operand, table, "noise")


def _softmax(draw: RandomGraph, name: str, operand: Value) -> Value:
    index, inverse = draw.type(6, signed=False), draw.type(6, signed=False)
    return draw.builder.softmax(
        name,
        operand,
        draw.type(8),
        index_type=index,
        exp_table=draw.const(f"{name}_e", (1 << index.width,), draw.type(6, signed=False)),
        inverse_index_type=inverse,
        inverse_table=draw.const(f"{name}_i", (1 << inverse.width,), draw.type(6, signed=False)),
    )


def _argmax(draw: RandomGraph, name: str, operand: Value) -> Value:
    best = draw.builder.cast(
        f"{name}_cast",
        draw.builder.argmax(f"{name}_best", operand),
        draw.type(4),
        draw.mode(Rounding),
        draw.mode(Overflow),
    )
    return draw.builder.concat(name, (best, best, best))


_STEPS: tuple[Step, ...] = (_matmul, _matmul, _scale, _cast, _relu, _relu, _add, _concat, _table, _softmax, _argmax)
