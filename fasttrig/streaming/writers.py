"""Event files out: Parquet, ROOT and HDF5, a part at a time, whole or not at all."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from fasttrig.base.errors import DataError, InputError
from fasttrig.base.staging import require_own_file
from fasttrig.data.formats import DAMAGE, Chunk

HDF5_CHUNK_BYTES = 1 << 18


class Writer(Protocol):
    """Takes parts of equal columns, in order; `kept` is a record batch where `schema` was given."""

    def write(self, kept: Any, added: Chunk) -> None: ...

    def close(self) -> None: ...


class ParquetWriter:
    """Apache Parquet; kept columns keep their stored types and the file its metadata where `schema` is given."""

    def __init__(self, path: Path, schema: Any) -> None:
        self._path, self._kept_schema = path, schema
        self._writer: Any = None

    def write(self, kept: Any, added: Chunk) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        new = pa.RecordBatch.from_pydict({name: _arrow(column) for name, column in added.items()})
        if self._kept_schema is None:
            kept = pa.RecordBatch.from_pydict({name: _arrow(column) for name, column in kept.items()})
        stored = kept.schema if self._kept_schema is None else self._kept_schema
        schema = pa.schema([*stored, *new.schema], stored.metadata)
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._path, schema, compression="zstd", compression_level=1, use_dictionary=False
            )
        self._writer.write_batch(pa.RecordBatch.from_arrays([*kept.columns, *new.columns], schema=schema))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class RootWriter:
    """A TTree."""

    def __init__(self, path: Path, tree: str) -> None:
        import uproot

        self._file, self._name = uproot.recreate(path), tree
        self._tree: Any = None

    def write(self, kept: Chunk, added: Chunk) -> None:
        columns = {**kept, **added}
        if self._tree is None:
            for name, column in columns.items():
                if column.dtype.kind in "SU":
                    raise DataError(
                        "a column of text cannot go to a ROOT file",
                        where=f"column {name!r}",
                        try_="an output .parquet or .h5; or --keep, for other columns",
                    )
            types = {name: (column.dtype, column.shape[1:]) for name, column in columns.items()}
            self._tree = self._file.mktree(self._name, types)
        self._tree.extend(columns)

    def close(self) -> None:
        self._file.close()


class Hdf5Writer:
    """One dataset per column, chunked, growing."""

    def __init__(self, path: Path) -> None:
        import h5py

        self._disk = _Disk(path)
        self._file, self._rows = h5py.File(self._disk, "w"), 0

    def write(self, kept: Chunk, added: Chunk) -> None:
        columns = {**kept, **added}
        if self._rows == 0:
            for name, column in columns.items():
                self._create(name, column)
        n_rows = len(next(iter(added.values())))
        for name, column in columns.items():
            dataset = self._file[name]
            dataset.resize(self._rows + n_rows, axis=0)
            dataset[self._rows :] = column.astype(object) if column.dtype.kind == "U" else column
        self._rows += n_rows
        self._disk.check()

    def _create(self, name: str, column: Any) -> None:
        import h5py

        dtype = h5py.string_dtype() if column.dtype.kind == "U" else column.dtype
        row_bytes = max(1, column[:1].nbytes)
        chunk = (max(1, HDF5_CHUNK_BYTES // row_bytes), *column.shape[1:])
        self._file.create_dataset(name, (0, *column.shape[1:]), dtype, maxshape=(None, *column.shape[1:]), chunks=chunk)

    def close(self) -> None:
        self._file.close()
        self._disk.close()
        self._disk.check()


class _Disk:
    """A file for the HDF5 library, which ends the process when it cannot write what it holds: it is told that all went
    well, `check` raises what did not."""

    def __init__(self, path: Path) -> None:
        self._file, self._error = path.open("w+b", buffering=0), None  # type: tuple[Any, OSError | None]
        self.seek, self.tell = self._file.seek, self._file.tell
        self.read, self.readinto = self._file.read, self._file.readinto

    def write(self, content: Any) -> int:
        return self._tried(lambda: self._file.write(content), len(content))

    def truncate(self, size: int) -> int:
        return self._tried(lambda: self._file.truncate(size), size)

    def flush(self) -> None:
        """Nothing is held here."""

    def close(self) -> None:
        self._tried(self._file.close, 0)

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def _tried(self, work: Callable[[], Any], done: int) -> int:
        if self._error is None:
            try:
                work()
            except OSError as error:
                self._error = error
        return done


WRITERS: Mapping[str, Callable[[Path, str, Any], Writer]] = {
    ".parquet": lambda path, tree, schema: ParquetWriter(path, schema),
    ".root": lambda path, tree, schema: RootWriter(path, tree),
    ".h5": lambda path, tree, schema: Hdf5Writer(path),
    ".hdf5": lambda path, tree, schema: Hdf5Writer(path),
}


_HDF5_START = b"\x89HDF\r\n\x1a\n"
_STARTS = {".parquet": b"PAR1", ".root": b"root", ".h5": _HDF5_START, ".hdf5": _HDF5_START}


def check_output(path: Path, force: bool) -> None:
    """InputError where `path` cannot be written; see `writing`."""
    if path.suffix.lower() not in WRITERS:
        raise InputError(
            "fasttrig does not write this file format",
            where=str(path),
            got=f"suffix {path.suffix!r}",
            want=", ".join(WRITERS),
        )
    if not path.parent.is_dir():
        raise InputError("no such folder", where=str(path.parent), try_=f"mkdir -p {path.parent}")
    if path.is_dir():
        raise InputError("the output is a folder", where=str(path), want="a file")
    if path.exists() and not force:
        raise InputError("the output is there already", where=str(path), try_="--force, to replace it")
    require_own_file(path, _is_of_its_format(path), f"an earlier {path.suffix} file; --force replaces nothing else")


def _is_of_its_format(path: Path) -> bool:
    """Whether the bytes of an existing file begin as its suffix says; an empty file holds nothing to lose."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(len(_HDF5_START))
    return not start or start.startswith(_STARTS[path.suffix.lower()])


@contextlib.contextmanager
def writing(path: Path, tree: str, schema: Any) -> Iterator[Callable[[Any, Chunk], None]]:
    """A function that writes one part after the other; `path` appears when all went well, whole.

    Until then the data is in a hidden file next to it, which is removed however the work ends, except by a SIGKILL.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix.lower()}")
    with _worded(path):
        partial.touch()
    try:
        with _worded(path):
            writer = WRITERS[path.suffix.lower()](partial, tree, schema)

        def write(kept: Any, added: Chunk) -> None:
            with _worded(path):
                writer.write(kept, added)

        try:
            yield write
        except BaseException:
            with contextlib.suppress(*DAMAGE):  # the first error is the one to tell
                writer.close()
            raise
        with _worded(path):
            writer.close()
            with partial.open("rb+") as whole:
                os.fsync(whole.fileno())
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _worded(path: Path) -> Iterator[None]:
    """What the libraries raise when a file cannot be written (no right, no room), as an error of ours."""
    try:
        yield
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(
            "the output cannot be written",
            where=str(path),
            got=f"{type(error).__name__}: {error}",
            try_="another place; and look whether the disk is full",
        ) from error


def _arrow(column: Any) -> Any:
    """A column of shape (n,) or (n, ...); the latter as lists of a fixed length."""
    import pyarrow as pa

    if column.ndim == 1:
        return pa.array(column)
    return pa.FixedSizeListArray.from_arrays(pa.array(column.reshape(-1)), math.prod(column.shape[1:]))
