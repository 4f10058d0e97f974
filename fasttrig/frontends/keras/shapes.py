"""Layers that move numbers: flatten, reshape, permute, repeat, enlarge, pad and crop."""

from __future__ import annotations

from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.keras.layer_parts import require_channels_last
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.pooling import times
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import PAD, Reduction, Value


def lower_flatten(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    return low.builder.reshape(low.names.new(name), operands[0], (operands[0].size,), origin=low.origin(layer))


def lower_reshape(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    shape = [int(size) for size in layer.config["target_shape"]]
    known = int(np.prod([size for size in shape if size != -1], dtype=np.int64))
    shape = [operands[0].size // max(1, known) if size == -1 else size for size in shape]
    if int(np.prod(shape, dtype=np.int64)) != operands[0].size:
        raise InputError(
            "Reshape changes the number of elements",
            where=low.where(layer, "target_shape"),
            got=str(layer.config["target_shape"]),
            want=f"{operands[0].size} elements",
        )
    return low.builder.reshape(low.names.new(name), operands[0], tuple(shape), origin=low.origin(layer))


def lower_permute(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    order = tuple(int(axis) - 1 for axis in layer.config["dims"])
    return low.builder.transpose(low.names.new(name), operands[0], order, origin=low.origin(layer))


def lower_repeat(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    """RepeatVector: (n,) -> (times, n)."""
    operand, origin = operands[0], low.origin(layer)
    row = low.builder.reshape(low.names.new(f"{name}_row"), operand, (1, operand.size), origin=origin)
    return low.builder.gather(low.names.new(name), row, 0, [0] * int(layer.config["n"]), origin=origin)


def prepare_upsampling(low: Lowering, layer: LayerSpec) -> None:
    require_channels_last(low, layer)
    if layer.config.get("interpolation", "nearest") != "nearest":
        raise UnsupportedError(
            "fasttrig enlarges by repeating alone",
            where=low.where(layer, "interpolation"),
            got=str(layer.config["interpolation"]),
            want="nearest",
        )


def lower_upsampling(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    sizes = _numbers(layer.config["size"], len(operands[0].shape) - 1)
    indices = [np.repeat(np.arange(size), n) for size, n in zip(operands[0].shape, sizes, strict=False)]
    return _gathered(low, layer, name, operands[0], indices)


def lower_zero_padding(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    pads = _pairs(layer.config["padding"], len(operands[0].shape) - 1)
    indices = [
        np.concatenate([np.full(before, PAD), np.arange(size), np.full(after, PAD)])
        for size, (before, after) in zip(operands[0].shape, pads, strict=False)
    ]
    return _gathered(low, layer, name, operands[0], indices)


def lower_cropping(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    crops = _pairs(layer.config["cropping"], len(operands[0].shape) - 1)
    indices = [np.arange(before, size - after) for size, (before, after) in zip(operands[0].shape, crops, strict=False)]
    if any(not len(index) for index in indices):
        raise InputError(
            "a cropping leaves nothing",
            where=low.where(layer, "cropping"),
            got=f"{layer.config['cropping']} of {operands[0].shape}",
        )
    return _gathered(low, layer, name, operands[0], indices)


def _gathered(low: Lowering, layer: LayerSpec, name: str, value: Value, indices: list[np.ndarray]) -> Value:
    """`value` gathered along each of its first axes; the last op has the layer's name."""
    changed = [axis for axis, index in enumerate(indices) if not np.array_equal(index, np.arange(value.shape[axis]))]
    for axis in changed:
        own = name if axis == changed[-1] else f"{name}_axis{axis}"
        value = low.builder.gather(low.names.new(own), value, axis, indices[axis].tolist(), origin=low.origin(layer))
    return value


def _numbers(content: Any, n: int) -> list[int]:
    listed = list(content) if isinstance(content, (list, tuple)) else [content] * n
    return [int(number) for number in listed]


def _pairs(content: Any, n: int) -> list[tuple[int, int]]:
    """Numbers before and after each axis, from the three forms that Keras writes."""
    if not isinstance(content, (list, tuple)):
        return [(int(content), int(content))] * n
    if n == 1:
        return [(int(content[0]), int(content[-1]))]
    return [
        (int(entry[0]), int(entry[1])) if isinstance(entry, (list, tuple)) else (int(entry), int(entry))
        for entry in content
    ]


def lower_take(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    """`fasttrig.layers.Take`: entries of an axis, which counts without the event axis."""
    axis = _axis(low, layer, operands[0])
    size = operands[0].shape[axis]
    index = [int(place) + size if int(place) < 0 else int(place) for place in layer.config["index"]]
    if any(not 0 <= place < size for place in index):
        raise InputError(
            "an index reaches outside its axis",
            where=low.where(layer, "index"),
            got=f"{min(layer.config['index'])} to {max(layer.config['index'])}",
            want=f"0 to {size - 1}",
        )
    return low.builder.gather(low.names.new(name), operands[0], axis, index, origin=low.origin(layer))


def lower_reduction(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    """`fasttrig.layers.SumOver` and `MaxOver`."""
    axis = _axis(low, layer, operands[0])
    reduction = Reduction.SUM if layer.kind == "SumOver" else Reduction.MAX
    return low.builder.reduce(low.names.new(name), operands[0], axis, reduction, origin=low.origin(layer))


def _axis(low: Lowering, layer: LayerSpec, operand: Value) -> int:
    axis = int(layer.config.get("axis", 0))
    if not 0 <= axis < len(operand.shape):
        raise InputError(
            "a layer names an axis that its input does not have",
            where=low.where(layer, "axis"),
            got=f"axis {axis} of {operand.shape}",
            want=f"0 to {len(operand.shape) - 1}",
        )
    return axis


def lower_best_indices(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    """`fasttrig.layers.BestIndices`."""
    operand, k = operands[0], int(layer.config["k"])
    if k > operand.shape[-1]:
        raise InputError(
            "a layer looks for more entries than there are",
            where=low.where(layer, "k"),
            got=str(k),
            want=f"1 to {operand.shape[-1]}",
        )
    if not layer.config.get("largest", True):
        operand = times(low, layer, operand, -1.0, f"{name}_negative")
    return low.builder.top_k(low.names.new(name), operand, k, origin=low.origin(layer))


def lower_take_by(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
    """`fasttrig.layers.TakeBy`: the second tensor holds natural numbers below the length of the first."""
    entries, index = operands
    kind = index.type
    if kind.signed or kind.fraction_bits != 0 or kind.max_raw >= 1 << max(1, (entries.shape[0] - 1).bit_length()):
        raise UnsupportedError(
            "an index is no result of BestIndices on as many entries",
            where=low.where(layer),
            got=f"{kind} for {entries.shape[0]} entries",
            want="a natural number below the number of entries",
        )
    return low.builder.gather_by(low.names.new(name), entries, index, origin=low.origin(layer))
