"""A chunk of a file: a range of its rows, with a key, one output file, and a record once its work is done."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from fasttrig.base.errors import DataError
from fasttrig.base.hashing import sha256_json
from fasttrig.data.formats import RowRange
from fasttrig.data.readers import open_source, split_tree

_END_BYTES = 4096


@dataclass(frozen=True, slots=True)
class FileChunk:
    """Rows of a file.

    Attributes
    ----------
    file : str
        As the user wrote it, ``file.root:tree`` included.
    rows : first row, and the row after the last; None for the end of a file whose length is unknown
    group : str
        Output name that the whole file would have; the records of its chunks are kept together.
    output : str
        Output name of this chunk.
    key : str
        Hash of the file's identity, the tree, the rows, the design and the settings: an equal key means equal bits.
    """

    file: str
    rows: RowRange
    group: str
    output: str
    key: str


def chunks_of(file: str, output: str, chunk_events: int, run_key: str) -> list[FileChunk]:
    """The chunks of a file, each of at most `chunk_events` rows.

    The output of a file that is one chunk has the file's name. Otherwise the first row of each chunk is added to it.

    Raises
    ------
    DataError
        When the file cannot be read.
    """
    identity, n_rows = _identity(file), open_source(file).n_rows
    whole = n_rows is None or n_rows <= chunk_events
    found = []
    for start in range(0, 1 if whole or n_rows is None else n_rows, chunk_events):
        rows = (start, None if n_rows is None else min(start + chunk_events, n_rows))
        name = Path(output)
        named = output if whole else f"{name.stem}.{start:012}{name.suffix}"
        key = sha256_json([identity, split_tree(file)[1], rows, named, run_key])
        found.append(FileChunk(file, rows, output, named, key))
    return found


def _identity(file: str) -> str:
    """Hash of the file's path, size, time of change, first and last bytes (a ROOT file's UUID, a Parquet footer)."""
    path = split_tree(file)[0].resolve()
    try:
        with path.open("rb") as stream:
            about = os.fstat(stream.fileno())
            ends = hashlib.sha256(stream.read(_END_BYTES))
            stream.seek(max(0, about.st_size - _END_BYTES))
            ends.update(stream.read(_END_BYTES))
    except OSError as error:
        raise DataError("cannot read this file", where=file, got=error.strerror or str(error)) from None
    return sha256_json([str(path), about.st_size, about.st_mtime_ns, ends.hexdigest()])
