"""A simple finder of secondary vertices: a least-squares fit that sheds its worst track until all that are left fit.

Tracks are straight lines: from the point of closest approach to the beam, at ``d0 (-sin phi, cos phi)`` in the
transverse plane and z0 along the beam, in direction (cos phi, sin phi, sinh eta). A vertex v has two residuals per
track,

    (-sin phi v_x + cos phi v_y - d0) / sigma_d0        (v_z - z0 - sinh eta (cos phi v_x + sin phi v_y)) / sigma_z0

which are linear in v: the fit is one solution of 3 x 3 normal equations. While a track has a chi-squared above
`MAX_CHI2`, the worst one is dropped and the fit repeated; then the dropped tracks are tried among themselves. A vertex
has two tracks at least, a flight distance of `MIN_SIGMAS` errors and at most `MAX_FLIGHT_MM`, lies on the side of the
jet that its tracks go to, and does not have the mass of a K0S with two tracks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray

MAX_CHI2 = 9.0
MIN_SIGMAS = 3.0
MAX_FLIGHT_MM = 25.0
PION_GEV = 0.13957
KAON_WINDOW_GEV = (0.477, 0.518)


@dataclass(frozen=True, slots=True)
class VertexTracks:
    """Tracks of a jet; every array has shape (n_tracks,)."""

    pt_gev: FloatArray
    eta: FloatArray
    phi_rad: FloatArray
    d0_mm: FloatArray
    z0_mm: FloatArray
    d0_error_mm: FloatArray
    z0_error_mm: FloatArray

    def take(self, rows: IntArray) -> VertexTracks:
        return VertexTracks(*(getattr(self, name)[rows] for name in self.__slots__))

    def momentum(self) -> FloatArray:
        """(px, py, pz, energy) of each track as a pion, shape (n_tracks, 4)."""
        px, py = self.pt_gev * np.cos(self.phi_rad), self.pt_gev * np.sin(self.phi_rad)
        pz = self.pt_gev * np.sinh(self.eta)
        return np.stack([px, py, pz, np.sqrt(px**2 + py**2 + pz**2 + PION_GEV**2)], axis=1)


@dataclass(frozen=True, slots=True)
class SecondaryVertex:
    """A fitted vertex; `momentum` is the sum of its tracks', (px, py, pz, energy) in GeV."""

    position_mm: FloatArray
    flight_mm: float
    flight_sigmas: float
    n_tracks: int
    momentum: FloatArray

    @property
    def mass_gev(self) -> float:
        return mass_of(self.momentum)


def mass_of(momentum: FloatArray) -> float:
    """Invariant mass of (px, py, pz, energy)."""
    return float(np.sqrt(max(momentum[3] ** 2 - (momentum[:3] ** 2).sum(), 0.0)))


def find_vertices(tracks: VertexTracks) -> list[SecondaryVertex]:
    """The vertices of displaced tracks, the most significant flight distance first."""
    found, left = [], np.arange(len(tracks.pt_gev))
    while len(left) >= 2:
        rows = left
        while True:
            position, covariance, chi2 = fit(tracks.take(rows))
            if len(rows) == 2 or chi2.max() <= MAX_CHI2:
                break
            rows = np.delete(rows, chi2.argmax())
        if chi2.max() <= MAX_CHI2:
            found += _accepted(tracks.take(rows), position, covariance)
        left = np.setdiff1d(left, rows)
    return sorted(found, key=lambda vertex: -vertex.flight_sigmas)


def fit(tracks: VertexTracks) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Position of shape (3,) in mm, its covariance of shape (3, 3), and chi-squared per track, shape (n_tracks,)."""
    sine, cosine, slope = np.sin(tracks.phi_rad), np.cos(tracks.phi_rad), np.sinh(tracks.eta)
    zero, one = np.zeros_like(sine), np.ones_like(sine)
    across = np.stack([-sine, cosine, zero], axis=1) / tracks.d0_error_mm[:, None]
    along = np.stack([-slope * cosine, -slope * sine, one], axis=1) / tracks.z0_error_mm[:, None]
    matrix = np.concatenate([across, along])
    target = np.concatenate([tracks.d0_mm / tracks.d0_error_mm, tracks.z0_mm / tracks.z0_error_mm])
    covariance = np.linalg.inv(np.einsum("ki,kj->ij", matrix, matrix) + 1e-9 * np.eye(3))
    position = np.einsum("ij,kj,k->i", covariance, matrix, target)
    residual = np.einsum("ki,i->k", matrix, position) - target
    n = len(sine)
    return position, covariance, residual[:n] ** 2 + residual[n:] ** 2


def _accepted(tracks: VertexTracks, position: FloatArray, covariance: FloatArray) -> list[SecondaryVertex]:
    """The vertex in a list, or an empty list."""
    momentum = tracks.momentum().sum(axis=0)
    flight_mm = float(np.hypot(position[0], position[1]))
    direction = position[:2] / max(flight_mm, 1e-9)
    error_mm = float(np.sqrt(np.einsum("i,ij,j->", direction, covariance[:2, :2], direction)))
    vertex = SecondaryVertex(position, flight_mm, flight_mm / error_mm, len(tracks.pt_gev), momentum)
    is_forward = float(position[:2] @ momentum[:2]) > 0
    is_kaon = vertex.n_tracks == 2 and KAON_WINDOW_GEV[0] < vertex.mass_gev < KAON_WINDOW_GEV[1]
    good = is_forward and not is_kaon and vertex.flight_sigmas >= MIN_SIGMAS and flight_mm <= MAX_FLIGHT_MM
    return [vertex] if good else []
