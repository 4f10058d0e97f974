"""The rung emulate -> csim: raw integers of the compiled HLS C++ equal those of the emulator, with zero tolerance.

Few compiles, many ops: each graph has a branch for every case.
"""

from dataclasses import replace

import numpy as np
import pytest
from csim_graphs import (
    ALL_CASTS,
    all_casts,
    dense_layer,
    dense_network,
    every_op,
    narrow_accumulators,
    random_const,
    random_inputs,
    write_project,
)
from csim_random import random_graph

from fasttrig.base.fixed import FixedType, Overflow, Rounding, cast_raw
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from fasttrig.settings import LayerSettings, TargetSettings
from fasttrig.toolchain.csim import csim

N_EVENTS = 400


def assert_equal(graph, target, folder, inputs=None):
    """Emit, compile, run, compare every output; returns the inputs and the raw outputs."""
    write_project(graph, target, folder)
    inputs = inputs or random_inputs(np.random.default_rng(1), graph, N_EVENTS)
    simulated = csim(folder, [inputs[op.name] for op in graph.inputs])
    emulated = evaluate(graph, inputs)
    assert list(simulated.outputs) == list(emulated.outputs)
    for name, want in emulated.outputs.items():
        wrong = np.argwhere(simulated.outputs[name] != want)
        assert not len(wrong), f"{name}: {len(wrong)} words differ, the first at {wrong[0]}"
    return inputs, simulated.outputs


@pytest.mark.parametrize("seed", [0, 1])
def test_dense_networks(seed, tmp_path):
    rng = np.random.default_rng(seed)
    sizes = tuple(int(n) for n in rng.integers(2, 20, 4))
    _, outputs = assert_equal(dense_network(seed, sizes), TargetSettings(), tmp_path)
    assert len(np.unique(next(iter(outputs.values())))) > 50


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(20, 40))])
def test_random_graphs(seed, tmp_path):
    """Any op after any op, types from one bit up; seed 1 has casts that drop more bits than there are."""
    target = TargetSettings(io_type="io_stream" if seed % 3 == 2 else "io_parallel")
    assert_equal(random_graph(seed), target, tmp_path)


def test_every_op(tmp_path):
    assert_equal(every_op(2), TargetSettings(), tmp_path)


def test_every_op_in_a_stream(tmp_path):
    assert_equal(every_op(3, streamed=True), TargetSettings(io_type="io_stream"), tmp_path)


def test_every_cast_with_vivado(tmp_path):
    _, outputs = assert_equal(all_casts(4), TargetSettings(backend="vivado"), tmp_path)
    assert outputs["all"].shape == (N_EVENTS, 5 * len(ALL_CASTS))


def test_pitfall_10_narrow_accumulators_in_the_firmwares_order(tmp_path):
    """All modes. Casting once at the end, as an emulator that ignores the order does, is mostly wrong."""
    graph = narrow_accumulators(5, ALL_CASTS)
    inputs, outputs = assert_equal(graph, TargetSettings(), tmp_path)
    op = next(op for op in graph.ops if op.name == f"d{ALL_CASTS.index((Rounding.RND, Overflow.SAT))}")
    exact = evaluate(_exact(graph, op.name), inputs).outputs[op.name]
    source = _exact(graph, op.name).op(op.name).result.type
    at_the_end = cast_raw(exact, source, op.accum_type, op.accum_rounding, op.accum_overflow)
    assert (at_the_end == outputs[op.name]).mean() < 0.9


def test_rows_and_streams(tmp_path):
    """(time, feature) tensors through a stream: pointwise layers, narrow sums, reshapes, softmax and argmax per row."""
    rng = np.random.default_rng(6)
    b = GraphBuilder("rows")
    x = b.input("x", (3, 4), FixedType(6, 2))
    y = b.cast("y", dense_layer(b, rng, "fc", x, 5), FixedType(6, 4), Rounding.RND_CONV, Overflow.SAT)
    scaled = b.scale(
        "scaled", y, random_const(rng, "s", (5,), FixedType(5, 2)), random_const(rng, "o", (5,), FixedType(7, 3))
    )
    joined = b.concat("joined", (b.relu("leaky", y, negative_shift=1), b.relu("plain", y)))
    best = b.argmax("best", y)
    flat = b.reshape("flat", joined, (30,))
    tail = dense_layer(b, rng, "tail", flat, 2)
    again = b.relu("again", b.reshape("square", b.reshape("flat2", y, (15,)), (5, 3)), limit_raw=7)
    graph = b.graph(scaled, best, tail, again)
    assert_equal(graph, TargetSettings(io_type="io_stream"), tmp_path)


