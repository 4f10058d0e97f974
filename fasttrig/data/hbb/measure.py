"""Jets -> the 27 features of hbb: groomed mass, substructure, impact parameters and secondary vertices of two axes."""

from __future__ import annotations

from typing import cast

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.data.hbb.columns import CLASS_NAMES, COLUMNS, FEATURES, SIGNIFICANCE_RANGE
from fasttrig.data.hbb.settings import HbbSettings
from fasttrig.data.hbb.vertices import SecondaryVertex, VertexTracks, find_vertices, mass_of
from fasttrig.data.simulation.chunk import FloatColumns, JetSample
from fasttrig.data.simulation.clustering import Jets, groom, wrap_phi
from fasttrig.data.simulation.detector import ELECTRON, MUON, Candidates
from fasttrig.data.simulation.settings import JetSettings
from fasttrig.data.simulation.stopwatch import Stopwatch
from fasttrig.data.simulation.subjettiness import n_subjettiness, to_axes

BOTTOM_GEV, CHARM_GEV = 5.2, 1.5
N_AXES = 2


def measure(
    candidates: Candidates, jets: Jets, settings: JetSettings, rng: np.random.Generator, times: Stopwatch
) -> FloatColumns:
    """Physical values of all columns of these jets but the label."""
    settings = cast(HbbSettings, settings)
    members = candidates.take(jets.members)
    momenta = (members.pt_gev, members.eta, members.phi_rad, jets.offsets)
    columns: FloatColumns = {"jet_pt": jets.pt_gev, "jet_eta": jets.eta}
    n_jets = len(jets.event)
    names = [column.name for column in FEATURES]
    if n_jets == 0:
        return columns | {name: np.zeros(0) for name in names}
    mass_gev = groom(*momenta, settings.zcut).mass_gev
    tau1, _ = n_subjettiness(*momenta, 1, settings.jet_radius)
    tau2, axes = n_subjettiness(*momenta, N_AXES, settings.jet_radius)
    axes = np.where(np.isnan(axes), np.stack([jets.eta, jets.phi_rad], axis=1)[:, None, :], axes)
    times.lap("substructure")
    z0_error_mm = np.hypot(settings.z0_constant_mm, settings.z0_slope_mm_gev / members.pt_gev)
    z0_mm = members.z0_mm + z0_error_mm * rng.standard_normal(len(z0_error_mm))
    d0_error_mm = np.hypot(settings.detector.d0_constant_mm, settings.detector.d0_slope_mm_gev / members.pt_gev)
    tracks = VertexTracks(members.pt_gev, members.eta, members.phi_rad, members.d0_mm, z0_mm, d0_error_mm, z0_error_mm)
    nearest = to_axes(members.eta, members.phi_rad, jets.offsets, axes).argmin(axis=1)
    is_track = (members.charge != 0) & (members.pt_gev > settings.vertex_track_pt_min_gev)
    is_lepton = (members.identity == ELECTRON) | (members.identity == MUON)
    rows_of = [
        start + np.flatnonzero(is_track[start:end])
        for start, end in zip(jets.offsets[:-1], jets.offsets[1:], strict=True)
    ]
    table = [
        jet_features(tracks.take(rows), nearest[rows], is_lepton[rows], axes[jet], settings)
        for jet, rows in enumerate(rows_of)
    ]
    columns |= {name: np.array([row[name] for row in table]) for name in table[0]}
    columns["mass_mmdt"] = mass_gev
    columns["tau21"] = np.divide(tau2[:, 0], tau1[:, 0], out=np.zeros(n_jets), where=tau1[:, 0] > 0)
    columns["lepton_pt_ratio"] /= jets.pt_gev
    times.lap("tracks and vertices")
    return columns


