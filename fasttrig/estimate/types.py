"""Widths out of the type strings of projects and reports: ``ap_fixed<16,6>``, ``nnet::array<...>``, ``fixed<8,1>``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from fasttrig.base.errors import InputError

_FIXED = re.compile(r"(u?)fixed\s*<\s*(\d{1,4})\s*(?:,\s*(-?\d{1,4}))?")
_INT = re.compile(r"(u?)int\s*<\s*(\d{1,4})\s*>")
_BARE = re.compile(r"<\s*(\d{1,4})\s*,\s*(-?\d{1,4})\s*>")

_DSP_PORT_BITS = 18
_DSP_WIDE_PORT_BITS = 27


@dataclass(frozen=True, slots=True)
class Width:
    """A number's bits, as ``ap_fixed`` counts them: the sign is inside both."""

    width: int
    integer_bits: int

    @property
    def fraction_bits(self) -> int:
        return self.width - self.integer_bits


DEFAULT = Width(16, 6)
"""hls4ml's own default, ap_fixed<16,6>."""


def parse_width(content: object, default: Width = DEFAULT) -> Width:
    """The width in a type string; a bare number is a width with one integer bit; nothing gives `default`.

    Raises
    ------
    InputError
        When a text holds no fixed-point or integer type.
    """
    if content is None or content == "":
        return default
    if isinstance(content, Width):
        return content
    if isinstance(content, int | float) and not isinstance(content, bool):
        return Width(max(1, int(content)), 1)
    text = str(content)
    return default if text.isidentifier() else _parse_text(text)  # the name of a typedef has no width


def _parse_text(text: str) -> Width:
    fixed = _FIXED.search(text) or None
    if fixed:
        width = max(1, int(fixed[2]))
        return Width(width, int(fixed[3]) if fixed[3] else width)
    whole = _INT.search(text)
    if whole:
        return Width(max(1, int(whole[2])), int(whole[2]))
    bare = _BARE.search(text)
    if bare:
        return Width(max(1, int(bare[1])), int(bare[2]))
    raise InputError("not a fixed-point type", got=repr(text), want="such as 'ap_fixed<16,6>' or 'ap_int<8>'")


def is_stream(content: object) -> bool:
    """Whether a type is that of a stream (io_stream projects wrap their types in ``nnet::array``)."""
    return "nnet::array" in str(content)


def dsps_per_product(left_bits: int, right_bits: int) -> int:
    """DSP slices of one product of two widths: one 27 x 18 multiplier, else several of them."""
    wide, narrow = max(left_bits, right_bits), min(left_bits, right_bits)
    if narrow <= _DSP_PORT_BITS and wide <= _DSP_WIDE_PORT_BITS:
        return 1
    return math.ceil(narrow / _DSP_PORT_BITS) * math.ceil(wide / _DSP_WIDE_PORT_BITS)


def magnitude_bits(weight: Width, n_in: int) -> float:
    """log2 of the largest raw weight where weights are not given: uniform up to sqrt(3 / n_in), as layers start."""
    limit = min(2.0 ** (weight.integer_bits - 1), math.sqrt(3.0 / max(n_in, 1)))
    return max(0.0, weight.fraction_bits + math.log2(limit))


def zero_share(magnitude: float) -> float:
    """Share of weights that a rounding to integers sends to zero, for uniform weights up to 2**magnitude."""
    return min(0.95, 0.5 / 2.0**magnitude)