def test_the_resource_strategy_with_every_reuse_factor(tmp_path):
    """Sums that wrap do not depend on the order, so `resource` is exact for every reuse factor and rounding."""
    modes = tuple((rounding, Overflow.WRAP) for rounding in Rounding)
    graph = narrow_accumulators(7, modes)
    factors = (1, 2, 3, 6, 12, 1, 2)
    layers = {f"d{number}": LayerSettings(reuse_factor=factor) for number, factor in enumerate(factors)}
    assert_equal(graph, TargetSettings(strategy="resource", layers=layers), tmp_path)


def test_pitfalls_05_08_11_12_and_wide_types(tmp_path):
    """Full sums at the ends of the range, 24-bit words, rows times exact weights, powers of two, 60-bit words."""
    b = GraphBuilder("pitfalls")
    x = b.input("x", (16,), FixedType(8, 8))
    big = Const("big", FixedType(8, 1), np.where(np.arange(32).reshape(16, 2) % 3, 127, -128))
    zero = Const("zero", FixedType(1, 1), np.zeros(2, dtype=np.int64))
    total = b.matmul("total", x, big, zero)  # pitfall 5: no sum may wrap
    words = b.input("words", (2,), FixedType(24, 4))
    same = b.relu("same", b.cast("words24", words, FixedType(24, 4), Rounding.TRN, Overflow.WRAP), negative_shift=0)
    rows = b.input("rows", (3, 4), FixedType(6, 1))
    fine = Const("fine", FixedType(9, -2), np.random.default_rng(0).integers(-256, 256, (4, 2)))
    product = b.matmul("product", rows, fine, zero)  # pitfall 11
    powers = Const("powers", FixedType(9, 4), np.array([[1, -2], [4, 8], [-16, 32], [64, -256]] * 4))
    shifted = b.matmul("shifted", x, powers, zero)  # pitfall 12
    wide = b.input("wide", (2,), FixedType(60, 20))
    doubled = b.add("doubled", wide, b.cast("half", wide, FixedType(50, 21), Rounding.RND_CONV, Overflow.SAT))
    bit = b.input("bit", (2,), FixedType(1, 0))
    one_bit = b.relu("one_bit", bit, negative_shift=1)  # the only bit is the sign
    graph = b.graph(total, same, product, shifted, doubled, one_bit)
    inputs = random_inputs(np.random.default_rng(1), graph, N_EVENTS)
    inputs["x"][2], inputs["x"][3] = np.where(big.raw[:, 0] > 0, 127, -128), np.where(big.raw[:, 0] > 0, -128, 127)
    inputs["words"][4:6] = [[1048575, 1048576], [-1, -2]]
    _, outputs = assert_equal(graph, TargetSettings(), tmp_path, inputs)
    assert np.array_equal(outputs["total"], inputs["x"] @ big.raw)
    assert np.array_equal(outputs["shifted"], inputs["x"] @ powers.raw)
    assert np.array_equal(outputs["product"], inputs["rows"] @ fine.raw)
    assert np.array_equal(outputs["same"], inputs["words"])


def _exact(graph, name):
    """`graph` cut to the op `name`, its accumulator exact."""
    op = graph.op(name)
    b = GraphBuilder(graph.name)
    source = graph.inputs[0]
    b.input(source.name, source.result.shape, source.result.type)
    value = b.matmul(name, source.result, op.weight, op.bias)
    return replace(graph, ops=tuple(b.ops), outputs=(value,))


def test_pitfall_11_dense_layers_on_time_and_feature_inputs(tmp_path):
    """hls4ml's converter truncates such weights; given ours, on their grid, every output is equal."""
    rng = np.random.default_rng(11)
    build = GraphBuilder("sequence")
    x = build.input("x", (5, 4), FixedType(8, 3))
    weight, bias = random_const(rng, "w", (4, 6), FixedType(6, 1)), random_const(rng, "b", (6,), FixedType(6, 1))
    hidden = build.cast(
        "relu", build.matmul("fc", x, weight, bias), FixedType(6, 2, False), Rounding.RND_CONV, Overflow.SAT
    )
    graph = build.graph(build.reshape("flat", hidden, (30,)))
    _, outputs = assert_equal(graph, TargetSettings(), tmp_path)
    assert len(np.unique(outputs["flat"])) > 30
