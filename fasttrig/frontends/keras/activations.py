"""Activations in integers: each QKeras quantizer as the casts, shifts and tables that compute it exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding, to_value
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.quantizers import Quantizer
from fasttrig.frontends.keras.weights import TERNARY_THRESHOLD, alpha_exponents, quantise
from fasttrig.ir.ops import Const, Value

MAX_TABLE_BITS = 12
"""Widest operand that is tabulated: 4096 entries."""

SHORT_NAMES = {
    "quantized_bits": "bits",
    "quantized_relu": "relu",
    "quantized_tanh": "tanh",
    "quantized_sigmoid": "sigmoid",
    "quantized_po2": "po2",
    "quantized_relu_po2": "relu_po2",
}
"""Name of the ops of an activation inside a layer: ``fc1_relu``."""


@dataclass(frozen=True, slots=True)
class ActivationSite:
    """Context for lowering one activation: result name, origin, and location for error messages."""

    name: str
    origin: str
    where: str


def declared_type(quantizer: Quantizer) -> FixedType | None:
    """The type that a plain `quantized_bits` or `quantized_relu` writes; None for anything else."""
    if quantizer.options.get("alpha") is not None and (quantizer.alpha_is_auto or alpha_exponents(quantizer).any()):
        return None
    if quantizer.name == "quantized_bits" and int(quantizer["bits"]) - bool(quantizer["keep_negative"]) > 0:
        keep = bool(quantizer["keep_negative"])
        return FixedType(int(quantizer["bits"]), int(quantizer["integer"]) + keep, keep)
    if quantizer.name == "quantized_relu" and quantizer["negative_slope"] == 0:
        return FixedType(int(quantizer["bits"]), int(quantizer["integer"]), signed=False)
    return None


def check_activation(quantizer: Quantizer, where: str) -> None:
    """Refuse what can be refused without knowing the operand."""
    if quantizer.alpha_is_auto:
        raise UnsupportedError(
            "fasttrig cannot use this quantizer on activations",
            where=where,
            got=str(quantizer),
            want="alpha=1 or another power of two: an automatic scale depends on the batch",
            try_="retrain with alpha=1",
        )
    if quantizer.name == "binary" and quantizer["use_stochastic_rounding"]:
        raise UnsupportedError(
            "fasttrig cannot use this quantizer",
            where=where,
            got=str(quantizer),
            want="use_stochastic_rounding=False: QKeras' own inference fails with it",
        )
    if quantizer.name == "quantized_relu":
        _check_relu(quantizer, where)


def lower_activation(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite) -> Value:
    """Shapes: any -> same. The last op is named `site.name`."""
    check_activation(quantizer, site.where)
    return ACTIVATIONS[quantizer.name](low, value, quantizer, site)


def _helper(low: Lowering, site: ActivationSite, suffix: str) -> str:
    return low.names.new(f"{site.name}_{suffix}")


def _bits(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite) -> Value:
    keep = bool(quantizer["keep_negative"])
    bits, integer = int(quantizer["bits"]), int(quantizer["integer"])
    if bits == keep:
        return _sign(low, value, quantizer, site, use_01=False)
    symmetric = bool(quantizer["symmetric"]) and keep
    overflow = Overflow.SAT_SYM if symmetric else Overflow.SAT
    scaled = quantizer["alpha"] is not None and bool(alpha_exponents(quantizer).any())
    name = _helper(low, site, "cast") if scaled else site.name
    cast = low.builder.cast(
        name, value, FixedType(bits, integer + keep, keep), Rounding.RND_CONV, overflow, origin=site.origin
    )
    return _times_alpha(low, cast, quantizer, site) if scaled else cast


def _times_alpha(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite) -> Value:
    return _affine(low, site.name, value, site, alpha_exponents(quantizer), 0)


def _affine(
    low: Lowering,
    name: str,
    value: Value,
    site: ActivationSite,
    exponent: IntArray | int,
    offset: int,
    offset_bits: int = 0,
) -> Value:
    """``value * 2**exponent + offset * 2**-offset_bits`` per channel, exactly."""
    channels = value.shape[-1] if value.shape else 1
    exponents = np.asarray(exponent)
    if exponents.size != 1 and (exponents.size != channels or exponents.shape[-1] != channels):
        raise UnsupportedError(
            "alpha does not fit the activation",
            where=site.where,
            got=f"alpha of shape {exponents.shape}",
            want=f"one number, or {channels}",
        )
    exponents = np.broadcast_to(exponents.ravel(), (channels,))
    lowest = int(exponents.min())
    scale = Const.covering(low.names.new(f"{name}_factor"), np.int64(1) << (exponents - lowest), -lowest)
    shift = Const.covering(low.names.new(f"{name}_offset"), np.full(channels, offset), offset_bits)
    return low.builder.scale(name, value, scale, shift, origin=site.origin)


def _check_relu(quantizer: Quantizer, where: str) -> None:
    bits, integer, slope = int(quantizer["bits"]), int(quantizer["integer"]), float(quantizer["negative_slope"])
    magnitude_bits = bits - (slope != 0)
    if slope and quantizer["use_sigmoid"]:
        raise UnsupportedError(
            "fasttrig cannot use this quantizer",
            where=where,
            got=str(quantizer),
            want="negative_slope=0 with use_sigmoid",
            try_="use quantized_sigmoid, or quantized_relu without use_sigmoid",
        )
    if slope and slope * 2**magnitude_bits < 1:
        raise UnsupportedError(
            "the negative range of this quantizer is finer than its own step",
            where=where,
            got=str(quantizer),
            want=f"negative_slope of at least 2**-{magnitude_bits}",
            try_="retrain with more bits or a larger slope",
        )
    bound = quantizer["relu_upper_bound"]
    if bound is None or float(bound) >= 2.0**integer - 2.0 ** (integer - magnitude_bits):
        return
    if (
        "is_quantized_clip" in quantizer.options
        and not quantizer["is_quantized_clip"]
        and _on_grid(float(bound), magnitude_bits - integer)
    ):
        return
    raise UnsupportedError(
        "the effect of this bound is ambiguous",
        where=where,
        got=str(quantizer),
        want="no relu_upper_bound below the range of bits and integer (or a live model with is_quantized_clip=False"
        " and a bound on the grid): QKeras does not save is_quantized_clip, and ignores the bound when it is set",
        try_="retrain with the range given by bits and integer alone",
    )


def _on_grid(number: float, fraction_bits: int) -> bool:
    return (Fraction(number) * Fraction(2) ** fraction_bits).denominator == 1


def _relu(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite) -> Value:
    bits, integer, slope = int(quantizer["bits"]), int(quantizer["integer"]), float(quantizer["negative_slope"])
    limit = None
    if quantizer["relu_upper_bound"] and not quantizer["is_quantized_clip"]:
        limit = float(quantizer["relu_upper_bound"])
    name = site.name if limit is None else _helper(low, site, "cast")
    if quantizer["use_sigmoid"]:
        value = _centred_sigmoid(low, value, quantizer, site)
    signed = slope != 0
    target = FixedType(bits, integer + signed, signed)
    if signed:
        value = _leaky(low, value, integer, -int(np.log2(slope)), target, site)
    cast = low.builder.cast(name, value, target, Rounding.RND_CONV, Overflow.SAT, origin=site.origin)
    if limit is None:
        return cast
    limit_raw = int(Fraction(limit) * Fraction(2) ** target.fraction_bits)
    if not signed:
        return low.builder.relu(site.name, cast, limit_raw=limit_raw, origin=site.origin)
    return low.builder.relu(site.name, cast, limit_raw=limit_raw, negative_shift=0, origin=site.origin)


def _centred_sigmoid(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite) -> Value:
    """``use_sigmoid``: ``2**integer * (2 * sigmoid(x / 2**integer) - 1)``, the hard sigmoid rounded to 2**-bits."""
    bits, integer = int(quantizer["bits"]), int(quantizer["integer"])
    half = _affine(low, _helper(low, site, "half"), value, site, -1 - integer, 1, 1)
    grid = FixedType(bits + 1, 1, signed=False)
    cast = low.builder.cast(
        _helper(low, site, "sigmoid"), half, grid, Rounding.RND_CONV, Overflow.SAT, origin=site.origin
    )
    return _affine(low, _helper(low, site, "centred"), cast, site, 1 + integer, -(1 << integer))


def _leaky(low: Lowering, value: Value, integer: int, shift: int, target: FixedType, site: ActivationSite) -> Value:
    """QKeras bounds the negative side at ``-2**integer`` before the slope, so that cast comes first.

    It keeps every bit, at `target`'s grid or a finer one, so that the positive side still reaches the last level.
    """
    fraction_bits = max(value.type.fraction_bits, target.fraction_bits)
    bounded = FixedType(integer + 1 + fraction_bits, integer + 1)
    if value.type.min_raw << (fraction_bits - value.type.fraction_bits) < bounded.min_raw:
        value = low.builder.cast(
            _helper(low, site, "bound"), value, bounded, Rounding.TRN, Overflow.SAT, origin=site.origin
        )
    return low.builder.relu(_helper(low, site, "leaky"), value, negative_shift=shift, origin=site.origin)


def _tanh(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite) -> Value:
    bits, symmetric = int(quantizer["bits"]), bool(quantizer["symmetric"])
    target = FixedType(bits, 1)
    if quantizer["use_real_tanh"]:
        least = target.min_raw + symmetric
        return _tabulated(low, value, quantizer, site, target, np.tanh, least)
    if symmetric and bits == 1:
        raise UnsupportedError("the only level of this quantizer is zero", where=site.where, got=str(quantizer))
    overflow = Overflow.SAT_SYM if symmetric else Overflow.SAT
    return low.builder.cast(site.name, value, target, Rounding.RND_CONV, overflow, origin=site.origin)


def _sigmoid(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite) -> Value:
    """QKeras' sigmoid is ``x / 2 + 1 / 2``, clipped; the real one only when asked for."""
    bits, least = int(quantizer["bits"]), int(bool(quantizer["symmetric"]))
    target = FixedType(bits, 0, signed=False)
    if quantizer["use_real_sigmoid"]:
        return _tabulated(low, value, quantizer, site, target, sigmoid, least)
    half = _affine(low, _helper(low, site, "half"), value, site, -1, 1, 1)
    name = _helper(low, site, "cast") if least else site.name
    cast = low.builder.cast(name, half, target, Rounding.RND_CONV, Overflow.SAT, origin=site.origin)
    if not least:
        return cast
    require_narrow(cast, quantizer, site)
    levels = np.maximum(np.arange(target.max_raw + 1), least)
    return _table(low, cast, Const(low.names.new(f"{site.name}_table"), target, levels), quantizer, site)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow. Shapes: any -> same."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _tabulated(
    low: Lowering,
    value: Value,
    quantizer: Quantizer,
    site: ActivationSite,
    target: FixedType,
    function: Callable[[np.ndarray], np.ndarray],
    least_raw: int,
) -> Value:
    require_narrow(value, quantizer, site)
    steps = np.rint(np.ldexp(function(every_value(value.type)), target.fraction_bits))
    levels = np.clip(steps, least_raw, target.max_raw).astype(np.int64)
    return _table(low, value, Const(low.names.new(f"{site.name}_table"), target, levels), quantizer, site)


