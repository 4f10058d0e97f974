"""Graph files: whole or not at all, checked when read, old versions brought up step by step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType
from fasttrig.ir import serde
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, MatMul, Value
from fasttrig.ir.serde import load, save, upgrade
from tests.strategies import graphs


@pytest.fixture
def graph() -> Graph:
    builder = GraphBuilder("tiny")
    x = builder.input("x", (2,), FixedType(4, 2), origin="Gebäude > µ")
    weight = Const("w", FixedType(3, 1), np.array([[1], [-2]]))
    return builder.graph(builder.matmul("y", x, weight, Const("b", FixedType(2, 0), np.array([1]))))


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_a_saved_graph_loads_as_it_was(tmp_path_factory: pytest.TempPathFactory, graph: Graph) -> None:
    path = tmp_path_factory.mktemp("serde") / "design.ir"
    save(graph, path)
    assert load(path) == graph


def test_saving_replaces_and_leaves_nothing_beside(graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "design.ir"
    path.write_text("old")
    save(graph, path)
    save(graph, str(path))
    assert load(str(path)) == graph
    assert names_in(tmp_path) == ["design.ir"]


def test_a_crash_while_writing_leaves_the_old_file(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "design.ir"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(serde.os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        save(graph, path)
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["design.ir"]


def test_a_malformed_graph_is_not_saved(graph: Graph, tmp_path: Path) -> None:
    nowhere = Graph("g", graph.ops, (Value("z", (1,), FixedType(4, 2)),))
    with pytest.raises(GraphError, match="no op produces this output"):
        save(nowhere, tmp_path / "design.ir")
    assert names_in(tmp_path) == []


def test_a_graph_is_verified_when_loaded(graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "design.ir"
    save(graph, path)
    matmul = graph.op("y")
    assert isinstance(matmul, MatMul)
    path.write_text(path.read_text().replace(str(matmul.result.type), "fixed<2,-2>"))
    with pytest.raises(GraphError, match="too narrow") as caught:
        load(path)
    assert str(path) in caught.value.where
    assert "op 'y'" in caught.value.where


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a fasttrig graph"),
        (b"\x80abc", "the file is not text"),
        (b"PK\x03\x04", "not a fasttrig graph"),
        (b"fasttrig-ir 99\n", "written by a newer fasttrig"),
        (b"fasttrig-ir 0\n", "the graph version is too old"),
        (b"fasttrig-ir 1\ngraph g\n", "the line ends too early"),
    ],
)
def test_files_that_are_no_graph(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "design.ir"
    path.write_bytes(content)
    with pytest.raises(GraphError, match=message) as caught:
        load(path)
    assert str(path) in caught.value.where


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GraphError, match="cannot be read"):
        load(tmp_path / "missing.ir")
    with pytest.raises(GraphError, match="cannot be read"):
        load(tmp_path)
    monkeypatch.setattr(serde, "MAX_BYTES", 10)
    (tmp_path / "big.ir").write_text("fasttrig-ir 1\n")
    with pytest.raises(GraphError, match="too large"):
        load(tmp_path / "big.ir")


def test_windows_line_ends_are_read(graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "design.ir"
    save(graph, path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load(path) == graph


def test_upgrades_run_one_after_the_other() -> None:
    steps = {
        1: lambda text: text.replace("fasttrig-ir 1", "fasttrig-ir 2") + "two ",
        2: lambda text: text.replace("fasttrig-ir 2", "fasttrig-ir 3") + "three",
    }
    assert upgrade("fasttrig-ir 1\n", steps, 3) == "fasttrig-ir 3\ntwo three"
    assert upgrade("fasttrig-ir 2\n", steps, 3) == "fasttrig-ir 3\nthree"
    assert upgrade("fasttrig-ir 3\n", steps, 3) == "fasttrig-ir 3\n"
    with pytest.raises(GraphError, match="an upgrade step gave the wrong version"):
        upgrade("fasttrig-ir 1\n", {1: lambda text: text}, 3)
    with pytest.raises(GraphError, match="the graph version is too old"):
        upgrade("fasttrig-ir 1\n", {2: steps[2]}, 3)
