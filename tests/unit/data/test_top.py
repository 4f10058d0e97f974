"""The top sample: substructure against slow formulas, and the physics of the stored sample."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fasttrig.data import samples
from fasttrig.data.readers import read_table
from fasttrig.data.simulation.subjettiness import n_subjettiness
from fasttrig.data.top.columns import POLYNOMIALS
from fasttrig.data.top.energy_flow import energy_flow

GRAPHS = {
    "edge": [(0, 1)],
    "double_edge": [(0, 1)] * 2,
    "wedge": [(0, 1), (0, 2)],
    "triple_edge": [(0, 1)] * 3,
    "wedge_double": [(0, 1), (0, 1), (0, 2)],
    "triangle": [(0, 1), (1, 2), (2, 0)],
    "star": [(0, 1), (0, 2), (0, 3)],
    "chain": [(0, 1), (1, 2), (2, 3)],
}


def a_jet(n: int, seed: int = 1):
    rng = np.random.default_rng(seed)
    return rng.exponential(20.0, n) + 1.0, rng.normal(0.0, 0.3, n), rng.normal(0.0, 0.3, n)


def test_energy_flow_equals_the_sum_over_all_ways():
    pt, eta, phi = a_jet(6)
    z = pt / pt.sum()
    found = dict(zip(POLYNOMIALS, energy_flow(pt, eta, phi), strict=True))
    assert set(found) == set(GRAPHS)
    for name, edges in GRAPHS.items():
        n_corners = 1 + max(max(edge) for edge in edges)
        want = 0.0
        for corners in itertools.product(range(6), repeat=n_corners):
            distances = [
                np.hypot(eta[corners[a]] - eta[corners[b]], phi[corners[a]] - phi[corners[b]]) for a, b in edges
            ]
            want += np.prod(z[list(corners)]) * np.prod(distances)
        assert found[name] == pytest.approx(want, rel=1e-9)


def test_subjettiness_of_known_subjets():
    """Three narrow prongs: the axes are the prongs, tau_3 is small; a jet of two constituents has tau_2 = 0."""
    pytest.importorskip("fastjet")
    rng = np.random.default_rng(5)
    prongs = np.array([(0.0, 0.0), (0.5, 0.1), (-0.2, 0.4)])
    spread = rng.normal(0.0, 0.01, (3, 10, 2)) + prongs[:, None, :]
    eta, phi = spread.reshape(-1, 2).T
    pt = np.repeat([100.0, 60.0, 30.0], 10)
    eta, phi, pt = (np.concatenate([part, two]) for part, two in ((eta, [0, 0.3]), (phi, [0, 0]), (pt, [50, 40])))
    offsets = np.array([0, 30, 32])
    tau3, axes = n_subjettiness(pt, eta, phi, offsets, 3, 0.8, (1.0, 2.0))
    np.testing.assert_allclose(axes[0], prongs, atol=0.02)
    distance = np.hypot(eta[:30] - np.repeat(axes[0, :, 0], 10), phi[:30] - np.repeat(axes[0, :, 1], 10))
    for k, beta in enumerate((1.0, 2.0)):
        assert tau3[0, k] == pytest.approx((pt[:30] * distance**beta).sum() / (0.8**beta * pt[:30].sum()))
    assert np.isnan(axes[1]).all() and tau3[1].tolist() == [0.0, 0.0]
    tau1, _ = n_subjettiness(pt, eta, phi, offsets, 1, 0.8)
    assert tau1[0, 0] > 10 * tau3[0, 0]
    assert n_subjettiness(pt, eta, phi, offsets, 2, 0.8)[0][1, 0] == pytest.approx(0.0, abs=1e-9)


@pytest.fixture(scope="module")
def table():
    return read_table(samples.path("top"))


def test_the_sample_is_small_and_whole(table):
    assert samples.path("top").stat().st_size <= 1_500_000
    assert (table["split"] == 2).sum() >= 4000
    assert (table["jet_pt"] >= 550).all() and (table["jet_pt"] <= 650).all()
    assert (np.diff(table["constituent_pt"], axis=1) <= 0).all()


def test_top_jets_have_the_mass_of_the_top_quark_and_three_prongs(table):
    is_top = table["label"] == 1
    mass = table["mass_mmdt"]
    peak = mass[is_top & (mass > 140) & (mass < 200)]
    assert 0.4 < len(peak) / is_top.sum() < 0.9
    assert 162 < np.median(peak) < 178
    w_boson = mass[is_top & (mass > 65) & (mass < 105)]  # the b quark outside
    assert 70 < np.median(w_boson) < 92
    tau32 = table["tau3_b1"] / np.maximum(table["tau2_b1"], 1e-3)
    assert np.median(tau32[is_top]) < np.median(tau32[~is_top]) - 0.1