def _table(low: Lowering, value: Value, table: Const, quantizer: Quantizer, site: ActivationSite) -> Value:
    return low.builder.table(site.name, value, table, str(quantizer), origin=site.origin)


def require_narrow(value: Value, quantizer: Quantizer, site: ActivationSite) -> None:
    if value.type.width > MAX_TABLE_BITS:
        raise UnsupportedError(
            "this activation needs a table, and its operand is too wide for one",
            where=site.where,
            got=f"{quantizer} on {value.type}: 2**{value.type.width} entries",
            want=f"an operand of at most {MAX_TABLE_BITS} bits ({1 << MAX_TABLE_BITS} entries)",
            try_=f"put QActivation('quantized_bits({MAX_TABLE_BITS},...)') before it",
        )


def every_value(fixed_type: FixedType) -> np.ndarray:
    return to_value(np.arange(fixed_type.min_raw, fixed_type.max_raw + 1), fixed_type)


def _po2(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite) -> Value:
    require_narrow(value, quantizer, site)
    values = every_value(value.type)
    grid = quantise(quantizer, values, site.where)
    single = quantise(quantizer, values.astype(np.float32), site.where)
    if not np.array_equal(grid.values, single.values):
        raise UnsupportedError(
            "the levels of this activation differ between float32 and float64",
            where=site.where,
            got=str(quantizer),
            want="levels that are clear of a tie between two powers of two",
            try_="log2_rounding='rnd', quadratic_approximation=False",
        )
    top = int(np.frexp(np.abs(grid.values).max())[1]) + grid.fraction_bits
    if top > 60:
        raise UnsupportedError(
            "the levels of this quantizer span too many bits",
            where=site.where,
            got=str(quantizer),
            want="at most 60 bits from the smallest to the largest level",
            try_="retrain with fewer bits, or with max_value",
        )
    raw = np.ldexp(grid.values, grid.fraction_bits).astype(np.int64)
    return _table(
        low, value, Const.covering(low.names.new(f"{site.name}_table"), raw, grid.fraction_bits), quantizer, site
    )


