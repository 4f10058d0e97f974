"""Read, emulate on all cores, write: a few chunks are in memory at any time, in the order of the file."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from fasttrig.base.errors import FasttrigError, InputError
from fasttrig.data.formats import ALL_ROWS, Chunk, RowRange
from fasttrig.data.readers import check_finite, split_tree
from fasttrig.design import COMPILED_FROM, Design
from fasttrig.emulator.compiled.library import CompiledEmulator
from fasttrig.emulator.emulation import Emulation
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.source import ModelParts
from fasttrig.streaming.chunks import Events, Part, feature_arrays, raw_inputs
from fasttrig.streaming.score_columns import added_columns, refuse_twice
from fasttrig.streaming.writers import check_output, writing
from fasttrig.toolchain.emulator_library import has_compiler

CHUNK_EVENTS, CHUNK_BYTES = 65_536, 1 << 24
"""The most events read, emulated and written at a time, and about their bytes: wide rows make smaller chunks."""

MAX_WORKERS = 8
"""Chunks emulated at a time; more would wait for the reader, and be held in memory."""

Seen = Callable[[int, Chunk], None]
"""Called in the order of the file with the first row of a part, and the columns added to it."""

RowProgress = Callable[[int, int | None], None]
"""Called with the events done, and those there are in all (None where nobody knows)."""

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Emulated:
    """What was done with a file.

    Attributes
    ----------
    events, output : str
        The files.
    n_events : int
    seconds : float
    columns : tuple of str
        The columns that were added.
    emulator : str
        "compiled", with its kernel, or "NumPy", with the reason.
    threads : int
    """

    events: str
    output: str
    n_events: int
    seconds: float
    columns: tuple[str, ...]
    emulator: str
    threads: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"columns": list(self.columns), "events_per_second": round(self.n_events / self.seconds)}


def emulate_files(
    design: Design,
    events: Sequence[Path | str],
    outputs: Sequence[Path],
    *,
    force: bool = False,
    progress: RowProgress | None = None,
    **options: Any,
) -> Iterator[Emulated]:
    """`emulate_file` of one file after the other; every output is checked before the first file is read."""
    if len(set(outputs)) < len(outputs):
        twice = next(path for path in outputs if outputs.count(path) > 1)
        raise InputError("two files would go to the same output", where=str(twice), want="files of different names")
    for output in outputs:
        check_output(output, force)
        _refuse_sources(output, design, events)
    done = 0
    for file, output in zip(events, outputs, strict=True):
        told = progress if progress is None or len(events) == 1 else partial(_told_after, progress, done)
        made = emulate_file(design, file, output, force=force, progress=told, **options)
        done += made.n_events
        yield made


def _refuse_sources(output: Path, design: Design, events: Sequence[Path | str]) -> None:
    """Refuse an output path that is an input file or the model."""
    if not output.exists():
        return
    for file in events:
        path = split_tree(file)[0]
        if path.exists() and output.samefile(path):
            raise InputError("the output is the input", where=str(output), want="another file")
    models: list[Path] = [design.source] if isinstance(design.source, Path) else []
    if isinstance(design.source, ModelParts):
        models += [design.source.architecture, design.source.weights]
    models += design.model_files().values()
    if any(path.exists() and output.samefile(path) for path in models):
        raise InputError("the output is the model", where=str(output), want="another file")


def _told_after(progress: RowProgress, before: int, done: int, total: int | None) -> None:
    """Of several files: all events done; how many there are in all the files nobody knows."""
    progress(before + done, None)


def emulate_file(
    design: Design,
    events: Path | str,
    output: Path,
    *,
    keep: Sequence[str] | None = None,
    tree: str = "events",
    prefix: str | None = None,
    threads: int | None = None,
    compiled: bool | None = None,
    force: bool = False,
    chunk_events: int | None = None,
    progress: RowProgress | None = None,
    raw: bool = False,
    rows: RowRange = ALL_ROWS,
    seen: Seen | None = None,
) -> Emulated:
    """Write the columns of a file of events again, with the scores and raw outputs of the bit-accurate emulator.

    Parameters
    ----------
    events : path
        As `fasttrig.data.read_table` takes it; `file.root:tree` where a ROOT file has several trees.
    output : path
        ``.parquet``, ``.root``, ``.h5`` or ``.hdf5``; it appears when it is whole.
    keep : sequence of str, optional
        Columns of the file that are written again; default all.
    tree : str
        Name of the tree in a ROOT output.
    prefix : str, optional
        Of the names of the columns that are added; default the design's name and ``_``.
    threads : int, optional
        Default: all cores that this process may use.
    compiled : bool, optional
        As for `Design.emulate`: default the compiled emulator for large files, where there is a compiler.
    force : bool
        Replace `output` where it exists.
    chunk_events : int, optional
        Events in memory at a time, per thread; default by the size of a row.
    raw : bool
        The columns hold raw integers of the design's inputs, as for `Design.emulate`; default values.
    rows : first row, and the row after the last
        The part of the file that is read; default all of it.
    seen : callable, optional
        Gets the columns added to every part.

    Raises
    ------
    DataError
        When the file cannot be read, lacks a column or holds NaN in a feature, or the output cannot be written.
    """
    check_output(output, force)
    _refuse_sources(output, design, [events])
    if threads is not None and threads < 1:
        raise InputError("no thread to do the work", got=f"threads={threads}", want="at least 1")
    threads = min(MAX_WORKERS, _cores() if threads is None else threads)
    source = Events.open(events, design, keep, as_stored=output.suffix.lower() == ".parquet")
    total = source.source.n_rows if rows[1] is None else rows[1] - rows[0]
    library, emulator = _emulator(design, compiled, total)
    prefix = f"{design.graph.name}_" if prefix is None else prefix
    chunk_events = min(CHUNK_EVENTS, source.rows_of(CHUNK_BYTES)) if chunk_events is None else chunk_events
    start, done = time.perf_counter(), 0
    added: Chunk = {}
    work = partial(_emulated, design, library, prefix, source.path, raw)
    pools = ThreadPoolExecutor(threads), ThreadPoolExecutor(1)
    with writing(output, tree, source.schema) as write, pools[0] as workers, pools[1] as writer:
        written: Future[None] | None = None
        for part, added in _in_order(workers, work, source.parts(chunk_events, rows), ahead=threads + 1):
            if written is None:
                refuse_twice(source.kept, added, source.path)
            else:
                written.result()
            written = writer.submit(write, part.kept, added)
            if seen is not None:
                seen(part.first_row, added)
            done += part.n_rows
            if progress is not None:
                progress(done, total)
        assert written is not None  # a file without rows is one empty part
        written.result()
    return Emulated(str(events), str(output), done, time.perf_counter() - start, tuple(added), emulator, threads)


def _cores() -> int:
    """That this process may use, where the system says so."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _emulator(design: Design, compiled: bool | None, n_events: int | None) -> tuple[CompiledEmulator | None, str]:
    """The compiled emulator and its description, or None and the reason for using the NumPy emulator."""
    library = design.compiled_emulator(compiled, COMPILED_FROM if n_events is None else n_events)
    if library is not None:
        return library, f"compiled ({library.kernels[0]})"
    if compiled is False:
        return None, "NumPy (asked for)"
    if not has_compiler():
        return None, "NumPy (no C++ compiler was found; with one it is much faster: see fasttrig doctor)"
    few = n_events is not None and n_events < COMPILED_FROM
    return None, "NumPy (few events)" if few else "NumPy (numbers too wide for C++ integers)"


