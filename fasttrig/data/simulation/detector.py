"""Particles -> detector candidates: tracks, calorimeter cells, thresholds. The numbers are in `settings.Detector`."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.data.simulation.events import Particles
from fasttrig.data.simulation.settings import Detector

CHARGED_HADRON, NEUTRAL_HADRON, PHOTON, ELECTRON, MUON = range(5)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Massless reconstructed candidates, sorted by event; every array has shape (n_candidates,).

    `d0_mm` is smeared; `z0_mm` is not: the samples that use it smear it.
    """

    event: IntArray
    pt_gev: FloatArray
    eta: FloatArray
    phi_rad: FloatArray
    charge: IntArray
    identity: IntArray
    d0_mm: FloatArray
    z0_mm: FloatArray

    def take(self, rows: NDArray[np.generic]) -> Candidates:
        """The candidates at `rows` (indices or a mask)."""
        return Candidates(*(getattr(self, field.name)[rows] for field in fields(self)))


def reconstruct(particles: Particles, detector: Detector, rng: np.random.Generator) -> Candidates:
    """Smear a batch of particles.

    Parameters
    ----------
    particles : Particles
    detector : Detector
    rng : numpy.random.Generator
        The only source of chance; the same state gives the same candidates.
    """
    truth, energy_gev = _truth(particles, detector, rng)
    tracks = _tracks(truth, detector, rng)
    photons = _cells(truth, energy_gev, PHOTON, detector, rng)
    hadrons = _cells(truth, energy_gev, NEUTRAL_HADRON, detector, rng)
    joined = Candidates(
        *(np.concatenate([getattr(part, f.name) for part in (tracks, photons, hadrons)]) for f in fields(Candidates))
    )
    return joined.take(np.argsort(joined.event, kind="stable"))


def _truth(particles: Particles, detector: Detector, rng: np.random.Generator) -> tuple[Candidates, FloatArray]:
    """Unsmeared candidates inside the acceptance, and their energies, with lost tracks turned into cells."""
    pt_gev = np.hypot(particles.px_gev, particles.py_gev)
    eta = np.arcsinh(particles.pz_gev / np.maximum(pt_gev, 1e-9))
    identity = _identity(particles.pdg_id, particles.charge)
    is_tracked = (np.abs(eta) < detector.track_eta_max) & (pt_gev > detector.track_pt_min_gev)
    is_lost = ~is_tracked | (rng.random(len(pt_gev)) >= detector.track_efficiency)
    is_muon_lost = (identity == MUON) & ~is_tracked
    identity = np.where((identity == CHARGED_HADRON) & is_lost, NEUTRAL_HADRON, identity)
    identity = np.where((identity == ELECTRON) & ~is_tracked, PHOTON, identity)
    has_track = (identity != NEUTRAL_HADRON) & (identity != PHOTON)
    safe_gev = np.maximum(pt_gev, 1e-9)
    d0_mm = (particles.y_mm * particles.px_gev - particles.x_mm * particles.py_gev) / safe_gev
    along_mm = (particles.x_mm * particles.px_gev + particles.y_mm * particles.py_gev) / safe_gev
    z0_mm = particles.z_mm - along_mm * particles.pz_gev / safe_gev
    truth = Candidates(
        event=particles.event,
        pt_gev=pt_gev,
        eta=eta,
        phi_rad=np.arctan2(particles.py_gev, particles.px_gev),
        charge=np.where(has_track, particles.charge, 0),
        identity=identity,
        d0_mm=np.where(has_track, d0_mm, 0.0),
        z0_mm=np.where(has_track, z0_mm, 0.0),
    )
    keep = (np.abs(eta) < detector.calo_eta_max) & ~is_muon_lost
    return truth.take(keep), particles.energy_gev[keep]


def _identity(pdg_id: IntArray, charge: IntArray) -> IntArray:
    kind = np.abs(pdg_id)
    identity = np.where(charge != 0, CHARGED_HADRON, NEUTRAL_HADRON)
    for code, name in ((22, PHOTON), (11, ELECTRON), (13, MUON)):
        identity[kind == code] = name
    return identity


