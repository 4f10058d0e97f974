"""The columns that an emulation adds: scores and raw integers, one column per class or number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FixedType, IntArray, to_value
from fasttrig.data.formats import Chunk
from fasttrig.design import Design
from fasttrig.emulator.emulation import Emulation

RAW = "raw_"


def added_columns(design: Design, emulation: Emulation, prefix: str) -> Chunk:
    """Columns of shape (n_events,), each named ``<prefix><kind>_<class>``.

    The kinds are ``score``, the first output after its link, per class; ``raw``, the bits of every output as an
    integer; ``value``, what these stand for, of outputs after the first: ``raw * 2**-fraction_bits``.
    """
    found: Chunk = {}
    scores = emulation.scores
    for label, column in zip(_labels(design.classes, scores.shape[1]), scores.T, strict=True):
        found[f"{prefix}score_{label}"] = column
    raw = raw_columns(design, emulation.stored)
    first = design.graph.outputs[0]
    for place, (label, column) in enumerate(raw.items()):
        found[f"{prefix}{label}"] = column
        if place >= first.size:
            found[f"{prefix}value_{label.removeprefix(RAW)}"] = to_value(column, _type_of(design, place))
    return {name: np.ascontiguousarray(column) for name, column in found.items()}


def raw_columns(design: Design, stored: Mapping[str, IntArray]) -> dict[str, IntArray]:
    """The raw words of every output as columns named ``raw_<class>``; without arrays in `stored` empty ones."""
    found: dict[str, IntArray] = {}
    for number, output in enumerate(design.graph.outputs):
        raw = stored.get(output.name, np.empty((0, output.size), dtype=np.int64))
        raw = raw.reshape(len(raw), output.size)
        classes = design.classes if number == 0 else ()
        labels = [output.name] if output.size == 1 else _labels(classes, output.size, f"{output.name}_")
        dtype = np.int32 if output.type.width < 32 else np.int64
        for index, label in enumerate(labels):
            found[f"{RAW}{label}"] = raw[:, index].astype(dtype)
    return found


def word_types(design: Design) -> dict[str, FixedType]:
    """The type of every column of `raw_columns`."""
    return {name: _type_of(design, place) for place, name in enumerate(raw_columns(design, {}))}


def _type_of(design: Design, place: int) -> FixedType:
    """The type of a word, counted over all outputs."""
    return [output.type for output in design.graph.outputs for _ in range(output.size)][place]


def refuse_twice(kept: Sequence[str], added: Chunk, where: str) -> None:
    """Raise DataError if a column of the file has the name of an added column."""
    both = [name for name in added if name in kept]
    if both:
        raise DataError(
            "the file already has a column of this name",
            where=where,
            got=", ".join(map(repr, both)),
            try_="--prefix NAME_, for other names; or --keep, to choose the columns that stay",
        )


def _labels(classes: Sequence[str], size: int, before: str = "") -> list[str]:
    return list(classes) if len(classes) == size else [f"{before}{index}" for index in range(size)]