def _binary(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite) -> Value:
    return _sign(low, value, quantizer, site, use_01=bool(quantizer["use_01"]))


def _sign(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite, *, use_01: bool) -> Value:
    """-1 below zero, 1 elsewhere (0 and 1 with `use_01`), times alpha: the sign bit, then one exact affine step."""
    step = _step(low, _helper(low, site, "sign"), value, site)
    top = step.type.integer_bits - 1  # the step is 0 or -2**top
    exponent = _one_alpha(quantizer, site)
    span = exponent - top + (0 if use_01 else 1)
    return _affine(low, site.name, step, site, span, 1, -exponent)


def lower_threshold(low: Lowering, value: Value, name: str, site: ActivationSite) -> Value:
    """`binary_tanh`: 1 above zero, else -1; `binary_sigmoid`: 1 above zero, else 0. Zero rounds half to even: down."""
    below = _affine(low, _helper(low, site, "below"), value, site, 0, -1, value.type.fraction_bits)
    quantizer = Quantizer("binary", MappingProxyType({"alpha": 1}))
    return _sign(low, below, quantizer, site, use_01=name == "binary_sigmoid")


def _step(low: Lowering, name: str, value: Value, site: ActivationSite) -> Value:
    """0 where the operand is not negative, the (negative) only other number of a one-bit type where it is."""
    top = value.type.integer_bits - value.type.signed
    return low.builder.cast(name, value, FixedType(1, top + 1), Rounding.TRN, Overflow.SAT, origin=site.origin)


