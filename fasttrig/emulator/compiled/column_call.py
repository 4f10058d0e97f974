"""The arguments of a library's function on columns, as its C structs lie in memory."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fasttrig.base.column_rules import ColumnRule
from fasttrig.base.fixed import FLOAT64_BITS, FloatArray, NumberArray, Rounding
from fasttrig.emulator.compiled.link_table import LinkTable

Given: TypeAlias = NumberArray | list[NumberArray]
"""An input: an array of shape (n_events, *shape), or its numbers as columns of shape (n_events,)."""

KINDS = tuple(np.dtype(name) for name in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"))
"""In the order of `Kind` in ``columns.h``."""

_MODES = {Rounding.TRN: 0, Rounding.RND_CONV: 1}
_EXACT = 2

_COLUMN = np.dtype(
    [
        ("data", "u8"),
        ("stride", "i8"),
        *((name, "f8") for name in ("offset", "factor", "low", "high", "grid", "limit")),
        ("kind", "i4"),
        ("mode", "i4"),
    ],
    align=True,
)


class _Link(ctypes.Structure):
    _fields_ = (
        ("table", ctypes.c_void_p),
        ("low", ctypes.c_int64),
        ("entries", ctypes.c_int64),
        ("lsb", ctypes.c_double),
        ("scale", ctypes.c_double),
        ("n_scores", ctypes.c_size_t),
        ("kind", ctypes.c_int32),
    )


class _Call(ctypes.Structure):
    _fields_ = (
        ("columns", ctypes.c_void_p),
        ("link", ctypes.c_void_p),
        ("rows", ctypes.c_void_p),
        ("scores", ctypes.c_void_p),
        ("first", ctypes.c_size_t),
        ("end", ctypes.c_size_t),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Arguments:
    """Everything that the library reads and writes; kept alive while it does."""

    columns: NumberArray
    link: LinkTable
    rows: NumberArray
    scores: FloatArray
    kept: tuple[NumberArray, ...]

    def call(self, first: int, end: int) -> tuple[_Call, _Link]:
        """The struct for the events from `first` to `end`, and what it points to."""
        link = _Link(
            self.link.table.ctypes.data,
            self.link.low,
            self.link.table.shape[1],
            self.link.lsb,
            self.link.scale,
            self.link.n_scores,
            self.link.kind.value,
        )
        places = (self.columns, self.rows, self.scores)
        columns, rows, scores = (array.ctypes.data for array in places)
        return _Call(columns, ctypes.addressof(link), rows, scores, first, end), link


def plain(array: NumberArray) -> NumberArray | None:
    """The same numbers in a dtype that the library reads, copied only for a rare dtype; None if there is none."""
    if array.dtype in KINDS and array.dtype.isnative:
        return array
    if array.dtype == bool:
        return array.view(np.uint8)
    if array.dtype.kind in "iu":
        return array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return array.astype(np.float64)
    return None


def column_table(
    arrays: Sequence[Given], rules: Sequence[ColumnRule]
) -> tuple[NumberArray, tuple[NumberArray, ...]] | None:
    """A row per number of an event, in the order of `rules`, and the arrays whose memory it names.

    None where an array has a dtype that the library does not read.
    """
    table = np.zeros(len(rules), _COLUMN)
    kept: list[NumberArray] = []
    first = 0
    for given in arrays:
        for array in given if isinstance(given, list) else [given]:
            numbers = plain(array)
            if numbers is None:
                return None
            places = _places(numbers)
            part = table[first : first + len(places)]
            part["data"], part["stride"], part["kind"] = places, numbers.strides[0], KINDS.index(numbers.dtype)
            part["limit"] = _limit(numbers.dtype)
            kept.append(numbers)
            first += len(places)
    grid = np.array([float(1 << rule.grid_bits) for rule in rules])
    table["grid"], table["offset"] = grid, [rule.offset for rule in rules]
    # In raw integers, not in grid steps; exact because every factor is a power of two.
    for name in ("factor", "low", "high"):
        table[name] = grid * [float(getattr(rule, name)) for rule in rules]
    table["mode"] = [_EXACT if rule.exact else _MODES[rule.rounding] for rule in rules]
    return table, tuple(kept)


def _places(array: NumberArray) -> npt.NDArray[np.uint64]:
    """Memory addresses of the numbers of the first event."""
    offsets = np.zeros((), dtype=np.int64)
    for size, stride in zip(array.shape[1:], array.strides[1:], strict=True):
        offsets = offsets[..., np.newaxis] + np.arange(size) * stride
    return (array.ctypes.data + offsets.reshape(-1)).astype(np.uint64)


def _limit(dtype: np.dtype[Any]) -> float:
    """Integers of 64 bits that float64 rounds are refused: NumPy's path keeps each of their bits."""
    wide = dtype.kind in "iu" and dtype.itemsize == 8
    return float((1 << FLOAT64_BITS) - 1) if wide else sys.float_info.max
