"""Graphs of structure: windows, gathers, reductions, products and choices between casts and matrix products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from csim_graphs import random_const

from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Reduction, Value

MOST_ELEMENTS = 60
"""Larger tensors are gathered down, so that a graph compiles in seconds."""

Step = Callable[["StructureGraph", str, Value], Value]


class StructureGraph:
    """Draws ops on a small image and a few numbers."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.builder = GraphBuilder(f"structure{seed}")
        self.values: list[Value] = []

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def type(self, most: int = 7) -> FixedType:
        width = self.number(2, most)
        return FixedType(width, self.number(0, width), bool(self.rng.integers(2)))

    def same_shape(self, value: Value) -> Value:
        found = [other for other in self.values if other.shape == value.shape]
        return found[self.rng.integers(len(found))]


def structure_graph(seed: int, n_ops: int = 14) -> Graph:
    """A verified graph of `n_ops` random ops, every leaf an output."""
    draw = StructureGraph(seed)
    draw.values.append(draw.builder.input("image", (3, 4, 2), draw.type()))
    draw.values.append(draw.builder.input("row", (5,), draw.type()))
    for number in range(n_ops):
        operand = _small(draw, f"op{number}", draw.values[draw.rng.integers(len(draw.values))])
        draw.values.append(_STEPS[draw.rng.integers(len(_STEPS))](draw, f"op{number}", operand))
    used = {value for op in draw.builder.ops for value in op.operands}
    return draw.builder.graph(*[value for value in draw.values[2:] if value not in used])


def _small(draw: StructureGraph, name: str, value: Value) -> Value:
    """The value cast to few bits and gathered to few elements, where it has too many of either."""
    builder = draw.builder
    if value.type.width > 9:
        value = builder.cast(
            f"{name}_narrow", value, draw.type(), list(Rounding)[draw.number(0, 6)], list(Overflow)[draw.number(0, 3)]
        )
        draw.values.append(value)
    if value.size > MOST_ELEMENTS:
        axis = int(np.argmax(value.shape))
        kept = max(1, value.shape[axis] * MOST_ELEMENTS // value.size)
        value = builder.gather(f"{name}_few", value, axis, draw.rng.permutation(value.shape[axis])[:kept])
        draw.values.append(value)
    return value


def _window(draw: StructureGraph, name: str, x: Value) -> Value:
    if len(x.shape) == 1:
        x = draw.builder.reshape(f"{name}_column", x, (x.size, 1))
    rank = len(x.shape) - 1
    before, after = ([draw.number(0, 1) for _ in range(rank)] for _ in range(2))
    sizes = [size + b + a for size, b, a in zip(x.shape, before, after, strict=False)]
    kernel = [draw.number(1, min(3, size)) for size in sizes]
    dilation = [draw.number(1, 2) if (k - 1) * 2 < size else 1 for k, size in zip(kernel, sizes, strict=True)]
    stride = tuple(draw.number(1, 2) for _ in range(rank))
    pads = {"before": tuple(before), "after": tuple(after), "pad_raw": draw.number(-3, 3)}
    return draw.builder.window(name, x, tuple(kernel), stride=stride, dilation=tuple(dilation), **pads)


def _gather(draw: StructureGraph, name: str, x: Value) -> Value:
    axis = draw.number(0, len(x.shape) - 1)
    index = draw.rng.integers(-1, x.shape[axis], draw.number(1, 4))
    return draw.builder.gather(name, x, axis, index, pad_raw=draw.number(-3, 3))


def _transpose(draw: StructureGraph, name: str, x: Value) -> Value:
    return draw.builder.transpose(name, x, tuple(int(axis) for axis in draw.rng.permutation(len(x.shape))))


def _reduce(draw: StructureGraph, name: str, x: Value) -> Value:
    return draw.builder.reduce(name, x, draw.number(0, len(x.shape) - 1), list(Reduction)[draw.number(0, 2)])


def _multiply(draw: StructureGraph, name: str, x: Value) -> Value:
    return draw.builder.multiply(name, x, _partner(draw, f"{name}_other", x))


def _add(draw: StructureGraph, name: str, x: Value) -> Value:
    return draw.builder.add(name, x, _partner(draw, f"{name}_other", x))


def _partner(draw: StructureGraph, name: str, x: Value) -> Value:
    other = draw.same_shape(x)
    if other.type.width <= 9:
        return other
    return draw.builder.cast(name, other, draw.type(), Rounding.RND, Overflow.SAT)


def _select(draw: StructureGraph, name: str, x: Value) -> Value:
    condition = draw.builder.compare(f"{name}_less", x, draw.same_shape(x))
    return draw.builder.select(name, condition, draw.same_shape(x), x)


def _matmul(draw: StructureGraph, name: str, x: Value) -> Value:
    n_out = draw.number(1, 3)
    weight = random_const(draw.rng, f"{name}_w", (x.shape[-1], n_out), draw.type(5))
    return draw.builder.matmul(name, x, weight, random_const(draw.rng, f"{name}_b", (n_out,), draw.type(5)))


def _relu(draw: StructureGraph, name: str, x: Value) -> Value:
    return draw.builder.relu(name, x)


def _cast(draw: StructureGraph, name: str, x: Value) -> Value:
    return draw.builder.cast(name, x, draw.type(), list(Rounding)[draw.number(0, 6)], list(Overflow)[draw.number(0, 3)])


def _choice(draw: StructureGraph, name: str, x: Value) -> Value:
    best = draw.builder.top_k(f"{name}_best", x, draw.number(1, x.shape[-1]))
    other = _partner(draw, f"{name}_other", x)
    if best.size * other.size // other.shape[0] > MOST_ELEMENTS:
        return best
    return draw.builder.gather_by(name, other, best)


def _element_cast(draw: StructureGraph, name: str, x: Value) -> Value:
    types = [draw.type() for _ in range(x.shape[-1] if draw.number(0, 1) else x.size)]
    return draw.builder.element_cast(
        name, x, types, list(Rounding)[draw.number(0, 6)], list(Overflow)[draw.number(0, 3)]
    )


_STEPS: tuple[Step, ...] = (
    _window,
    _window,
    _gather,
    _transpose,
    _reduce,
    _reduce,
    _multiply,
    _add,
    _select,
    _matmul,
    _matmul,
    _relu,
    _cast,
    _choice,
    _element_cast,
)
