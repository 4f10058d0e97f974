"""``scales.h``: how a feature in its unit becomes an input, as the input map says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FixedType
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph


class FeatureScale(Protocol):
    """What `fasttrig.data.inputs.FeatureMap` says of a feature."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def offset(self) -> float: ...
    @property
    def shift(self) -> int: ...
    @property
    def type(self) -> FixedType: ...


def header(features: Sequence[FeatureScale], graph: Graph, words: Mapping[str, str]) -> str:
    """The text of ``scales.h``; one without scales where there are no features.

    Raises
    ------
    InputError
        When the features are not the graph's inputs.
    """
    if not features:
        return fill_file("cms/no_scales.h.in", {}, words)
    if sum(op.result.size for op in graph.inputs) != len(features):
        raise InputError(
            "the features do not match the inputs of the graph",
            got=f"{len(features)} features",
            want=", ".join(f"{op.name} {op.result.shape}" for op in graph.inputs),
        )

    def row(text: Callable[[FeatureScale], Any]) -> str:
        return ", ".join(str(text(feature)) for feature in features)

    places = {
        "N": str(len(features)),
        "NAMES": row(lambda f: _quoted(f.name)),
        "UNITS": row(lambda f: _quoted(f.unit)),
        "OFFSETS": row(lambda f: repr(float(f.offset))),
        "SHIFTS": row(lambda f: f.shift),
        "FRACTION_BITS": row(lambda f: f.type.fraction_bits),
        "LOWEST": row(lambda f: f.type.min_raw),
        "HIGHEST": row(lambda f: f.type.max_raw),
    }
    return fill_file("cms/scales.h.in", places, words)


def _quoted(text: str) -> str:
    """A C++ string of printable ASCII; any other character by its number."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\?' else _octal(c) for c in text)
    return f'"{plain}"'


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8"))
