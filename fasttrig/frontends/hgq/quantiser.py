"""HGQ2's fixed-point quantisers: one type for each weight, or for each element of a tensor.

HGQ2 counts `k` (keeps negative numbers), `i` (integer bits without the sign) and `f` (fraction bits); a `kbi` quantiser
stores ``b = i + f``. An element with ``k + i + f <= 0`` bits is zero. Source: ``hgq/quantizer`` of HGQ2 0.2 and
``fixed_point/_fixed_point_ops.py`` of its package `quantizers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import PAD, Const, Shape, Value

Float32 = npt.NDArray[np.float32]
BitArray = npt.NDArray[np.int64]

MAX_BITS = 48
"""Largest number of integer bits and of fraction bits: HGQ2's own bounds are 23 and 24."""

_OVERFLOWS = {"WRAP": Overflow.WRAP, "SAT": Overflow.SAT, "SAT_SYM": Overflow.SAT_SYM}
_FIELDS = {"kif": ("k", "i", "f"), "kbi": ("k", "b", "i")}


@dataclass(frozen=True, slots=True, eq=False)
class LearnedBits:
    """BitArray by element, in the shape that the file stores, which broadcasts over the tensor.

    `only_rounds` is for weights that training wraps: HGQ2 then keeps whatever the weight has outgrown.
    """

    k: BitArray
    i: BitArray
    f: BitArray
    rounding: Rounding
    overflow: Overflow
    only_rounds: bool = False

    @property
    def alive(self) -> npt.NDArray[np.bool_]:
        """Where an element can be other than zero; SAT_SYM leaves a single signed bit no number but zero."""
        one_bit = (self.k == 1) & (self.i + self.f == 0) & (self.overflow is Overflow.SAT_SYM)
        return np.asarray((self.k + self.i + self.f > 0) & ~one_bit)

    def types(self, shape: Shape) -> tuple[list[FixedType], npt.NDArray[np.bool_]]:
        """The type of each element of a tensor (of one bit where it is zero), last axis fastest, and which live."""
        k, i, f, alive = (np.broadcast_to(bits[0], shape).ravel() for bits in (self.k, self.i, self.f, self.alive))
        known: dict[tuple[int, int, int], FixedType] = {}
        rows = zip(k.tolist(), i.tolist(), f.tolist(), alive.tolist(), strict=True)
        spare = next((FixedType(a + b + c, a + b, bool(a)) for a, b, c, live in rows if live), FixedType(1, 1, False))
        found = []
        for row in zip(k.tolist(), i.tolist(), f.tolist(), alive.tolist(), strict=True):
            a, b, c, live = row
            found.append(known.setdefault((a, b, c), FixedType(a + b + c, a + b, bool(a))) if live else spare)
        return found, alive

    def weights(self, values: Float32) -> Float32:
        """Numbers as HGQ2 rounds them, operation by operation in float32. Shapes: any -> same."""
        values = np.asarray(values, dtype=np.float32)
        k, i, f = (np.broadcast_to(bits, values.shape).astype(np.float32) for bits in (self.k, self.i, self.f))
        i = np.maximum(i, -f)
        if self.only_rounds:
            return _rounded(values, f, self.rounding)
        if self.overflow is Overflow.WRAP:
            turns = _power(i + k)
            bias = k * _power(i + k - 1)
            held = np.mod(_rounded(values, f, self.rounding) + bias, turns) - bias
        else:
            high = _power(i) - _power(-f)
            low = -k * (_power(i) if self.overflow is Overflow.SAT else high)
            held = _rounded(np.where(values > high, high, np.where(values < low, low, values)), f, self.rounding)
        alive = np.broadcast_to(self.k + self.i + self.f > 0, values.shape)
        return np.where(alive, held, np.float32(0)).astype(np.float32)


_ROUND: dict[Rounding, Any] = {
    Rounding.TRN: np.floor,
    Rounding.RND: lambda x: np.floor(x + np.float32(0.5)),
    Rounding.RND_CONV: np.round,
    Rounding.TRN_ZERO: lambda x: np.floor(np.abs(x)) * np.sign(x),
    Rounding.RND_ZERO: lambda x: -np.floor(-np.abs(x) + np.float32(0.5)) * np.sign(x),
    Rounding.RND_MIN_INF: lambda x: -np.floor(-x + np.float32(0.5)),
    Rounding.RND_INF: lambda x: np.floor(np.abs(x) + np.float32(0.5)) * np.sign(x),
}


def _power(bits: Float32) -> Float32:
    return np.ldexp(np.float32(1), bits.astype(np.int64))


def _rounded(values: Float32, f: Float32, rounding: Rounding) -> Float32:
    scale = _power(f)
    whole: Float32 = _ROUND[rounding](values * scale) / scale
    return whole


def read_quantiser(low: Lowering, layer: LayerSpec, conf: Any, site: str) -> LearnedBits:
    """The quantiser at one place of a layer: ``iq``, ``kq``, ``bq``, ``oq``, ``q``, ``iq/0``.

    Raises
    ------
    UnsupportedError
        For a quantiser that is not of fixed point, or that scales or mirrors what it holds.
    InputError
        For bits that are missing or out of bounds.
    """
    where = low.where(layer, site)
    options = conf.get("config") if isinstance(conf, Mapping) else None
    if not isinstance(options, Mapping):
        raise InputError("a quantiser has no configuration", where=where, got=str(conf)[:80], want="a QuantizerConfig")
    _refuse_options(options, where)
    q_type = str(options["q_type"])
    rounding = Rounding(str(options["round_mode"]).upper().removeprefix("S_"))
    overflow = _OVERFLOWS[str(options["overflow_mode"]).upper()]
    bits = {name: _bits(layer, f"{site}/{name}", where) for name in _FIELDS[q_type]}
    shapes = {array.shape for array in bits.values()}
    if len(shapes) > 1:
        got = ", ".join(map(str, sorted(shapes)))
        raise InputError("the bits of a quantiser do not fit each other", where=where, got=got, want="one shape")
    fraction = bits["f"] if q_type == "kif" else bits["b"] - bits["i"]
    trained = options.get("is_weight") is True and options.get("trainable", True) is True
    only_rounds = trained and overflow is Overflow.WRAP and (q_type == "kif" or rounding is Rounding.RND)
    return LearnedBits(bits["k"], bits["i"], fraction, rounding, overflow, only_rounds)


