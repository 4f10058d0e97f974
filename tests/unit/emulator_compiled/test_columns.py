"""The compiled emulator on the caller's columns: equal to NumPy's path in every bit, or in the text of its refusal."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fasttrig.base.errors import FasttrigError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.base.link_functions import LINK_FUNCTIONS
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.data.quantise import column_rules
from fasttrig.design import Design
from fasttrig.emulator.compiled.library import CompiledEmulator
from fasttrig.emulator.emulation import Emulation, emulation_of, postprocess
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph, Postprocessor
from fasttrig.toolchain.emulator_library import load
from tests.unit.emulator_compiled.graphs import forests, layer
from tests.unit.emulator_compiled.test_equality import SANITISED

N_FEATURES = 5
TYPES = (FixedType(3, 3), FixedType(6, 3), FixedType(6, 2, False), FixedType(7, 3), FixedType(9, 4))
DTYPES = ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "f2", ">f4", ">i2", "g", "O")
LAYOUTS = ("rows", "by column", "every second", "backwards", "one by one", "packed records", "repeated")


@lru_cache
def dense(with_map: bool) -> Graph:
    """A dense layer on packed numbers, and the input as an output beside it."""
    b = GraphBuilder("dense")
    x = b.input("x", (N_FEATURES,), FixedType(9, 4), channel_types=TYPES if with_map else ())
    y = layer(b, np.random.default_rng(0), "fc", x, 4)
    return b.graph(y, b.relu("r", x), postprocessor=Postprocessor.SOFTMAX)


@lru_cache
def only_dense() -> Graph:
    """An input that dense layers alone read, and one that nobody reads."""
    b = GraphBuilder("only_dense")
    y = layer(b, np.random.default_rng(1), "fc", b.input("x", (2, 3), FixedType(8, 10, False)), 1)
    b.input("u", (2,), FixedType(40, 50))
    return b.graph(b.reshape("flat", y, (2,)), postprocessor=Postprocessor.LOGISTIC)


@lru_cache
def passed_on(size: int) -> Graph:
    b = GraphBuilder("passed_on")
    x = b.input("x", (size,), FixedType(10, 5))
    return b.graph(b.cast("y", x, FixedType(9, 5), Rounding.RND, Overflow.SAT))


def features(rng: np.random.Generator) -> InputMap:
    maps = []
    for number, kind in enumerate(TYPES):
        shift = int(rng.integers(-4, 9))
        step = 2.0 ** (shift - kind.fraction_bits)
        maps.append(FeatureMap(f"f{number}", "", float(rng.integers(-40, 40)) * step, shift, kind))
    return InputMap(tuple(maps), FixedType(9, 4))


def numbers(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, bad: bool) -> np.ndarray:
    """Ties and their neighbours, numbers far outside, the smallest there are; NaN and infinity with `bad`."""
    x = rng.integers(-(2**10), 2**10, shape) * 2.0 ** rng.integers(-7, 3, shape)
    x = np.where(rng.random(shape) < 0.1, np.nextafter(x, rng.choice([-np.inf, np.inf], shape)), x)
    special = [0.0, -0.0, 5e-324, -1e-310, 1e300, -1.7e308, 2.0**53, 2.0**62, -(2.0**63), 1e-45, 0.5, -0.5]
    x = np.where(rng.random(shape) < 0.05, rng.choice(special, shape), x)
    if bad:
        x = np.where(rng.random(shape) < 0.02, rng.choice([np.nan, np.inf, -np.inf], shape), x)
    kind = np.dtype(dtype)
    if kind.kind in "iub":
        small = np.clip(np.nan_to_num(np.rint(x)), -100 if kind.kind == "i" else 0, 100).astype(kind)
        if kind.kind == "b":
            return small
        ends = np.array([np.iinfo(kind).min, np.iinfo(kind).max, np.iinfo(kind).max - 1], kind)
        return np.where(rng.random(shape) < 0.02, rng.choice(ends, shape), small)
    if kind.kind == "O":
        return np.array([int(number) for number in np.clip(np.nan_to_num(x), -300, 300).flat], object).reshape(shape)
    with np.errstate(over="ignore"):
        return np.asarray(x.astype(kind))


def laid_out(array: np.ndarray, layout: str) -> Any:
    if layout == "by column":
        return np.asfortranarray(array)
    if layout == "every second":
        wide = np.zeros((2 * array.shape[0], *array.shape[1:], 3), array.dtype)
        wide[::2, ..., 1] = array
        return wide[::2, ..., 1]
    if layout == "backwards":
        return np.ascontiguousarray(array[::-1])[::-1]
    if layout == "repeated" and len(array):
        return np.broadcast_to(array[:1], array.shape)
    return array


def named(array: np.ndarray, layout: str, names: list[str]) -> Any:
    """Columns by name, in another order."""
    if layout == "packed records":
        kinds = [("odd", "i1"), *((name, array.dtype) for name in names)]
        made = np.zeros(len(array), kinds)
        for number, name in enumerate(names):
            made[name] = array[:, number]
        return made[names]
    return {name: np.ascontiguousarray(array[:, number]) for number, name in reversed(list(enumerate(names)))}


def outcome(design: Design, x: Any, raw: bool, compiled: bool) -> Emulation | str:
    try:
        with np.errstate(all="ignore"):
            return design.emulate(x, raw=raw, compiled=compiled)
    except FasttrigError as error:
        return str(error)


def assert_same(got: Emulation | str, want: Emulation | str) -> None:
    if isinstance(got, str) or isinstance(want, str):
        assert got == want
        return
    assert got.given == want.given
    for name, array in want.raw.items():
        assert got.raw[name].dtype == array.dtype and np.array_equal(got.raw[name], array)
        assert same_bits(got.values[name], want.values[name])
    assert same_bits(got.scores, want.scores)


def same_bits(got: np.ndarray, want: np.ndarray) -> bool:
    return got.shape == want.shape and got.tobytes() == want.tobytes()


@given(
    seed=st.integers(0, 2**32),
    n_events=st.sampled_from([0, 1, 2, 63, 64, 65, 300]),
    dtype=st.sampled_from(DTYPES),
    layout=st.sampled_from(LAYOUTS),
    bad=st.booleans(),
    with_map=st.booleans(),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_values_of_any_kind(seed: int, n_events: int, dtype: str, layout: str, bad: bool, with_map: bool) -> None:
    rng = np.random.default_rng(seed)
    design = Design(dense(with_map), "a test", features(rng) if with_map else None)
    array = laid_out(numbers(rng, (n_events, N_FEATURES), dtype, bad), layout)
    if layout in ("one by one", "packed records"):
        array = named(array, layout, [f"f{n}" if with_map else f"x_{n}" for n in range(N_FEATURES)])
    assert_same(outcome(design, array, False, True), outcome(design, array, False, False))


@given(
    seed=st.integers(0, 2**32),
    dtypes=st.lists(st.sampled_from(DTYPES), min_size=N_FEATURES, max_size=N_FEATURES),
    bad=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_columns_of_different_kinds(seed: int, dtypes: list[str], bad: bool) -> None:
    rng = np.random.default_rng(seed)
    design = Design(dense(True), "a test", features(rng))
    table = {f"f{n}": numbers(rng, (100,), dtype, bad) for n, dtype in enumerate(dtypes)}
    assert_same(outcome(design, table, False, True), outcome(design, table, False, False))


@given(seed=st.integers(0, 2**32), dtype=st.sampled_from(DTYPES), layout=st.sampled_from(LAYOUTS))
@settings(max_examples=40, deadline=None)
def test_several_inputs_of_any_shape(seed: int, dtype: str, layout: str) -> None:
    rng = np.random.default_rng(seed)
    x = {
        "x": laid_out(numbers(rng, (130, 2, 3), dtype, False), layout),
        "u": laid_out(numbers(rng, (130, 2), "f8", False), layout),
    }
    design = Design(only_dense(), "a test")
    assert_same(outcome(design, x, False, True), outcome(design, x, False, False))


@given(
    seed=st.integers(0, 2**32),
    dtype=st.sampled_from(DTYPES),
    layout=st.sampled_from(LAYOUTS),
    good=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_raw_integers(seed: int, dtype: str, layout: str, good: bool) -> None:
    """Inside every type and on its grid, or not."""
    rng = np.random.default_rng(seed)
    graph = dense(True)
    kinds = [(kind, TYPES[-1].fraction_bits - kind.fraction_bits) for kind in TYPES]
    columns = [rng.integers(kind.min_raw, kind.max_raw, 100, endpoint=True) << shift for kind, shift in kinds]
    x = np.stack(columns, axis=1)
    if np.dtype(dtype).kind in "iub":
        info = np.iinfo(np.uint8 if dtype == "?" else dtype)
        x = np.where((x < info.min) | (x > info.max), 0, x)
    if not good:
        x[int(rng.integers(100)), int(rng.integers(N_FEATURES))] += int(rng.choice([1, 8, -300, 1000]))
    x = laid_out(x.astype(dtype), layout)
    assert_same(outcome(Design(graph, "a test"), x, True, True), outcome(Design(graph, "a test"), x, True, False))


@pytest.mark.parametrize("size", [1, 2, 5, 19])
@pytest.mark.parametrize("scale", [Fraction(1), Fraction(1, 4), Fraction(3, 7)])
def test_every_link_has_the_bits_of_numpy(size: int, scale: Fraction) -> None:
    graph = passed_on(size)
    path = load(graph, columns=True).path
    rng = np.random.default_rng(size)
    x = rng.integers(-512, 512, (3000, size))
    raw = evaluate(graph, x).outputs["y"]
    for name in LINK_FUNCTIONS:
        linked = replace(graph, postprocessor=Postprocessor(name), link_scale=scale)
        made = run(CompiledEmulator(linked, path, graph.name), x)
        with np.errstate(all="ignore"):
            want, got = emulation_of(linked, "raw", {"y": raw}).scores, emulation_of(linked, "raw", *made).scores
        assert same_bits(got, want), name
        no_table = name == "softmax" and scale == Fraction(3, 7)
        assert (made[1] is None) == no_table, name


def run(emulator: CompiledEmulator, x: np.ndarray, kernel: str | None = None, threads: int = 1) -> Any:
    graph = emulator.graph
    rules = column_rules(graph, None, {"x": x}, raw=True)
    assert rules is not None
    made = emulator.predict_columns({"x": x}, rules, kernel=kernel, threads=threads)
    assert made is not None
    return made


def test_all_kernels_and_threads_give_the_same_bits() -> None:
    graph = dense(False)
    x = np.random.default_rng(0).integers(-256, 256, (20_001, N_FEATURES))
    emulator = load(graph, columns=True)
    want = evaluate(graph, x).outputs
    for kernel in emulator.kernels:
        stored, scores = run(emulator, x, kernel, threads=3)
        assert all(np.array_equal(stored[name], array) for name, array in want.items())
        first = emulation_of(graph, "raw", want)
        assert same_bits(scores, postprocess(first.values["fc"], graph))


@pytest.mark.parametrize("dtype", DTYPES[:10])
def test_no_undefined_behaviour(dtype: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It would end the process: ties, numbers far outside, NaN, in columns that are not aligned."""
    rng = np.random.default_rng(0)
    design = Design(dense(True), "a test", features(rng))
    emulator = load(design.graph, cache_dir=tmp_path_factory.getbasetemp() / "sanitised", flags=SANITISED, columns=True)
    records = named(numbers(rng, (200, N_FEATURES), dtype, False), "packed records", [f"f{n}" for n in range(5)])
    for bad in (False, True):
        columns = [records[f"f{n}"] for n in range(N_FEATURES)]
        if bad and np.dtype(dtype).kind == "f":
            columns[2] = np.where(rng.random(200) < 0.5, np.nan, columns[2]).astype(dtype)
        for raw in (False, True):
            whole = raw and np.dtype(dtype).kind in "iu"
            rules = column_rules(design.graph, design.inputs, {"x": columns}, raw=whole)
            assert rules is not None
            for kernel in emulator.kernels:
                emulator.predict_columns({"x": columns}, rules, kernel=kernel)


def test_rows_are_as_narrow_as_the_outputs() -> None:
    stored, _ = run(load(passed_on(5), columns=True), np.zeros((1, 5), np.int8))
    assert stored["y"].dtype == np.int16


def test_forests() -> None:
    graph = forests(3)
    design = Design(graph, "a test")
    rng = np.random.default_rng(0)
    x = {op.name: numbers(rng, (1500, *op.result.shape), "f4", False) for op in graph.inputs}
    assert_same(outcome(design, x, False, True), outcome(design, x, False, False))
