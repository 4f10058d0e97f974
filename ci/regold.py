"""Rewrite the generated texts that are kept in the repository: run it after a writer changed, and read the diff.

python ci/regold.py          write
python ci/regold.py --check  exit 1 and name the files that differ
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from fasttrig.backends.conifer import emit as emit_forest
from fasttrig.backends.conifer import emit_json, emit_vhdl
from fasttrig.backends.hls4ml import emit
from fasttrig.backends.rtl import emit_rtl, has_alkaid
from fasttrig.ir.graph import Graph
from fasttrig.ir.text import parse_graph
from fasttrig.ir.verify import verify
from fasttrig.report.document import Report
from fasttrig.settings import TargetSettings

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "firmware" / "golden"

HLS4ML_FILES = (
    "build_prj.tcl",
    "project.tcl",
    "Makefile",
    "firmware/tiny.cpp",
    "firmware/tiny.h",
    "firmware/defines.h",
    "firmware/parameters.h",
    "firmware/weights/w2.h",
    "testbench/tb_config.h",
    "testbench/ports.json",
)
"""What is generated; the rest is copied."""

CONIFER_FILES = (
    "project.tcl",
    "firmware/tiny_forest.cpp",
    "firmware/tiny_forest.h",
    "firmware/parameters.h",
    "testbench/tb_config.h",
    "testbench/ports.json",
)
CONIFER_VHDL_FILES = (
    "firmware/Arrays0.vhd",
    "firmware/Arrays2.vhd",
    "firmware/BDTTop.vhd",
    "firmware/Constants.vhd",
    "firmware/Split.vhd",
    "ghdl.sh",
    "synth.tcl",
)

RTL_FILES = (
    "src/tiny.v",
    "src/tiny_core.v",
    "src/tiny_fc1.v",
    "src/tiny_relu1.v",
    "src/tiny_act1.v",
    "src/tiny_fc2.v",
    "tb.v",
    "Makefile",
    "clock.xdc",
    "clock.sdc",
    "design.json",
)
RTL_VHDL_FILES = ("src/tiny.vhd", "src/tiny_core.vhd", "src/tiny_fc1.vhd", "tb.vhd", "Makefile")


def tiny(name: str = "tiny") -> Graph:
    """The graph of ``tiny.ir``, or of another file beside it."""
    graph = parse_graph((GOLDEN / f"{name}.ir").read_text(encoding="utf-8"))
    verify(graph)
    return graph


def hls4ml(target: TargetSettings) -> dict[str, str]:
    files = emit(tiny(), target)
    return {name: files[name] for name in HLS4ML_FILES}


def conifer() -> dict[str, str]:
    files = emit_forest(tiny("tiny_forest"), TargetSettings())
    return {name: files[name] for name in CONIFER_FILES} | {"forest.json": emit_json(tiny("tiny_forest"))}


def conifer_vhdl() -> dict[str, str]:
    files = emit_vhdl(tiny("tiny_forest"), TargetSettings())
    return {name: files[name] for name in CONIFER_VHDL_FILES}


def rtl(language: str, names: tuple[str, ...]) -> dict[str, str]:
    files = emit_rtl(tiny(), TargetSettings(), language)
    return {name: files[name] for name in names}


GOLDENS: dict[str, Callable[[], dict[str, str]]] = {
    "firmware/golden/hls4ml_vitis": lambda: hls4ml(TargetSettings()),
    "firmware/golden/hls4ml_vivado_stream": lambda: hls4ml(TargetSettings(backend="vivado", io_type="io_stream")),
    "firmware/golden/conifer": conifer,
    "firmware/golden/conifer_vhdl": conifer_vhdl,
    "fasttrig/report": lambda: {"schema.json": json.dumps(Report.model_json_schema(), indent=1) + "\n"},
}
"""Folder -> what makes its files."""
if has_alkaid():
    GOLDENS |= {
        "firmware/golden/rtl": lambda: rtl("verilog", RTL_FILES),
        "firmware/golden/rtl_vhdl": lambda: rtl("vhdl", RTL_VHDL_FILES),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    checking = parser.parse_args().check
    changed = []
    for folder, make in GOLDENS.items():
        for name, text in make().items():
            path = ROOT / folder / name
            if path.is_file() and path.read_text(encoding="utf-8") == text:
                continue
            changed.append(f"{folder}/{name}")
            if not checking:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    sys.stdout.write("".join(f"{name}\n" for name in changed) or "nothing changed\n")
    return int(checking and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
