"""One source per file format: column names, metadata, and the rows in chunks. Nothing here ever unpickles.

A source offers `names` (the columns a plain table can hold), `metadata`, and `chunks(names, chunk_rows)`, which yields
dicts of arrays. Opening and reading a damaged file raises an error of the library, one of `DAMAGE`; `readers` words
the error.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.errors import DataError
from fasttrig.base.feature_names import column_of, stored_columns
from fasttrig.base.hdf5_heaps import require_sound_heaps
from fasttrig.data.columns import METADATA_PREFIX
from fasttrig.data.declared import require_entries, require_stored
from fasttrig.data.list_elements import element, jagged_element
from fasttrig.data.storage import decode

Chunk = dict[str, NDArray[Any]]

OTHER_COLUMNS = "leave this column out: name the others by --keep, or columns=[...] in Python"

CSV_BLOCK_BYTES = 1 << 20
"""Sample of a CSV file from which pyarrow infers the column types."""

DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    EOFError,
    TypeError,
    RuntimeError,
    MemoryError,
    OverflowError,
    NotImplementedError,
    AssertionError,
    AttributeError,
    struct.error,
    zlib.error,
    BadZipFile,
)
"""Exceptions of the libraries on truncated and hostile files; pyarrow's errors derive from ValueError or OSError."""

READ_BYTES = 1 << 20
"""Buffer per Parquet column."""

RowRange = tuple[int, int | None]
"""The first row of a range, and the row after the last; None for the end of the file."""

ALL_ROWS: RowRange = (0, None)


class Source(Protocol):
    """An open file of columns; `n_rows` is None where only reading all of it would tell."""

    names: tuple[str, ...]
    metadata: Mapping[str, Any]

    @property
    def n_rows(self) -> int | None: ...

    def chunks(self, names: Sequence[str], chunk_rows: int, rows: RowRange = ALL_ROWS) -> Iterator[Chunk]:
        """Yield chunks of at most `chunk_rows` rows, of the range `rows`; of no rows one empty chunk."""