def _refuse_options(options: Mapping[str, Any], where: str) -> None:
    known_round = {rounding.value for rounding in Rounding}
    mapper = options.get("bw_mapper")
    wrong = [
        (str(options.get("q_type")) not in _FIELDS, "q_type", "'kif' or 'kbi'"),
        (str(options.get("round_mode")).upper().removeprefix("S_") not in known_round, "round_mode", "RND, TRN, ..."),
        (str(options.get("overflow_mode")).upper() not in _OVERFLOWS, "overflow_mode", ", ".join(_OVERFLOWS)),
        (options.get("scaler") is not None, "scaler", "null"),
        (options.get("affine") is not None, "affine", "null"),
        (
            isinstance(mapper, Mapping) and mapper.get("class_name") != "DefaultBitwidthMapper",
            "bw_mapper",
            "null: one number of bits for each element, or for all along an axis",
        ),
    ]
    for is_wrong, key, want in wrong:
        if is_wrong:
            raise UnsupportedError(
                "fasttrig cannot compute this quantiser of HGQ2 exactly",
                where=where,
                got=f"{key}={options.get(key)!r}"[:120],
                want=f"{key}: {want}",
                try_="train with a QuantizerConfig of that form",
            )


def _bits(layer: LayerSpec, name: str, where: str) -> BitArray:
    if name not in layer.weights:
        raise InputError(
            "the bits of a quantiser are missing",
            where=where,
            got=", ".join(layer.weights)[:200] or "no weights",
            want=name,
            try_="save the whole model with model.save('model.keras')",
        )
    bits = np.rint(layer.weights[name]).astype(np.int64)
    if bits.size and (bits.min() < -MAX_BITS or bits.max() > 2 * MAX_BITS or (name.endswith("/k") and bits.max() > 1)):
        raise InputError(
            "the bits of a quantiser are out of bounds",
            where=where,
            got=f"{name[-1]} from {bits.min()} to {bits.max()}",
            want=f"-{MAX_BITS} to {MAX_BITS}; k is 0 or 1",
        )
    return bits


def require_shape(quantiser: LearnedBits, shape: Shape, where: str) -> None:
    """Raise where the bits do not broadcast over a tensor of `shape`."""
    for bits in (quantiser.k, quantiser.i, quantiser.f):
        fits = bits.ndim == len(shape) and all(size in (1, want) for size, want in zip(bits.shape, shape, strict=True))
        if not fits:
            raise InputError(
                "the bits of a quantiser do not fit its tensor", where=where, got=str(bits.shape), want=str(shape)
            )


def lower_quantiser(low: Lowering, layer: LayerSpec, bits: LearnedBits, value: Value, name: str, site: str) -> Value:
    """`value` cast element by element; elements of no bits become zeros that are wired in."""
    require_shape(bits, (1, *value.shape), low.where(layer, site))
    origin = low.origin(layer, site)
    types, alive = bits.types(value.shape)
    if not alive.all():
        value = _with_zeros(low, value, alive, name, origin)
    last = value.shape[-1]
    if all(kind == types[place % last] for place, kind in enumerate(types)):
        types = types[:last]
    own = low.names.new(name)
    if len(set(types)) == 1:
        return low.builder.cast(own, value, types[0], bits.rounding, bits.overflow, origin=origin)
    return low.builder.element_cast(own, value, types, bits.rounding, bits.overflow, origin=origin)


def _with_zeros(low: Lowering, value: Value, alive: npt.NDArray[np.bool_], name: str, origin: str) -> Value:
    shape, wired = value.shape, low.names.new(f"{name}_zeros")
    if len(shape) > 1:
        value = low.builder.reshape(low.names.new(f"{name}_flat"), value, (value.size,), origin=origin)
    index = np.where(alive, np.arange(value.size), PAD).tolist()
    value = low.builder.gather(wired, value, 0, index, origin=origin)
    if len(shape) > 1:
        value = low.builder.reshape(low.names.new(f"{name}_back"), value, shape, origin=origin)
    return value


def weight_const(low: Lowering, layer: LayerSpec, name: str, values: Float32) -> Const:
    """Quantised numbers on the coarsest grid that holds them all."""
    mantissa, exponent = np.frexp(values.astype(np.float64))
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    low_bit = np.where(whole == 0, 1, whole & -whole)
    steps = exponent - 53 + np.log2(low_bit.astype(np.float64)).astype(np.int64)
    bits = int((-steps[whole != 0]).max(initial=0)) if (whole != 0).any() else 0
    raw = np.ldexp(values.astype(np.float64), bits)
    if np.abs(raw).max(initial=0.0) >= 2.0**53:
        raise UnsupportedError(
            "the weights of this layer span too many bits",
            where=low.where(layer, name),
            got=f"up to {np.abs(values).max():.3g} in steps of {2.0**-bits:.3g}",
            want="at most 53 bits from the largest weight to the finest step",
        )
    return Const.covering(low.names.new(f"{layer.name}_{name}"), raw.astype(np.int64), bits)
