"""Physical values <-> the stored integers: `value = raw * lsb`, with the least significant bit a power of two."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fasttrig.base.errors import DataError
from fasttrig.data.columns import Column


def encode(column: Column, values: ArrayLike) -> NDArray[np.integer]:
    """Round to the nearest integer multiple of the column's least significant bit, half to even.

    Raises
    ------
    DataError
        If a value does not fit; nothing saturates silently.
    """
    scaled = np.rint(np.ldexp(np.asarray(values, dtype=np.float64), -column.lsb_log2))
    limits = np.iinfo(column.raw_type)
    fits = (scaled >= limits.min) & (scaled <= limits.max)
    if not fits.all():
        worst = np.asarray(values)[~fits].flat[0]
        raise DataError(
            "a value does not fit the integer type of its column",
            where=f"column {column.name!r}",
            got=f"{worst:g} {column.unit}".rstrip() + f", and {int((~fits).sum()) - 1} more",
            want=f"{limits.min * column.lsb:g} to {limits.max * column.lsb:g}",
        )
    return scaled.astype(column.raw_type)


def decode(raw: NDArray[np.integer], lsb_log2: int) -> NDArray[np.generic]:
    """Exact values of stored integers: float32 up to 16 bits, float64 above; unchanged integers if the LSB is 1."""
    if lsb_log2 == 0:
        return raw
    return np.ldexp(raw.astype(np.float32 if raw.dtype.itemsize <= 2 else np.float64), lsb_log2)
