"""A file of events as parts: the features of some rows, and the columns of these rows that are kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import DataError, near_names
from fasttrig.base.fixed import IntArray
from fasttrig.data.events import Arrays, stacked
from fasttrig.data.formats import ALL_ROWS, Chunk, ParquetSource, RowRange, Source
from fasttrig.data.quantise import given_raw, joined
from fasttrig.data.readers import choose_columns, guarded, open_source
from fasttrig.data.spread import flattened, spread
from fasttrig.design import Design
from fasttrig.ir.graph import Graph

PROBED_ROWS = 1000
"""Rows read to learn how large a row is."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a file.

    Attributes
    ----------
    first_row, n_rows : int
    features : dict of column name to array
        What the design reads.
    kept : dict of column name to array, or a record batch of pyarrow
        What is written again; a batch is as the file has it, types and missing values included.
    """

    first_row: int
    n_rows: int
    features: Chunk
    kept: Any


@dataclass(frozen=True, slots=True)
class Events:
    """An open file; `features` are the columns that the design reads, `kept` those that are written again.

    `as_stored` keeps a Parquet file's columns as they are stored, for an output that can hold anything Parquet does.
    """

    path: str
    source: Source
    features: tuple[str, ...]
    kept: tuple[str, ...]
    as_stored: bool

    @classmethod
    def open(cls, path: Path | str, design: Design, keep: Sequence[str] | None, *, as_stored: bool) -> Events:
        """Raises DataError where the file cannot be read or lacks a column of the design or of `keep`."""
        source = open_source(path)
        features = choose_columns(source, feature_columns(design, source.names, str(path)), str(path))
        kept = () if keep is not None and not keep else choose_columns(source, keep, str(path))
        return cls(str(path), source, features, kept, as_stored and isinstance(source, ParquetSource))

    @property
    def schema(self) -> Any:
        """The stored schema of the kept columns, with the file's metadata; None where they are arrays."""
        if not self.as_stored:
            return None
        import pyarrow as pa

        assert isinstance(self.source, ParquetSource)
        schema = self.source.schema
        return pa.schema([schema.field(name) for name in self.kept], schema.metadata)

    def rows_of(self, n_bytes: int) -> int:
        """About how many rows hold so many bytes, by the first few; at least one."""
        for features, kept in guarded(self._chunks(PROBED_ROWS, ALL_ROWS), self.path):
            size = kept.nbytes if self.as_stored else sum(column.nbytes for column in kept.values())
            size += sum(column.nbytes for column in features.values())
            return max(1, n_bytes * len(features[self.features[0]]) // max(1, size))
        return 1

    def parts(self, chunk_rows: int, rows: RowRange = ALL_ROWS) -> Iterator[Part]:
        """Parts of at most `chunk_rows` rows, in order; of a file without rows one that is empty."""
        first_row = rows[0]
        empty: Part | None = None
        for features, kept in guarded(self._chunks(chunk_rows, rows), self.path):
            n_rows = len(features[self.features[0]])
            if n_rows:
                yield Part(first_row, n_rows, features, kept)
            else:
                empty = Part(0, 0, features, kept)
            first_row += n_rows
        if first_row == 0 and empty is not None:
            yield empty

    def _chunks(self, chunk_rows: int, rows: RowRange) -> Iterator[tuple[Chunk, Any]]:
        names = tuple(dict.fromkeys((*self.kept, *self.features)))
        if self.as_stored:
            assert isinstance(self.source, ParquetSource)
            for batch in self.source.batches(names, chunk_rows, rows):
                yield self.source.values(batch, self.features), batch.select(list(self.kept))
            return
        for chunk in self.source.chunks(names, chunk_rows, rows):
            yield {name: chunk[name] for name in self.features}, {name: chunk[name] for name in self.kept}


def feature_columns(design: Design, names: Sequence[str], where: str) -> tuple[str, ...]:
    """The columns that `design` reads: its features by name; without an input map those named like its inputs.

    An input may be one column of lists, or a column per number: ``x_0``, ``x_1``, ...
    """
    if design.inputs is not None:
        return design.inputs.names
    found: list[str] = []
    for op in design.graph.inputs:
        single = [f"{op.name}_{index}" for index in range(op.result.size)]
        if op.name not in names and not set(single) <= set(names):
            raise DataError(
                "no column for an input of the design",
                where=f"{where} > input '{op.name}'",
                want=f"a column {op.name!r} of {op.result.size} numbers a row, or {single[0]!r} to {single[-1]!r}",
                try_=near_names(op.name, names),
            )
        found += [op.name] if op.name in names else single
    return tuple(found)


def feature_arrays(design: Design, features: Chunk) -> Arrays:
    """The numbers of each input: features in their own units; without an input map values of the input."""
    if design.inputs is None:
        return dict(_arrays(design.graph, features))
    for name, column in features.items():
        if column.ndim != 1 or column.dtype.kind not in "biuf":
            raise DataError(
                "a feature must be one number a row",
                where=f"column {name!r}",
                got=f"{column.dtype} of shape {column.shape[1:]} a row",
            )
    columns = [features[name] for name in design.inputs.names]
    if len(design.graph.inputs) == 1 and len(design.graph.inputs[0].result.shape) == 1:
        return {design.graph.inputs[0].name: columns}
    return dict(spread(design.graph, stacked(columns, np.result_type(*columns))))


def raw_inputs(design: Design, arrays: Arrays, *, raw: bool) -> dict[str, IntArray]:
    """Raw integers of each input, shape (n_rows, *shape), of `feature_arrays`."""
    if raw:
        return given_raw(arrays)
    if design.inputs is None:
        return design.quantise(arrays)[0]
    whole = {name: joined(given) for name, given in arrays.items()}
    columns = [column.astype(np.float64) for column in flattened(design.graph, whole).T]
    flat = design.inputs.columns_to_raw(columns, np.empty((len(columns[0]), len(columns)), dtype=np.int64))
    return spread(design.graph, flat)


def _arrays(graph: Graph, features: Chunk) -> Chunk:
    arrays = {}
    for op in graph.inputs:
        parts = (
            [features[op.name]]
            if op.name in features
            else [features[f"{op.name}_{index}"] for index in range(op.result.size)]
        )
        flat = np.concatenate([part.reshape(len(part), math.prod(part.shape[1:])) for part in parts], axis=1)
        if flat.shape[1] != op.result.size:
            raise DataError(
                "a column does not hold the numbers of its input",
                where=f"input '{op.name}'",
                got=f"{flat.shape[1]} numbers a row",
                want=str(op.result.size),
            )
        arrays[op.name] = flat.reshape(-1, *op.result.shape)
    return arrays
