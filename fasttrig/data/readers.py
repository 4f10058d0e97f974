"""Event samples from files: one way in for Parquet, HDF5, NumPy, ROOT and CSV, whole or in chunks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.errors import DataError, FasttrigError, InputError, near_names
from fasttrig.base.feature_names import column_of
from fasttrig.base.lfs import LFS_POINTER
from fasttrig.data import samples
from fasttrig.data.columns import SIXTEEN, SPLIT_NAMES
from fasttrig.data.declared import require_memory
from fasttrig.data.formats import SUFFIXES, Chunk, Source
from fasttrig.data.table import ColumnTable

__all__ = [
    "ColumnTable",
    "check_finite",
    "choose_columns",
    "column_names",
    "guarded",
    "iter_table",
    "load_jets5",
    "open_source",
    "read_table",
    "split_tree",
]

PathLike = str | os.PathLike[str]
Piece = TypeVar("Piece")
DEFAULT_CHUNK_ROWS = 65_536


def read_table(
    path: PathLike, columns: Sequence[str] | None = None, n_max: int | None = None, *, allow_missing: bool = False
) -> ColumnTable:
    """Read columns of a file into memory.

    Parameters
    ----------
    path : path
        `.parquet`, `.h5`, `.hdf5`, `.npy`, `.npz`, `.csv` or `.root`; `file.root:tree` where a file has several trees.
    columns : sequence of str, optional
        All columns if not given. Integer columns of a jets5 file come out as physical values, raw times LSB.
    n_max : int, optional
        Read the first `n_max` rows only.
    allow_missing : bool
        Accept NaN, infinities and missing values; otherwise they are an error.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If the file cannot be opened, is damaged or empty, lacks a column, or holds NaN or infinities.
    """
    if n_max is not None and n_max < 1:
        raise InputError("no row to read", where="read_table", got=f"n_max={n_max}", want=">= 1")
    chunk_rows = DEFAULT_CHUNK_ROWS if n_max is None else min(n_max, DEFAULT_CHUNK_ROWS)
    parts: list[ColumnTable] = []
    n_rows = n_bytes = 0
    for part in iter_table(path, columns, chunk_rows, allow_missing=allow_missing):
        parts.append(part)
        n_bytes += sum(array.nbytes for array in part.columns.values())
        require_memory(n_bytes, split_tree(path)[0])
        n_rows += part.n_rows
        if n_max is not None and n_rows >= n_max:
            break
    n_rows = n_rows if n_max is None else min(n_rows, n_max)
    joined = {name: np.concatenate([part.columns[name] for part in parts])[:n_rows] for name in parts[0].columns}
    return ColumnTable(joined, n_rows, parts[0].metadata)


def iter_table(
    path: PathLike,
    columns: Sequence[str] | None = None,
    chunk_rows: int = DEFAULT_CHUNK_ROWS,
    *,
    allow_missing: bool = False,
) -> Iterator[ColumnTable]:
    """Yield tables of at most `chunk_rows` rows, so that a file of any size fits. See `read_table`."""
    if chunk_rows < 1:
        raise InputError("no row in a chunk", where="iter_table", got=f"chunk_rows={chunk_rows}", want=">= 1")
    source = open_source(path)
    names = choose_columns(source, columns, str(path))
    first_row = 0
    for chunk in guarded(source.chunks(names, chunk_rows), str(path)):
        n_rows = len(chunk[names[0]])
        if n_rows == 0:
            continue
        if not allow_missing:
            check_finite(chunk, str(path), first_row)
        yield ColumnTable(chunk, n_rows, source.metadata)
        first_row += n_rows
    if first_row == 0:
        raise DataError("the file holds no rows", where=str(path), got="0 rows", want="at least one row")


def column_names(path: PathLike) -> tuple[str, ...]:
    """Names of the columns of a file."""
    return open_source(path).names


def open_source(path: PathLike) -> Source:
    """The columns of a file, nothing of them read yet. Raises DataError; see `read_table`."""
    return _open(*split_tree(path))


def load_jets5(
    path: PathLike | None = None, split: str | None = None, columns: Sequence[str] = SIXTEEN
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Features and labels of a jets5 file.

    Parameters
    ----------
    path : path, optional
        By default the sample that comes with fasttrig.
    split : {'train', 'validation', 'test'}, optional
        All jets if not given.
    columns : sequence of str
        By default the sixteen observables of the public benchmark. A list column gives as many features as it is long.

    Returns
    -------
    x : float64 array of shape (n_jets, n_features)
    y : int64 array of shape (n_jets,)
        0 gluon, 1 light quark, 2 W, 3 Z, 4 top.
    """
    if split is not None and split not in SPLIT_NAMES:
        raise InputError("no such split", where="load_jets5", got=repr(split), want=" or ".join(SPLIT_NAMES))
    table = read_table(samples.path("jets5") if path is None else path, [*columns, "label", "split"])
    blocks = [np.asarray(table[name], dtype=np.float64).reshape(table.n_rows, -1) for name in columns]
    x, y = np.concatenate(blocks, axis=1), table["label"].astype(np.int64)
    if split is None:
        return x, y
    rows = table["split"] == SPLIT_NAMES.index(split)
    return x[rows], y[rows]


