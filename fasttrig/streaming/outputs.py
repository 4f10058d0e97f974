"""The raw outputs of a file's events, part after part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fasttrig.base.fixed import IntArray
from fasttrig.design import COMPILED_FROM, Design
from fasttrig.streaming.chunks import Events
from fasttrig.streaming.emulate_files import CHUNK_BYTES, CHUNK_EVENTS, emulated


def raw_outputs(design: Design, events: Path | str) -> Iterator[dict[str, IntArray]]:
    """Raw integers of every output, of shape (n_events, *shape), for some events at a time.

    Raises
    ------
    DataError
        When the file cannot be read, lacks a column or holds NaN in a feature.
    """
    source = Events.open(events, design, (), as_stored=False)
    total = source.source.n_rows
    library = design.compiled_emulator(None, COMPILED_FROM if total is None else total)
    for part in source.parts(min(CHUNK_EVENTS, source.rows_of(CHUNK_BYTES))):
        yield emulated(design, library, source.path, False, part).raw
