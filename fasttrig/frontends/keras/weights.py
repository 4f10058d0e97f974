"""The weights a network really computes with: QKeras' quantizer formulas in NumPy, in the framework's own precision.

Every function follows qkeras/quantizers.py (0.9.0) step by step and type by type: a trained model runs in float32,
and where a scale is found from the data (`auto_po2`), float32 decides it. The unit tests compare with QKeras itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import INT64_BITS, FixedType, IntArray
from fasttrig.frontends.keras.quantizers import Quantizer
from fasttrig.ir.ops import Const

Real = npt.NDArray[np.floating]

EPSILON = 1e-7
"""``keras.backend.epsilon()``: the smallest magnitude that QKeras' logarithms see."""

TERNARY_THRESHOLD = 0.33
"""``ternary.default_threshold``."""

_SCALE_SEARCH_STEPS = 5
_AUTO_ON_KERNELS = ("quantized_bits", "ternary", "binary")


@dataclass(frozen=True, slots=True)
class Grid:
    """Quantised real numbers and the fraction bits at which they are integers; the declared type where there is one.

    With alpha='auto' the numbers are ``values * scale``: integers, and a real scale that broadcasts over them.
    """

    values: Real
    fraction_bits: int
    type: FixedType | None = None
    scale: Real | None = None


def trainable(quantizer: Quantizer) -> Quantizer:
    """The kernel quantizer as QKeras changes it when the layer is built: no alpha becomes alpha='auto_po2'."""
    if quantizer.name not in _AUTO_ON_KERNELS or quantizer["alpha"] is not None:
        return quantizer
    return replace(quantizer, options=MappingProxyType(dict(quantizer.options) | {"alpha": "auto_po2"}))


def weight_const(name: str, quantizer: Quantizer, weight: Real, where: str) -> Const:
    """The quantised weight as raw integers.

    Per-channel powers of two are folded into one grid: a channel with a larger scale holds larger integers.

    Raises
    ------
    UnsupportedError
        If the levels need more than 62 bits, or a value is off its grid.
    """
    grid = quantise(quantizer, weight, where)
    scaled = np.ldexp(grid.values.astype(np.float64), grid.fraction_bits)
    largest = float(np.abs(scaled).max(initial=0.0))
    if largest >= 2.0**INT64_BITS:
        raise UnsupportedError(
            "the levels of this quantizer span too many bits",
            where=where,
            got=str(quantizer),
            want=f"weights within {INT64_BITS} bits of one grid",
            try_="retrain with fewer bits or a max_value",
        )
    raw = scaled.astype(np.int64)
    if not np.array_equal(raw.astype(np.float64), scaled):
        place = tuple(int(index) for index in np.argwhere(raw != scaled)[0])
        raise UnsupportedError(
            "a quantised weight is off its own grid",
            where=where,
            got=f"{quantizer}: element {place}, trained as {weight[place]!r}, becomes {grid.values[place]!r}",
            want=f"multiples of 2**-{grid.fraction_bits}: QKeras adds x + (-x + q) in float32, which loses bits where a"
            " weight is far outside the quantizer's range",
            try_="clip the trained weight to the quantizer's range (QKeras' Clip constraint does) and save again",
        )
    if grid.type is not None and grid.type.holds(int(raw.min(initial=0)), int(raw.max(initial=0))):
        return Const(name, grid.type, raw)
    return Const.covering(name, raw, grid.fraction_bits)


def quantise(quantizer: Quantizer, weight: Real, where: str) -> Grid:
    """QKeras' quantizer on real numbers, in the precision of `weight` (float32 as trained). Shape is kept."""
    row = WEIGHTS.get(quantizer.name)
    if row is None:
        raise UnsupportedError(
            "fasttrig cannot use this quantizer on weights",
            where=where,
            got=str(quantizer),
            want=", ".join(sorted(WEIGHTS)),
        )
    if quantizer.options.get("use_stochastic_rounding") and quantizer.name == "binary":
        raise UnsupportedError(
            "fasttrig cannot use this quantizer",
            where=where,
            got=str(quantizer),
            want="use_stochastic_rounding=False: QKeras' own inference fails with it",
        )
    grid = row(quantizer, weight, where)
    if grid.scale is not None:
        return grid
    return replace(grid, values=_straight_through(quantizer, weight, grid.values))


