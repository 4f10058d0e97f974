"""What a worker does: look at a file, and emulate a chunk. Workers share the output folder and nothing else."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fasttrig.base.errors import DataError
from fasttrig.data import formats
from fasttrig.data.readers import split_tree
from fasttrig.design import Design
from fasttrig.grid.chunks import FileChunk, chunks_of
from fasttrig.grid.folder import RunFolder
from fasttrig.grid.tally import EventTally, tally_of
from fasttrig.streaming import emulate_file
from fasttrig.streaming.score_columns import word_types


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """The same for every chunk of a run.

    Attributes
    ----------
    design : bytes
        The design, pickled.
    key : str
        Hash of the design and of every setting that changes an output.
    options : mapping
        Of `emulate_file`: keep, tree, prefix, raw.
    """

    design: bytes
    key: str
    folder: RunFolder
    chunk_events: int
    options: Mapping[str, Any]
    force: bool = False


def look(order: WorkOrder, file: str, output: str) -> list[tuple[FileChunk, EventTally | None]]:
    """The chunks of a file, each with its tally where an earlier run has done it.

    Raises
    ------
    DataError
        When the file cannot be read.
    InputError
        When a file of someone else has the name of an output.
    """
    chunks = chunks_of(file, output, order.chunk_events, order.key)
    if not order.force:
        for chunk in chunks:
            order.folder.require_free(chunk)
    order.folder.remove_stale(output, chunks)
    return [(chunk, order.folder.tally(chunk)) for chunk in chunks]


def emulate_chunk(order: WorkOrder, chunk: FileChunk) -> EventTally:
    """Write the output of a chunk, on one thread, and count it.

    Raises
    ------
    DataError
        When the rows cannot be read, or the output cannot be written.
    """
    design = _design(order.design)
    prefix = order.options["prefix"]
    types = {f"{prefix}{name}": kind for name, kind in word_types(design).items()}
    name, found = split_tree(chunk.file)[0].name, EventTally()

    def seen(first_row: int, added: formats.Chunk) -> None:
        nonlocal found
        found += tally_of(name, first_row, {column: added[column] for column in types}, types)

    compiled = design.compiled_emulator() is not None
    with order.folder.staging(chunk) as staged:
        made = emulate_file(
            design, chunk.file, staged, threads=1, compiled=compiled, rows=chunk.rows, seen=seen, **order.options
        )
        if chunk.rows[1] is not None and made.n_events != chunk.rows[1] - chunk.rows[0]:
            raise DataError(
                "the file has fewer rows than it says",
                where=f"{chunk.file} > rows {chunk.rows[0]} to {chunk.rows[1] - 1}",
                got=f"{made.n_events} rows",
            )
        order.folder.publish(chunk, staged, found)
    return found


@lru_cache(maxsize=2)
def _design(pickled: bytes) -> Design:
    """Made once in each process, so that its compiled emulator is loaded once. The bytes come from our own client."""
    design: Design = pickle.loads(pickled)
    return design
