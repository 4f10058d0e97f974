"""The sixteen observables against brute force, hand values and FastJet's own contrib code."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from fasttrig.data.columns import SIXTEEN
from fasttrig.data.jets5.substructure import observables, triple_sums


def random_jet(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, n])
    return rng.exponential(20.0, n) + 0.5, rng.normal(0.3, 0.2, n), rng.normal(-0.1, 0.2, n)


def brute_force(pt, eta, phi) -> dict[str, float]:
    """Plain loops, straight from the definitions."""
    z = [p / sum(pt) for p in pt]

    def distance(i: int, j: int) -> float:
        return math.hypot(eta[i] - eta[j], phi[i] - phi[j])

    def e2(beta: float) -> float:
        return sum(z[i] * z[j] * distance(i, j) ** beta for i, j in combinations(range(len(z)), 2))

    def e3(v: int, beta: float) -> float:
        total = 0.0
        for i, j, k in combinations(range(len(z)), 3):
            angles = sorted((distance(i, j), distance(i, k), distance(j, k)))
            total += z[i] * z[j] * z[k] * math.prod(angles[:v]) ** beta
        return total

    def ratio(a: float, b: float) -> float:
        return a / b if b else 0.0

    out = {"c1_b0_mmdt": e2(0)}
    for b in (1, 2):
        out[f"c1_b{b}_mmdt"] = e2(b)
        out[f"c2_b{b}_mmdt"] = ratio(e3(3, b), e2(b) ** 2)
        out[f"d2_b{b}_mmdt"] = ratio(e3(3, b), e2(b) ** 3)
        out[f"d2_a1_b{b}_mmdt"] = ratio(e3(3, 1), e2(b) ** (3 / b))
        out[f"m2_b{b}_mmdt"] = ratio(e3(1, b), e2(b))
        out[f"n2_b{b}_mmdt"] = ratio(e3(2, b), e2(b) ** 2)
    return out


def by_name(pt, eta, phi, mass=0.0, all_pt=None) -> dict[str, float]:
    pt = np.asarray(pt, dtype=float)
    all_pt = pt if all_pt is None else np.asarray(all_pt, dtype=float)
    values = observables(pt, np.asarray(eta, dtype=float), np.asarray(phi, dtype=float), mass, all_pt)
    return dict(zip(SIXTEEN, values.tolist(), strict=True))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 31, 32, 33, 48])
def test_observables_equal_the_loops_over_pairs_and_triples(n: int) -> None:
    jet = random_jet(n)
    got = by_name(*jet)
    for name, want in brute_force(*jet).items():
        assert got[name] == pytest.approx(want, rel=1e-10, abs=1e-300), name


def test_two_prongs_by_hand() -> None:
    got = by_name([30.0, 70.0], [0.0, 0.3], [0.0, 0.4], mass=80.0)
    assert got["c1_b0_mmdt"] == pytest.approx(0.21)
    assert got["c1_b1_mmdt"] == pytest.approx(0.21 * 0.5)
    assert got["c1_b2_mmdt"] == pytest.approx(0.21 * 0.25)
    assert got["zlogz"] == pytest.approx(0.3 * math.log(0.3) + 0.7 * math.log(0.7))
    assert got["mass_mmdt"] == 80.0
    assert got["multiplicity"] == 2
    for name in SIXTEEN:
        if name.startswith(("c2", "d2", "m2", "n2")):
            assert got[name] == 0.0, name


def test_three_equal_prongs_by_hand() -> None:
    side = 0.4
    got = by_name([5.0] * 3, [0.0, side, side / 2], [0.0, 0.0, side * math.sqrt(3) / 2])
    want = {
        "c1_b0_mmdt": 1 / 3,
        "c1_b1_mmdt": side / 3,
        "c1_b2_mmdt": side**2 / 3,
        "c2_b1_mmdt": side / 3,
        "c2_b2_mmdt": side**2 / 3,
        "d2_b1_mmdt": 1.0,
        "d2_b2_mmdt": 1.0,
        "d2_a1_b1_mmdt": 1.0,
        "d2_a1_b2_mmdt": 3**-1.5,
        "m2_b1_mmdt": 1 / 9,
        "m2_b2_mmdt": 1 / 9,
        "n2_b1_mmdt": 1 / 3,
        "n2_b2_mmdt": 1 / 3,
        "zlogz": -math.log(3),
    }
    assert {name: got[name] for name in want} == pytest.approx(want)


def test_a_line_of_three_has_its_angles_sorted() -> None:
    sums = triple_sums(np.full(3, 1 / 3), np.array([0.0, 0.1, 0.3]), np.zeros(3))
    want = np.array([[0.1, 0.1**2], [0.02, 0.02**2], [0.006, 0.006**2]]) / 27
    np.testing.assert_allclose(sums, want, rtol=1e-12)


def test_order_and_scale_of_the_constituents_do_not_matter() -> None:
    pt, eta, phi = random_jet(40)
    order = np.random.default_rng(1).permutation(40)
    first, second = by_name(pt, eta, phi), by_name(7.0 * pt[order], eta[order] + 1.0, phi[order])
    assert first == pytest.approx(second, rel=1e-9)


def test_ungroomed_momenta_set_the_entropy_and_the_multiplicity_only() -> None:
    jet = random_jet(20)
    first, second = by_name(*jet), by_name(*jet, all_pt=[1.0] * 10)
    assert second["zlogz"] == pytest.approx(-math.log(10))
    assert second["multiplicity"] == 10
    same = set(SIXTEEN) - {"zlogz", "multiplicity"}
    assert {name: first[name] for name in same} == {name: second[name] for name in same}


@pytest.mark.parametrize(("v", "angles"), [(1, 1), (2, 2), (3, -1)])
def test_triple_sums_equal_fastjet_contrib(v: int, angles: int) -> None:
    fastjet = pytest.importorskip("fastjet")
    import awkward as ak

    pt, eta, phi = random_jet(35)
    momenta = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta), "E": pt * np.cosh(eta)}
    record = ak.contents.RecordArray([ak.contents.NumpyArray(part) for part in momenta.values()], list(momenta))
    event = ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(np.array([0, 35])), record))
    clusters = fastjet.ClusterSequence(event, fastjet.JetDefinition(fastjet.cambridge_algorithm, 100.0))
    ours = triple_sums(pt / pt.sum(), eta, phi)[v - 1]
    for beta, value in zip((1, 2), ours, strict=True):
        theirs = clusters.exclusive_jets_energy_correlator(njets=1, npoint=3, angles=angles, beta=beta)
        assert value == pytest.approx(float(theirs[0]), rel=1e-9)
