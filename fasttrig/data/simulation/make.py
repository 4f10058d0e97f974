"""All chunks, in parallel -> one Parquet file. The same seed gives the same bytes for any number of workers."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.errors import InputError, ToolError
from fasttrig.base.staging import interrupts_held, interrupts_kept_from_children
from fasttrig.data.columns import SPLIT, SPLIT_FRACTIONS, SPLIT_NAMES
from fasttrig.data.optional import import_sim
from fasttrig.data.simulation.chunk import ChunkTask, JetSample, RawColumns, run_chunk
from fasttrig.data.simulation.settings import JetSettings
from fasttrig.data.storage import require_own_sample, write_sample

JetProgress = Callable[[int, int], None]
"""Called with (jets done, jets wanted)."""

FORMAT_VERSION = 1
ROW_GROUP_ROWS = 20_800
SHUFFLE_STREAM, SPLIT_STREAM = 101, 102
"""Stream numbers of the shuffle and the split; the chunks use other streams (the labels)."""


def make_jets(
    sample: JetSample,
    n_events: int,
    seed: int,
    path: str | os.PathLike[str],
    workers: int | None = None,
    progress: JetProgress | None = None,
    settings: JetSettings | None = None,
) -> Path:
    """Generate a sample of jets with Pythia 8 and FastJet and write it to one Parquet file.

    Parameters
    ----------
    sample : JetSample
    n_events : int
        Number of jets written, all classes together: the same of each, the remainder to the first classes.
    seed : int
        Not negative. The file is a function of (n_events, seed, settings) alone.
    path : path
        Written as a temporary sibling and renamed at the end; a killed run leaves no file under this name.
    workers : int, optional
        Processes; by default the number of processors this process may use. More than one needs the caller's main
        module to be importable, as always with `multiprocessing`.
    progress : callable, optional
        Called with (jets done, jets wanted) after each chunk.
    settings : JetSettings, optional
        By default the documented ones.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    InputError
        If a number makes no sense, or the folder of `path` does not exist.
    MissingPackageError
        If pythia8mc or fastjet is not installed.
    """
    settings = settings or sample.settings
    path = Path(path)
    _check(sample, n_events, seed, path, workers)
    for package in ("pythia8mc", "fastjet"):
        import_sim(package)
    tasks = plan(sample, n_events, seed, settings)
    workers = min(workers or usable_processors(), len(tasks))
    report = progress or (lambda done, total: None)
    report(0, n_events)
    chunks: dict[int, RawColumns] = {}
    n_done = 0
    for position, raw in _run(sample, tasks, workers):
        chunks[position] = raw
        n_done += tasks[position].n_jets
        report(n_done, n_events)
    joined = {name: np.concatenate([chunks[i][name] for i in range(len(tasks))]) for name in chunks[0]}
    order = np.random.default_rng([seed, SHUFFLE_STREAM]).permutation(n_events)
    columns = {name: values[order] for name, values in joined.items()}
    columns[SPLIT.name] = assign_splits(columns["label"], seed)
    about = describe_generation(sample, n_events, seed, settings)
    write_sample(path, sample.key, about, {c: columns[c.name] for c in sample.stored}, row_group_size=ROW_GROUP_ROWS)
    return path


def usable_processors() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plan(sample: JetSample, n_jets: int, seed: int, settings: JetSettings) -> tuple[ChunkTask, ...]:
    """The chunks of a sample; they depend neither on the number of workers nor on each other."""
    tasks = []
    for label in range(len(sample.classes)):
        n_class = n_jets // len(sample.classes) + (label < n_jets % len(sample.classes))
        for index, start in enumerate(range(0, n_class, settings.chunk_jets)):
            tasks.append(ChunkTask(sample, settings, seed, label, index, min(settings.chunk_jets, n_class - start)))
    return tuple(tasks)


def assign_splits(label: NDArray[np.integer], seed: int) -> NDArray[np.int8]:
    """Split of every row: within each class, rows are ordered by a hash of (row, seed) and cut at the fractions.

    Parameters
    ----------
    label : integer array of shape (n_rows,)
    seed : int

    Returns
    -------
    int8 array of shape (n_rows,)
        0 train (60 %), 1 validation (15 %), 2 test (25 %), exact up to rounding in every class.
    """
    key = _hash(np.arange(len(label), dtype=np.uint64), np.random.SeedSequence([seed, SPLIT_STREAM]))
    split = np.zeros(len(label), dtype=np.int8)
    edges = np.cumsum(SPLIT_FRACTIONS)[:-1]
    for kind in np.unique(label):
        rows = np.flatnonzero(label == kind)
        ranked = rows[np.argsort(key[rows], kind="stable")]
        split[ranked] = np.searchsorted(np.rint(edges * len(rows)), np.arange(len(rows)), side="right")
    return split


def describe_generation(sample: JetSample, n_jets: int, seed: int, settings: JetSettings) -> dict[str, Any]:
    """Metadata of the file: settings, versions, seed, labels, units and integer scales."""
    return {
        "format_version": FORMAT_VERSION,
        "n_jets": n_jets,
        "seed": seed,
        "classes": list(sample.classes),
        "splits": list(SPLIT_NAMES),
        "columns": {column.name: asdict(column) for column in sample.stored},
        "settings": settings.as_dict(),
        "versions": {name: importlib.metadata.version(name) for name in ("pythia8mc", "fastjet", "numpy")},
    }


def _check(sample: JetSample, n_events: int, seed: int, path: Path, workers: int | None) -> None:
    where, n_classes = f"make_{sample.name}", len(sample.classes)
    if n_events < n_classes:
        raise InputError(
            f"too few jets for {n_classes} classes", where=where, got=f"n_events={n_events}", want=f">= {n_classes}"
        )
    if seed < 0:
        raise InputError("the seed is negative", where=where, got=f"seed={seed}", want=">= 0")
    if workers is not None and workers < 1:
        raise InputError("the number of workers must be positive", where=where, got=f"workers={workers}", want=">= 1")
    require_own_sample(path, sample.key)


def _run(sample: JetSample, tasks: tuple[ChunkTask, ...], workers: int) -> Iterator[tuple[int, RawColumns]]:
    """Yield (position of the task, its columns) as chunks finish."""
    if workers == 1:
        yield from ((position, run_chunk(task)) for position, task in enumerate(tasks))
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            with interrupts_held(), interrupts_kept_from_children():  # Ctrl-C is for the parent, which ends them
                futures = {pool.submit(run_chunk, task): position for position, task in enumerate(tasks)}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise ToolError(
                "a worker process died",
                where=f"make_{sample.name}",
                try_="fewer workers, or workers=1 to see the message",
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():  # a chunk takes long: do not wait for its end
                worker.terminate()
            raise


def _hash(values: NDArray[np.uint64], seeds: np.random.SeedSequence) -> NDArray[np.uint64]:
    """Mix 64-bit integers (the finaliser of SplitMix64, Steele, Lea, Flood, OOPSLA 2014), modulo 2**64."""
    mixed = values * np.uint64(0x9E3779B97F4A7C15) + seeds.generate_state(1, np.uint64)[0]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