def _straight_through(quantizer: Quantizer, x: Real, quantised: Real) -> Real:
    """``x + (-x + quantised)``, as QKeras adds it up: in float32 a weight far out of range loses bits here."""
    quantised = quantised.astype(x.dtype)
    if quantizer.options.get("alpha", 1) is None and quantizer.name != "quantized_bits":
        return quantised  # x is replaced by tanh(x), which is small enough for the sum to be exact
    if not quantizer.options.get("use_ste", True):
        return quantised
    if quantizer.name == "quantized_relu_po2":
        top = np.inf if quantizer["max_value"] is None else quantizer["max_value"]
        x = np.minimum(np.where(x > 0, x, x * x.dtype.type(quantizer["negative_slope"])), x.dtype.type(top))
    return x + (-x + quantised)


def _bits(quantizer: Quantizer, x: Real, where: str) -> Grid:
    bits, integer, keep_negative = int(quantizer["bits"]), int(quantizer["integer"]), bool(quantizer["keep_negative"])
    if quantizer.alpha_is_auto:
        return _bits_auto(quantizer, x, where)
    magnitude_bits = bits - keep_negative
    if magnitude_bits == 0:
        return _scaled(_sign(x), 0, quantizer, x, where)
    largest = 2.0**magnitude_bits
    low = -largest + int(quantizer["symmetric"]) if keep_negative else 0.0
    steps = np.clip(np.rint(np.ldexp(x, magnitude_bits - integer)), low, largest - 1)
    fraction_bits = magnitude_bits - integer
    declared = FixedType(bits, integer + keep_negative, keep_negative)
    return _scaled(np.ldexp(steps, -fraction_bits), fraction_bits, quantizer, x, where, declared)


def _bits_auto(quantizer: Quantizer, x: Real, where: str) -> Grid:
    bits, integer = int(quantizer["bits"]), int(quantizer["integer"])
    levels = (2 ** (bits - 1) - 1) * 2
    if quantizer["alpha"] == "auto" and quantizer.is_newer:
        raise UnsupportedError(
            "releases of QKeras find different scales for alpha='auto'",
            where=where,
            got=str(quantizer),
            want="a model that QKeras 0.9.0 wrote",
            try_="retrain with alpha='auto_po2', or give the scales as numbers",
        )
    if levels == 0:
        raise UnsupportedError(
            "fasttrig cannot use this quantizer",
            where=where,
            got=str(quantizer),
            want="at least two bits with an automatic alpha",
            try_="use binary",
        )
    scaled = np.ldexp(x, -integer)
    top = x.dtype.type(levels / 2)
    magnitude = np.abs(scaled)
    if quantizer["alpha"] == "auto":
        scale = magnitude.max(axis=_channel_axes(x), keepdims=True) * 2 / x.dtype.type(levels)
        steps = np.floor(magnitude / _not_zero(scale) + x.dtype.type(0.5))
        return Grid(np.sign(x) * np.where(steps < top, steps, top), 0, scale=np.ldexp(scale, integer))
    exponent = _nearest_exponent(magnitude.max(axis=_channel_axes(x), keepdims=True) * 2 / x.dtype.type(levels))

    def rounded(exponent: IntArray) -> Real:
        steps = np.floor(np.ldexp(magnitude, -exponent) + x.dtype.type(0.5))
        return np.sign(scaled) * np.where(steps < top, steps, top)

    for _ in range(_SCALE_SEARCH_STEPS):
        steps = rounded(exponent)
        exponent = _best_exponent(scaled, steps)
    if quantizer.is_newer and not np.array_equal(steps, rounded(exponent)):
        raise UnsupportedError(
            "releases of QKeras disagree on these weights",
            where=where,
            got=f"{quantizer}: the search for scales has not settled after {_SCALE_SEARCH_STEPS} steps",
            want="weights that QKeras 0.9.0 and later releases round alike",
            try_="give the scales that were found as numbers: alpha=[...] of powers of two",
        )
    return _shifted(steps, exponent + integer)


