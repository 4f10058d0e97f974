"""Layers that join tensors: concatenation, sums, products, extremes, averages, dot products."""

from __future__ import annotations

import math
from typing import Any

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.pooling import times
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Reduction, Shape, Value


def lower_concat(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    axis = int(layer.config.get("axis", -1))
    if axis == 0 or abs(axis) > len(operands[0].shape):
        raise UnsupportedError(
            "cannot concatenate over the event axis",
            where=low.where(layer, "axis"),
            got=str(axis),
            want="-1, or an axis of the features",
        )
    _require_like(low, layer, operands, len(operands[0].shape))
    return low.builder.concat(
        low.names.new(name), tuple(operands), axis=axis if axis < 0 else axis - 1, origin=low.origin(layer)
    )


def _require_like(low: Lowering, layer: LayerSpec, operands: list[Value], rank: int) -> None:
    if any(len(value.shape) != rank for value in operands):
        got = ", ".join(str(value.shape) for value in operands)
        raise InputError("operands differ in their number of axes", where=low.where(layer), got=got)


def lower_add(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    return _folded(low, layer, name, broadcast(low, layer, operands), low.builder.add)


def lower_multiply(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    return _folded(low, layer, name, broadcast(low, layer, operands), low.builder.multiply)


def lower_subtract(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    if len(operands) != 2:
        raise InputError("Subtract takes two tensors", where=low.where(layer), got=str(len(operands)), want="2")
    left, right = broadcast(low, layer, operands)
    negative = times(low, layer, right, -1.0, f"{name}_negative")
    return low.builder.add(low.names.new(name), left, negative, origin=low.origin(layer))


def lower_average(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    n = len(operands)
    if n & (n - 1):
        raise UnsupportedError(
            "an average of this many tensors is on no grid",
            where=low.where(layer),
            got=str(n),
            want="a power of two",
            try_="Add, and let the next quantiser take the factor",
        )
    total = _folded(low, layer, f"{name}_sum", broadcast(low, layer, operands), low.builder.add)
    return times(low, layer, total, 1.0 / n, name)


def lower_extreme(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    """Maximum and Minimum: the tensors stacked on a new first axis, which is reduced."""
    values, origin = broadcast(low, layer, operands), low.origin(layer)
    if len(values) == 1:
        return values[0]
    sheets = [
        low.builder.reshape(low.names.new(f"{name}_sheet{i}"), value, (1, *value.shape), origin=origin)
        for i, value in enumerate(values)
    ]
    stack = low.builder.concat(low.names.new(f"{name}_stack"), tuple(sheets), axis=0, origin=origin)
    reduction = Reduction.MAX if layer.kind.endswith("Maximum") else Reduction.MIN
    return low.builder.reduce(low.names.new(name), stack, 0, reduction, origin=origin)


def prepare_dot(low: Lowering, layer: LayerSpec) -> tuple[int, int]:
    """The axis of each tensor that is summed over, the event axis counted."""
    if layer.config.get("normalize"):
        raise UnsupportedError(
            "fasttrig cannot normalise before a dot product",
            where=low.where(layer, "normalize"),
            got="True",
            want="False",
        )
    axes = layer.config["axes"]
    pair = [axes, axes] if isinstance(axes, int) else [int(axis) for axis in axes]
    return pair[0], pair[1]


def lower_dot(low: Lowering, layer: LayerSpec, plan: tuple[int, int], name: str, operands: list[Value]) -> Value:
    """Shapes: (..., k, ...) and (..., k, ...) -> what is left of the first, then of the second; (1,) for vectors."""
    if len(operands) != 2:
        raise InputError("Dot takes two tensors", where=low.where(layer), got=str(len(operands)), want="2")
    origin = low.origin(layer)
    lasts = [
        _axis_last(low, layer, f"{name}_last{i}", value, axis)
        for i, (value, axis) in enumerate(zip(operands, plan, strict=True))
    ]
    left, right = lasts
    if left.shape[-1] != right.shape[-1]:
        raise InputError(
            "the axes of a dot product differ in size",
            where=low.where(layer, "axes"),
            got=f"{operands[0].shape} and {operands[1].shape}",
        )
    rest, other, n = left.shape[:-1], right.shape[:-1], left.shape[-1]
    rows, columns = math.prod(rest), math.prod(other)
    first = low.builder.reshape(low.names.new(f"{name}_rows"), left, (rows, 1, n), origin=origin)
    second = low.builder.reshape(low.names.new(f"{name}_columns"), right, (1, columns, n), origin=origin)
    products = _folded(low, layer, f"{name}_products", broadcast(low, layer, [first, second]), low.builder.multiply)
    sums = low.builder.reduce(low.names.new(f"{name}_sums"), products, 2, Reduction.SUM, origin=origin)
    return low.builder.reshape(low.names.new(name), sums, (*rest, *other) or (1,), origin=origin)


def broadcast(low: Lowering, layer: LayerSpec, values: list[Value]) -> list[Value]:
    """The tensors brought to one shape by repeating: axes of size 1, and axes that the shorter ones lack in front."""
    rank = max(len(value.shape) for value in values)
    shapes = [(1,) * (rank - len(value.shape)) + value.shape for value in values]
    target = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    if any(size not in (1, want) for shape in shapes for size, want in zip(shape, target, strict=True)):
        raise InputError(
            "the shapes of the operands do not fit together",
            where=low.where(layer),
            got=", ".join(str(value.shape) for value in values),
            want="equal sizes, or 1, along every axis",
        )
    return [_repeated(low, layer, value, shape, target) for value, shape in zip(values, shapes, strict=True)]


def _repeated(low: Lowering, layer: LayerSpec, value: Value, shape: Shape, target: Shape) -> Value:
    if value.shape != shape:
        value = low.builder.reshape(low.names.new(f"{layer.name}_wide"), value, shape, origin=low.origin(layer))
    for axis, (size, want) in enumerate(zip(shape, target, strict=True)):
        if size != want:
            name = low.names.new(f"{layer.name}_repeat{axis}")
            value = low.builder.gather(name, value, axis, [0] * want, origin=low.origin(layer))
    return value


def _folded(low: Lowering, layer: LayerSpec, name: str, values: list[Value], join: Any) -> Value:
    total = values[0]
    for index, other in enumerate(values[1:], start=2):
        own = name if index == len(values) else f"{name}_{index}"
        total = join(low.names.new(own), total, other, origin=low.origin(layer))
    return total


def _axis_last(low: Lowering, layer: LayerSpec, name: str, value: Value, axis: int) -> Value:
    place = axis - 1 if axis > 0 else len(value.shape) + axis
    if not 0 <= place < len(value.shape):
        raise InputError("a dot product over no such axis", where=low.where(layer, "axes"), got=str(axis))
    order = (*(i for i in range(len(value.shape)) if i != place), place)
    if order == tuple(range(len(order))):
        return value
    return low.builder.transpose(low.names.new(name), value, order, origin=low.origin(layer))
