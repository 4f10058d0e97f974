"""Logic synthesis by Yosys: primitives counted by hand on small logic, both modes, every refusal, the cache."""

import json
import sys
from pathlib import Path

import pytest
from csim_graphs import dense_network
from rtl_cases import write_project

pytest.importorskip("alkaid", reason="the extra rtl is not installed")

from fasttrig.base.errors import InputError, MissingPackageError, ToolError, ToolTimeoutError
from fasttrig.settings import TargetSettings
from fasttrig.toolchain import yosys
from fasttrig.toolchain.synth import synthesise

needs_yosys = pytest.mark.skipif(not yosys.has_yosys(), reason="Yosys' wheel (extra rtl) is not installed")

SOURCE = """
module top(input clk, input [5:0] a, input [7:0] x, input [7:0] y, input signed [17:0] m, input signed [17:0] n,
           input [9:0] address,
           input [7:0] t, input [7:0] u, input [7:0] v, output reg [9:0] three,
           output reg parity, output reg [7:0] sum, output reg signed [35:0] product,
           output reg [15:0] entry);
    reg [15:0] rom [0:1023];
    integer i;
    initial for (i = 0; i < 1024; i = i + 1) rom[i] = i * i * 40503;
    always @(posedge clk) begin
        parity <= ^a;
        sum <= x + y;
        product <= m * n;
        entry <= rom[address];
        three <= t + u + v;
    end
endmodule
"""
"""A LUT6 and a register; two CARRY4 with a LUT2 a bit and 8 registers; a DSP; a block RAM; an addition of three, which
takes Yosys two LUTs a bit, three CARRY4 and 10 registers."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def project(folder: Path, text: str, **changes) -> Path:
    (folder / "rtl" / "src").mkdir(parents=True)
    (folder / "rtl" / "src" / "top.v").write_text(text)
    content = {
        "top": "top",
        "language": "verilog",
        "sources": ["src/top.v"],
        "part": "xcvu13p-flga2577-2-e",
        "alkaid_cost": 10.0,
    } | changes
    (folder / "rtl" / "design.json").write_text(json.dumps(content))
    return folder / "rtl"


@needs_yosys
def test_primitives_are_those_that_the_logic_needs(tmp_path):
    """In a folder whose name would break a command of Yosys; the second time nothing runs."""
    folder = project(tmp_path / "with space and ü", SOURCE)
    found = synthesise(folder)
    assert (found.mode, found.family) == ("flat", "xcup") and found.tool.startswith("Yosys ")
    assert found.lut_by_size["LUT2"] == 8 and found.lut_by_size["LUT6"] >= 1
    assert (found.lut, found.memory_luts, found.carry) == (1 + 8 + 16, 0, 2 + 3)
    assert (found.dsp, found.bram18, found.uram) == (1, 1, 0)
    assert found.ff == 1 + 8 + 36 + 10  # the entry's are in the RAM, the product's not in the DSP
    assert found.levels >= 3 and found.seconds > 0  # LUT2, CARRY4, CARRY4
    again = synthesise(folder)
    assert again.seconds == 0 and again.cells == found.cells
    older = synthesise(folder, family="xc7")
    assert older.seconds > 0 and older.cells["DSP48E1"] == 1 and older.cells["RAMB18E1"] == 1


@needs_yosys
def test_per_module_has_every_register_of_the_design(tmp_path):
    """As many as the pipeline has bits, and one a cycle for valid; but where shift registers are made of them."""
    folder = write_project(dense_network(3, (4, 3)), tmp_path, TargetSettings(clock_period_ns=5.0))
    design = json.loads((folder / "design.json").read_text())
    found, flat = synthesise(folder, mode="per module"), synthesise(folder, mode="flat")
    assert found.mode == "per module" and flat.mode == "flat"
    assert design["register_bits"] + design["latency_cycles"] >= found.ff >= flat.ff > 0
    assert 0.8 * found.lut <= flat.lut <= 1.2 * found.lut and flat.lut > 10
    assert {path.name for path in (folder / "synthesis").iterdir()} == {"net.log", "net_x.log", "net_fc1.log"}


@needs_yosys
def test_a_broken_source_is_quoted_and_nothing_is_kept(tmp_path):
    folder = project(tmp_path, "module top(input a); missing b(a); endmodule")
    with pytest.raises(ToolError, match=r"Yosys failed(.|\n)*missing") as error:
        synthesise(folder)
    assert (folder / "synthesis" / "top.log").is_file() and "top.log" in error.value.where
    assert not list((tmp_path / "cache").rglob("*.json"))


@needs_yosys
def test_a_time_limit_holds(tmp_path):
    folder = project(tmp_path, SOURCE)
    with pytest.raises(ToolTimeoutError, match=r"Yosys exceeded its time limit(.|\n)*0\.2 s were allowed"):
        synthesise(folder, mode="flat", time_limit_s=0.2)


@needs_yosys
def test_a_spoilt_cache_is_made_again(tmp_path):
    folder = project(tmp_path, "module top(input clk, input a, output reg q); always @(posedge clk) q <= a; endmodule")
    found = synthesise(folder)
    (kept,) = (tmp_path / "cache").rglob("*.json")
    for text in ("", "[]", '{"cells": 3, "levels": 1}', '{"cells": {"FDRE": "x"}, "levels": 1}'):
        kept.write_text(text)
        assert yosys._recall(kept) is None
    assert synthesise(folder).cells == found.cells == {"FDRE": 1}


def test_without_yosys_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyosys", None)
    monkeypatch.setattr(yosys, "has_yosys", lambda: False)
    with pytest.raises(MissingPackageError, match="not installed") as error:
        synthesise(project(tmp_path, SOURCE))
    assert "fasttrig[rtl]" in error.value.try_


@pytest.mark.parametrize(
    "changes, options, said",
    [
        ({"language": "vhdl"}, {}, "Yosys reads Verilog only"),
        ({"part": "agfb014"}, {}, "family of this part"),
        ({}, {"family": "xcupp"}, "unknown device family"),
        ({"sources": 3}, {}, "not a fasttrig RTL project"),
        ({"alkaid_cost": None}, {}, "not a fasttrig RTL project"),
    ],
)
def test_what_cannot_be_synthesised_is_refused(tmp_path, changes, options, said):
    with pytest.raises(InputError, match=said):
        synthesise(project(tmp_path, SOURCE, **changes), **options)


def test_a_folder_that_is_no_project_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a fasttrig RTL project"):
        synthesise(tmp_path)
    folder = project(tmp_path, SOURCE, sources=["src/gone.v"])
    if yosys.has_yosys():
        with pytest.raises(ToolError, match="cannot read a source file"):
            synthesise(folder)
