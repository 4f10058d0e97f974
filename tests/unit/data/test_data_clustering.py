"""anti-kT and mMDT against slow code of our own; the matching rule by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fasttrig.data.jets5.parameters import GeneratorSettings
from fasttrig.data.simulation.clustering import Jets, find_jets, groom, select_matched, wrap_phi
from fasttrig.data.simulation.detector import Candidates
from fasttrig.data.simulation.events import Parents

Vector = tuple[float, float, float, float]


def massless(pt: float, eta: float, phi: float) -> Vector:
    return pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta), pt * math.cosh(eta)


def add(a: Vector, b: Vector) -> Vector:
    return tuple(x + y for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def pt_of(v: Vector) -> float:
    return math.hypot(v[0], v[1])


def mass_of(v: Vector) -> float:
    return math.sqrt(max(v[3] ** 2 - v[0] ** 2 - v[1] ** 2 - v[2] ** 2, 0.0))


def distance(a: Vector, b: Vector) -> float:
    rapidity = [0.5 * math.log((v[3] + v[2]) / (v[3] - v[2])) for v in (a, b)]
    phi = math.atan2(a[1], a[0]) - math.atan2(b[1], b[0])
    return math.hypot(rapidity[0] - rapidity[1], (phi + math.pi) % (2 * math.pi) - math.pi)


class Node:
    def __init__(self, momentum: Vector, members: list[int], parents: tuple[Node, Node] | None = None) -> None:
        self.momentum, self.members, self.parents = momentum, members, parents


def cluster(nodes: list[Node], power: int, radius: float) -> list[Node]:
    """Generalised kT by the definition: smallest distance first, all pairs each time."""
    nodes, jets = list(nodes), []
    while nodes:
        scale = [pt_of(node.momentum) ** (2 * power) for node in nodes]
        best = min((scale[i], i, i) for i in range(len(nodes)))
        for i in range(len(nodes)):
            for j in range(i):
                d = min(scale[i], scale[j]) * (distance(nodes[i].momentum, nodes[j].momentum) / radius) ** 2
                best = min(best, (d, i, j))
        _, i, j = best
        if i == j:
            jets.append(nodes.pop(i))
            continue
        a, b = nodes.pop(max(i, j)), nodes.pop(min(i, j))
        nodes.append(Node(add(a.momentum, b.momentum), a.members + b.members, (a, b)))
    return jets


def mmdt(node: Node, zcut: float) -> Node:
    while node.parents:
        soft, hard = sorted(node.parents, key=lambda parent: pt_of(parent.momentum))
        if pt_of(soft.momentum) > zcut * (pt_of(soft.momentum) + pt_of(hard.momentum)):
            return node
        node = hard
    return node


def random_jets(n_jets: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(3, 30, n_jets))])
    n = int(offsets[-1])
    return rng.exponential(15.0, n) + 0.5, rng.normal(0.5, 0.25, n), rng.normal(3.1, 0.25, n), offsets


def test_mmdt_equals_a_slow_declustering() -> None:
    pytest.importorskip("fastjet")
    pt, eta, phi, offsets = random_jets(25)
    groomed = groom(pt, eta, phi, offsets, zcut=0.1)
    assert len(groomed.offsets) == len(offsets)
    for j in range(25):
        members = range(offsets[j], offsets[j + 1])
        nodes = [Node(massless(pt[i], eta[i], phi[i]), [i]) for i in members]
        want = mmdt(cluster(nodes, power=0, radius=100.0)[0], zcut=0.1)
        rows = slice(groomed.offsets[j], groomed.offsets[j + 1])
        assert groomed.mass_gev[j] == pytest.approx(mass_of(want.momentum), rel=1e-6, abs=1e-4)
        np.testing.assert_allclose(np.sort(groomed.pt_gev[rows]), np.sort(pt[want.members]), rtol=1e-9)


def test_grooming_drops_the_soft_branch() -> None:
    pytest.importorskip("fastjet")
    groomed = groom(np.array([60.0, 40.0, 5.0]), np.array([0.0, 0.2, 0.7]), np.zeros(3), np.array([0, 3]), zcut=0.1)
    assert sorted(groomed.pt_gev.tolist()) == pytest.approx([40.0, 60.0])
    assert groomed.mass_gev[0] == pytest.approx(math.sqrt(2 * 60 * 40 * (math.cosh(0.2) - 1)), rel=1e-6)


def test_a_jet_that_never_passes_ends_as_one_constituent() -> None:
    pytest.importorskip("fastjet")
    groomed = groom(np.array([100.0, 1.0]), np.array([0.0, 0.4]), np.zeros(2), np.array([0, 2]), zcut=0.1)
    assert groomed.offsets.tolist() == [0, 1]
    assert groomed.mass_gev[0] == pytest.approx(0.0, abs=1e-3)


def test_find_jets_equals_slow_anti_kt() -> None:
    pytest.importorskip("fastjet")
    rng = np.random.default_rng(2)
    n = 50
    event = np.repeat([0, 2], 25)
    candidates = Candidates(
        event,
        rng.exponential(60.0, n) + 1,
        rng.uniform(-1.5, 1.5, n),
        rng.uniform(-3.1, 3.1, n),
        np.zeros(n, dtype=np.int64),
        np.ones(n, dtype=np.int64),
        np.zeros(n),
        np.zeros(n),
    )
    jets = find_jets(candidates, 3, GeneratorSettings(jet_pt_min_gev=100.0))
    slow = []
    for number in (0, 2):
        rows = np.flatnonzero(event == number)
        nodes = [Node(massless(candidates.pt_gev[i], candidates.eta[i], candidates.phi_rad[i]), [int(i)]) for i in rows]
        slow += [(number, node) for node in cluster(nodes, power=-1, radius=0.8) if pt_of(node.momentum) >= 100.0]
    got = {tuple(sorted(jets.members[a:b].tolist())) for a, b in zip(jets.offsets, jets.offsets[1:], strict=False)}
    assert got == {tuple(sorted(node.members)) for _, node in slow}
    assert sorted(jets.pt_gev) == pytest.approx(sorted(pt_of(node.momentum) for _, node in slow))
    assert sorted(jets.mass_gev) == pytest.approx(sorted(mass_of(node.momentum) for _, node in slow))
    assert jets.event.tolist() == sorted(number for number, _ in slow)


def some_jets(event: list[int], pt: list[float], eta: list[float], phi: list[float]) -> Jets:
    n = len(event)
    return Jets(
        np.array(event), np.array(pt), np.array(eta), np.array(phi), np.zeros(n), np.arange(2 * n), 2 * np.arange(n + 1)
    )


def test_matching_wants_window_distance_and_the_nearest_jet() -> None:
    jets = some_jets(
        event=[0, 0, 1, 1, 2], pt=[1000, 900, 1000, 1300, 1000], eta=[0.0, 0.5, 1.9, 0.0, 0.0], phi=[3.1, 3.1, 0, 0, 0]
    )
    parents = Parents(np.array([0, 1, 1, 2]), np.array([0.2, 1.9, 0.0, 0.5]), np.array([-3.1, 0.0, 0.0, 0.0]))
    assert select_matched(jets, parents, GeneratorSettings()).tolist() == [0]


def test_no_jets_no_matches() -> None:
    jets = some_jets([], [], [], [])
    assert select_matched(jets, Parents(np.array([0]), np.zeros(1), np.zeros(1)), GeneratorSettings()).size == 0


def test_take_keeps_the_members_of_each_jet() -> None:
    jets = some_jets([0, 0, 1], [900, 950, 1000], [0, 0, 0], [0, 0, 0]).take(np.array([2, 0]))
    assert jets.members.tolist() == [4, 5, 0, 1]
    assert jets.offsets.tolist() == [0, 2, 4]
    assert jets.pt_gev.tolist() == [1000, 900]


def test_wrap_phi_stays_within_a_turn() -> None:
    wrapped = wrap_phi(np.array([-7.0, -math.pi, 0.0, 3.0, 6.2]))
    assert (np.abs(wrapped) <= math.pi).all()
    np.testing.assert_allclose(np.cos(wrapped), np.cos([-7.0, -math.pi, 0.0, 3.0, 6.2]))