def split_tree(path: PathLike) -> tuple[Path, str]:
    """`file.root:tree` into its two parts."""
    text = os.fspath(path)
    before, colon, tree = text.rpartition(".root:")
    return (Path(before + ".root"), tree) if colon else (Path(text), "")


def _open(file: Path, tree: str) -> Source:
    opener = SUFFIXES.get(file.suffix.lower())
    if file.is_dir():
        files = sorted(entry.name for entry in file.iterdir() if entry.suffix.lower() in SUFFIXES)
        hint = f"'{file}/*{Path(files[0]).suffix}', {len(files)} files of known formats are there" if files else ""
        raise DataError(
            "expected an event file, found a folder",
            where=str(file),
            want=", ".join(SUFFIXES),
            try_=hint or "name a file; nothing in this folder is one",
        )
    if opener is None:
        raise DataError(
            "fasttrig does not know this file format",
            where=str(file),
            got=f"suffix {file.suffix!r}",
            want=", ".join(SUFFIXES),
        )
    if not file.is_file():
        beside = file.parent.iterdir() if file.parent.is_dir() else ()
        near = [entry.name for entry in beside if entry.suffix.lower() in SUFFIXES]
        raise DataError("no such file", where=str(file), try_=near_names(file.name, near) if near else "")
    if file.stat().st_size == 0:
        raise DataError("the file is empty", where=str(file), got="0 bytes")
    with file.open("rb") as stream:
        if stream.read(len(LFS_POINTER)) == LFS_POINTER:
            raise DataError(
                "this is a Git LFS pointer, not the sample itself",
                where=str(file),
                got=f"{file.stat().st_size} bytes that name the file's content",
                want="an event file",
                try_="git lfs pull",
            )
    try:
        return opener(file, tree)
    except (FasttrigError, ImportError):
        raise
    except Exception as error:  # a library that reads a hostile file may raise anything
        raise _damaged(str(file), error) from error


def guarded(chunks: Iterator[Piece], where: str) -> Iterator[Piece]:
    """The same chunks, with the library's errors worded as ours."""
    try:
        yield from chunks
    except FasttrigError as error:
        error.where = " > ".join(part for part in (where, error.where) if part)
        raise
    except ImportError:
        raise
    except Exception as error:
        raise _damaged(where, error) from error


def _damaged(where: str, error: BaseException) -> DataError:
    text = str(error).strip().splitlines()
    return DataError(
        "the file cannot be read: it is damaged, truncated, or does not match its suffix",
        where=where,
        got=f"{type(error).__name__}: {text[0][:160]}" if text else type(error).__name__,
        try_="copy or create the file again",
    )


def choose_columns(source: Source, columns: Sequence[str] | None, where: str) -> tuple[str, ...]:
    """The columns asked for, default all; DataError where one is not there, with near names."""
    names = source.names if columns is None else tuple(columns)
    for name in names:
        if name not in source.names and column_of(name) not in source.names:
            raise DataError("no such column", where=where, got=repr(name), try_=near_names(name, source.names))
    if not names:
        raise DataError("no column to read", where=where, want="at least one column")
    return names


def check_finite(chunk: Chunk, where: str, first_row: int) -> None:
    """DataError where a number of a chunk is NaN or infinite; `first_row` is the chunk's place in the file."""
    for name, values in chunk.items():
        if values.dtype.kind != "f" or np.isfinite(values).all():
            continue
        bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
        raise DataError(
            "a column holds NaN, infinite or missing values",
            where=f"{where} > column {name!r}",
            got=f"{len(bad)} of these {len(values)} rows, the first in row {first_row + int(bad[0])}",
            want="finite numbers",
            try_="drop the rows, or read with allow_missing=True",
        )
