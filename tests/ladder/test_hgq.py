"""Networks of HGQ2 on the rungs below the emulator; tests/project/test_hgq.py builds one as a project."""

from __future__ import annotations

import numpy as np
import pytest
from csim_graphs import write_project
from rtl_cases import write_project as write_rtl

import fasttrig
from fasttrig.base.fixed import from_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.csim import csim
from fasttrig.toolchain.emulator_library import load
from fasttrig.toolchain.rtlsim import has_verilator, rtlsim
from tests.unit.frontends.test_hgq import DATA, GRID, files


@pytest.mark.nightly  # by day tests/project/test_hgq.py builds one of them
@pytest.mark.parametrize("path", files(DATA), ids=lambda path: path.name)
def test_every_rung(path, tmp_path):
    graph = fasttrig.read(path, input_type=GRID).graph
    inputs = {graph.inputs[0].name: from_value(np.load(path.with_name(f"{path.name}.npz"))["x"], GRID)}
    ((name, want),) = evaluate(graph, inputs).outputs.items()
    assert np.array_equal(load(graph, cache_dir=tmp_path)(inputs)[name], want)
    write_project(graph, TargetSettings(), tmp_path / "hls")
    assert np.array_equal(csim(tmp_path / "hls", list(inputs.values())).outputs[name], want)
    if has_verilator():
        assert np.array_equal(rtlsim(write_rtl(graph, tmp_path), graph, inputs).outputs[name], want)
