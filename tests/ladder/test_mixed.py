"""Graphs of trees and networks together: one HLS project, every rung equal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from csim_graphs import dense_layer, random_inputs
from forest_cases import random_tables

from fasttrig.backends import emit
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.base.staging import write_texts
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Value
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.csim import csim
from fasttrig.toolchain.emulator_library import emulate_compiled

FEATURES = FixedType(9, 4)


def forest(b: GraphBuilder, rng: np.random.Generator, name: str, operand: Value, n_outputs: int) -> Value:
    """Five random trees on `operand`, among them one that is a single leaf."""
    splits = [7, 3, 0, 12, 5]
    raw = random_tables(rng, operand.type, operand.shape[0], splits, coarse=False, shared=False)
    raw["leaf"] = rng.integers(-200, 200, (len(raw.pop("leaf_slots")), 1), endpoint=True)
    raw["tree_output"] = rng.integers(0, n_outputs, len(splits))
    raw["base_margin"] = rng.integers(-50, 50, n_outputs, endpoint=True)
    grids = {"threshold": operand.type.fraction_bits, "leaf": 6, "base_margin": 6}
    tables = {key: Const.covering(f"{name}_{key}", np.asarray(array), grids.get(key, 0)) for key, array in raw.items()}
    return b.forest(name, operand, tables)


def trees_and_network(seed: int) -> Graph:
    """A forest's scores concatenated with the features it read, then a matrix product; the scores are an output too."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("trees_and_network")
    x = b.input("x", (4,), FEATURES)
    scores = b.cast("scores", forest(b, rng, "trees", x, 3), FixedType(8, 4), Rounding.RND_CONV, Overflow.SAT)
    joined = b.concat("joined", (x, scores))
    total = dense_layer(b, rng, "fc", joined, 2)
    return b.graph(b.cast("y", total, FixedType(10, 6), Rounding.RND, Overflow.SAT), scores)


def network_then_trees(seed: int) -> Graph:
    """Trees on what a dense layer found, their exact sum put out."""
    rng = np.random.default_rng(seed)
    b = GraphBuilder("network_then_trees")
    x = b.input("x", (4,), FEATURES)
    hidden = b.relu("hidden", dense_layer(b, rng, "fc", x, 5))
    features = b.cast("features", hidden, FixedType(7, 4, signed=False), Rounding.RND_CONV, Overflow.SAT)
    return b.graph(forest(b, rng, "trees", features, 2))


CASES = [trees_and_network(1), network_then_trees(2)]


@pytest.mark.parametrize("graph", CASES, ids=lambda graph: graph.name)
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_csim_equals_emulate(graph, io_type, tmp_path):
    inputs = random_inputs(np.random.default_rng(3), graph, 2000)
    want = evaluate(graph, inputs).outputs
    write_texts(tmp_path, emit(graph, TargetSettings(io_type=io_type)))
    found = csim(tmp_path, [inputs[op.name] for op in graph.inputs]).outputs
    for name, array in want.items():
        assert np.array_equal(found[name], array), f"the C-simulation of {graph.name} differs in '{name}'"


@pytest.mark.parametrize("graph", CASES, ids=lambda graph: graph.name)
def test_compiled_emulator_equals_emulate(graph):
    inputs = random_inputs(np.random.default_rng(4), graph, 5000)
    found = emulate_compiled(graph, inputs)
    for name, array in evaluate(graph, inputs).outputs.items():
        assert np.array_equal(found[name], array), f"the compiled emulator of {graph.name} differs in '{name}'"


@pytest.mark.parametrize("graph", CASES, ids=lambda graph: graph.name)
def test_rtlsim_equals_emulate(graph, tmp_path):
    pytest.importorskip("alkaid", reason="the extra rtl is not installed")
    from fasttrig.backends.rtl import emit_rtl
    from fasttrig.toolchain.rtlsim import rtlsim

    inputs = random_inputs(np.random.default_rng(5), graph, 1000)
    write_texts(tmp_path, emit_rtl(graph, TargetSettings()))
    found = rtlsim(tmp_path, graph, inputs).outputs
    for name, array in evaluate(graph, inputs).outputs.items():
        assert np.array_equal(found[name], array), f"the RTL of {graph.name} differs in '{name}'"


def test_a_lone_forest_keeps_the_layout_of_conifer():
    graph = trees_and_network(1)
    lone = replace(graph, ops=graph.ops[:2], outputs=(graph.op("trees").result,))
    assert "firmware/parameters.h" in emit(lone, TargetSettings())
    assert "project.tcl" in emit(lone, TargetSettings())
