"""Convolutions: neighbourhoods by a `Window`, then one matrix product. Images are channels last.

A depthwise or grouped convolution is the same product with zeros where a channel does not reach; a transposed one puts
zeros between its inputs first and turns its kernel round.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import IntArray
from fasttrig.frontends.keras.layer_parts import (
    Activation,
    activation_suffix,
    apply_activation,
    bias_const,
    quantised_weight,
    read_activation,
    require_channels_last,
    scaled_matmul,
    steps_and_scale,
    weight_of,
)
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.normalisation import plan_dense_batchnorm
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import PAD, Const, Value


@dataclass(frozen=True, slots=True)
class Sliding:
    """How a kernel slides, one number per spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str

    def pads(self, sizes: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Pads before and after each axis, as TensorFlow places them."""
        reach = [(size - 1) * step + 1 for size, step in zip(self.kernel, self.dilation, strict=True)]
        if self.padding == "causal":
            return tuple(length - 1 for length in reach), (0,) * len(reach)
        if self.padding == "valid":
            return (0,) * len(reach), (0,) * len(reach)
        totals = [
            max((-(-size // stride) - 1) * stride + length - size, 0)
            for size, stride, length in zip(sizes, self.stride, reach, strict=True)
        ]
        return tuple(total // 2 for total in totals), tuple(total - total // 2 for total in totals)

    @property
    def is_pointwise(self) -> bool:
        return math.prod(self.kernel) == 1 and math.prod(self.stride) == 1


@dataclass(frozen=True, slots=True)
class ConvolutionPlan:
    """Products of neighbourhoods with `weights`, one after the other; all but the last are without bias."""

    sliding: Sliding
    weights: tuple[Const, ...]
    """Of shape (elements * channels, filters) for the first, (channels, filters) for others."""
    bias: Const
    activation: Activation
    scale: Const | None = None
    """Multiplier of each filter, where QKeras' scale is a real number."""
    upsampling: tuple[int, ...] = ()
    """Of a transposed convolution: the distance of its inputs on each axis."""


def prepare_convolution(low: Lowering, layer: LayerSpec) -> ConvolutionPlan | None:
    """QConv1D, QConv2D; also with groups."""
    return _prepared(low, layer, "kernel", "kernel_quantizer", lambda raw: _dense(raw, _groups(layer)))


def prepare_depthwise(low: Lowering, layer: LayerSpec) -> ConvolutionPlan | None:
    """QDepthwiseConv2D."""
    return _prepared(low, layer, "depthwise_kernel", "depthwise_quantizer", _depthwise)


def prepare_convolution_batchnorm(low: Lowering, layer: LayerSpec) -> ConvolutionPlan | None:
    """QConv2DBatchnorm: as QKeras folds it, before the quantiser."""
    folded = plan_dense_batchnorm(low, layer, weight_of(low, layer, "kernel"), "kernel_quantizer")
    return _prepared(low, layer, "kernel", "kernel_quantizer", lambda raw: _dense(raw, 1), folded)


def prepare_depthwise_batchnorm(low: Lowering, layer: LayerSpec) -> ConvolutionPlan | None:
    """QDepthwiseConv2DBatchnorm."""
    kernel = weight_of(low, layer, "depthwise_kernel")
    folded = plan_dense_batchnorm(low, layer, kernel, "depthwise_quantizer")
    return _prepared(low, layer, "depthwise_kernel", "depthwise_quantizer", _depthwise, folded)


def prepare_separable(low: Lowering, layer: LayerSpec) -> ConvolutionPlan | None:
    """QSeparableConv1D, QSeparableConv2D: a depthwise product, then a pointwise one."""
    plan = _prepared(low, layer, "depthwise_kernel", "depthwise_quantizer", _depthwise)
    kernel = weight_of(low, layer, "pointwise_kernel")
    pointwise = low.attempt(lambda: quantised_weight(low, layer, "pointwise_kernel", "pointwise_quantizer", kernel))
    if plan is None or pointwise is None:
        return None
    weights = (*plan.weights, _with_raw(pointwise, _dense(pointwise.raw, 1)))
    return ConvolutionPlan(plan.sliding, weights, plan.bias, plan.activation)


def prepare_transposed(low: Lowering, layer: LayerSpec) -> ConvolutionPlan | None:
    """QConv2DTranspose: the kernel (rows, columns, filters, channels) turned round."""
    if layer.config.get("output_padding") is not None:
        raise UnsupportedError(
            "fasttrig cannot use this option",
            where=low.where(layer, "output_padding"),
            got=str(layer.config["output_padding"]),
            want="null",
        )
    plan = _prepared(low, layer, "kernel", "kernel_quantizer", _turned, n_filters_axis=-2)
    if plan is None:
        return None
    sliding = plan.sliding
    if sliding.dilation != (1,) * len(sliding.dilation):
        raise UnsupportedError(
            "fasttrig cannot dilate a transposed convolution",
            where=low.where(layer, "dilation_rate"),
            got=str(list(sliding.dilation)),
            want="1",
        )
    steps = (1,) * len(sliding.stride)
    unit = Sliding(sliding.kernel, steps, steps, sliding.padding)
    return ConvolutionPlan(unit, plan.weights, plan.bias, plan.activation, upsampling=sliding.stride)


def lower_convolution(
    low: Lowering, layer: LayerSpec, plan: ConvolutionPlan, name: str, operands: list[Value]
) -> Value:
    """Shapes: (*spatial, channels) -> (*positions, filters)."""
    operand, rank = operands[0], len(plan.sliding.kernel)
    if len(operand.shape) != rank + 1:
        raise InputError(
            "a convolution is called on a tensor of another rank",
            where=low.where(layer),
            got=str(operand.shape),
            want=f"{rank} spatial axes and the channels",
        )
    if plan.upsampling:
        operand, before, after = _spread(low, layer, plan, operand)
    else:
        before, after = plan.sliding.pads(operand.shape[:-1])
    value = _neighbourhoods(low, layer, plan.sliding, name, operand, before, after)
    for number, weight in enumerate(plan.weights):
        if value.shape[-1] != weight.shape[0]:
            raise InputError(
                "the kernel does not fit its input",
                where=low.where(layer, "kernel"),
                got=f"{operand.shape[-1]} channels",
                want=f"{weight.shape[0] // math.prod(plan.sliding.kernel)}",
            )
        is_last = number == len(plan.weights) - 1
        bias = plan.bias if is_last else _zeros(low, f"{layer.name}_no_bias", weight.shape[1])
        own = name if is_last else f"{name}_depthwise"
        value = scaled_matmul(low, layer, own, value, weight, bias, plan.scale if is_last else None)
    suffix = activation_suffix(plan.activation)
    return apply_activation(low, layer, value, plan.activation, f"{name}_{suffix}", "activation")


def sliding_of(low: Lowering, layer: LayerSpec, kernel_key: str, stride_key: str) -> Sliding:
    """The geometry of a convolution or a pooling; its stride defaults to the kernel."""
    require_channels_last(low, layer)
    rank = 1 if layer.kind.endswith("1D") else 2
    kernel = _per_axis(low, layer, kernel_key, rank)
    has_stride = layer.config.get(stride_key) is not None
    padding = str(layer.config.get("padding", "valid")).lower()
    return Sliding(
        kernel,
        _per_axis(low, layer, stride_key, rank) if has_stride else kernel,
        _per_axis(low, layer, "dilation_rate", rank),
        padding,
    )


def windows(low: Lowering, layer: LayerSpec, sliding: Sliding, operand: Value, name: str, *, pad_raw: int = 0) -> Value:
    """Shapes: (*spatial, channels) -> (*positions, elements, channels)."""
    before, after = sliding.pads(operand.shape[:-1])
    return _window(low, layer, sliding, name, operand, before, after, pad_raw)


def _neighbourhoods(
    low: Lowering,
    layer: LayerSpec,
    sliding: Sliding,
    name: str,
    operand: Value,
    before: tuple[int, ...],
    after: tuple[int, ...],
) -> Value:
    """Shapes: (*spatial, channels) -> (*positions, elements * channels)."""
    if sliding.is_pointwise and not any((*before, *after)):
        return operand
    found = _window(low, layer, sliding, f"{name}_window", operand, before, after, 0)
    shape = (*found.shape[:-2], found.shape[-2] * found.shape[-1])
    return low.builder.reshape(low.names.new(f"{name}_neighbours"), found, shape, origin=low.origin(layer))


def _window(
    low: Lowering,
    layer: LayerSpec,
    sliding: Sliding,
    name: str,
    operand: Value,
    before: tuple[int, ...],
    after: tuple[int, ...],
    pad_raw: int,
) -> Value:
    return low.builder.window(
        low.names.new(name),
        operand,
        sliding.kernel,
        stride=sliding.stride,
        dilation=sliding.dilation,
        before=before,
        after=after,
        pad_raw=pad_raw,
        origin=low.origin(layer),
    )


def _spread(
    low: Lowering, layer: LayerSpec, plan: ConvolutionPlan, operand: Value
) -> tuple[Value, tuple[int, ...], tuple[int, ...]]:
    """The inputs of a transposed convolution with zeros between them, and the pads around them."""
    before, after, spread = [], [], operand
    for axis, (step, length) in enumerate(zip(plan.upsampling, plan.sliding.kernel, strict=True)):
        size = operand.shape[axis]
        index = np.full((size - 1) * step + 1, PAD)
        index[::step] = np.arange(size)
        if step > 1:
            name = low.names.new(f"{layer.name}_spread{axis}")
            spread = low.builder.gather(name, spread, axis, index.tolist(), origin=low.origin(layer))
        wanted = size * step if plan.sliding.padding == "same" else (size - 1) * step + max(step, length)
        forward = max((size - 1) * step + length - wanted, 0) if plan.sliding.padding == "same" else 0
        first = length - 1 - forward // 2
        before.append(first)
        after.append(wanted + length - 1 - len(index) - first)
    return spread, tuple(before), tuple(after)


def _prepared(
    low: Lowering,
    layer: LayerSpec,
    weight_key: str,
    quantizer_key: str,
    arrange: Callable[[IntArray], IntArray],
    folded: tuple[np.ndarray, np.ndarray] | None = None,
    n_filters_axis: int = -1,
) -> ConvolutionPlan | None:
    sliding = sliding_of(low, layer, "kernel_size", "strides")
    kernel = weight_of(low, layer, weight_key) if folded is None else folded[0]
    if kernel.ndim != len(sliding.kernel) + 2 or kernel.shape[: len(sliding.kernel)] != sliding.kernel:
        raise InputError(
            "the weights do not fit the layer",
            where=low.where(layer, weight_key),
            got=f"kernel {kernel.shape}",
            want=f"{sliding.kernel} and two axes of channels",
        )
    scaled = low.attempt(lambda: _weight_and_scale(low, layer, weight_key, quantizer_key, kernel))
    if weight_key == "depthwise_kernel":
        n_filters = kernel.shape[-1] * kernel.shape[-2]
    else:
        n_filters = kernel.shape[n_filters_axis]
    if layer.kind.startswith("QSeparable"):
        n_filters = weight_of(low, layer, "pointwise_kernel").shape[-1]
    bias = folded[1] if folded is not None else None
    if folded is None and layer.config.get("use_bias", True):
        bias = weight_of(low, layer, "bias")
    offset = low.attempt(lambda: bias_const(low, layer, bias, n_filters))
    activation = low.attempt(lambda: read_activation(low, layer, layer.config.get("activation"), "activation"))
    if scaled is None or offset is None or activation is None:
        return None
    weight, scale = scaled
    return ConvolutionPlan(sliding, (_with_raw(weight, arrange(weight.raw)),), offset, activation, scale)


def _weight_and_scale(
    low: Lowering, layer: LayerSpec, key: str, quantizer_key: str, kernel: np.ndarray
) -> tuple[Const, Const | None]:
    """A real scale is kept on its own where the last axis of the kernel is the filters, else folded in."""
    if key == "kernel" and layer.kind != "QConv2DTranspose":
        return steps_and_scale(low, layer, key, quantizer_key, kernel)
    return quantised_weight(low, layer, key, quantizer_key, kernel), None


def _groups(layer: LayerSpec) -> int:
    return int(layer.config.get("groups", 1) or 1)


def kernel_matrix(kernel: Const, groups: int) -> Const:
    """The kernel of a convolution as the matrix of its product."""
    return _with_raw(kernel, _dense(kernel.raw, groups))


def _dense(raw: IntArray, groups: int) -> IntArray:
    """(*kernel, channels of a group, filters) -> (elements * channels, filters), zeros outside each group."""
    elements, inner, filters = math.prod(raw.shape[:-2]), raw.shape[-2], raw.shape[-1]
    flat = raw.reshape(elements, inner, filters)
    if groups == 1:
        return flat.reshape(-1, filters)
    wide = np.zeros((elements, groups, inner, filters), dtype=np.int64)
    for group in range(groups):
        mine = slice(group * filters // groups, (group + 1) * filters // groups)
        wide[:, group, :, mine] = flat[:, :, mine]
    return wide.reshape(-1, filters)


def _depthwise(raw: IntArray) -> IntArray:
    """(*kernel, channels, multiplier) -> (elements * channels, channels * multiplier): each channel by itself."""
    elements, channels, multiplier = math.prod(raw.shape[:-2]), raw.shape[-2], raw.shape[-1]
    wide = np.zeros((elements, channels, channels, multiplier), dtype=np.int64)
    every = np.arange(channels)
    wide[:, every, every, :] = raw.reshape(elements, channels, multiplier)
    return wide.reshape(elements * channels, channels * multiplier)


def _turned(raw: IntArray) -> IntArray:
    """(*kernel, filters, channels) of a transposed convolution -> (elements * channels, filters)."""
    spatial = tuple(range(raw.ndim - 2))
    return _dense(np.moveaxis(np.flip(raw, axis=spatial), -1, -2), 1)


def _with_raw(const: Const, raw: IntArray) -> Const:
    if not const.type.holds(min(int(raw.min(initial=0)), 0), int(raw.max(initial=0))):  # zeros were put in
        return Const.covering(const.name, raw, const.type.fraction_bits)
    return Const(const.name, const.type, raw)


def _zeros(low: Lowering, name: str, size: int) -> Const:
    return Const.covering(low.names.new(name), np.zeros(size, dtype=np.int64), 0)


def _per_axis(low: Lowering, layer: LayerSpec, key: str, rank: int) -> tuple[int, ...]:
    """A number for each spatial axis; one number is for all, 1 where there is none."""
    content = layer.config.get(key, 1)
    numbers = list(content) if isinstance(content, (list, tuple)) else [content]
    numbers = numbers * rank if len(numbers) == 1 else numbers[:rank]
    if len(numbers) != rank:
        raise InputError(
            "a number for each axis is missing", where=low.where(layer, key), got=str(content), want=f"{rank} numbers"
        )
    return tuple(int(number) for number in numbers)