class ParquetSource:
    """Apache Parquet; integer columns of our own older samples come out as physical values."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(path, buffer_size=READ_BYTES, pre_buffer=False)  # else whole row groups are held
        self.schema = self._file.schema_arrow
        self.names = tuple(self.schema.names)
        self.n_rows: int | None = self._file.metadata.num_rows
        metadata = self.schema.metadata or {}
        text = next((text for key, text in metadata.items() if key.startswith(METADATA_PREFIX)), None)
        about = json.loads(text) if text else {}
        columns = about.get("columns", {})
        whole = {field.name for field in self.schema if _is_whole(field.type)}
        self._lsb_log2 = {name: int(column["lsb_log2"]) for name, column in columns.items() if name in whole}
        units = {name: str(column["unit"]) for name, column in columns.items()}
        self.metadata: Mapping[str, Any] = about | {"units": units} if units else about

    def chunks(self, names: Sequence[str], chunk_rows: int, rows: RowRange = ALL_ROWS) -> Iterator[Chunk]:
        """Yield chunks; lists must have a fixed length."""
        for batch in self.batches(names, chunk_rows, rows):
            yield self.values(batch, names)

    def batches(self, names: Sequence[str], chunk_rows: int, rows: RowRange = ALL_ROWS) -> Iterator[Any]:
        """Yield record batches as they are stored, with columns of any type; only their row groups are read."""
        if self.n_rows == 0:
            import pyarrow as pa

            columns = stored_columns(names, self.names)
            yield pa.RecordBatch.from_pylist([], pa.schema([self.schema.field(name) for name in columns]))
        groups, before = self._row_groups(rows)
        left = (self.n_rows or 0) - rows[0] if rows[1] is None else rows[1] - rows[0]
        for batch in self._file.iter_batches(
            chunk_rows, row_groups=groups, columns=list(stored_columns(names, self.names))
        ):
            inside = batch.slice(min(before, len(batch)), left)
            before, left = max(0, before - len(batch)), left - len(inside)
            if len(inside):
                yield inside
            if left == 0:
                return

    def _row_groups(self, rows: RowRange) -> tuple[list[int], int]:
        """The row groups that hold `rows`, and the rows of the first of these before the range."""
        metadata = self._file.metadata
        ends = np.cumsum([metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)], dtype=np.int64)
        first = int(np.searchsorted(ends, rows[0], side="right"))
        last = len(ends) if rows[1] is None else int(np.searchsorted(ends, rows[1], side="left")) + 1
        return list(range(first, min(last, len(ends)))), rows[0] - (int(ends[first - 1]) if first else 0)

    def values(self, batch: Any, names: Sequence[str]) -> Chunk:
        """Some columns of a record batch, or elements of its lists."""
        return {name: self._named(name, batch) for name in names}

    def _named(self, name: str, batch: Any) -> NDArray[Any]:
        import pyarrow as pa

        if name in self.names:
            return self._values(name, batch.column(name))
        column = column_of(name)
        array = batch.column(column)
        if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
            return element(name, self._values(column, array))
        if array.null_count or array.values.null_count:
            raise DataError("missing values", where=f"column {column!r}", want="a number in every place of a list")
        values = jagged_element(name, array.values.to_numpy(zero_copy_only=False), array.offsets.to_numpy())
        return decode(values, self._lsb_log2[column]) if column in self._lsb_log2 else _plain(column, values)

    def _values(self, name: str, array: Any) -> NDArray[Any]:
        import pyarrow as pa

        if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
            raise DataError(
                "a column holds lists of varying length",
                where=f"column {name!r}",
                got=str(array.type),
                want="numbers, or lists of a fixed length",
                try_=f"name single places, {name}[0]; or {OTHER_COLUMNS}",
            )
        shape: tuple[int, ...] = (len(array),)
        if pa.types.is_fixed_size_list(array.type):
            shape = (len(array), array.type.list_size)
            array = array.flatten() if array.null_count == 0 else array.values
        values = array.to_numpy(zero_copy_only=False).reshape(shape)
        return decode(values, self._lsb_log2[name]) if name in self._lsb_log2 else _plain(name, values)


class CsvSource:
    """Comma-separated values with a header line.

    Types are inferred from the first block, about a megabyte. A longer file is read once more in advance: a column
    that begins with whole numbers, or with nothing, and goes on with fractions or text is wider from its first row.
    """

    metadata: Mapping[str, Any] = {}
    n_rows: int | None = None

    def __init__(self, path: Path) -> None:
        import pyarrow.csv as csv

        self._path = path
        self._types: dict[str, Any] = {}
        self._read_ahead: set[str] = set()
        with csv.open_csv(path) as reader:
            self.names = tuple(reader.schema.names)
            self._first_types = dict(zip(reader.schema.names, reader.schema.types, strict=True))

    def chunks(self, names: Sequence[str], chunk_rows: int, rows: RowRange = ALL_ROWS) -> Iterator[Chunk]:
        """Yield chunks; the number of rows is unknown, so the range is always the whole file."""
        assert rows == ALL_ROWS
        import pyarrow as pa

        columns = stored_columns(names, self.names)
        self._widen(columns)
        with self._reader(columns) as reader:
            if all(pa.types.is_null(kind) for kind in self._first_types.values()):
                yield {name: np.empty(0) for name in names}  # a header, and nothing that says what its columns are
                return
            for block in reader:
                for start in range(0, block.num_rows, chunk_rows):
                    table = pa.Table.from_batches([block.slice(start, chunk_rows)])
                    read = {name: _plain(name, table.column(name).to_numpy()) for name in columns}
                    yield {name: read[name] if name in read else element(name, read[column_of(name)]) for name in names}

    def _reader(self, names: Sequence[str]) -> Any:
        import pyarrow.csv as csv

        types = {name: self._types[name] for name in names if name in self._types}
        return csv.open_csv(
            self._path, convert_options=csv.ConvertOptions(include_columns=list(names), column_types=types)
        )

    def _widen(self, names: Sequence[str]) -> None:
        """Find the types in which every row of the columns can be read."""
        import pyarrow as pa

        if self._path.stat().st_size <= CSV_BLOCK_BYTES or self._read_ahead.issuperset(names):
            return
        for _ in range(1 + 2 * len(names)):  # a column widens twice at most
            try:
                with self._reader(names) as reader:
                    for _ in reader:
                        pass
                self._read_ahead.update(names)
                return
            except pa.ArrowInvalid as error:
                match = re.match(r"In CSV column #(\d+):.*CSV conversion error", str(error))
                if match is None:
                    raise
                name = self.names[int(match[1])]
                tried = self._types.get(name, self._first_types[name])
                number = pa.types.is_integer(tried) or pa.types.is_null(tried)
                self._types[name] = pa.float64() if number else pa.string()


class ArraySource:
    """Arrays in memory, or arrays that can be sliced lazily: NumPy, HDF5."""

    metadata: Mapping[str, Any] = {}

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._arrays = arrays
        self.names = tuple(arrays)
        self.n_rows: int | None = len(next(iter(arrays.values()))) if arrays else 0

    def chunks(self, names: Sequence[str], chunk_rows: int, rows: RowRange = ALL_ROWS) -> Iterator[Chunk]:
        """Yield chunks; the columns asked for must be equally long."""
        columns = stored_columns(names, self.names)
        lengths = {name: len(self._arrays[name]) for name in columns}
        if len(set(lengths.values())) > 1:
            raise DataError("the columns are not equally long", got=", ".join(f"{k}: {n}" for k, n in lengths.items()))
        stop = next(iter(lengths.values()), 0) if rows[1] is None else rows[1]
        for start in range(rows[0], max(1, stop), chunk_rows):
            taken = slice(start, min(start + chunk_rows, stop))
            read = {name: _plain(name, np.asarray(self._arrays[name][taken])) for name in columns}
            yield {name: read[name] if name in read else element(name, read[column_of(name)]) for name in names}


class RootSource:
    """A TTree or RNTuple of a ROOT file; `file.root:events` names the tree where the file has several."""

    metadata: Mapping[str, Any] = {}

    def __init__(self, path: Path, tree: str) -> None:
        import uproot

        opened = uproot.open(path)
        trees = [key for key, kind in opened.classnames(cycle=False).items() if kind in ("TTree", "ROOT::RNTuple")]
        if tree not in trees and (tree or len(trees) != 1):
            raise DataError(
                "cannot choose a tree of this ROOT file",
                where=str(path),
                got=repr(tree) if tree else f"{len(trees)} trees",
                want=" or ".join(trees) or "a file with a TTree",
                try_=f"{path}:{trees[0]}" if trees else "",
            )
        self._tree = opened[tree or trees[0]]
        self.names = tuple(self._tree.keys())
        self.n_rows: int | None = int(self._tree.num_entries)

    def chunks(self, names: Sequence[str], chunk_rows: int, rows: RowRange = ALL_ROWS) -> Iterator[Chunk]:
        """Yield chunks; the ends of the branches' baskets are checked first."""
        columns = stored_columns(names, self.names)
        lists = {column_of(name) for name in names if name not in self.names}
        branches = {name: getattr(self._tree[name], "entry_offsets", None) for name in columns}
        require_entries({name: int(ends[-1]) for name, ends in branches.items() if ends}, self.n_rows or 0)
        if self.n_rows == 0:
            empty = {name: _plain(name, self._tree[name].array(library="np")) for name in names if name in columns}
            yield {name: empty.get(name, np.empty(0)) for name in names}
            return
        whole = [name for name in names if name in columns]
        numbers = self._iterate(whole, chunk_rows, rows, "np")
        if not lists:
            yield from ({name: _plain(name, chunk[name]) for name in whole} for chunk in numbers)
            return
        others = numbers if whole else repeat({})
        for chunk, flat in zip(others, self._iterate(sorted(lists), chunk_rows, rows, "ak"), strict=bool(whole)):
            found = {name: _plain(name, chunk[name]) for name in whole}
            jagged = {column: _flat_lists(column, flat[column]) for column in lists}
            found |= {name: jagged_element(name, *jagged[column_of(name)]) for name in names if name not in found}
            yield {name: found[name] for name in names}

    def _iterate(self, names: Sequence[str], chunk_rows: int, rows: RowRange, library: str) -> Iterator[Any]:
        if not names:
            return iter(())
        return self._tree.iterate(
            list(names), step_size=chunk_rows, library=library, entry_start=rows[0], entry_stop=rows[1]
        )


