"""One chunk: one class, one seed, a fixed number of jets -> columns of raw integers. Chunks are independent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fasttrig.data.columns import CLASS_NAMES, CONSTITUENTS, GENERATED, N_CONSTITUENTS, OBSERVABLES
from fasttrig.data.jets5.clustering import Jets, find_jets, groom, select_matched, wrap_phi
from fasttrig.data.jets5.detector import Candidates, reconstruct
from fasttrig.data.jets5.events import EventSource
from fasttrig.data.jets5.parameters import GeneratorSettings
from fasttrig.data.jets5.stopwatch import Stopwatch
from fasttrig.data.jets5.substructure import observables
from fasttrig.data.storage import encode

RawColumns = dict[str, NDArray[np.integer]]
FloatColumns = dict[str, NDArray[np.float64]]

PYTHIA_SEEDS = 900_000_000
EVENTS_PER_JET = 0.7
"""First guess of events needed per jet; only the size of the last batches depends on it."""


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """Task of one worker."""

    settings: GeneratorSettings
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
    source = EventSource(task.settings, CLASS_NAMES[task.label], pythia_seed)
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
        parts.append(_columns(candidates, jets, task, times))
        n_left -= len(jets.event)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    raw = {column.name: encode(column, joined[column.name]) for column in GENERATED}
    times.lap("columns")
    return raw


def _columns(candidates: Candidates, jets: Jets, task: ChunkTask, times: Stopwatch) -> FloatColumns:
    """Physical values of all generated columns of these jets."""
    members = candidates.take(jets.members)
    counts = np.diff(jets.offsets)
    columns = {
        "jet_pt": jets.pt_gev,
        "jet_eta": jets.eta,
        "jet_mass": jets.mass_gev,
        "n_constituents": counts.astype(np.float64),
        "label": np.full(len(counts), float(task.label)),
    }
    columns |= _constituents(members, jets)
    times.lap("columns")
    return columns | _observables(members, jets, task.settings.zcut, times)


def _observables(members: Candidates, jets: Jets, zcut: float, times: Stopwatch) -> FloatColumns:
    n_jets = len(jets.event)
    table = np.zeros((n_jets, len(OBSERVABLES)))
    if n_jets == 0:
        return {column.name: table[:, i] for i, column in enumerate(OBSERVABLES)}
    groomed = groom(members.pt_gev, members.eta, members.phi_rad, jets.offsets, zcut)
    times.lap("fastjet mMDT")
    jet_of_row = np.repeat(np.arange(n_jets), np.diff(groomed.offsets))
    phi_rad = wrap_phi(groomed.phi_rad - jets.phi_rad[jet_of_row])
    for j in range(n_jets):
        rows = slice(groomed.offsets[j], groomed.offsets[j + 1])
        all_pt_gev = members.pt_gev[jets.offsets[j] : jets.offsets[j + 1]]
        table[j] = observables(
            groomed.pt_gev[rows], groomed.eta[rows], phi_rad[rows], float(groomed.mass_gev[j]), all_pt_gev
        )
    times.lap("observables")
    return {column.name: table[:, i] for i, column in enumerate(OBSERVABLES)}


def _constituents(members: Candidates, jets: Jets) -> FloatColumns:
    """The leading constituents, zero-padded; every array has shape (n_jets, 16)."""
    counts = np.diff(jets.offsets)
    jet = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((-members.pt_gev, jet))
    rank = np.arange(len(jet)) - np.repeat(jets.offsets[:-1], counts)
    kept = rank < N_CONSTITUENTS
    order, jet, rank = order[kept], jet[kept], rank[kept]
    values = {
        "constituent_pt": members.pt_gev[order],
        "constituent_d_eta": members.eta[order] - jets.eta[jet],
        "constituent_d_phi": wrap_phi(members.phi_rad[order] - jets.phi_rad[jet]),
        "constituent_charge": members.charge[order],
        "constituent_id": members.identity[order],
        "constituent_d0": members.d0_mm[order],
    }
    padded = {column.name: np.zeros((len(counts), N_CONSTITUENTS)) for column in CONSTITUENTS}
    for name, table in padded.items():
        table[jet, rank] = values[name]
    return padded
