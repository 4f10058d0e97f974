"""conifer's VHDL project simulated with GHDL, where that is installed: raw integers equal the emulator's."""

from __future__ import annotations

import numpy as np
import pytest
from conifer_cases import events, full_forest, random_forest, write_files

from fasttrig.backends.conifer import emit_vhdl
from fasttrig.base.errors import DataError, MissingPackageError
from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.settings import TargetSettings
from fasttrig.toolchain import ghdl
from fasttrig.toolchain.ghdl import has_ghdl, vhdlsim

needs_ghdl = pytest.mark.skipif(not has_ghdl(), reason="GHDL is not installed (Debian's package ghdl)")

GRAPHS = {
    "three classes": full_forest(rounds=5, classes=3, depth=4),
    "two outputs": full_forest(rounds=3, classes=2, depth=2, n_features=3),
    "one tree, unsigned features": full_forest(1, 1, 1, 1, FixedType(4, 2, False)),
    "one leaf": full_forest(1, 1, 0, 1),
    **{f"random {seed}": random_forest(seed, plain=True) for seed in range(6)},
}


@needs_ghdl
@pytest.mark.parametrize("case", GRAPHS)
def test_equal(case, tmp_path):
    graph = GRAPHS[case]
    write_files(emit_vhdl(graph, TargetSettings()), tmp_path)
    raw = events(graph, n_random=100)[-400:]
    got = vhdlsim(tmp_path, raw).outputs["margin"]
    assert np.array_equal(got, evaluate(graph, raw).outputs["margin"])


@needs_ghdl
def test_one_wrong_leaf_is_seen(tmp_path):
    graph = GRAPHS["two outputs"]
    files = emit_vhdl(graph, TargetSettings())
    base = int(graph.ops[1].base_margin.raw[0])
    name, constant = "firmware/Arrays0.vhd", "initPredict_int : integer := "
    files[name] = files[name].replace(f"{constant}{base};", f"{constant}{base + 1};")
    write_files(files, tmp_path)
    raw = events(graph)
    difference = vhdlsim(tmp_path, raw).outputs["margin"] - evaluate(graph, raw).outputs["margin"]
    assert np.array_equal(np.unique(difference[:, 0]), [1])
    assert not difference[:, 1].any()


@needs_ghdl
def test_inputs_that_do_not_fit(tmp_path):
    write_files(emit_vhdl(GRAPHS["two outputs"], TargetSettings()), tmp_path)
    with pytest.raises(DataError, match="wrong input shape"):
        vhdlsim(tmp_path, np.zeros((3, 5), dtype=np.int64))


def test_without_ghdl_the_rung_is_missing_not_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(ghdl.shutil, "which", lambda name: None)
    with pytest.raises(MissingPackageError, match="GHDL is not installed"):
        vhdlsim(tmp_path, np.zeros((1, 1), dtype=np.int64))
