"""Samples of our own: values on a grid, `value = raw * lsb` with the least significant bit a power of two.

Files hold the values, as float32 that are exactly on the grid, so that every tool reads the same numbers. Bytes of a
kind are stored together and compressed (byte-stream split, zstd): about as small as the integers would be.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FLOAT32_BITS
from fasttrig.base.staging import require_own_file, require_writable
from fasttrig.data.columns import Column

COMPRESSION_LEVEL = 19


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
    """Exact values of integers, float32 up to 16 bits, float64 above; unchanged integers if the LSB is 1.

    Samples made before fasttrig stored values hold such integers.
    """
    if lsb_log2 == 0:
        return raw
    return np.ldexp(raw.astype(np.float32 if raw.dtype.itemsize <= 2 else np.float64), lsb_log2)


def write_sample(
    path: Path,
    key: str,
    about: Mapping[str, Any],
    columns: Mapping[Column, NDArray[np.integer]],
    *,
    row_group_size: int | None = None,
) -> None:
    """Write integers of `columns` as values to one Parquet file, which appears whole or not at all.

    Parameters
    ----------
    key, about
        The file's metadata: JSON under the key that marks samples of this kind. Unit, description and least
        significant bit of a column also stand in the metadata of its field.
    columns : mapping of Column to int array, shape (n_rows,) or (n_rows, length)

    Raises
    ------
    DataError
        If float32 does not hold a value exactly.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = [_arrow(column, raw) for column, raw in columns.items()]
    fields = [pa.field(c.name, array.type, metadata=_about(c)) for c, array in zip(columns, arrays, strict=True)]
    schema = pa.schema(fields, {key: json.dumps(about, sort_keys=True)})
    numbers = {_leaf(column): "BYTE_STREAM_SPLIT" for column in columns if column.raw_type != "int8"}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        pq.write_table(
            pa.table(arrays, schema=schema),
            temporary,
            row_group_size=row_group_size,
            compression="zstd",
            compression_level=COMPRESSION_LEVEL,
            use_dictionary=[_leaf(column) for column in columns if column.raw_type == "int8"],
            column_encoding=numbers,
            data_page_size=1 << 22,
        )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _about(column: Column) -> dict[str, str]:
    return {"unit": column.unit, "description": column.description, "lsb": repr(column.lsb)}


def _arrow(column: Column, raw: NDArray[np.integer]) -> Any:
    import pyarrow as pa

    values = raw
    if column.lsb_log2:
        if np.abs(raw.astype(np.int64)).max(initial=0) > 1 << FLOAT32_BITS:
            raise DataError(
                "a value needs more bits than float32 has",
                where=f"column {column.name!r}",
                got=f"{np.abs(raw.astype(np.int64)).max()} raw",
                want=f"at most {1 << FLOAT32_BITS}",
            )
        values = np.ldexp(raw.astype(np.float32), column.lsb_log2)
    flat = pa.array(values.reshape(-1))
    return flat if column.length == 1 else pa.FixedSizeListArray.from_arrays(flat, column.length)


def _leaf(column: Column) -> str:
    """Path of the column's values inside the Parquet schema."""
    return column.name if column.length == 1 else f"{column.name}.list.element"


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
