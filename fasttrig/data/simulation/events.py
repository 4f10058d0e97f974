"""Pythia's event records as flat arrays. `Pythia.nextBatch` hands over batches: no particle is touched in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.errors import ToolError
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.data.optional import import_sim
from fasttrig.data.simulation.settings import JetSettings
from fasttrig.data.simulation.stopwatch import Stopwatch

NEUTRINO_IDS = (12, 14, 16)
STATUS_HARD_OUTGOING = -23
MAX_EMPTY_BATCHES = 20


@dataclass(frozen=True, slots=True)
class Particles:
    """Visible final-state particles of a batch; every array has shape (n_particles,)."""

    event: IntArray
    pdg_id: IntArray
    charge: IntArray
    px_gev: FloatArray
    py_gev: FloatArray
    pz_gev: FloatArray
    energy_gev: FloatArray
    x_mm: FloatArray
    y_mm: FloatArray
    z_mm: FloatArray


@dataclass(frozen=True, slots=True)
class Parents:
    """The partons, bosons or top quarks that give a jet its label; every array has shape (n_parents,)."""

    event: IntArray
    eta: FloatArray
    phi_rad: FloatArray


class EventSource:
    """Pythia, initialised for one class of jets.

    Parameters
    ----------
    settings : JetSettings
    class_name : str
        One of the settings' processes.
    seed : int
        Pythia's own seed, 1 to 900,000,000.
    """

    def __init__(self, settings: JetSettings, class_name: str, seed: int) -> None:
        self._class_name, self._settings = class_name, settings
        self._pythia = import_sim("pythia8mc").Pythia("", False)
        for line in settings.pythia_lines(class_name, seed):
            if not self._pythia.readString(line):
                raise ToolError("Pythia does not know this setting", where=f"class {class_name!r}", got=line)
        if not self._pythia.init():
            raise ToolError("Pythia does not start", where=f"class {class_name!r}", try_="a wider phase space")
        self._charges: dict[int, int] = {}

    def next_batch(self, n_events: int, times: Stopwatch) -> tuple[int, Particles, Parents]:
        """Generate a batch: the number of events, their visible particles, their parents.

        Pythia skips an event it gives up on, so a batch may hold fewer events than asked for.
        """
        for _ in range(MAX_EMPTY_BATCHES):
            record = self._pythia.nextBatch(n_events)
            times.lap("pythia next")
            if len(record):
                particles, parents = self._unpack(record.prt)
                times.n_events += len(record)
                times.lap("unpack")
                return len(record), particles, parents
        got = f"{MAX_EMPTY_BATCHES} empty batches"
        raise ToolError("Pythia gives no events", where=f"class {self._class_name!r}", got=got)

    def _unpack(self, prt: Any) -> tuple[Particles, Parents]:
        import awkward as ak

        counts = np.asarray(ak.num(prt.id, axis=1), dtype=np.int64)
        flat = {name: np.asarray(ak.flatten(prt[name])) for name in ("id", "status", "daughter1", "daughter2")}
        momentum = {name: np.asarray(ak.flatten(prt.p[name])) for name in ("px", "py", "pz", "e")}
        event = np.repeat(np.arange(len(counts)), counts)
        visible = np.flatnonzero((flat["status"] > 0) & ~np.isin(np.abs(flat["id"]), NEUTRINO_IDS))
        vertex = ak.flatten(prt.vProd, axis=1)[visible]
        pdg_id = flat["id"][visible].astype(np.int64)
        particles = Particles(
            event=event[visible],
            pdg_id=pdg_id,
            charge=self._charge(pdg_id),
            px_gev=momentum["px"][visible],
            py_gev=momentum["py"][visible],
            pz_gev=momentum["pz"][visible],
            energy_gev=momentum["e"][visible],
            x_mm=_vertex(vertex.px),
            y_mm=_vertex(vertex.py),
            z_mm=_vertex(vertex.pz),
        )
        parents = self._parents(flat, np.cumsum(counts) - counts, event)
        return particles, Parents(event[parents], *_eta_phi(*(momentum[name][parents] for name in ("px", "py", "pz"))))

    def _parents(self, flat: dict[str, NDArray[Any]], first: IntArray, event: IntArray) -> IntArray:
        pdg_id = flat["id"]
        wanted = np.isin(np.abs(pdg_id), self._settings.parent_ids[self._class_name])
        if self._class_name in self._settings.hard_partons:
            return np.flatnonzero(wanted & (flat["status"] == STATUS_HARD_OUTGOING))
        rows = np.flatnonzero(wanted)
        is_last = np.ones(len(rows), dtype=bool)
        for daughter in ("daughter1", "daughter2"):
            is_last &= pdg_id[first[event[rows]] + flat[daughter][rows]] != pdg_id[rows]
        return rows[is_last]

    def _charge(self, pdg_id: IntArray) -> IntArray:
        """Electric charge in units of e; the particle table is asked once per kind of particle."""
        kinds, inverse = np.unique(pdg_id, return_inverse=True)
        for kind in kinds.tolist():
            if kind not in self._charges:
                self._charges[kind] = round(self._pythia.particleData.charge(kind))
        return np.array([self._charges[kind] for kind in kinds.tolist()], dtype=np.int64)[inverse]


def _vertex(values: Any) -> FloatArray:
    """Production vertex in mm; a particle without one comes from the collision point."""
    import awkward as ak

    return np.asarray(ak.to_numpy(ak.fill_none(values, 0.0)), dtype=np.float64)


def _eta_phi(px: FloatArray, py: FloatArray, pz: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.arcsinh(pz / np.hypot(px, py)), np.arctan2(py, px)
