"""One row per layer class: what can be checked without its operands, and the ops it becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError, near_names
from fasttrig.frontends.keras.activations import SHORT_NAMES, ActivationSite, check_activation, lower_activation
from fasttrig.frontends.keras.final_link import LINKS, lower_link
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.normalisation import lower_batchnorm, plan_batchnorm, plan_dense_batchnorm
from fasttrig.frontends.keras.quantizers import Quantizer, quantizer_name, read_quantizer
from fasttrig.frontends.keras.weights import trainable, weight_const
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const, Value

Activation = Quantizer | str
"""A quantizer, or one of `linear`, `relu`, `softmax`, `sigmoid`."""

_PLAIN_ACTIVATIONS = ("linear", "relu", *LINKS)


@dataclass(frozen=True, slots=True)
class DensePlan:
    weight: Const
    bias: Const
    activation: Activation


PreparedLayer = Any
Prepare = Callable[[Lowering, LayerSpec], PreparedLayer]
Lower = Callable[[Lowering, LayerSpec, PreparedLayer, str, list[Value]], Value]


def prepare(low: Lowering, layer: LayerSpec) -> PreparedLayer:
    """Everything of a layer that does not depend on its operands; all of its refusals are collected."""
    row = LAYERS.get(layer.kind)
    if row is not None:
        return row.prepare(low, layer)
    raise UnsupportedError(
        "fasttrig does not know this layer",
        where=low.where(layer),
        got=layer.kind,
        want="a layer of Keras or QKeras that it can compute exactly",
        try_=REFUSED_LAYERS.get(layer.kind) or near_names(layer.kind, LAYERS),
    )


def lower(low: Lowering, layer: LayerSpec, plan: PreparedLayer, operands: list[Value]) -> Value:
    """The ops of one call of a layer; returns what the layer gives."""
    joins = layer.kind in _JOINING
    if not operands or (len(operands) > 1 and not joins):
        raise InputError(
            "a layer is called with the wrong number of tensors",
            where=low.where(layer),
            got=str(len(operands)),
            want="one or more" if joins else "1",
        )
    return LAYERS[layer.kind].lower(low, layer, plan, layer.name, operands)


def read_activation(low: Lowering, layer: LayerSpec, content: Any, *parts: str) -> Activation:
    """The activation of a configuration: a quantizer, or the name of a plain function."""
    where = low.where(layer, *parts)
    name = "linear" if content is None else quantizer_name(content)
    if name in _PLAIN_ACTIVATIONS:
        return str(name)
    if name in ("tanh", "hard_tanh", "smooth_tanh", "hard_sigmoid", "smooth_sigmoid", "elu", "selu", "gelu", "swish"):
        raise UnsupportedError(
            "fasttrig cannot compute this activation exactly",
            where=where,
            got=name,
            want="a quantised activation",
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
    if isinstance(activation, str) and activation in LINKS:
        unused = low.link_layer == layer.name and not low.firmware_links
        site = ActivationSite(name if unused else low.names.new(name), low.origin(layer, activation), where)
        return lower_link(low, value, activation, layer.name, site)
    if isinstance(activation, str):
        return low.builder.relu(low.names.new(name), value, origin=low.origin(layer, activation))
    site = ActivationSite(low.names.new(name), low.origin(layer, str(activation)), where)
    return lower_activation(low, value, activation, site)


def _activation_suffix(activation: Activation) -> str:
    name = activation if isinstance(activation, str) else activation.name
    return SHORT_NAMES.get(name, name)


def _required_quantizer(low: Lowering, layer: LayerSpec, key: str) -> Quantizer:
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


def _weight(low: Lowering, layer: LayerSpec, key: str) -> np.ndarray:
    if key not in layer.weights:
        raise InputError(
            "a weight of this layer is missing",
            where=low.where(layer, key),
            got=", ".join(layer.weights) or "no weights",
            want=key,
        )
    return layer.weights[key]


def _prepare_dense(low: Lowering, layer: LayerSpec) -> DensePlan | None:
    kernel = _weight(low, layer, "kernel")
    bias = _weight(low, layer, "bias") if layer.config.get("use_bias", True) else None
    return _dense_plan(low, layer, kernel, bias)


def _dense_plan(low: Lowering, layer: LayerSpec, kernel: np.ndarray, bias: np.ndarray | None) -> DensePlan | None:
    units = int(layer.config["units"])
    if kernel.ndim != 2 or kernel.shape[1] != units or (bias is not None and bias.shape != (units,)):
        raise InputError(
            "the weights do not fit the layer",
            where=low.where(layer, "kernel"),
            got=f"kernel {kernel.shape}",
            want=f"(n_in, {units})",
        )
    weight = low.attempt(lambda: _kernel(low, layer, kernel))
    offset = low.attempt(lambda: _bias(low, layer, bias, units))
    activation = low.attempt(lambda: read_activation(low, layer, layer.config.get("activation"), "activation"))
    if weight is None or offset is None or activation is None:
        return None
    return DensePlan(weight, offset, activation)


def _kernel(low: Lowering, layer: LayerSpec, kernel: np.ndarray) -> Const:
    quantizer = trainable(_required_quantizer(low, layer, "kernel_quantizer"))
    return weight_const(low.names.new(f"{layer.name}_kernel"), quantizer, kernel, low.where(layer, "kernel_quantizer"))


def _bias(low: Lowering, layer: LayerSpec, bias: np.ndarray | None, units: int) -> Const:
    name = low.names.new(f"{layer.name}_bias")
    if bias is None:
        return Const.covering(name, np.zeros(units, dtype=np.int64), 0)
    quantizer = _required_quantizer(low, layer, "bias_quantizer")
    return weight_const(name, quantizer, bias, low.where(layer, "bias_quantizer"))


def _prepare_dense_batchnorm(low: Lowering, layer: LayerSpec) -> DensePlan | None:
    kernel, bias = plan_dense_batchnorm(low, layer, _weight(low, layer, "kernel"))
    return _dense_plan(low, layer, kernel, bias)


def _lower_dense(low: Lowering, layer: LayerSpec, plan: DensePlan, name: str, operands: list[Value]) -> Value:
    operand = operands[0]
    if operand.shape[-1] != plan.weight.shape[0]:
        raise InputError(
            "the kernel does not fit its input",
            where=low.where(layer, "kernel"),
            got=f"kernel {plan.weight.shape} on {operand.shape}",
        )
    result = low.builder.matmul(low.names.new(name), operand, plan.weight, plan.bias, origin=low.origin(layer))
    suffix = _activation_suffix(plan.activation)
    return apply_activation(low, layer, result, plan.activation, f"{name}_{suffix}", "activation")


def _refuse_dense(low: Lowering, layer: LayerSpec) -> PreparedLayer:
    raise UnsupportedError(
        "the weights of this layer are not quantised",
        where=low.where(layer),
        got=layer.kind,
        want="QDense with kernel_quantizer and bias_quantizer",
        try_="retrain with QDense(..., kernel_quantizer='quantized_bits(6,0,alpha=1)')",
    )


def _refuse_qbatchnorm(low: Lowering, layer: LayerSpec) -> PreparedLayer:
    raise UnsupportedError(
        "QBatchNormalization is not exact on any grid",
        where=low.where(layer),
        got=f"epsilon={layer.config.get('epsilon')} is added to a quantised variance before the square root",
        want="BatchNormalization with batchnorm_type, or a normalisation folded before quantisation",
        try_="retrain with QDenseBatchnorm, or without normalisation",
    )


def _prepare_activation(low: Lowering, layer: LayerSpec) -> Activation:
    return read_activation(low, layer, layer.config.get("activation"), "activation")


def _prepare_softmax(low: Lowering, layer: LayerSpec) -> Activation:
    axis = layer.config.get("axis", -1)
    if axis != -1:
        raise UnsupportedError(
            "softmax is supported over the last axis only", where=low.where(layer, "axis"), got=str(axis), want="-1"
        )
    return "softmax"


def _lower_activation(low: Lowering, layer: LayerSpec, plan: Activation, name: str, operands: list[Value]) -> Value:
    return apply_activation(low, layer, operands[0], plan, name, "activation")


def _prepare_relu(low: Lowering, layer: LayerSpec) -> tuple[int | None, float | None]:
    """The slope's shift (None: zero below) and the upper limit."""
    config = layer.config
    slope = config.get("negative_slope", config.get("alpha", 0.3 if layer.kind == "LeakyReLU" else 0.0))
    slope = 0.0 if slope is None else float(slope)
    if config.get("threshold"):
        raise UnsupportedError(
            "fasttrig cannot use a ReLU with a threshold",
            where=low.where(layer, "threshold"),
            got=str(config["threshold"]),
            want="0",
        )
    mantissa, exponent = np.frexp(slope)
    if slope and (mantissa != 0.5 or exponent > 1):
        raise UnsupportedError(
            "this slope is not a shift",
            where=low.where(layer, "negative_slope"),
            got=str(slope),
            want="a power of two up to 1, such as 0.125",
            try_="retrain with a slope of 0.125 or 0.25",
        )
    limit = config.get("max_value")
    return (int(1 - exponent) if slope else None), (None if limit is None else float(limit))