def _ternary(quantizer: Quantizer, x: Real, where: str) -> Grid:
    if not quantizer.alpha_is_auto:
        threshold = TERNARY_THRESHOLD if quantizer["threshold"] is None else quantizer["threshold"]
        return _scaled(np.where(np.abs(x) >= x.dtype.type(threshold), np.sign(x), 0), 0, quantizer, x, where)
    if quantizer["threshold"] is not None:
        raise UnsupportedError(
            "fasttrig cannot use this quantizer",
            where=where,
            got=str(quantizer),
            want="no threshold with an automatic alpha: QKeras finds it",
        )
    axes = None if x.ndim == 1 else _channel_axes(x)
    if quantizer["alpha"] == "auto":
        return _ternary_real(quantizer, x, axes)
    exponent = _nearest_exponent(2 * np.abs(x).max(axis=axes, keepdims=True) / x.dtype.type(3.0))
    steps = np.zeros_like(x)
    for _ in range(int(quantizer["number_of_unrolls"])):
        rounded = np.rint(np.ldexp(x, -exponent))
        steps = np.where(np.abs(rounded) >= 0.5, np.sign(x), 0)
        exponent = _best_exponent(x, steps)
    return _shifted(steps, exponent)


def _ternary_real(quantizer: Quantizer, x: Real, axes: tuple[int, ...] | None) -> Grid:
    scale = 2 * np.abs(x).max(axis=axes, keepdims=True) / x.dtype.type(3.0)
    steps = np.zeros_like(x)
    for _ in range(int(quantizer["number_of_unrolls"])):
        nearest = scale * np.rint(x / _not_zero(scale))
        steps = np.where((np.abs(nearest) >= scale / 2) & (scale > 0), np.sign(x), x.dtype.type(0))
        scale = _best_scale(x, steps)
    return Grid(steps, 0, scale=scale)


def _binary(quantizer: Quantizer, x: Real, where: str) -> Grid:
    sign = _sign(x)
    levels = (sign + 1) / 2 if quantizer["use_01"] else sign
    if quantizer["alpha"] == "auto":
        return Grid(levels, 0, scale=_best_scale(x, levels))
    if quantizer.alpha_is_auto:
        return _shifted(levels, _best_exponent(x, levels))
    return _scaled(levels, 0, quantizer, x, where)


def _po2(quantizer: Quantizer, x: Real, where: str) -> Grid:
    exponent = _exponents(quantizer, np.abs(x), *_exponent_range(quantizer, int(quantizer["bits"]) - 1, where))
    return _shifted(_sign(x), exponent)


def _relu_po2(quantizer: Quantizer, x: Real, where: str) -> Grid:
    low, high = _exponent_range(quantizer, int(quantizer["bits"]), where)
    slope = x.dtype.type(quantizer["negative_slope"])
    above = _exponents(quantizer, np.maximum(x, 0), low, high)
    below = _exponents(quantizer, np.maximum(-x, 0) * slope, low, high)
    positive = (x >= 0) | (slope == 0)
    return _shifted(np.where(positive, 1, -1).astype(x.dtype), np.where(positive, above, below))


WEIGHTS: dict[str, Callable[[Quantizer, Real, str], Grid]] = {
    "quantized_bits": _bits,
    "ternary": _ternary,
    "binary": _binary,
    "quantized_po2": _po2,
    "quantized_relu_po2": _relu_po2,
}


def _sign(x: Real) -> Real:
    """Sign with the sign of zero taken as +1."""
    return np.where(x < 0, x.dtype.type(-1), x.dtype.type(1))


def _channel_axes(x: Real) -> tuple[int, ...]:
    return tuple(range(x.ndim - 1)) if x.ndim > 1 else (0,)