def _flat_lists(column: str, lists: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """The lists of a branch one after the other, and where each begins."""
    import awkward as ak

    if lists.ndim != 2:
        raise DataError(
            "a feature is a place in lists, the column has none",
            where=f"column {column!r}",
            got=f"{lists.ndim - 1} axes a row",
            want="a list of numbers a row",
        )
    flat = _plain(column, np.asarray(ak.flatten(lists)))
    return flat, np.concatenate([[0], np.cumsum(np.asarray(ak.num(lists)))])


def open_hdf5(path: Path) -> Source:
    """Datasets by their path; fields of a compound dataset become columns. Links to other files are not followed."""
    import h5py

    arrays: dict[str, Any] = {}
    datasets: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or item.ndim == 0 or item.is_virtual or item.external:
            return
        if item.shape is None:
            return
        if item.size:
            datasets[name] = item
        fields = item.dtype.names
        arrays.update({field: item.fields(field) for field in fields} if fields else {name: item})

    h5py.File(path, "r").visititems(visit)
    if any(dataset.dtype.hasobject for dataset in datasets.values()):  # text, which lies in heaps
        with path.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
            require_sound_heaps(content, str(path))
    for name, dataset in datasets.items():
        require_stored(name, dataset)
    return ArraySource(arrays)


def open_numpy(path: Path) -> Source:
    """`.npy`: a structured array, or a plain one with columns column_0, column_1, ...; `.npz`: one array each."""
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.lib.npyio.NpzFile):
        return ArraySource({name: loaded[name] for name in loaded.files})
    if loaded.dtype.names:
        return ArraySource({name: loaded[name] for name in loaded.dtype.names})
    if loaded.ndim != 2:
        return ArraySource({"column_0": loaded.reshape(-1)} if loaded.ndim < 2 else {"column_0": loaded})
    return ArraySource({f"column_{i}": loaded[:, i] for i in range(loaded.shape[1])})


