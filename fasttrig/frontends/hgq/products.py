"""Layers of HGQ2 with a kernel: dense, Einstein sums, convolutions; normalisations are folded in float32 before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.hgq.quantiser import Float32, LearnedBits, read_quantiser, require_shape, weight_const
from fasttrig.frontends.keras.convolution import ConvolutionPlan, kernel_matrix, sliding_of
from fasttrig.frontends.keras.dense import DensePlan
from fasttrig.frontends.keras.layer_parts import Activation, weight_of
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const

KERAS_EPSILON = np.float32(1e-7)
"""What HGQ2's QEinsumDenseBatchnorm adds to the variance: Keras' own epsilon, whatever its configuration says."""


@dataclass(frozen=True, slots=True)
class KernelAndBias:
    kernel: Float32
    bias: Float32


def prepare_dense(low: Lowering, layer: LayerSpec) -> DensePlan:
    """QDense and QBatchNormDense."""
    kernel, units = weight_of(low, layer, "kernel"), int(layer.config["units"])
    if kernel.ndim != 2 or kernel.shape[1] != units:
        raise _misfit(low, layer, kernel, f"(n_in, {units})")
    found = _folded(low, layer, kernel, units) if layer.kind.endswith("BatchNormDense") else None
    found = found or plain_weights(low, layer, kernel, (units,))
    return DensePlan(*consts(low, layer, found.kernel, found.bias), activation=activation_of(low, layer))


def prepare_convolution(low: Lowering, layer: LayerSpec) -> ConvolutionPlan:
    """QConv1D and QConv2D; also with groups."""
    kernel, filters = weight_of(low, layer, "kernel"), int(layer.config["filters"])
    sliding = sliding_of(low, layer, "kernel_size", "strides")
    if kernel.ndim != len(sliding.kernel) + 2 or kernel.shape[:-2] != sliding.kernel or kernel.shape[-1] != filters:
        raise _misfit(low, layer, kernel, f"({', '.join(map(str, sliding.kernel))}, channels, {filters})")
    found = plain_weights(low, layer, kernel, (filters,))
    weight, bias = consts(low, layer, found.kernel, found.bias)
    matrix = kernel_matrix(weight, int(layer.config.get("groups", 1) or 1))
    return ConvolutionPlan(sliding, (matrix,), bias, activation_of(low, layer))


def activation_of(low: Lowering, layer: LayerSpec) -> Activation:
    name = layer.config.get("activation") or "linear"
    if name not in ("linear", "relu"):
        raise UnsupportedError(
            "fasttrig cannot compute the activation of this layer exactly",
            where=low.where(layer, "activation"),
            got=str(name)[:80],
            want="linear or relu",
            try_=f"activation='linear', and QUnaryFunctionLUT('{str(name)[:40]}') as a layer of its own",
        )
    return str(name)


def plain_weights(low: Lowering, layer: LayerSpec, kernel: Float32, bias_shape: tuple[int, ...]) -> KernelAndBias:
    """Kernel and bias by their quantisers; a bias of zeros where the layer has none."""
    kernel = quantised(low, layer, "kq", kernel)
    if layer.config.get("bq_conf") is None:
        return KernelAndBias(kernel, np.zeros(bias_shape, dtype=np.float32))
    bias = weight_of(low, layer, "bias")
    if bias.size != int(np.prod(bias_shape)):
        raise _misfit(low, layer, bias, str(bias_shape))
    return KernelAndBias(kernel, quantised(low, layer, "bq", bias).reshape(bias_shape))


def quantised(low: Lowering, layer: LayerSpec, site: str, values: Float32) -> Float32:
    return weight_quantiser(low, layer, site, values.shape).weights(values)


def weight_quantiser(low: Lowering, layer: LayerSpec, site: str, shape: tuple[int, ...]) -> LearnedBits:
    quantiser = read_quantiser(low, layer, layer.config.get(f"{site}_conf"), site)
    require_shape(quantiser, shape, low.where(layer, site))
    return quantiser


def consts(low: Lowering, layer: LayerSpec, kernel: Float32, bias: Float32) -> tuple[Const, Const]:
    return weight_const(low, layer, "kernel", kernel), weight_const(low, layer, "bias", bias)


def _folded(low: Lowering, layer: LayerSpec, kernel: Float32, units: int) -> KernelAndBias:
    """QBatchNormDense normalises what comes in; its bias is HGQ2's, with ``mean @ kernel`` of the plain kernel.

    The order of a float32 sum is the machine's choice. So the bias is taken at both ends of what any order can give,
    and one that its quantiser rounds differently there is refused.
    """
    mean, variance = (weight_of(low, layer, name) for name in ("moving_mean", "moving_variance"))
    gamma = weight_of(low, layer, "bn_gamma") if layer.config.get("scale", True) else np.float32(1)
    if mean.shape != kernel.shape[:1] or variance.shape != mean.shape:
        raise _misfit(low, layer, kernel, f"({mean.size}, {units})")
    scaler = gamma / np.sqrt(variance + np.float32(layer.config.get("epsilon", 1e-3)))
    products = mean.astype(np.float64)[:, None] * kernel.astype(np.float64)
    exact = weight_of(low, layer, "bias").astype(np.float64) - products.sum(axis=0)
    spread = (len(mean) + 2) * 2.0**-23 * (np.abs(products).sum(axis=0) + np.abs(exact))
    quantiser = weight_quantiser(low, layer, "bq", (units,))
    low_end, high_end = (quantiser.weights((exact + side * spread).astype(np.float32)) for side in (-1, 1))
    if not np.array_equal(low_end, high_end):
        unit = int(np.flatnonzero(low_end != high_end)[0])
        raise UnsupportedError(
            "a folded bias lies so near a rounding edge that the order of a float32 sum decides it",
            where=low.where(layer, f"bias of unit {unit}"),
            got=f"{exact[unit]!r}, which rounds to {low_end[unit]} or {high_end[unit]}",
            want="a bias that rounds one way in every order of the sum",
            try_="train a few more steps, or fold the normalisation into a QDense",
        )
    return KernelAndBias(quantised(low, layer, "kq", (scaler[:, None] * kernel).astype(np.float32)), low_end)


def _misfit(low: Lowering, layer: LayerSpec, weight: Any, want: str) -> InputError:
    return InputError(
        "the weights do not fit the layer", where=low.where(layer, "kernel"), got=str(weight.shape), want=want
    )
