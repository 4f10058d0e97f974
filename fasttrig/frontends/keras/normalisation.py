"""Batch normalisation: exact where its numbers lie on a grid, rounded where the user gives a type, else refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding, from_value
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.quantizers import read_quantizer
from fasttrig.frontends.keras.real_scales import note_normalisation, rounded_normalisation
from fasttrig.frontends.keras.weights import quantise, trainable
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const, Value

EXACT_BITS = 24
"""A scale or offset is taken as exact when all channels share a grid of at most this many bits (float32's own)."""

_RSQRT_ULPS = 2
"""Largest observed error of TensorFlow's float32 reciprocal square root."""


@dataclass(frozen=True, slots=True)
class ScalePlan:
    scale: Const
    offset: Const
    note: str


def plan_batchnorm(low: Lowering, layer: LayerSpec) -> ScalePlan:
    """Scale and offset of a BatchNormalization as constants."""
    _require_last_axis(low, layer)
    scale, offset = scale_and_offset(layer, low.where(layer))
    if low.batchnorm_type is not None:
        consts = _rounded(low, layer, "scale", scale), _rounded(low, layer, "offset", offset)
        note_normalisation(low, layer, (scale, offset), consts)
        return ScalePlan(*consts, f"scale and offset rounded to {low.batchnorm_type}")
    if low.max_scale_error_lsb == 0 or all(exact_grid(of) is not None for of in (scale, offset)):
        return ScalePlan(_exact(low, layer, "scale", scale), _exact(low, layer, "offset", offset), "")
    first, second = (
        Const.covering(low.names.new(f"{layer.name}_{part}"), found.raw, found.fraction_bits)
        for part, found in zip(("scale", "offset"), rounded_normalisation(low, layer, scale, offset), strict=True)
    )
    return ScalePlan(first, second, str(note_normalisation(low, layer, (scale, offset), (first, second))))


def plan_qbatchnorm(low: Lowering, layer: LayerSpec) -> ScalePlan:
    """QBatchNormalization: scale and offset of the numbers that its four quantisers give in float32.

    Its epsilon and its square root stay real, so the scale is rounded as that of a BatchNormalization is.
    """
    weights = dict(layer.weights)
    for key, part in (("gamma", "gamma"), ("beta", "beta"), ("moving_mean", "mean"), ("moving_variance", "variance")):
        where = low.where(layer, f"{part}_quantizer")
        quantizer = read_quantizer(layer.config.get(f"{part}_quantizer"), where)
        if quantizer is None or key not in weights:
            continue
        if part in ("gamma", "variance"):
            quantizer = trainable(quantizer)
        grid = quantise(quantizer, weights[key], where)
        values = grid.values if grid.scale is None else grid.values * grid.scale
        weights[key] = values.astype(np.float32).reshape(weights[key].shape)
    return plan_batchnorm(low, replace(layer, weights=weights))


def lower_batchnorm(low: Lowering, layer: LayerSpec, plan: ScalePlan, name: str, operands: list[Value]) -> Value:
    """Shapes: (..., n) -> same."""
    if plan.scale.shape != operands[0].shape[-1:]:
        raise InputError(
            "the normalisation does not fit its input",
            where=low.where(layer),
            got=f"{plan.scale.shape[0]} channels on {operands[0].shape}",
        )
    origin = low.origin(layer, plan.note) if plan.note else low.origin(layer)
    return low.builder.scale(low.names.new(name), operands[0], plan.scale, plan.offset, origin=origin)


def scale_and_offset(layer: LayerSpec, where: str) -> tuple[np.ndarray, np.ndarray]:
    """``gamma / sqrt(var + eps)`` and ``beta - mean * scale`` in float64, each of shape (n,)."""
    mean, variance = (_moment(layer, key, where) for key in ("moving_mean", "moving_variance"))
    gamma = layer.weights.get("gamma", np.ones_like(mean)).astype(np.float64)
    beta = layer.weights.get("beta", np.zeros_like(mean)).astype(np.float64)
    scale = gamma / np.sqrt(variance.astype(np.float64) + float(layer.config.get("epsilon", 1e-3)))
    return scale, beta - mean.astype(np.float64) * scale


def _moment(layer: LayerSpec, key: str, where: str) -> np.ndarray:
    if key not in layer.weights:
        raise InputError("a weight of this layer is missing", where=where, got=", ".join(layer.weights), want=key)
    return layer.weights[key]


def _require_last_axis(low: Lowering, layer: LayerSpec) -> None:
    axis: Any = layer.config.get("axis", -1)
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    rank = len(layer.weights.get("moving_mean", np.zeros(1)).shape)
    if len(axes) != 1 or rank != 1:
        raise UnsupportedError(
            "fasttrig normalises the last axis only", where=low.where(layer, "axis"), got=str(axis), want="-1"
        )


def _rounded(low: Lowering, layer: LayerSpec, part: str, values: np.ndarray) -> Const:
    fixed_type = low.batchnorm_type
    assert fixed_type is not None
    wide = FixedType(fixed_type.width + 64, fixed_type.integer_bits + 64)
    raw = from_value(values, wide, Rounding.RND_CONV, Overflow.SAT)
    if not fixed_type.holds(int(raw.min()), int(raw.max())):
        raise UnsupportedError(
            f"the {part} of this normalisation does not fit batchnorm_type",
            where=low.where(layer, part),
            got=f"{values.min():.6g} to {values.max():.6g}",
            want=str(fixed_type),
            try_="give more integer bits",
        )
    return Const(low.names.new(f"{layer.name}_{part}"), fixed_type, raw.astype(np.int64))


def exact_grid(values: np.ndarray) -> tuple[list[int], int] | None:
    """Raw integers of at most `EXACT_BITS` bits and their fraction bits; None where the numbers are on no such grid."""
    fractions = [Fraction(float(value)) for value in values]
    fraction_bits = max((fraction.denominator.bit_length() - 1 for fraction in fractions), default=0)
    raw = [int(fraction * 2**fraction_bits) for fraction in fractions]
    fits = max((abs(item).bit_length() for item in raw), default=0) <= EXACT_BITS
    return (raw, fraction_bits) if fits else None


def _exact(low: Lowering, layer: LayerSpec, part: str, values: np.ndarray) -> Const:
    found = exact_grid(values)
    if found is None:
        raise UnsupportedError(
            "a batch normalisation with real numbers is not exact on any grid",
            where=low.where(layer, part),
            got=f"{part} from {values.min():.9g} to {values.max():.9g}",
            want=f"numbers on one power-of-two grid of {EXACT_BITS} bits",
            try_="leave max_scale_error_lsb at its default, or give batchnorm_type (such as fixed<18,8>): scale and"
            " offset are then rounded, and the report says so",
        )
    raw, fraction_bits = found
    return Const.covering(low.names.new(f"{layer.name}_{part}"), np.array(raw, dtype=np.int64), fraction_bits)


def plan_dense_batchnorm(
    low: Lowering, layer: LayerSpec, kernel: np.ndarray, quantizer_key: str
) -> tuple[np.ndarray, np.ndarray]:
    """The float32 kernel and bias that a layer with a normalisation folds before it quantises them.

    Both folding modes agree.

    TensorFlow's float32 ``rsqrt`` is not correctly rounded and differs between processors, so a weight that lies
    within that error of a rounding tie has no definite value: such a layer is refused.
    """
    if not layer.config.get("center", True):
        raise UnsupportedError(
            f"{layer.kind} itself needs center=True", where=low.where(layer, "center"), got="False", want="True"
        )
    folded = [_fold(layer, kernel, low.where(layer), ulps) for ulps in (0, -_RSQRT_ULPS, _RSQRT_ULPS)]
    for part, key in ((0, quantizer_key), (1, "bias_quantizer")):
        with low.collected():
            _require_definite(low, layer, key, [pair[part] for pair in folded])
    return folded[0]


def _fold(layer: LayerSpec, kernel: np.ndarray, where: str, ulps: int) -> tuple[np.ndarray, np.ndarray]:
    single = np.float32
    mean, variance = (_moment(layer, key, where) for key in ("moving_mean", "moving_variance"))
    inverse = single(1) / np.sqrt(variance + single(layer.config.get("epsilon", 1e-3)))
    inverse = inverse * single(1 + ulps * 2.0**-23)
    if "gamma" in layer.weights:
        inverse = inverse * layer.weights["gamma"]
    bias = layer.weights["bias"] if layer.config.get("use_bias", True) else single(0)
    channels = inverse if "Depthwise" not in layer.kind else inverse.reshape(kernel.shape[-2:])
    return channels * kernel, inverse * (bias - mean) + layer.weights["beta"]


def _require_definite(low: Lowering, layer: LayerSpec, key: str, folded: list[np.ndarray]) -> None:
    where = low.where(layer, key)
    try:
        quantizer = read_quantizer(layer.config.get(key), where)
        if quantizer is None:
            return
        quantizer = trainable(quantizer) if key != "bias_quantizer" else quantizer
        levels = [quantise(quantizer, values, where).values for values in folded]
    except UnsupportedError:
        return  # refused, once, where the weight is quantised
    unsure = (levels[0] != levels[1]) | (levels[0] != levels[2])
    if unsure.any():
        place = tuple(int(index) for index in np.argwhere(unsure)[0])
        raise UnsupportedError(
            "a folded weight lies on a rounding tie within float32's error",
            where=where,
            got=f"element {place}, folded to {folded[0][place]!r}",
            want="folded weights that every processor quantises to the same level",
            try_="move that weight by a little (1e-4 of it) and save again",
        )