def _one_alpha(quantizer: Quantizer, site: ActivationSite) -> int:
    exponents = alpha_exponents(quantizer)
    if exponents.size != 1:
        raise UnsupportedError(
            "fasttrig cannot use one alpha per channel here", where=site.where, got=str(quantizer), want="one alpha"
        )
    return int(exponents.reshape(-1)[0])


def _ternary(low: Lowering, value: Value, quantizer: Quantizer, site: ActivationSite) -> Value:
    """step(x - t) + step(x + t - lsb) is 0 above, -1 between, -2 below: two sign bits and their sum."""
    exponent, bits = _one_alpha(quantizer, site), value.type.fraction_bits
    threshold_raw = _threshold_raw(quantizer, bits, site)
    steps = []
    for suffix, offset in (("above", -threshold_raw), ("below", threshold_raw - 1)):
        moved = _affine(low, _helper(low, site, f"{suffix}_distance"), value, site, 0, offset, bits)
        step = _step(low, _helper(low, site, suffix), moved, site)
        top = step.type.integer_bits - 1
        steps.append(_affine(low, _helper(low, site, f"{suffix}_step"), step, site, exponent - top, 0))
    total = low.builder.add(_helper(low, site, "sum"), *steps, origin=site.origin)
    return _affine(low, site.name, total, site, 0, 1, -exponent)


def _threshold_raw(quantizer: Quantizer, fraction_bits: int, site: ActivationSite) -> int:
    """The least raw integer at or above the threshold; refuses a grid so fine that float32 would decide otherwise."""
    threshold = TERNARY_THRESHOLD if quantizer["threshold"] is None else float(quantizer["threshold"])
    found = {-int(-Fraction(t) * Fraction(2) ** fraction_bits // 1) for t in (threshold, float(np.float32(threshold)))}
    if len(found) != 1:
        raise UnsupportedError(
            "float32 and float64 put this threshold on different sides of the operand's grid",
            where=site.where,
            got=f"{quantizer} with {fraction_bits} fraction bits",
            want="a threshold that float32 holds exactly, such as 0.375",
        )
    return found.pop()


ACTIVATIONS: dict[str, Callable[[Lowering, Value, Quantizer, ActivationSite], Value]] = {
    "quantized_bits": _bits,
    "quantized_relu": _relu,
    "quantized_tanh": _tanh,
    "quantized_sigmoid": _sigmoid,
    "ternary": _ternary,
    "binary": _binary,
    "quantized_po2": _po2,
    "quantized_relu_po2": _po2,
}
