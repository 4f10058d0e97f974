"""Parts that several layers share: quantised weights, and activations after them."""

from __future__ import annotations

from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.keras.activations import (
    SHORT_NAMES,
    ActivationSite,
    check_activation,
    lower_activation,
    lower_threshold,
)
from fasttrig.frontends.keras.final_link import LINKS, lower_link
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.quantizers import Quantizer, quantizer_name, read_quantizer
from fasttrig.frontends.keras.real_scales import folded, has_real_scale, scaled_weight
from fasttrig.frontends.keras.smooth import FUNCTIONS, function_before, is_smooth, lower_smooth
from fasttrig.frontends.keras.weights import trainable, weight_const
from fasttrig.frontends.source import THRESHOLDS, LayerSpec
from fasttrig.ir.ops import Const, Value

Activation = Quantizer | str
"""A quantizer, or one of `linear`, `relu`, `softmax`, `sigmoid`, `binary_tanh`, `binary_sigmoid`."""

_PLAIN_ACTIVATIONS = ("linear", "relu", *LINKS, *THRESHOLDS)


def read_activation(low: Lowering, layer: LayerSpec, content: Any, *parts: str) -> Activation:
    """The activation of a configuration: a quantizer, or the name of a plain function."""
    where = low.where(layer, *parts)
    name = "linear" if content is None else quantizer_name(content)
    if name in _PLAIN_ACTIVATIONS or is_smooth(low, layer, name):
        return str(name)
    if name in FUNCTIONS or name in ("hard_tanh", "smooth_tanh", "hard_sigmoid", "smooth_sigmoid", "gelu"):
        raise UnsupportedError(
            "fasttrig cannot compute this activation exactly",
            where=where,
            got=name,
            want="a quantised activation, or QActivation('quantized_bits(...)') as the only layer that reads it",
            try_="quantized_tanh or quantized_sigmoid",
        )
    quantizer = read_quantizer(content, where)
    if quantizer is None:
        return "linear"
    check_activation(quantizer, where)
    return quantizer


def apply_activation(
    low: Lowering, layer: LayerSpec, value: Value, activation: Activation, name: str, *parts: str
) -> Value:
    """`name` is the name of the last op."""
    where = low.where(layer, *parts)
    if activation == "linear":
        return value
    if isinstance(activation, str) and is_smooth(low, layer, activation):
        low.smooth[layer.name] = FUNCTIONS[activation]
        return value
    if isinstance(activation, str) and activation in LINKS:
        unused = low.link_layer == layer.name and not low.firmware_links
        site = ActivationSite(name if unused else low.names.new(name), low.origin(layer, activation), where)
        return lower_link(low, value, activation, layer.name, site)
    if isinstance(activation, str) and activation in THRESHOLDS:
        return lower_threshold(
            low, value, activation, ActivationSite(low.names.new(name), low.origin(layer, activation), where)
        )
    if isinstance(activation, str):
        return low.builder.relu(low.names.new(name), value, origin=low.origin(layer, activation))
    site = ActivationSite(low.names.new(name), low.origin(layer, str(activation)), where)
    function = function_before(low, layer)
    if function is not None:
        return lower_smooth(low, value, function, activation, site)
    return lower_activation(low, value, activation, site)


def activation_suffix(activation: Activation) -> str:
    name = activation if isinstance(activation, str) else activation.name
    return SHORT_NAMES.get(name, name)


def required_quantizer(low: Lowering, layer: LayerSpec, key: str) -> Quantizer:
    where = low.where(layer, key)
    quantizer = read_quantizer(layer.config.get(key), where)
    if quantizer is None:
        example = "quantized_bits(6,0,alpha=1)"
        raise UnsupportedError(
            f"the {key.split('_')[0]} of this layer is not quantised",
            where=where,
            got="None",
            want=f"a quantizer, such as {example}",
            try_=f"retrain with {key}='{example}'",
        )
    return quantizer


def weight_of(low: Lowering, layer: LayerSpec, key: str) -> np.ndarray:
    if key not in layer.weights:
        raise InputError(
            "a weight of this layer is missing",
            where=low.where(layer, key),
            got=", ".join(layer.weights) or "no weights",
            want=key,
        )
    return layer.weights[key]


def quantised_weight(low: Lowering, layer: LayerSpec, key: str, quantizer_key: str, weight: np.ndarray) -> Const:
    """A weight by its quantiser, with the scale that QKeras finds for weights; a real one is folded into it."""
    quantizer = trainable(required_quantizer(low, layer, quantizer_key))
    name = low.names.new(f"{layer.name}_{key}")
    if has_real_scale(quantizer):
        return folded(*scaled_weight(low, layer, name, quantizer, weight, quantizer_key))
    return weight_const(name, quantizer, weight, low.where(layer, quantizer_key))


def steps_and_scale(
    low: Lowering, layer: LayerSpec, key: str, quantizer_key: str, weight: np.ndarray
) -> tuple[Const, Const | None]:
    """A weight by its quantiser; a real scale, one number per channel of the last axis, is kept on its own."""
    quantizer = trainable(required_quantizer(low, layer, quantizer_key))
    name = low.names.new(f"{layer.name}_{key}")
    if not has_real_scale(quantizer):
        return weight_const(name, quantizer, weight, low.where(layer, quantizer_key)), None
    steps, found = scaled_weight(low, layer, name, quantizer, weight, quantizer_key)
    return steps, Const.covering(low.names.new(f"{layer.name}_scale"), found.raw, found.fraction_bits)


def scaled_matmul(
    low: Lowering, layer: LayerSpec, name: str, operand: Value, weight: Const, bias: Const, scale: Const | None
) -> Value:
    """``operand @ weight * scale + bias``. Shapes: operand (..., n_in) -> (..., n_out)."""
    origin = low.origin(layer)
    if scale is None:
        return low.builder.matmul(low.names.new(name), operand, weight, bias, origin=origin)
    none = Const.covering(low.names.new(f"{layer.name}_no_bias"), np.zeros(bias.shape, dtype=np.int64), 0)
    steps = low.builder.matmul(low.names.new(f"{name}_steps"), operand, weight, none, origin=origin)
    noted = low.origin(layer, str(next(row for row in reversed(low.scales) if row.layer == layer.name)))
    return low.builder.scale(low.names.new(name), steps, scale, bias, origin=noted)


def bias_const(low: Lowering, layer: LayerSpec, bias: np.ndarray | None, units: int) -> Const:
    name = low.names.new(f"{layer.name}_bias")
    if bias is None:
        return Const.covering(name, np.zeros(units, dtype=np.int64), 0)
    quantizer = required_quantizer(low, layer, "bias_quantizer")
    if has_real_scale(quantizer):
        return folded(*scaled_weight(low, layer, name, quantizer, bias, "bias_quantizer"))
    return weight_const(name, quantizer, bias, low.where(layer, "bias_quantizer"))


def require_channels_last(low: Lowering, layer: LayerSpec) -> None:
    if layer.config.get("data_format") == "channels_first":
        raise UnsupportedError(
            "fasttrig reads channels last",
            where=low.where(layer, "data_format"),
            got="channels_first",
            want="channels_last",
        )
