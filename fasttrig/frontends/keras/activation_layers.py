"""Activation layers: quantisers, rectifiers and the softmax at the end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.frontends.keras.layer_parts import Activation, apply_activation, read_activation, weight_of
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.smooth import elu, is_smooth
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const, Value


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


@dataclass(frozen=True, slots=True)
class RectifierPlan:
    """Shift of the slope below the threshold (None: zero), upper limit, and threshold."""

    shift: int | None
    limit: float | None
    threshold: float = 0.0


def prepare_relu(low: Lowering, layer: LayerSpec) -> RectifierPlan:
    config = layer.config
    slope = config.get("negative_slope", config.get("alpha", 0.3 if layer.kind == "LeakyReLU" else 0.0))
    limit, threshold = config.get("max_value"), float(config.get("threshold") or 0.0)
    if threshold and (slope or limit is not None):
        raise UnsupportedError(
            "fasttrig cannot use a ReLU with a threshold and a slope or a limit",
            where=low.where(layer, "threshold"),
            got=f"threshold={threshold}, negative_slope={slope}, max_value={limit}",
            want="threshold alone, or 0",
        )
    shift = _shift_of(0.0 if slope is None else float(slope), low.where(layer, "negative_slope"))
    return RectifierPlan(shift, None if limit is None else float(limit), threshold)


def prepare_elu(low: Lowering, layer: LayerSpec) -> float:
    """ELU: its alpha."""
    if not is_smooth(low, layer, "elu"):
        raise UnsupportedError(
            "fasttrig cannot compute this activation exactly",
            where=low.where(layer),
            got=layer.kind,
            want="QActivation('quantized_bits(...)') as the only layer that reads it",
            try_="LeakyReLU(0.125) or QActivation('quantized_relu(6,2)')",
        )
    return float(layer.config.get("alpha", 1.0))


def lower_elu(low: Lowering, layer: LayerSpec, plan: float, name: str, operands: list[Value]) -> Value:
    low.smooth[layer.name] = lambda x: elu(x, plan)
    return operands[0]


def prepare_thresholded(low: Lowering, layer: LayerSpec) -> RectifierPlan:
    """ThresholdedReLU: the operand where it is above theta, else 0."""
    return RectifierPlan(None, None, float(layer.config.get("theta", 1.0)))


def prepare_prelu(low: Lowering, layer: LayerSpec) -> RectifierPlan:
    """PReLU whose trained slopes are all one power of two."""
    slopes = np.unique(weight_of(low, layer, "alpha"))
    if len(slopes) != 1:
        raise UnsupportedError(
            "the slopes of this layer differ",
            where=low.where(layer, "alpha"),
            got=f"{len(slopes)} slopes from {slopes[0]:.6g} to {slopes[-1]:.6g}",
            want="one slope, a power of two",
            try_="retrain with LeakyReLU(0.125)",
        )
    return RectifierPlan(_shift_of(float(slopes[0]), low.where(layer, "alpha")), None)


def _shift_of(slope: float, where: str) -> int | None:
    """How far a slope shifts to the right; None for a slope of zero."""
    mantissa, exponent = np.frexp(slope)
    if slope and (mantissa != 0.5 or exponent > 1):
        raise UnsupportedError(
            "this slope is not a shift",
            where=where,
            got=str(slope),
            want="a power of two up to 1, such as 0.125",
            try_="retrain with a slope of 0.125 or 0.25",
        )
    return int(1 - exponent) if slope else None


def lower_relu(low: Lowering, layer: LayerSpec, plan: RectifierPlan, name: str, operands: list[Value]) -> Value:
    if plan.threshold:
        return _thresholded(low, layer, operands[0], plan.threshold, name)
    limit_raw = None
    if plan.limit is not None:
        exact = Fraction(plan.limit) * Fraction(2) ** (operands[0].type.fraction_bits + (plan.shift or 0))
        if exact.denominator != 1:
            raise UnsupportedError(
                "this limit is not on the operand's grid",
                where=low.where(layer, "max_value"),
                got=f"{plan.limit} on {operands[0].type}",
                want=f"a multiple of {operands[0].type.lsb}",
                try_="use quantized_relu",
            )
        limit_raw = int(exact)
    return low.builder.relu(
        low.names.new(name), operands[0], limit_raw=limit_raw, negative_shift=plan.shift, origin=low.origin(layer)
    )


def _thresholded(low: Lowering, layer: LayerSpec, value: Value, threshold: float, name: str) -> Value:
    """``value`` where it is greater than the threshold, else 0; the sign of the distance decides."""
    floors = {math.floor(Fraction(t) * Fraction(2) ** value.type.fraction_bits) for t in _both(threshold)}
    if len(floors) != 1:
        raise UnsupportedError(
            "float32 and float64 put this threshold on different sides of the operand's grid",
            where=low.where(layer, "threshold"),
            got=f"{threshold} on {value.type}",
            want="a threshold that float32 holds exactly, such as 0.375",
        )
    (most,) = floors  # the greatest raw integer that is not above the threshold
    channels, origin = value.shape[-1], low.origin(layer)

    def affine(part: str, factor: int, offset: int) -> Value:
        scale = Const.covering(low.names.new(f"{name}_{part}_factor"), np.full(channels, factor, dtype=np.int64), 0)
        shift = Const.covering(
            low.names.new(f"{name}_{part}_offset"),
            np.full(channels, offset, dtype=np.int64),
            value.type.fraction_bits,
        )
        return low.builder.scale(low.names.new(f"{name}_{part}"), value, scale, shift, origin=origin)

    bound, zero = affine("bound", 0, most), affine("zero", 0, 0)
    above = low.builder.compare(low.names.new(f"{name}_above"), bound, value, origin=origin)
    return low.builder.select(low.names.new(name), above, value, zero, origin=origin)


def _both(threshold: float) -> tuple[float, float]:
    return threshold, float(np.float32(threshold))