def _emulated(
    design: Design, library: CompiledEmulator | None, prefix: str, path: str, raw: bool, part: Part
) -> tuple[Part, Chunk]:
    return part, added_columns(design, emulated(design, library, path, raw, part), prefix)


def emulated_parts(design: Design, source: Events, *, raw: bool = False) -> Iterator[tuple[Part, Emulation]]:
    """Every part of an open file and its emulation, on one thread.

    Raises
    ------
    DataError
        When the file cannot be read or holds NaN in a feature.
    """
    library, _ = _emulator(design, None, source.source.n_rows)
    for part in source.parts(min(CHUNK_EVENTS, source.rows_of(CHUNK_BYTES))):
        yield part, emulated(design, library, source.path, raw, part)


def emulated(design: Design, library: CompiledEmulator | None, path: str, raw: bool, part: Part) -> Emulation:
    """The emulation of a part of the file `path`; errors name its rows."""
    with _placed(f"{path} > rows {part.first_row} to {part.first_row + part.n_rows - 1}"):
        arrays = feature_arrays(design, part.features)
        made = None if library is None else design.from_columns(library, arrays, raw=raw)
    if made is None:  # the library refuses NaN without a word
        check_finite(part.features, path, part.first_row)
        with _placed(f"{path} > rows {part.first_row} to {part.first_row + part.n_rows - 1}"):
            given = raw_inputs(design, arrays, raw=raw)
            outputs = library(given) if library is not None else evaluate(design.graph, given).outputs
            made = design.interpret(outputs, "raw" if raw else "values")
    return made


@contextlib.contextmanager
def _placed(place: str) -> Iterator[None]:
    """Errors say where, from `place` on."""
    try:
        yield
    except FasttrigError as error:
        error.where = " > ".join(part for part in (place, error.where) if part)
        raise


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Item], Made], items: Iterable[Item], ahead: int
) -> Iterator[Made]:
    """`work` of each item, in order, at most `ahead` of them under way or waiting; on an error the rest is dropped."""
    running: deque[Future[Made]] = deque()
    try:
        for item in items:
            running.append(pool.submit(work, item))
            if len(running) >= ahead:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()
