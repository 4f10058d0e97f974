"""The input map as headers, so that names, offsets and shifts of the features travel with each part of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from fasttrig.base.templates import fill_file

if TYPE_CHECKING:
    from fasttrig.data.inputs import FeatureMap, InputMap

HeaderKind: TypeAlias = Literal["h", "vh", "vhd"]
KINDS: tuple[HeaderKind, ...] = get_args(HeaderKind)


def input_map_header(name: str, inputs: InputMap, kind: HeaderKind) -> str:
    """``input_map.<kind>`` of the model `name`: C++, Verilog or VHDL.

    Offsets stand in units of each feature's own LSB (an integer, since the offset lies on that grid), and as a number
    in the feature's unit.
    """
    rows = [_row(kind, index, feature, len(inputs.features)) for index, feature in enumerate(inputs.features)]
    words = {"NAME": name, "N_FEATURES": str(len(inputs.features)), "ROWS": "\n".join(rows)}
    return fill_file(f"input_map/input_map.{kind}.in", words, {"GUARD": name.upper()})


def input_map_comments(inputs: InputMap) -> str:
    """The same as lines of comments for ``links.toml`` of pattern files."""
    rows = [f"# {_said(index, feature)}" for index, feature in enumerate(inputs.features)]
    rule = "# The input's numbers, in order; raw = floor((x - offset) * 2**(fraction bits - shift)), saturated:"
    return "\n".join([rule, *rows]) + "\n"


def _said(index: int, feature: FeatureMap) -> str:
    unit = f" [{feature.unit}]" if feature.unit else ""
    return f"{index}: {feature.name}{unit}, {feature.type}, offset {feature.offset!r}, shift {feature.shift}"


def _row(kind: HeaderKind, index: int, feature: FeatureMap, n_features: int) -> str:
    offset_raw = round(feature.offset / feature.step)
    own = feature.type
    text = json.dumps(feature.name), json.dumps(feature.unit)
    if kind == "h":
        comma = "," if index + 1 < n_features else ""
        place = f"{offset_raw}LL, {feature.offset!r}, {feature.shift}"
        return f"    {{{text[0]}, {text[1]}, {place}, {own.width}, {own.fraction_bits}}}{comma}  // {own}"
    said = _said(index, feature)
    numbers = {"OFFSET_RAW": offset_raw, "SHIFT": feature.shift, "WIDTH": own.width, "FRACTION_BITS": own.fraction_bits}
    if kind == "vh":
        lines = [f"localparam signed [63:0] FEATURE{index}_{key} = {_signed(n)};" for key, n in numbers.items()]
        return "\n".join([f"// {said}", *lines])
    fits = {key: n for key, n in numbers.items() if abs(n) < 1 << 31}  # VHDL's integers have 32 bits
    lines = [f"    constant FEATURE{index}_{key} : integer := {n};" for key, n in fits.items()]
    return "\n".join([f"    -- {said}", *lines])


def _signed(number: int) -> str:
    return f"-64'sd{-number}" if number < 0 else f"64'sd{number}"
