"""The hbb sample: the vertex finder against tracks of known vertices, and the physics of the stored sample."""

from __future__ import annotations

import numpy as np
import pytest

from fasttrig.data import samples
from fasttrig.data.hbb.columns import FEATURES
from fasttrig.data.hbb.measure import lifetime_signed
from fasttrig.data.hbb.vertices import VertexTracks, find_vertices, fit
from fasttrig.data.readers import read_table


def tracks_from(points, rng, smear: float = 1.0) -> VertexTracks:
    """Three tracks from each point (x, y, z) in mm, going roughly where the point lies."""
    rows = []
    for x, y, z in points:
        for _ in range(3):
            phi = np.arctan2(y, x) + rng.normal(0.0, 0.15)
            eta, pt = rng.normal(0.3, 0.15), rng.uniform(3.0, 20.0)
            d0 = y * np.cos(phi) - x * np.sin(phi)
            z0 = z - (x * np.cos(phi) + y * np.sin(phi)) * np.sinh(eta)
            errors = np.hypot(0.015, 0.08 / pt), np.hypot(0.03, 0.12 / pt)
            rows.append(
                (pt, eta, phi, d0 + smear * rng.normal(0, errors[0]), z0 + smear * rng.normal(0, errors[1]), *errors)
            )
    return VertexTracks(*np.array(rows).T)


def test_the_fit_finds_the_point_of_exact_tracks():
    point = np.array([3.0, 1.0, 2.0])
    tracks = tracks_from([point], np.random.default_rng(1), smear=0.0)
    position, covariance, chi2 = fit(tracks)
    np.testing.assert_allclose(position, point, atol=1e-5)
    assert chi2.max() < 1e-6 and (np.linalg.eigvalsh(covariance) > 0).all()


def test_pulls_of_the_fitted_position_are_of_unit_width():
    rng, pulls = np.random.default_rng(2), []
    for _ in range(400):
        position, covariance, _ = fit(tracks_from([(4.0, 0.5, 1.0)], rng))
        pulls.append((position - [4.0, 0.5, 1.0]) / np.sqrt(np.diag(covariance)))
    np.testing.assert_allclose(np.std(pulls, axis=0), 1.0, atol=0.12)
    np.testing.assert_allclose(np.mean(pulls, axis=0), 0.0, atol=0.2)


def test_two_vertices_are_told_apart():
    points = [(6.0, 0.0, 2.0), (2.0, 1.2, 0.5)]
    found = find_vertices(tracks_from(points, np.random.default_rng(3)))
    assert [vertex.n_tracks for vertex in found] == [3, 3]
    for vertex in found:
        assert min(np.linalg.norm(vertex.position_mm - point) for point in points) < 0.6


def test_tracks_of_the_collision_make_no_vertex():
    rng = np.random.default_rng(4)
    found = [find_vertices(tracks_from([(1e-6, 0.0, 0.0)] * 3, rng)) for _ in range(100)]
    assert sum(map(len, found)) <= 5
    assert find_vertices(tracks_from([(5.0, 0.0, 1.0)], rng).take(np.array([0]))) == []


def test_the_lifetime_sign():
    """A track to the left of the axis, from a point ahead on the axis, passes the collision on the axis' side."""
    x, phi = 2.0, np.array([0.2, -0.2])
    d0 = -x * np.sin(phi)
    assert (lifetime_signed(d0, phi, np.zeros(2)) > 0).all()
    assert (lifetime_signed(-d0, phi, np.zeros(2)) < 0).all()


@pytest.fixture(scope="module")
def table():
    return read_table(samples.path("hbb"))


def test_the_sample_is_small_and_whole(table):
    assert len(FEATURES) == 27
    assert samples.path("hbb").stat().st_size <= 1_500_000
    assert (table["split"] == 2).sum() >= 4000
    assert len(set(np.bincount(table["label"]))) == 1
    assert (table["jet_pt"] >= 400).all() and (table["jet_pt"] <= 650).all()


def test_higgs_jets_have_the_mass_of_the_higgs_boson_and_two_b_hadrons(table):
    is_higgs = table["label"] == 1
    mass = table["mass_mmdt"]
    peak = mass[is_higgs & (mass > 90) & (mass < 150)]
    assert 0.5 < len(peak) / is_higgs.sum() < 0.9
    assert 110 < np.median(peak) < 126  # neutrinos of b decays lower it
    assert np.mean((mass[~is_higgs] > 90) & (mass[~is_higgs] < 150)) < 0.15
    assert np.mean(table["n_vertices"][is_higgs] >= 1) > 4 * np.mean(table["n_vertices"][~is_higgs] >= 1)


def test_lifetimes_make_a_tail_on_the_positive_side(table):
    """b hadrons fly half a millimetre and more: positive significances; light jets are nearly symmetric at low ones."""
    is_higgs = table["label"] == 1
    high = {name: np.mean(table["sip_0"][rows] > 10) for name, rows in (("H", is_higgs), ("QCD", ~is_higgs))}
    assert high["H"] > 0.7 and high["QCD"] < 0.25
    masses = table["tau0_vertex_mass"][is_higgs]
    assert 0.8 < np.median(masses[masses > 0]) < 3.0 and np.mean(masses > 6.5) < 0.03