def _tracks(truth: Candidates, detector: Detector, rng: np.random.Generator) -> Candidates:
    """Charged hadrons, electrons and muons with smeared momentum, direction and impact parameter."""
    true = truth.take(truth.charge != 0)
    n = len(true.pt_gev)
    energy_gev = true.pt_gev * np.cosh(true.eta)
    track = np.hypot(detector.track_constant, detector.track_per_gev * true.pt_gev)
    calo = _calo_resolution(energy_gev, detector.ecal_stochastic, detector.ecal_constant, detector.ecal_noise_gev)
    spread = np.where(true.identity == ELECTRON, np.minimum(track, calo), track)
    d0_spread_mm = np.hypot(detector.d0_constant_mm, detector.d0_slope_mm_gev / true.pt_gev)
    smeared = Candidates(
        event=true.event,
        pt_gev=true.pt_gev * (1.0 + spread * rng.standard_normal(n)),
        eta=true.eta + detector.track_angle_rad * rng.standard_normal(n),
        phi_rad=true.phi_rad + detector.track_angle_rad * rng.standard_normal(n),
        charge=true.charge,
        identity=true.identity,
        d0_mm=true.d0_mm + d0_spread_mm * rng.standard_normal(n),
        z0_mm=true.z0_mm,
    )
    return smeared.take(smeared.pt_gev > detector.track_pt_min_gev)


def _cells(
    truth: Candidates, energy_gev: FloatArray, identity: int, detector: Detector, rng: np.random.Generator
) -> Candidates:
    """Calorimeter cells of one kind: summed energy, centre of the cell, smeared."""
    is_photon = identity == PHOTON
    size = detector.ecal_cell if is_photon else detector.hcal_cell
    rows = np.flatnonzero(truth.identity == identity)
    n_eta, n_phi = 2 * int(np.ceil(detector.calo_eta_max / size)) + 2, int(np.ceil(2 * np.pi / size))
    cell_eta = np.floor(truth.eta[rows] / size).astype(np.int64) + n_eta // 2
    cell_phi = np.floor((truth.phi_rad[rows] + np.pi) * (n_phi / (2 * np.pi))).astype(np.int64) % n_phi
    key, inverse = np.unique((truth.event[rows] * n_eta + cell_eta) * n_phi + cell_phi, return_inverse=True)
    total_gev: FloatArray = np.bincount(inverse, weights=energy_gev[rows], minlength=len(key)).astype(np.float64)
    if is_photon:
        spread = _calo_resolution(total_gev, detector.ecal_stochastic, detector.ecal_constant, detector.ecal_noise_gev)
    else:
        spread = _calo_resolution(total_gev, detector.hcal_stochastic, detector.hcal_constant, detector.hcal_noise_gev)
    total_gev = np.maximum(total_gev * (1.0 + spread * rng.standard_normal(len(key))), 0.0)
    eta = (key // n_phi % n_eta - n_eta // 2 + 0.5) * size
    cells = Candidates(
        event=key // (n_phi * n_eta),
        pt_gev=total_gev / np.cosh(eta),
        eta=eta,
        phi_rad=(key % n_phi + 0.5) * (2 * np.pi / n_phi) - np.pi,
        charge=np.zeros(len(key), dtype=np.int64),
        identity=np.full(len(key), identity, dtype=np.int64),
        d0_mm=np.zeros(len(key)),
        z0_mm=np.zeros(len(key)),
    )
    return cells.take(cells.pt_gev > (detector.photon_pt_min_gev if is_photon else detector.hadron_pt_min_gev))


def _calo_resolution(energy_gev: FloatArray, stochastic: float, constant: float, noise_gev: float) -> FloatArray:
    """Relative resolution: stochastic / sqrt(E), constant and noise / E, in quadrature."""
    energy_gev = np.maximum(energy_gev, 1e-3)
    return np.sqrt(stochastic**2 / energy_gev + constant**2 + (noise_gev / energy_gev) ** 2)
