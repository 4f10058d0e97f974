"""Dense layers: a matrix product and its activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.keras.layer_parts import (
    Activation,
    activation_suffix,
    apply_activation,
    bias_const,
    read_activation,
    scaled_matmul,
    steps_and_scale,
    weight_of,
)
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.normalisation import plan_dense_batchnorm
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const, Value


@dataclass(frozen=True, slots=True)
class DensePlan:
    weight: Const
    bias: Const
    activation: Activation
    scale: Const | None = None
    """Multiplier of each unit, where QKeras' scale is a real number."""


def prepare_dense(low: Lowering, layer: LayerSpec) -> DensePlan | None:
    kernel = weight_of(low, layer, "kernel")
    bias = weight_of(low, layer, "bias") if layer.config.get("use_bias", True) else None
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
    weight = low.attempt(lambda: steps_and_scale(low, layer, "kernel", "kernel_quantizer", kernel))
    offset = low.attempt(lambda: bias_const(low, layer, bias, units))
    activation = low.attempt(lambda: read_activation(low, layer, layer.config.get("activation"), "activation"))
    if weight is None or offset is None or activation is None:
        return None
    return DensePlan(weight[0], offset, activation, weight[1])


def prepare_dense_batchnorm(low: Lowering, layer: LayerSpec) -> DensePlan | None:
    kernel, bias = plan_dense_batchnorm(low, layer, weight_of(low, layer, "kernel"), "kernel_quantizer")
    return _dense_plan(low, layer, kernel, bias)


def lower_dense(low: Lowering, layer: LayerSpec, plan: DensePlan, name: str, operands: list[Value]) -> Value:
    operand = operands[0]
    if operand.shape[-1] != plan.weight.shape[0]:
        raise InputError(
            "the kernel does not fit its input",
            where=low.where(layer, "kernel"),
            got=f"kernel {plan.weight.shape} on {operand.shape}",
        )
    result = scaled_matmul(low, layer, name, operand, plan.weight, plan.bias, plan.scale)
    suffix = activation_suffix(plan.activation)
    return apply_activation(low, layer, result, plan.activation, f"{name}_{suffix}", "activation")


def refuse_dense(low: Lowering, layer: LayerSpec) -> Any:
    raise UnsupportedError(
        "the weights of this layer are not quantised",
        where=low.where(layer),
        got=layer.kind,
        want="QDense with kernel_quantizer and bias_quantizer",
        try_="`fasttrig quantise` the float network, or retrain with QDense(..., "
        "kernel_quantizer='quantized_bits(6,0,alpha=1)')",
    )
