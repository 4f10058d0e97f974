"""Activation layers: quantisers, rectifiers and the softmax at the end."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.frontends.keras.layer_parts import Activation, apply_activation, read_activation
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Value


def prepare_activation(low: Lowering, layer: LayerSpec) -> Activation:
    return read_activation(low, layer, layer.config.get("activation"), "activation")


def prepare_softmax(low: Lowering, layer: LayerSpec) -> Activation:
    axis = layer.config.get("axis", -1)
    if axis != -1:
        raise UnsupportedError(
            "softmax is supported over the last axis only", where=low.where(layer, "axis"), got=str(axis), want="-1"
        )
    return "softmax"


def lower_activation(low: Lowering, layer: LayerSpec, plan: Activation, name: str, operands: list[Value]) -> Value:
    return apply_activation(low, layer, operands[0], plan, name, "activation")


def prepare_relu(low: Lowering, layer: LayerSpec) -> tuple[int | None, float | None]:
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


def lower_relu(low: Lowering, layer: LayerSpec, plan: Any, name: str, operands: list[Value]) -> Value:
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
