"""Scales of Keras layers that are no powers of two: rounded to integer multipliers, or refused if the user says so."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, FloatArray
from fasttrig.frontends.keras.activations import declared_type
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.quantizers import Quantizer, quantizer_name, read_quantizer
from fasttrig.frontends.keras.weights import quantise
from fasttrig.frontends.scales import FollowingStep, Multipliers, RoundedScale, multipliers
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const

_OFFSETS_SHARE = 0.25
"""Of the allowed error; the scale has the rest."""

_KEEPS_VALUES = (
    *("Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "SpatialDropout1D", "ActivityRegularization"),
    *("Flatten", "Reshape", "Permute", "ReLU", "MaxPooling1D", "MaxPooling2D", "UpSampling1D", "UpSampling2D"),
    *("GlobalMaxPooling1D", "GlobalMaxPooling2D", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D"),
)
"""Layers that pass numbers on or drop some: what follows them is what follows."""


def has_real_scale(quantizer: Quantizer) -> bool:
    """Whether QKeras finds a scale for these weights that is any real number."""
    return quantizer.options.get("alpha") == "auto"


def scaled_weight(
    low: Lowering, layer: LayerSpec, name: str, quantizer: Quantizer, weight: np.ndarray, part: str
) -> tuple[Const, Multipliers]:
    """The integer steps of a weight, of its shape, and the multiplier of each channel of its last axis.

    Raises
    ------
    UnsupportedError
        If real scales are not wanted, or QKeras itself cannot compute the scale.
    """
    where = low.where(layer, part)
    if low.max_scale_error_lsb == 0:
        raise UnsupportedError(
            "this scale is a real number, which is not exact on any grid",
            where=where,
            got=str(quantizer),
            want="alpha=1, or a power of two per output channel (alpha='auto_po2')",
            try_="leave max_scale_error_lsb at its default: the scale is then rounded, and the report says so",
        )
    grid = quantise(quantizer, weight, where)
    assert grid.scale is not None
    channels = np.asarray(grid.scale, dtype=np.float64).reshape(-1)
    reach = reach_of(low, layer)
    steps = reach.steps(_bias(layer, len(channels)))
    found = multipliers(channels, low.max_scale_error_lsb / steps, where)
    shape = np.asarray(grid.scale).shape
    low.scales.append(
        RoundedScale(
            layer.name,
            part,
            channels.reshape(shape),
            found.values.reshape(shape),
            found.bits,
            float((found.error * steps).max(initial=0.0)),
            reach.words,
        )
    )
    return Const.covering(name, grid.values.astype(np.int64), 0), found


def folded(steps: Const, found: Multipliers) -> Const:
    """Weights with their multipliers inside: exact, with wider integers."""
    factors = np.broadcast_to(found.raw, steps.raw.shape) if found.raw.size > 1 else found.raw
    return Const.covering(steps.name, steps.raw * factors, found.fraction_bits)


def rounded_normalisation(
    low: Lowering, layer: LayerSpec, scale: FloatArray, offset: FloatArray
) -> tuple[Multipliers, Multipliers]:
    """Multipliers and offsets of a batch normalisation; arrays of shape (n_channels,)."""
    reach, allowed, where = reach_of(low, layer), low.max_scale_error_lsb, low.where(layer)
    own = reach.steps_of(offset)
    shares = np.divide(_OFFSETS_SHARE * allowed, own, out=np.ones_like(own), where=own > 0)
    first = multipliers(scale, (1 - _OFFSETS_SHARE) * allowed / reach.steps(offset), where)
    return first, multipliers(offset, shares, where)


def note_normalisation(
    low: Lowering, layer: LayerSpec, real: tuple[FloatArray, FloatArray], consts: tuple[Const, Const]
) -> RoundedScale:
    """Record the rounded scale and offset of a batch normalisation beside the real ones."""
    reach = reach_of(low, layer)
    values = [np.ldexp(const.raw.astype(np.float64), -const.type.fraction_bits) for const in consts]
    scale, offset = (_relative(value, of) for value, of in zip(values, real, strict=True))
    error = float((scale * reach.steps(real[1]) + offset * reach.steps_of(real[1])).max(initial=0.0))
    bits = Multipliers(consts[0].raw, consts[0].type.fraction_bits, scale).bits
    row = RoundedScale(layer.name, "scale", real[0], values[0], bits, error, reach.words, values[1])
    low.scales.append(row)
    return row


def _relative(value: FloatArray, real: FloatArray) -> FloatArray:
    return np.divide(np.abs(value - real), np.abs(real), out=np.zeros_like(real), where=real != 0)


def reach_of(low: Lowering, layer: LayerSpec) -> FollowingStep:
    """The quantiser that follows the scaled numbers: the layer's own, or that of every layer after it."""
    own = layer.config.get("activation")
    types = _types(low, layer, own) if quantizer_name(own) not in (None, "linear", "relu") else _behind(low, layer)
    found = list(types)
    if not found or any(kind is None for kind in found):
        return FollowingStep()
    return FollowingStep(min((kind for kind in found if kind is not None), key=lambda kind: (kind.lsb, -kind.width)))


def _behind(low: Lowering, layer: LayerSpec, depth: int = 0) -> Iterable[FixedType | None]:
    users = low.model.users(layer.name)
    if not users or depth > len(low.model.layers):
        yield None
    for user in users:
        content = user.config.get("activation")
        if user.kind in _KEEPS_VALUES or (user.kind == "Activation" and content in ("relu", "linear")):
            yield from _behind(low, user, depth + 1)
        elif user.kind in ("QActivation", "Activation"):
            yield from _types(low, user, content)
        else:
            yield None


def _types(low: Lowering, layer: LayerSpec, content: object) -> Iterable[FixedType | None]:
    try:
        quantizer = read_quantizer(content, low.where(layer, "activation"))
    except UnsupportedError:
        quantizer = None  # refused, once, where the activation is read
    yield declared_type(quantizer) if quantizer is not None else None


def _bias(layer: LayerSpec, n_channels: int) -> FloatArray:
    bias = layer.weights.get("bias")
    if bias is None or bias.shape != (n_channels,):
        return np.zeros(n_channels)
    return bias.astype(np.float64)
