"""The compiled emulator against the NumPy emulator: every kernel of this machine, every bit, no undefined behaviour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import IntArray
from fasttrig.emulator.compiled.library import CompiledEmulator
from fasttrig.emulator.compiled.program import BLOCK_EVENTS as BLOCK
from fasttrig.emulator.compiled.program import PLANE_EVENTS
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph
from fasttrig.toolchain.emulator_library import load
from tests.strategies import graphs, random_raw
from tests.unit.emulator_compiled import graphs as made

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wpedantic", "-Wno-overlength-strings", "-Werror")
SANITISED = ("-std=c++17", "-O0", "-fPIC", "-shared", "-fsanitize=undefined", "-fno-sanitize-recover=all", *WARNINGS)
FAST = ("-std=c++17", "-O2", "-fPIC", "-shared", *WARNINGS)

# Each is one compile; undefined behaviour ends the process, so it cannot be overlooked.
SANITISED_GRAPHS: dict[str, Callable[[], Graph]] = {
    "dense_shapes": lambda: made.dense_shapes(1),
    "epilogues": lambda: made.epilogues(2),
    "extremes": made.extremes,
    "other_ops": lambda: made.other_ops(3),
    "narrow_accumulators": lambda: made.narrow_accumulators(4),
    "neighbourhoods": lambda: made.neighbourhoods(5),
}


def assert_every_kernel_agrees(emulator: CompiledEmulator, graph: Graph, inputs: dict[str, IntArray]) -> None:
    want = evaluate(graph, inputs).outputs
    assert {"gnu", "portable"} <= set(emulator.kernels)
    for kernel in emulator.kernels:
        got = emulator(inputs, kernel=kernel)
        assert list(got) == list(want)
        for name, expected in want.items():
            assert got[name].dtype == expected.dtype
            assert np.array_equal(got[name], expected), f"{name} by {kernel}"


@pytest.mark.parametrize("name", SANITISED_GRAPHS)
def test_all_ops_and_kernels(name: str, tmp_path: Path) -> None:
    graph = SANITISED_GRAPHS[name]()
    emulator = load(graph, cache_dir=tmp_path, flags=SANITISED)
    assert_every_kernel_agrees(emulator, graph, made.events(graph, 2 * BLOCK + 3))


@pytest.fixture(scope="module")
def jet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Graph, CompiledEmulator]:
    graph = made.jet_network()
    return graph, load(graph, cache_dir=tmp_path_factory.mktemp("jet"), flags=FAST)


@pytest.mark.parametrize("n_events", [0, 1, 2, 63, 64, 65, 127, 128, 1000])
def test_any_number_of_events(jet: tuple[Graph, CompiledEmulator], n_events: int) -> None:
    graph, emulator = jet
    assert_every_kernel_agrees(emulator, graph, made.events(graph, n_events, seed=n_events))


def test_both_widths_of_the_interface(jet: tuple[Graph, CompiledEmulator]) -> None:
    graph, emulator = jet
    rows = made.events(graph, 200)["x"]
    want = evaluate(graph, rows).outputs["fc4"]
    for dtype in (np.int32, np.int64):
        got = emulator.predict_rows(rows.astype(dtype))
        assert got.dtype == dtype
        assert np.array_equal(got, want)


def test_threads_give_the_same(jet: tuple[Graph, CompiledEmulator]) -> None:
    graph, emulator = jet
    inputs = made.events(graph, 20_001)
    assert np.array_equal(emulator(inputs, threads=3)["fc4"], evaluate(graph, inputs).outputs["fc4"])


def test_sparse_layers(tmp_path: Path) -> None:
    graph = made.jet_network((16, 30, 17, 3), "sparse", zeros=0.85)
    emulator = load(graph, cache_dir=tmp_path, flags=SANITISED)
    assert "sparse = true" in (emulator.path.parent / "sparse.cpp").read_text()
    assert_every_kernel_agrees(emulator, graph, made.events(graph, BLOCK + 1))


def test_forests(tmp_path: Path) -> None:
    """Trees from one leaf to hundreds, several outputs, sums close to the ends of their type."""
    graph = made.forests(5)
    emulator = load(graph, cache_dir=tmp_path, flags=SANITISED)
    assert_every_kernel_agrees(emulator, graph, made.events(graph, 2 * PLANE_EVENTS + 77))


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_random_graphs(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    check_random_graph(data, tmp_path_factory.mktemp("random"))


@pytest.mark.nightly
@settings(
    max_examples=300,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_many_random_graphs(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    check_random_graph(data, tmp_path_factory.mktemp("random"))


def check_random_graph(data: st.DataObject, tmp_path: Path) -> None:
    graph = data.draw(graphs())
    rng = np.random.default_rng(data.draw(st.integers(0, 2**20)))
    inputs = {op.name: random_raw(op, BLOCK + 1, rng) for op in graph.inputs}
    try:
        emulator = load(graph, cache_dir=tmp_path, flags=SANITISED)
    except UnsupportedError as error:
        assert "too wide" in error.what
        return
    assert_every_kernel_agrees(emulator, graph, inputs)
