"""Layers of HGQ2 with a kernel: dense, Einstein sums, convolutions; normalisations are folded in float32 before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.hgq.quantiser import Float32, LearnedBits, read_quantiser, require_shape, weight_const
from fasttrig.frontends.hgq.settled import ULP, settled
from fasttrig.frontends.keras.convolution import ConvolutionPlan, kernel_matrix, sliding_of
from fasttrig.frontends.keras.dense import DensePlan
from fasttrig.frontends.keras.layer_parts import Activation, weight_of
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const


@dataclass(frozen=True, slots=True)
class KernelAndBias:
    kernel: Float32
    bias: Float32


def prepare_dense(low: Lowering, layer: LayerSpec) -> DensePlan:
    """QDense and QBatchNormDense."""
    kernel, units = weight_of(low, layer, "kernel"), int(layer.config["units"])
    if kernel.ndim != 2 or kernel.shape[1] != units:
        raise misfit(low, layer, kernel, f"(n_in, {units})")
    found = _folded(low, layer, kernel, units) if layer.kind.endswith("BatchNormDense") else None
    found = found or plain_weights(low, layer, kernel, (units,))
    return DensePlan(*consts(low, layer, found.kernel, found.bias), activation=activation_of(low, layer))


def prepare_convolution(low: Lowering, layer: LayerSpec) -> ConvolutionPlan:
    """QConv1D and QConv2D; also with groups."""
    kernel, filters = weight_of(low, layer, "kernel"), int(layer.config["filters"])
    sliding = sliding_of(low, layer, "kernel_size", "strides")
    if kernel.ndim != len(sliding.kernel) + 2 or kernel.shape[:-2] != sliding.kernel or kernel.shape[-1] != filters:
        raise misfit(low, layer, kernel, f"({', '.join(map(str, sliding.kernel))}, channels, {filters})")
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
        raise misfit(low, layer, bias, str(bias_shape))
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
    """QBatchNormDense normalises what comes in; HGQ2's bias has ``mean @ kernel``, of the kernel without its scale."""
    mean, variance = (weight_of(low, layer, name) for name in ("moving_mean", "moving_variance"))
    gamma = weight_of(low, layer, "bn_gamma") if layer.config.get("scale", True) else np.float32(1)
    if mean.shape != kernel.shape[:1] or variance.shape != mean.shape:
        raise misfit(low, layer, kernel, f"({mean.size}, {units})")
    with np.errstate(invalid="ignore", divide="ignore"):  # `settled` names what is not finite
        scaler = gamma / np.sqrt(variance.astype(np.float64) + layer.config.get("epsilon", 1e-3))
    scaled = scaler[:, None] * kernel.astype(np.float64)
    products = mean.astype(np.float64)[:, None] * kernel.astype(np.float64)
    moved = weight_of(low, layer, "bias").astype(np.float64) - products.sum(axis=0)
    spread = (len(mean) + 2) * ULP * (np.abs(products).sum(axis=0) + np.abs(moved))
    kernel_bits = weight_quantiser(low, layer, "kq", kernel.shape)
    return KernelAndBias(
        settled(kernel_bits, scaled, 4 * ULP * np.abs(scaled), low.where(layer, "kernel")),
        settled(weight_quantiser(low, layer, "bq", (units,)), moved, spread, low.where(layer, "bias")),
    )


def misfit(low: Lowering, layer: LayerSpec, weight: Any, want: str) -> InputError:
    return InputError(
        "the weights do not fit the layer", where=low.where(layer, "kernel"), got=str(weight.shape), want=want
    )