def _lower_relu(low: Lowering, layer: LayerSpec, plan: PreparedLayer, name: str, operands: list[Value]) -> Value:
    shift, limit = plan
    limit_raw = None
    if limit is not None:
        exact = Fraction(limit) * Fraction(2) ** (operands[0].type.fraction_bits + (shift or 0))
        if exact.denominator != 1:
            raise UnsupportedError(
                "this limit is not on the operand's grid",
                where=low.where(layer, "max_value"),
                got=f"{limit} on {operands[0].type}",
                want=f"a multiple of {operands[0].type.lsb}",
                try_="use quantized_relu",
            )
        limit_raw = int(exact)
    return low.builder.relu(
        low.names.new(name), operands[0], limit_raw=limit_raw, negative_shift=shift, origin=low.origin(layer)
    )


def _lower_concat(low: Lowering, layer: LayerSpec, plan: PreparedLayer, name: str, operands: list[Value]) -> Value:
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


def _lower_add(low: Lowering, layer: LayerSpec, plan: PreparedLayer, name: str, operands: list[Value]) -> Value:
    if len({value.shape for value in operands}) != 1:
        raise UnsupportedError(
            "fasttrig adds tensors of one shape only",
            where=low.where(layer),
            got=", ".join(str(value.shape) for value in operands),
            want="equal shapes",
        )
    total = operands[0]
    for index, other in enumerate(operands[1:], start=2):
        last = index == len(operands)
        total = low.builder.add(
            low.names.new(name if last else f"{name}_{index}"), total, other, origin=low.origin(layer)
        )
    return total


