"""FastJet: candidates -> anti-kT jets, and jets -> mMDT-groomed jets. Whole batches go through the array interface."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.data.optional import import_sim
from fasttrig.data.simulation.detector import Candidates
from fasttrig.data.simulation.events import Parents
from fasttrig.data.simulation.settings import JetSettings

WHOLE_JET_RADIUS = 100.0
"""Large enough that Cambridge/Aachen always ends in one jet."""


@dataclass(frozen=True, slots=True)
class Jets:
    """Jets and their constituents; jet `j` owns `members[offsets[j]:offsets[j + 1]]`, rows of the candidates."""

    event: IntArray
    pt_gev: FloatArray
    eta: FloatArray
    phi_rad: FloatArray
    mass_gev: FloatArray
    members: IntArray
    offsets: IntArray

    def take(self, rows: IntArray) -> Jets:
        """The jets at `rows`, in that order."""
        starts, counts = self.offsets[:-1][rows], np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        members = self.members[np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], counts)]
        return Jets(
            event=self.event[rows],
            pt_gev=self.pt_gev[rows],
            eta=self.eta[rows],
            phi_rad=self.phi_rad[rows],
            mass_gev=self.mass_gev[rows],
            members=members,
            offsets=offsets,
        )


@dataclass(frozen=True, slots=True)
class GroomedJets:
    """Groomed jets; the massless constituents of jet `j` are rows `offsets[j]:offsets[j + 1]`."""

    mass_gev: FloatArray
    pt_gev: FloatArray
    eta: FloatArray
    phi_rad: FloatArray
    offsets: IntArray


def find_jets(candidates: Candidates, n_events: int, settings: JetSettings) -> Jets:
    """Cluster with anti-kT and keep the jets above the lower edge of the transverse-momentum window."""
    fastjet = _fastjet()
    offsets = np.searchsorted(candidates.event, np.arange(n_events + 1))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, settings.jet_radius)
    clusters = fastjet.ClusterSequence(
        _momenta(candidates.pt_gev, candidates.eta, candidates.phi_rad, offsets), definition
    )
    found = clusters.inclusive_jets(settings.jet_pt_min_gev)
    members = clusters.constituent_index(settings.jet_pt_min_gev)
    n_jets, per_jet, index = _counts(found.px), *_nested(members)
    event = np.repeat(np.arange(n_events), n_jets)
    px, py, pz, energy = (_flat(found[name]) for name in ("px", "py", "pz", "E"))
    pt_gev = np.hypot(px, py)
    return Jets(
        event=event,
        pt_gev=pt_gev,
        eta=np.arcsinh(pz / pt_gev),
        phi_rad=np.arctan2(py, px),
        mass_gev=np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0)),
        members=index + np.repeat(offsets[event], per_jet),
        offsets=np.concatenate([[0], np.cumsum(per_jet)]),
    )


def select_matched(jets: Jets, parents: Parents, settings: JetSettings) -> IntArray:
    """Rows of the jets inside the windows with a parent within `match_dr`, in their order.

    A parent belongs to its nearest jet only, so no parent labels two jets.
    """
    jet, parent = np.nonzero(jets.event[:, None] == parents.event[None, :])
    d_r = np.hypot(jets.eta[jet] - parents.eta[parent], wrap_phi(jets.phi_rad[jet] - parents.phi_rad[parent]))
    nearest = np.full(len(parents.event), np.inf)
    np.minimum.at(nearest, parent, d_r)
    is_matched = np.zeros(len(jets.event), dtype=bool)
    is_matched[jet[(d_r < settings.match_dr) & (d_r == nearest[parent])]] = True
    in_window = (jets.pt_gev < settings.jet_pt_max_gev) & (np.abs(jets.eta) < settings.jet_eta_max)
    return np.flatnonzero(is_matched & in_window)


def groom(pt_gev: FloatArray, eta: FloatArray, phi_rad: FloatArray, offsets: IntArray, zcut: float) -> GroomedJets:
    """Modified mass drop tagger (Dasgupta, Fregoso, Marzani, Salam, 1307.0007), that is soft drop with beta = 0.

    Each jet is reclustered with Cambridge/Aachen; the last step is undone and the softer branch dropped until
    min(pt1, pt2) > zcut * (pt1 + pt2). A jet that never passes ends as its last single constituent.

    Parameters
    ----------
    pt_gev, eta, phi_rad : float arrays of shape (n_constituents,)
        Massless constituents of all jets, one jet after the other.
    offsets : int array of shape (n_jets + 1,)
    zcut : float
    """
    fastjet = _fastjet()
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, WHOLE_JET_RADIUS)
    clusters = fastjet.ClusterSequence(_momenta(pt_gev, eta, phi_rad, offsets), definition)
    result = clusters.exclusive_jets_softdrop_grooming(njets=1, beta=0.0, symmetry_cut=zcut, R0=WHOLE_JET_RADIUS)
    kept = result.constituents
    px, py, pz = (_flat(kept[name]) for name in ("px", "py", "pz"))
    kept_pt = np.hypot(px, py)
    return GroomedJets(
        mass_gev=np.maximum(np.asarray(result.msoftdrop, dtype=np.float64), 0.0),
        pt_gev=kept_pt,
        eta=np.arcsinh(pz / kept_pt),
        phi_rad=np.arctan2(py, px),
        offsets=np.concatenate([[0], np.cumsum(_counts(kept.px))]),
    )


def kt_subjets(pt_gev: FloatArray, eta: FloatArray, phi_rad: FloatArray, offsets: IntArray, n: int) -> FloatArray:
    """(eta, phi) of the `n` exclusive kT subjets of each jet, in falling pT; NaN for a jet of fewer constituents.

    Shapes as in `groom` -> (n_jets, n, 2).
    """
    fastjet = _fastjet()
    counts = np.diff(offsets)
    axes = np.full((len(counts), n, 2), np.nan)
    large = np.flatnonzero(counts >= n)
    if not len(large):
        return axes
    rows = np.repeat(counts >= n, counts)
    kept = np.concatenate([[0], np.cumsum(counts[large])])
    definition = fastjet.JetDefinition(fastjet.kt_algorithm, WHOLE_JET_RADIUS)
    clusters = fastjet.ClusterSequence(_momenta(pt_gev[rows], eta[rows], phi_rad[rows], kept), definition)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FastJet 3.5 compares a definition with an algorithm, and warns of kT itself
        found = clusters.exclusive_jets(n)
    px, py, pz = (_flat(found[name]).reshape(-1, n) for name in ("px", "py", "pz"))
    pt = np.hypot(px, py)
    order = np.argsort(-pt, axis=1, kind="stable")
    values = np.stack([np.arcsinh(pz / pt), np.arctan2(py, px)], axis=2)
    axes[large] = np.take_along_axis(values, order[:, :, None], axis=1)
    return axes


def wrap_phi(phi_rad: FloatArray) -> FloatArray:
    """Angle in [-pi, pi)."""
    return (phi_rad + np.pi) % (2 * np.pi) - np.pi


def _momenta(pt_gev: FloatArray, eta: FloatArray, phi_rad: FloatArray, offsets: IntArray) -> Any:
    """Massless four-momenta as the awkward array FastJet reads."""
    import awkward as ak

    parts = (pt_gev * np.cos(phi_rad), pt_gev * np.sin(phi_rad), pt_gev * np.sinh(eta), pt_gev * np.cosh(eta))
    record = ak.contents.RecordArray([ak.contents.NumpyArray(part) for part in parts], ["px", "py", "pz", "E"])
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), record))


def _counts(lists: Any) -> IntArray:
    import awkward as ak

    return np.asarray(ak.num(lists, axis=1), dtype=np.int64)


def _flat(lists: Any) -> FloatArray:
    import awkward as ak

    return np.asarray(ak.flatten(lists, axis=1), dtype=np.float64)


def _nested(members: Any) -> tuple[IntArray, IntArray]:
    """Constituents per jet, and their indices within the event, of events of jets of indices."""
    import awkward as ak

    per_jet = ak.flatten(members, axis=1)
    return _counts(per_jet), np.asarray(ak.flatten(per_jet, axis=1), dtype=np.int64)


@cache
def _fastjet() -> Any:
    """FastJet, after a first clustering that prints its banner to nowhere (citation: 1111.6097)."""
    fastjet = import_sim("fastjet")
    with _silent_stdout():
        fastjet.ClusterSequence(
            [fastjet.PseudoJet(1.0, 0.0, 0.0, 1.0)], fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0)
        )
    return fastjet


@contextlib.contextmanager
def _silent_stdout() -> Iterator[None]:
    """Send what C++ writes to file descriptor 1 to nowhere."""
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
