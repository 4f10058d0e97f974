"""The detector: what is seen, how well, and always the same for the same random state."""

from __future__ import annotations

import numpy as np
import pytest

from fasttrig.data.simulation.detector import CHARGED_HADRON, ELECTRON, MUON, NEUTRAL_HADRON, PHOTON, reconstruct
from fasttrig.data.simulation.events import Particles
from fasttrig.data.simulation.settings import Detector


def particles(pdg_id, charge, pt, eta, phi, x_mm=0.0, y_mm=0.0) -> Particles:
    pdg_id, charge, pt, eta, phi, x, y = np.broadcast_arrays(pdg_id, charge, pt, eta, phi, x_mm, y_mm)
    return Particles(
        event=np.zeros(len(pt), dtype=np.int64),
        pdg_id=pdg_id,
        charge=charge,
        px_gev=pt * np.cos(phi),
        py_gev=pt * np.sin(phi),
        pz_gev=pt * np.sinh(eta),
        energy_gev=pt * np.cosh(eta),
        x_mm=x,
        y_mm=y,
        z_mm=np.zeros_like(y),
    )


def see(parts: Particles, seed: int = 0, **changes: float):
    return reconstruct(parts, Detector(**changes), np.random.default_rng(seed))


def test_the_same_random_state_gives_the_same_candidates() -> None:
    rng = np.random.default_rng(5)
    parts = particles(
        rng.choice([211, 22, 130], 300),
        rng.choice([0, 1], 300),
        rng.exponential(5, 300),
        rng.uniform(-3.5, 3.5, 300),
        rng.uniform(-3.1, 3.1, 300),
    )
    first, again, other = see(parts, 1), see(parts, 1), see(parts, 2)
    for name in first.__slots__:
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.pt_gev[:10], other.pt_gev[:10])


@pytest.mark.parametrize(
    ("pdg_id", "charge", "identity"),
    [(211, 1, CHARGED_HADRON), (-11, 1, ELECTRON), (13, -1, MUON), (22, 0, PHOTON), (130, 0, NEUTRAL_HADRON)],
)
def test_identity_and_charge(pdg_id: int, charge: int, identity: int) -> None:
    seen = see(particles(pdg_id, charge, [50.0], [0.3], [1.0]), track_efficiency=1.0)
    assert seen.identity.tolist() == [identity]
    assert seen.charge.tolist() == [charge]


def test_a_lost_track_becomes_a_neutral_hadron_and_a_lost_muon_nothing() -> None:
    seen = see(particles([211, 13], [1, -1], 50.0, [2.7, 2.7], [1.0, 2.0]))
    assert seen.identity.tolist() == [NEUTRAL_HADRON]
    assert seen.charge.tolist() == [0]
    assert seen.d0_mm.tolist() == [0.0]


def test_acceptance_and_thresholds() -> None:
    assert see(particles(22, 0, [50.0], [3.1], [0.0])).pt_gev.size == 0
    assert see(particles(211, 1, [0.4], [0.0], [0.0])).pt_gev.size == 0
    assert see(particles(130, 0, [0.05], [0.0], [0.0]), hcal_noise_gev=0.0, hcal_stochastic=0.1).pt_gev.size == 0


def test_photons_in_one_cell_are_summed_and_sit_at_its_centre() -> None:
    size = Detector().ecal_cell
    seen = see(particles(22, 0, [10.0, 20.0, 30.0], [0.1 * size, 0.9 * size, 1.5 * size], 0.001))
    assert len(seen.pt_gev) == 2
    assert seen.eta == pytest.approx([0.5 * size, 1.5 * size])
    assert seen.pt_gev == pytest.approx([30.0, 30.0], rel=0.1)
    assert abs(seen.phi_rad - 0.001).max() <= 0.5 * 2 * np.pi / np.ceil(2 * np.pi / size)


def test_track_resolution_is_as_stated() -> None:
    pt = 100.0
    seen = see(particles(211, 1, np.full(20000, pt), 0.5, 1.0, x_mm=0.0, y_mm=0.2), track_efficiency=1.0)
    detector = Detector()
    want = np.hypot(detector.track_constant, detector.track_per_gev * pt)
    assert seen.pt_gev.std() / pt == pytest.approx(want, rel=0.05)
    assert seen.eta.std() == pytest.approx(detector.track_angle_rad, rel=0.05)
    assert seen.d0_mm.mean() == pytest.approx(0.2 * np.cos(1.0), abs=0.001)
    assert seen.d0_mm.std() == pytest.approx(np.hypot(detector.d0_constant_mm, detector.d0_slope_mm_gev / pt), rel=0.05)


def test_calorimeter_resolution_is_as_stated() -> None:
    phi = (np.arange(70) + 0.5) * 2 * np.pi / 72 - np.pi
    eta = (np.arange(-20, 20) + 0.5) * Detector().hcal_cell
    eta, phi = (axis.ravel() for axis in np.meshgrid(eta, phi))
    seen = see(particles(130, 0, 100.0 / np.cosh(eta), eta, phi))
    detector = Detector()
    energy = seen.pt_gev * np.cosh(seen.eta)
    want = np.sqrt(detector.hcal_stochastic**2 / 100 + detector.hcal_constant**2 + (detector.hcal_noise_gev / 100) ** 2)
    assert energy.std() / 100 == pytest.approx(want, rel=0.06)
    assert energy.mean() == pytest.approx(100, rel=0.01)


def test_candidates_are_sorted_by_event() -> None:
    parts = particles([211, 22, 130, 211], [1, 0, 0, 1], 20.0, [0.1, 0.2, 0.3, 0.4], 0.5)
    object.__setattr__(parts, "event", np.array([0, 0, 1, 1]))
    assert np.all(np.diff(see(parts, track_efficiency=1.0).event) >= 0)