def _nearest_exponent(scale: Real) -> IntArray:
    """log2 of the power of two nearest to `scale` on the logarithmic axis, as QKeras rounds it."""
    dtype = scale.dtype.type
    return np.rint(np.log(scale + dtype(EPSILON)) / dtype(np.log(2.0))).astype(np.int64)


def _not_zero(scale: Real) -> Real:
    """A channel of zeros has no scale; any other number gives the same steps, zero."""
    return np.where(scale == 0, scale.dtype.type(1), scale)


def _best_exponent(x: Real, steps: Real) -> IntArray:
    """log2 of the least-squares scale."""
    return _nearest_exponent(_best_scale(x, steps))


def _best_scale(x: Real, steps: Real) -> Real:
    """The least-squares scale between `x` and its integers, per channel (per element of a vector)."""
    if x.ndim > 1:
        axes = _channel_axes(x)
        overlap = (x * steps).mean(axis=axes, keepdims=True, dtype=x.dtype)
        power = (steps * steps).mean(axis=axes, keepdims=True, dtype=x.dtype)
    else:
        overlap, power = x * steps, steps * steps
    return np.asarray(overlap / (power + x.dtype.type(EPSILON)))


def _exponent_range(quantizer: Quantizer, magnitude_bits: int, where: str) -> tuple[int, int]:
    largest = quantizer["max_value"]
    signed = largest is None or largest > 1
    reach = magnitude_bits - int(signed)
    if reach < 0:
        raise UnsupportedError(
            "fasttrig cannot use this quantizer",
            where=where,
            got=str(quantizer),
            want="at least one exponent bit besides the sign",
        )
    low, high = -(2**reach), 2**reach - 1
    return low, 2 * (high // 2) if quantizer["quadratic_approximation"] else high


def _exponents(quantizer: Quantizer, magnitude: Real, low: int, high: int) -> IntArray:
    dtype = magnitude.dtype.type
    tiny = magnitude < dtype(EPSILON)
    seen = np.where(tiny, dtype(EPSILON), magnitude)
    if quantizer["max_value"] is not None:
        seen = np.minimum(seen, dtype(quantizer["max_value"]))
    factor = 2 if quantizer["quadratic_approximation"] else 1
    logarithm = np.log(np.sqrt(seen) if factor == 2 else seen) / dtype(np.log(2.0))
    rounded = np.floor(logarithm) if quantizer["log2_rounding"] == "floor" else np.rint(logarithm)
    return np.where(tiny, low, factor * np.clip(rounded, low, high)).astype(np.int64)


def _scaled(
    levels: Real, fraction_bits: int, quantizer: Quantizer, x: Real, where: str, declared: FixedType | None = None
) -> Grid:
    """`levels` times alpha (None, a power of two, or an array of them that broadcasts)."""
    if quantizer["alpha"] is None:
        return Grid(levels, fraction_bits, declared)
    exponent = alpha_exponents(quantizer)
    try:
        exponent = np.broadcast_to(exponent, levels.shape)
    except ValueError as error:
        raise UnsupportedError(
            "alpha does not fit the weights",
            where=where,
            got=f"alpha of shape {exponent.shape}",
            want=f"a shape that broadcasts to {x.shape}",
        ) from error
    lowest = int(exponent.min()) if exponent.size else 0
    declared = declared if not exponent.any() else None
    return Grid(np.ldexp(levels, exponent), fraction_bits - lowest, declared)


def alpha_exponents(quantizer: Quantizer) -> IntArray:
    """log2 of alpha, exact."""
    alpha = np.asarray(1.0 if quantizer["alpha"] is None else quantizer["alpha"], dtype=np.float64)
    return (np.frexp(alpha)[1] - 1).astype(np.int64)


def _shifted(steps: Real, exponent: IntArray) -> Grid:
    """``steps * 2**exponent``; channels without a non-zero step do not decide the grid."""
    exponent = np.broadcast_to(exponent, steps.shape)
    used = exponent[steps != 0]
    lowest = int(used.min()) if used.size else 0
    values = np.where(steps != 0, np.ldexp(steps.astype(np.float64), exponent), 0.0)
    return Grid(values, -lowest)
