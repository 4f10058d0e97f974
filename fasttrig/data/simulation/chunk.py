"""One chunk: one class, one seed, a fixed number of jets -> columns of raw integers. Chunks are independent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fasttrig.data.columns import SPLIT, Column
from fasttrig.data.simulation.clustering import Jets, find_jets, select_matched
from fasttrig.data.simulation.detector import Candidates, reconstruct
from fasttrig.data.simulation.events import EventSource
from fasttrig.data.simulation.settings import JetSettings
from fasttrig.data.simulation.stopwatch import Stopwatch
from fasttrig.data.storage import encode

RawColumns = dict[str, NDArray[np.integer]]
FloatColumns = dict[str, NDArray[np.float64]]
Measure = Callable[[Candidates, Jets, JetSettings, np.random.Generator, Stopwatch], FloatColumns]
"""Physical values of all columns of a batch of jets but the label. Members of the jets are rows of the candidates."""

PYTHIA_SEEDS = 900_000_000
EVENTS_PER_JET = 0.7
"""First guess of events needed per jet; only the size of the last batches depends on it."""


@dataclass(frozen=True, slots=True)
class JetSample:
    """A kind of sample: its classes, its columns, and how jets become numbers.

    Attributes
    ----------
    name : of the sample; also marks its files
    classes : names of the labels 0, 1, ...; each is a process of `settings`
    columns : all that is generated, `label` among them, in the order of the file
    settings : the documented settings
    measure : a function of a module, so that worker processes find it
    """

    name: str
    classes: tuple[str, ...]
    columns: tuple[Column, ...]
    settings: JetSettings
    measure: Measure

    @property
    def key(self) -> str:
        """Key of the JSON text in the file's metadata."""
        return f"fasttrig.{self.name}"

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns of the file."""
        return (*self.columns, SPLIT)


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """Task of one worker."""

    sample: JetSample
    settings: JetSettings
    seed: int
    label: int
    index: int
    n_jets: int


def run_chunk(task: ChunkTask, times: Stopwatch | None = None) -> RawColumns:
    """Generate exactly `task.n_jets` jets; the same task always gives the same columns."""
    times = times or Stopwatch()
    seeds = np.random.SeedSequence([task.seed, task.label, task.index])
    pythia_seed = 1 + int(seeds.generate_state(1, np.uint64)[0] % PYTHIA_SEEDS)
    rng = np.random.default_rng(seeds.spawn(1)[0])
    source = EventSource(task.settings, task.sample.classes[task.label], pythia_seed)
    times.lap("pythia init")
    parts: list[FloatColumns] = []
    n_left = task.n_jets
    while n_left > 0:
        n_wanted = min(task.settings.batch_events, 4 + round(EVENTS_PER_JET * n_left))
        n_events, particles, parents = source.next_batch(n_wanted, times)
        candidates = reconstruct(particles, task.settings.detector, rng)
        times.lap("detector")
        jets = find_jets(candidates, n_events, task.settings)
        times.lap("fastjet anti-kT")
        jets = jets.take(select_matched(jets, parents, task.settings)[:n_left])
        values = task.sample.measure(candidates, jets, task.settings, rng, times)
        parts.append(values | {"label": np.full(len(jets.event), float(task.label))})
        n_left -= len(jets.event)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    raw = {column.name: encode(column, joined[column.name]) for column in task.sample.columns}
    times.lap("columns")
    return raw
