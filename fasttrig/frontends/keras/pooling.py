"""Pooling: neighbourhoods by a `Window`, or all positions, then a `Reduce`; averages by an exact factor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.frontends.keras.convolution import Sliding, sliding_of, windows
from fasttrig.frontends.keras.layer_parts import (
    Activation,
    activation_suffix,
    apply_activation,
    read_activation,
    require_channels_last,
)
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.quantizers import Quantizer, read_quantizer
from fasttrig.frontends.keras.weights import quantise
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const, Reduction, Value


@dataclass(frozen=True, slots=True)
class PoolingPlan:
    """`sliding` is None for a pooling of all positions; `averages` multiplies sums with a factor."""

    sliding: Sliding | None
    averages: bool
    quantizer: Quantizer | None = None
    activation: Activation = "linear"


def prepare_pooling(low: Lowering, layer: LayerSpec) -> PoolingPlan:
    """Max and average pooling of one and two dimensions, global or not, QKeras' averages too."""
    require_channels_last(low, layer)
    averages = "Average" in layer.kind
    sliding = None if "Global" in layer.kind else sliding_of(low, layer, "pool_size", "strides")
    quantizer = None
    if layer.config.get("average_quantizer") is not None:
        quantizer = read_quantizer(layer.config["average_quantizer"], low.where(layer, "average_quantizer"))
    activation = read_activation(low, layer, layer.config.get("activation"), "activation")
    return PoolingPlan(sliding, averages, quantizer, activation)


def lower_pooling(low: Lowering, layer: LayerSpec, plan: PoolingPlan, name: str, operands: list[Value]) -> Value:
    """Shapes: (*spatial, channels) -> (*positions, channels), or (channels,) where all positions are pooled."""
    operand, origin = operands[0], low.origin(layer)
    if plan.sliding is None:
        rows = (math.prod(operand.shape[:-1]), operand.shape[-1])
        groups = low.builder.reshape(low.names.new(f"{name}_positions"), operand, rows, origin=origin)
    else:
        _refuse_padded_average(low, layer, plan, operand)
        pad = 0 if plan.averages else operand.type.min_raw
        groups = windows(low, layer, plan.sliding, operand, f"{name}_window", pad_raw=pad)
    n = groups.shape[-2]
    reduction = Reduction.SUM if plan.averages else Reduction.MAX
    own = f"{name}_sum" if plan.averages else name
    value = low.builder.reduce(low.names.new(own), groups, len(groups.shape) - 2, reduction, origin=origin)
    if plan.averages:
        value = times(low, layer, value, _factor(low, layer, plan, n), name)
    if plan.sliding is None and layer.config.get("keepdims"):
        kept = (*(1,) * (len(operand.shape) - 1), operand.shape[-1])
        value = low.builder.reshape(low.names.new(f"{name}_kept"), value, kept, origin=origin)
    suffix = activation_suffix(plan.activation)
    return apply_activation(low, layer, value, plan.activation, f"{name}_{suffix}", "activation")


def times(low: Lowering, layer: LayerSpec, value: Value, factor: float, name: str) -> Value:
    """`value` times one exact factor."""
    numerator, denominator = float(factor).as_integer_ratio()
    n, bits = value.shape[-1], denominator.bit_length() - 1
    scale = Const.covering(low.names.new(f"{layer.name}_factor"), np.full(n, numerator, dtype=np.int64), bits)
    offset = Const.covering(low.names.new(f"{layer.name}_offset"), np.zeros(n, dtype=np.int64), 0)
    return low.builder.scale(low.names.new(name), value, scale, offset, origin=low.origin(layer))


def average_factor(quantizer: Quantizer | None, n: int, where: str) -> float:
    """One over `n` as the layer has it: by its quantiser, in float32, as QKeras quantises it; else as it is."""
    if quantizer is None:
        return 1.0 / n
    return float(quantise(quantizer, np.full(1, 1.0 / n, dtype=np.float32), where).values[0])


def _factor(low: Lowering, layer: LayerSpec, plan: PoolingPlan, n: int) -> float:
    if plan.quantizer is None and n & (n - 1):
        raise UnsupportedError(
            "an average over this many elements is on no grid",
            where=low.where(layer),
            got=f"1/{n}",
            want="a power of two, or a quantised factor",
            try_="QAveragePooling2D or QGlobalAveragePooling2D with average_quantizer='quantized_bits(8,0,1,alpha=1)'",
        )
    return average_factor(plan.quantizer, n, low.where(layer, "average_quantizer"))


def _refuse_padded_average(low: Lowering, layer: LayerSpec, plan: PoolingPlan, operand: Value) -> None:
    """Keras counts the elements inside the image alone: the factor changes at the edges."""
    assert plan.sliding is not None
    pads = plan.sliding.pads(operand.shape[:-1])
    if plan.averages and any((*pads[0], *pads[1])):
        raise UnsupportedError(
            "an average over padded edges has a factor of its own at each edge",
            where=low.where(layer, "padding"),
            got=f"padding 'same' on {operand.shape}",
            want="windows that lie inside the image",
            try_="padding='valid', or a pool size and strides that divide the image",
        )
