"""Compiling, caching and calling from Python."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fasttrig.base.errors import DataError, InputError, ToolError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.compiled.library import CompiledEmulator
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.toolchain import emulator_library
from fasttrig.toolchain.emulator_library import emulate_compiled, load

QUICK = ("-std=c++17", "-O0", "-fPIC", "-shared")


def tiny() -> Graph:
    b = GraphBuilder("tiny")
    x = b.input("x", (2,), FixedType(6, 3), channel_types=(FixedType(6, 3), FixedType(4, 2)))
    u = b.input("u", (2,), FixedType(4, 4, False))
    return b.graph(b.cast("y", b.add("sum", x, u), FixedType(5, 4), Rounding.RND, Overflow.SAT))


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> CompiledEmulator:
    return load(tiny(), cache_dir=tmp_path_factory.mktemp("tiny"), flags=QUICK)


def inputs(x: object = ((4, 8), (-32, -16)), u: object = ((15, 0), (1, 2))) -> dict[str, np.ndarray]:
    return {"x": np.array(x), "u": np.array(u)}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": np.array([[0, 0]])}, "an input is missing"),
        (inputs(x=[[0, 0]]), "the inputs have different numbers of events"),
        (inputs(x=[0, 0]), "wrong input shape"),
        (inputs(x=[[0.0, 0.0], [0.0, 0.0]]), "raw inputs must be integers"),
        (inputs(x=[[32, 0], [0, 0]]), "raw inputs outside the range of their type"),
        (inputs(u=[[-1, 0], [0, 0]]), "raw inputs outside the range of their type"),
        (inputs(x=[[2**40, 0], [0, 0]]), "raw inputs outside the range of their type"),
        (inputs(x=np.array([[2**64 - 1, 0], [0, 0]], dtype=np.uint64)), "raw inputs outside the range of their type"),
        (inputs(x=[[0, 1], [0, 0]]), "off the grid"),
        (inputs(x=[[0, 18], [0, 0]]), "outside the range of their feature type"),
        (np.zeros((1, 2), dtype=int), "the graph has several inputs"),
    ],
)
def test_bad_inputs_are_refused_as_by_the_reference(emulator: CompiledEmulator, given: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        emulator(given)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=message):
        evaluate(tiny(), given)  # type: ignore[arg-type]


def test_a_bad_event_is_found_in_any_place(emulator: CompiledEmulator) -> None:
    for event in (0, 63, 64, 99):
        x = np.zeros((100, 4), dtype=np.int32)
        x[event, 3] = 16
        with pytest.raises(DataError, match="outside the range of their type"):
            emulator.predict_rows(x)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, object])
def test_any_integers_are_taken(emulator: CompiledEmulator, dtype: type) -> None:
    given = {name: array.astype(dtype) for name, array in inputs().items()}
    got, want = emulator(given)["y"], evaluate(tiny(), inputs()).outputs["y"]
    assert np.array_equal(got, want)
    assert got.dtype == np.int64


def test_rows_of_the_wrong_kind_are_refused(emulator: CompiledEmulator) -> None:
    for rows in (np.zeros((3, 3), np.int32), np.zeros((3, 4), np.int16), np.zeros(4, np.int32)):
        with pytest.raises(DataError, match="the compiled emulator cannot read these rows"):
            emulator.predict_rows(rows)


def test_rows_that_are_not_contiguous(emulator: CompiledEmulator) -> None:
    rows = np.arange(16, dtype=np.int32).reshape(4, 4)[:, ::-1] // 4 * 4
    assert np.array_equal(emulator.predict_rows(rows), emulator.predict_rows(rows.copy()))


def test_an_unknown_kernel_is_refused(emulator: CompiledEmulator) -> None:
    with pytest.raises(InputError, match="does not support the kernel"):
        emulator(inputs(), kernel="avx1024")


def test_the_second_time_nothing_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(tiny(), cache_dir=tmp_path, flags=QUICK)
    monkeypatch.setattr(emulator_library, "_compile", None)
    assert load(tiny(), cache_dir=tmp_path, flags=QUICK).path == first.path
    assert [path.name for path in tmp_path.iterdir()] == [first.path.parent.name]


def test_another_graph_or_flag_is_another_library(tmp_path: Path) -> None:
    variants = ((1, QUICK), (2, QUICK), (1, (*QUICK, "-g0")))
    paths = {load(tiny(), cache_dir=tmp_path, version=version, flags=flags).path for version, flags in variants}
    assert len(paths) == 3


def test_many_at_once_get_whole_libraries(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(lambda _: load(tiny(), cache_dir=tmp_path, flags=QUICK), range(4)))
    assert len({emulator.path for emulator in loaded}) == 1
    assert len(list(tmp_path.iterdir())) == 1
    want = evaluate(tiny(), inputs()).outputs["y"]
    assert all(np.array_equal(emulator(inputs())["y"], want) for emulator in loaded)


def test_the_rung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    got = emulate_compiled(tiny(), inputs())
    assert len(list((tmp_path / "fasttrig" / "emulator").iterdir())) == 1
    assert list(got) == ["y"]
    assert np.array_equal(got["y"], evaluate(tiny(), inputs()).outputs["y"])


def test_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ToolError, match="compiler of CXX was not found"):
        load(tiny(), cache_dir=tmp_path)
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(ToolError, match="false failed"):
        load(tiny(), cache_dir=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_broken_library_is_said_to_be(tmp_path: Path) -> None:
    good = load(tiny(), cache_dir=tmp_path / "good", flags=QUICK).path
    bad = tmp_path / "bad" / good.parent.name / good.name
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"not a library")
    with pytest.raises(ToolError, match="cannot be loaded"):
        load(tiny(), cache_dir=tmp_path / "bad", flags=QUICK)
