"""What is handed over with the firmware: constraints per top, scripts of Vivado, headers of the inputs, READMEs."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fasttrig.backends.conifer import emit as emit_forest
from fasttrig.backends.conifer import emit_vhdl
from fasttrig.backends.hls4ml import emit as emit_network
from fasttrig.backends.wrapper import emit_wrapper
from fasttrig.base.fixed import FixedType
from fasttrig.build.input_map import input_map_header
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.ir.text import parse_graph
from fasttrig.links import default_link_map
from fasttrig.settings import TargetSettings

GOLDEN = Path("firmware/golden")
TARGET = TargetSettings(clock_period_ns=4.0)
INPUTS = InputMap(
    (
        FeatureMap("pt", "GeV", 12.5, 3, FixedType(8, 3)),
        FeatureMap('c1 "b"', "", -0.25, -2, FixedType(6, 1, signed=False)),
    ),
    FixedType(8, 3),
)


def graph(name="tiny"):
    return parse_graph((GOLDEN / f"{name}.ir").read_text(encoding="utf-8"))


def write(files, folder):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("kind", ["axi_stream", "emp"])
def test_each_wrapper_has_constraints_that_name_its_own_clock_port(kind):
    files = emit_wrapper(kind, graph(), default_link_map(graph()), 3, TARGET)
    xdc = files[f"wrapper/tiny_{kind}.xdc"]
    (port,) = re.findall(r"create_clock .*-period 4 \[get_ports (\w+)\]", xdc)
    assert f"input wire {port}," in files[f"wrapper/tiny_{kind}.v"]


@pytest.mark.parametrize(
    "emit, name, script, clock",
    [
        (emit_network, "tiny", "vivado_synth.tcl", "ap_clk"),
        (emit_forest, "tiny_forest", "vivado_synth.tcl", "ap_clk"),
        (emit_vhdl, "tiny_forest", "synth.tcl", "clk"),
    ],
)
def test_synthesis_scripts_set_the_targets_clock_and_report_timing(emit, name, script, clock):
    files = emit(graph(name), TARGET)
    assert "clock.xdc" in files[script] and "report_timing_summary" in files[script]
    assert f"-period 4 [get_ports {clock}]" in files["clock.xdc"]


@pytest.mark.parametrize("emit, name", [(emit_network, "tiny"), (emit_forest, "tiny_forest")])
def test_the_hls_readme_names_ports_and_types(emit, name):
    text = emit(graph(name), TARGET)["README.md"]
    assert not re.search(r"@[A-Z_]+@", text)
    for value in (*(op.result for op in graph(name).inputs), *graph(name).outputs):
        assert f"| `{value.name}` | {value.size} x {value.type} |" in text


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="tclsh is not installed")
@pytest.mark.parametrize("script", ["synth.tcl", "package_ip.tcl"])
@pytest.mark.parametrize("top", ["tiny", "tiny_axi_stream", "tiny_emp", "tiny_apx"])
def test_vivados_scripts_give_files_that_exist(script, top, tmp_path):
    """Run by Tcl itself with Vivado's commands recorded: every file named exists, a wrong top is refused."""
    pytest.importorskip("alkaid", reason="the extra rtl is not installed")
    from fasttrig.backends.rtl import emit_rtl

    files = emit_rtl(graph(), TARGET)
    for kind in ("axi_stream", "emp"):
        files |= emit_wrapper(kind, graph(), default_link_map(graph()), 3, TARGET)
    write(files, tmp_path)
    recorder = tmp_path / "recorder.tcl"
    recorder.write_text(
        "proc unknown {args} { puts $args; return x }\nnamespace eval ipx {namespace path ::}\n"
        f"set argv [list {top}]\nsource {script}\n"
    )
    done = subprocess.run(["tclsh", "recorder.tcl"], cwd=tmp_path, capture_output=True, text=True, check=False)
    if top == "tiny_apx":
        assert done.returncode != 0 and "unknown top module 'tiny_apx'" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    named = re.findall(rf"{re.escape(str(tmp_path))}/[\w./]+\.(?:v|xdc)\b", done.stdout)
    assert any(name.endswith(f"/{top}.v") for name in named) and all(Path(name).is_file() for name in named)
    assert {Path(name).name for name in named if name.endswith("xdc")} == {
        "clock.xdc" if top == "tiny" else f"{top}.xdc"
    }


def test_headers_of_the_input_map_compile_and_hold_offsets_and_shifts(tmp_path):
    """The C++ header gives the same raw integers as `InputMap.to_raw`; offsets are exact in steps of the feature."""
    (tmp_path / "input_map.h").write_text(input_map_header("jet", INPUTS, "h"))
    (tmp_path / "main.cpp").write_text(
        '#include <cstdio>\n#include "input_map.h"\n#include "input_map.h"\nint main() { for (auto &f : '
        'jet_input_map::features) std::printf("%s|%s|%lld|%d|%d|%d\\n", f.name, f.unit, f.offset_raw, f.shift, '
        "f.width, f.fraction_bits); }\n"
    )
    subprocess.run(["g++", "-std=c++11", "-Wall", "-Werror", "main.cpp", "-o", "main"], cwd=tmp_path, check=True)
    said = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == ["pt|GeV|50|3|8|5", 'c1 "b"||-32|-2|6|5']
    pt = INPUTS.features[0]
    steps = np.arange(-20, 120)
    raw = INPUTS.to_raw(np.stack([steps * pt.step, np.zeros(len(steps))], axis=1))[:, 0]
    assert np.array_equal(raw, np.clip(steps - 50, pt.type.min_raw, pt.type.max_raw))
    verilog = input_map_header("jet", INPUTS, "vh")
    assert "// 0: pt [GeV], fixed<8,3>, offset 12.5, shift 3" in verilog
    assert "FEATURE0_OFFSET_RAW = 64'sd50;" in verilog and "FEATURE1_OFFSET_RAW = -64'sd32;" in verilog


@pytest.mark.skipif(shutil.which("iverilog") is None or shutil.which("ghdl") is None, reason="no iverilog or no GHDL")
def test_the_hdl_headers_are_read_by_simulators(tmp_path):
    (tmp_path / "input_map.vh").write_text(input_map_header("jet", INPUTS, "vh"))
    (tmp_path / "m.v").write_text(
        'module m;\n`include "input_map.vh"\ninitial $display("%0d", FEATURE1_OFFSET_RAW);\nendmodule\n'
    )
    subprocess.run(["iverilog", "-g2012", "-o", "m.vvp", "m.v"], cwd=tmp_path, check=True)
    assert subprocess.run(["vvp", "m.vvp"], cwd=tmp_path, capture_output=True, text=True).stdout.strip() == "-32"
    (tmp_path / "input_map.vhd").write_text(input_map_header("jet", INPUTS, "vhd"))
    subprocess.run(["ghdl", "-a", "--std=08", "input_map.vhd"], cwd=tmp_path, check=True)
