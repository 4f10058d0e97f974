"""Physical values <-> the stored integers: `value = raw * lsb`, with the least significant bit a power of two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fasttrig.base.errors import DataError
from fasttrig.base.staging import require_own_file, require_writable
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


def require_own_sample(path: Path, key: str) -> None:
    """Raise where a generated sample cannot go to `path`: nothing can be written, or something else is there.

    Parameters
    ----------
    key : str
        Of the Parquet metadata that marks samples of this kind.

    Raises
    ------
    InputError
        Before anything is generated.
    """
    require_writable(path)
    require_own_file(path, path.is_file() and _holds(path, key), "an earlier sample of the same kind")


def _holds(path: Path, key: str) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return key.encode() in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        return False