def jet_features(
    tracks: VertexTracks, nearest: IntArray, is_lepton: FloatArray, axes: FloatArray, settings: HbbSettings
) -> dict[str, float]:
    """Features of one jet, of its tracks and the axis nearest to each; `axes` has shape (2, 2): (eta, phi)."""
    sip = lifetime_signed(tracks.d0_mm, tracks.phi_rad, axes[nearest, 1]) / tracks.d0_error_mm
    sip = np.clip(sip, *SIGNIFICANCE_RANGE)
    found: dict[str, float] = {"n_tracks": len(sip), **_highest("sip", sip, 4)}
    found["sip_above_charm"] = lifting_track(tracks, sip, CHARM_GEV)
    found["lepton_pt_ratio"] = float(tracks.pt_gev[is_lepton].max(initial=0.0))
    best: list[SecondaryVertex | None] = []
    n_vertices = 0
    for axis in range(N_AXES):
        rows = np.flatnonzero(nearest == axis)
        mine, my_sip = tracks.take(rows), sip[rows]
        found |= _highest(f"tau{axis}_sip", my_sip, 2)
        found[f"sip_above_bottom_{axis}"] = lifting_track(mine, my_sip, BOTTOM_GEV)
        displaced = np.flatnonzero(np.abs(mine.d0_mm) > settings.displaced_sigmas * mine.d0_error_mm)
        vertices = find_vertices(mine.take(displaced))
        n_vertices += len(vertices)
        best.append(vertices[0] if vertices else None)
        found |= {f"tau{axis}_{name}": value for name, value in _vertex(best[axis], mine, axes[axis]).items()}
    return found | {"n_vertices": n_vertices, "z_ratio": z_ratio(*best)}


def lifetime_signed(d0_mm: FloatArray, phi_rad: FloatArray, axis_phi_rad: FloatArray) -> FloatArray:
    """Impact parameters, positive where the point of closest approach lies on the side of the axis."""
    return np.abs(d0_mm) * np.sign(d0_mm * np.sin(axis_phi_rad - phi_rad))


def lifting_track(tracks: VertexTracks, sip: FloatArray, mass_gev: float) -> float:
    """Significance of the track that lifts the mass of the tracks, added in falling significance, above `mass_gev`."""
    order = np.argsort(-sip, kind="stable")
    total = np.zeros(4)
    for momentum, significance in zip(tracks.momentum()[order], sip[order], strict=True):
        total += momentum
        if mass_of(total) > mass_gev:
            return float(significance)
    return 0.0


def z_ratio(first: SecondaryVertex | None, second: SecondaryVertex | None) -> float:
    """delta R times the lower pt over the mass of the vertices of both axes; 0 without both. At most 8."""
    if first is None or second is None:
        return 0.0
    (eta, phi), (other_eta, other_phi) = _direction(first.momentum), _direction(second.momentum)
    delta_r = np.hypot(eta - other_eta, wrap_phi(np.array(phi - other_phi)))
    low_pt = min(np.hypot(*vertex.momentum[:2]) for vertex in (first, second))
    return float(min(delta_r * low_pt / max(mass_of(first.momentum + second.momentum), 1e-3), 8.0))


def _vertex(vertex: SecondaryVertex | None, tracks: VertexTracks, axis: FloatArray) -> dict[str, float]:
    if vertex is None:
        names = ("vertex_mass", "vertex_energy_ratio", "flight_significance", "vertex_delta_r", "vertex_tracks")
        return dict.fromkeys(names, 0.0)
    eta, phi = _direction(vertex.momentum)
    return {
        "vertex_mass": vertex.mass_gev,
        "vertex_energy_ratio": float(vertex.momentum[3] / tracks.momentum()[:, 3].sum()),
        "flight_significance": min(vertex.flight_sigmas, SIGNIFICANCE_RANGE[1]),
        "vertex_delta_r": float(np.hypot(eta - axis[0], wrap_phi(np.array(phi - axis[1])))),
        "vertex_tracks": float(vertex.n_tracks),
    }


def _direction(momentum: FloatArray) -> tuple[float, float]:
    """(eta, phi)."""
    pt = np.hypot(momentum[0], momentum[1])
    return float(np.arcsinh(momentum[2] / pt)), float(np.arctan2(momentum[1], momentum[0]))


def _highest(name: str, values: FloatArray, n: int) -> dict[str, float]:
    """The `n` highest, the lowest possible significance where there are fewer."""
    best = np.sort(values)[::-1][:n].tolist()
    return {f"{name}_{k}": best[k] if k < len(best) else SIGNIFICANCE_RANGE[0] for k in range(n)}


HBB = JetSample("hbb", CLASS_NAMES, COLUMNS, HbbSettings(), measure)
