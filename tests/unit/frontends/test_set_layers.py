"""`fasttrig.layers`: sets and graphs of particles, live and from files, against Keras in raw integers."""

from __future__ import annotations

import pytest

from fasttrig.base.errors import InputError, RefusalError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.qkeras import read_qkeras
from tests.unit.frontends.framework import keras, qdense, require_equal

from fasttrig.layers import BestIndices, MaxOver, SumOver, Take, TakeBy, pairs  # isort: skip

INPUT = FixedType(6, 3)
L = keras.layers


def interaction_network():
    """Edges between all particles (sender minus receiver, and receiver), a sum over each receiver's edges."""
    n, c, m = 4, 3, 5
    receivers, senders = pairs(n)
    x = keras.Input((n, c), name="particles")
    receiver, sender = Take(receivers, name="receiver")(x), Take(senders, name="sender")(x)
    edges = L.Concatenate(name="edges")([receiver, L.Subtract(name="difference")([sender, receiver])])
    hidden = qdense(m, "edge_network", activation="quantized_relu(5,2)")(edges)
    grouped = L.Reshape((n, n - 1, m), name="grouped")(hidden)
    summed, greatest = SumOver(1, name="summed")(grouped), MaxOver(1, name="greatest")(grouped)
    nodes = L.Concatenate(name="nodes")([summed, greatest, x])
    return keras.Model(x, qdense(2, "classes")(SumOver(0, name="set")(qdense(3, "node_network")(nodes))))


def test_an_interaction_network() -> None:
    graph = require_equal(interaction_network(), INPUT, n_events=500)
    kinds = [type(op).__name__ for op in graph.ops]
    assert kinds.count("Gather") == 2 and kinds.count("Reduce") == 3


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_files(ending, tmp_path) -> None:
    live = interaction_network()
    live.save(tmp_path / f"n.{ending}")
    graphs = [read_qkeras(live, input_type=INPUT, name="n"), read_qkeras(tmp_path / f"n.{ending}", input_type=INPUT)]
    texts = [[line.split(" from ")[0] for line in str(graph).splitlines()] for graph in graphs]
    assert texts[0] == texts[1]
    require_equal(tmp_path / f"n.{ending}", INPUT, n_events=100)


def nearest_neighbours(n: int = 5, k: int = 2):
    """The k nearest particles of each in two coordinates, a layer on them, the greatest over neighbours."""
    receivers, senders = [i for i in range(n) for _ in range(n)], list(range(n)) * n
    x = keras.Input((n, 3), name="particles")
    place = Take([0, 1], axis=1, name="coordinates")(x)
    difference = L.Subtract(name="apart")([Take(senders, name="to")(place), Take(receivers, name="of")(place)])
    distance = SumOver(1, name="squares")(L.Multiply(name="squared")([difference, difference]))
    nearest = BestIndices(k, largest=False, name="nearest")(L.Reshape((n, n), name="distances")(distance))
    neighbours = TakeBy(name="neighbours")([x, nearest])
    hidden = qdense(4, "edge", activation="quantized_relu(5,3)")(neighbours)
    return keras.Model(x, MaxOver(1, name="greatest")(hidden))


def test_nearest_neighbours_found_in_fixed_point(tmp_path) -> None:
    """Small coordinates: many distances are equal, so the order of equals shows."""
    require_equal(nearest_neighbours(), FixedType(3, 3), n_events=500)
    nearest_neighbours().save(tmp_path / "n.keras")
    require_equal(tmp_path / "n.keras", FixedType(4, 2), n_events=200)


def test_sorted_inputs() -> None:
    """By the first number of each object, the greatest first: how a trigger orders its inputs by pT."""
    x = keras.Input((4, 2), name="objects")
    first = L.Reshape((4,), name="pt")(Take([0], axis=1, name="column")(x))
    require_equal(keras.Model(x, TakeBy(name="sorted")([x, BestIndices(4, name="order")(first)])), INPUT, n_events=500)


def test_every_edge_once() -> None:
    receivers, senders = pairs(3)
    assert list(zip(receivers, senders, strict=True)) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert pairs(1) == ((), ())


def test_an_axis_that_is_not_there() -> None:
    x = keras.Input((4, 3), name="x")
    model = keras.Model(x, SumOver(0, name="sum")(x))
    model.get_layer("sum").axis = 5
    with pytest.raises((InputError, RefusalError), match="axis"):
        read_qkeras(model, input_type=INPUT)