def _channels_last(low: Lowering, layer: LayerSpec) -> PreparedLayer:
    if layer.config.get("data_format") == "channels_first":
        raise UnsupportedError(
            "fasttrig reads channels last",
            where=low.where(layer, "data_format"),
            got="channels_first",
            want="channels_last",
        )
    return None


def _lower_flatten(low: Lowering, layer: LayerSpec, plan: PreparedLayer, name: str, operands: list[Value]) -> Value:
    return low.builder.reshape(low.names.new(name), operands[0], (operands[0].size,), origin=low.origin(layer))


def _lower_reshape(low: Lowering, layer: LayerSpec, plan: PreparedLayer, name: str, operands: list[Value]) -> Value:
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


def _same(low: Lowering, layer: LayerSpec, plan: PreparedLayer, name: str, operands: list[Value]) -> Value:
    """A layer that does nothing in inference."""
    return operands[0]


def _nothing(low: Lowering, layer: LayerSpec) -> PreparedLayer:
    return None


_JOINING = ("Concatenate", "Add")

_INERT = ("Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "SpatialDropout1D", "ActivityRegularization")
"""Layers that act in training only."""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """The check and the lowering of a layer. `becomes` is the description, empty if `prepare` always refuses."""

    prepare: Prepare
    lower: Lower
    becomes: str = ""


LAYERS: dict[str, LayerRow] = {
    "QDense": LayerRow(_prepare_dense, _lower_dense, "`MatMul`, then its activation"),
    "QDenseBatchnorm": LayerRow(_prepare_dense_batchnorm, _lower_dense, "`MatMul` of the folded kernel"),
    "Dense": LayerRow(_refuse_dense, _same),
    "QActivation": LayerRow(_prepare_activation, _lower_activation, "the quantiser's ops, see below"),
    "Activation": LayerRow(
        _prepare_activation,
        _lower_activation,
        "linear, relu or a quantiser; softmax and sigmoid at the end of the model",
    ),
    "Softmax": LayerRow(_prepare_softmax, _lower_activation, "the link after the firmware, at the end of the model"),
    "ReLU": LayerRow(_prepare_relu, _lower_relu, "`Relu`; slopes that are powers of two"),
    "LeakyReLU": LayerRow(_prepare_relu, _lower_relu, "`Relu`; slopes that are powers of two"),
    "BatchNormalization": LayerRow(plan_batchnorm, lower_batchnorm, "`Scale`, where that is exact"),
    "QBatchNormalization": LayerRow(_refuse_qbatchnorm, _same),
    "Concatenate": LayerRow(_nothing, _lower_concat, "`Concat`"),
    "Add": LayerRow(_nothing, _lower_add, "`Add`"),
    "Flatten": LayerRow(_channels_last, _lower_flatten, "`Reshape`"),
    "Reshape": LayerRow(_nothing, _lower_reshape, "`Reshape`"),
    **dict.fromkeys(_INERT, LayerRow(_nothing, _same, "nothing: acts in training only")),
}
"""By layer class. docs/reference/supported.md lists the same layers."""

MODELS_INSIDE = "a model inside a model, at any depth, called once or often: its layers, laid flat"
"""Description of a Functional or Sequential model that is a layer; docs/reference/supported.md shows this text."""

REFUSED_LAYERS = {
    "Multiply": "products of activations are not supported",
    "Average": "use Add, and let the next quantizer take the factor",
    "QAdaptiveActivation": "its range follows the data; retrain with QActivation('quantized_bits(...)')",
    "PReLU": "its slopes are trained real numbers; retrain with LeakyReLU(0.125)",
    "LayerNormalization": "it divides by a square root; retrain with QDenseBatchnorm",
}
