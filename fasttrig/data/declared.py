"""The size that an event file declares, checked before memory is allocated or time is spent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fasttrig.base.errors import DataError

MAX_TABLE_BYTES = 2**30
MAX_COMPRESSION = 64
"""A table in memory takes 1 GiB at most, or 64 times its file."""

MAX_CHUNK_BYTES = 2**28
"""A compressed block of an HDF5 dataset, and a row of any dataset."""

MAX_UNSTORED_RATIO = 2048
"""Declared over stored bytes: deflate reaches 1032."""


def require_memory(n_bytes: int, path: Path) -> None:
    """Raise where a table grows beyond its bound.

    Raises
    ------
    DataError
    """
    bound = max(MAX_TABLE_BYTES, MAX_COMPRESSION * path.stat().st_size)
    if n_bytes > bound:
        raise DataError(
            "the table is too large for memory",
            where=str(path),
            got=f"{n_bytes} bytes or more",
            want=f"at most {bound} bytes",
            try_="read fewer columns, or in chunks: iter_table",
        )


def require_stored(name: str, dataset: Any) -> None:
    """Raise where an HDF5 dataset declares rows that its file does not hold, or blocks beyond the bound.

    Raises
    ------
    DataError
    """
    row = math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
    declared, stored = row * dataset.shape[0], int(dataset.id.get_storage_size())
    chunk = math.prod(dataset.chunks) * dataset.dtype.itemsize if dataset.chunks else 0
    if declared > MAX_UNSTORED_RATIO * stored or max(row, chunk) > MAX_CHUNK_BYTES:
        raise DataError(
            "the file declares more data than it contains",
            where=f"dataset {name!r}",
            got=f"shape {dataset.shape}, {declared} bytes, {chunk} bytes a block; {stored} bytes are stored",
            want=f"at most {MAX_UNSTORED_RATIO} times the bytes stored, and {MAX_CHUNK_BYTES} bytes a row and a block",
            try_="copy or create the file again",
        )


def require_entries(names: Mapping[str, int], n_rows: int) -> None:
    """Raise where the branches of a ROOT tree end elsewhere than the tree says; `names` maps a branch to its end.

    Raises
    ------
    DataError
    """
    for name, end in names.items():
        if end != n_rows:
            raise DataError(
                "a branch and its tree differ in their number of entries",
                where=f"branch {name!r}",
                got=f"{end} entries",
                want=str(n_rows),
                try_="copy or create the file again",
            )