SUFFIXES: dict[str, Callable[[Path, str], Source]] = {
    ".parquet": lambda path, tree: ParquetSource(path),
    ".h5": lambda path, tree: open_hdf5(path),
    ".hdf5": lambda path, tree: open_hdf5(path),
    ".npy": lambda path, tree: open_numpy(path),
    ".npz": lambda path, tree: open_numpy(path),
    ".root": RootSource,
    ".csv": lambda path, tree: CsvSource(path),
}


def _is_whole(arrow_type: Any) -> bool:
    import pyarrow as pa

    inner = arrow_type.value_type if pa.types.is_fixed_size_list(arrow_type) else arrow_type
    return bool(pa.types.is_integer(inner))


def _plain(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Numbers, booleans and text as they are; anything else is refused."""
    if values.dtype.kind == "O" and all(isinstance(value, str | bytes) or value is None for value in values.flat):
        return np.array(["" if value is None else value for value in values.flat]).astype(str).reshape(values.shape)
    if values.dtype.kind not in "biufSU":
        raise DataError(
            "a column holds neither numbers nor text",
            where=f"column {name!r}",
            got=f"dtype {values.dtype}",
            want="integers, floats, booleans or text",
            try_=OTHER_COLUMNS,
        )
    return values.astype(values.dtype.newbyteorder("="), copy=False)
