"""What a firmware engineer needs next to the RTL: constraints per top, Tcl for Vivado, a README."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fasttrig.backends.constraints import WRAPPER_CLOCKS, constraint_files
from fasttrig.backends.rtl.core import SUFFIX, Language
from fasttrig.backends.rtl.modules import Hierarchy
from fasttrig.backends.rtl.ports import Element, clock_enable_words, input_elements, output_elements, runs, total_bits
from fasttrig.base import firmware_files
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

_LANGUAGE_NAME = {"verilog": "Verilog", "vhdl": "VHDL"}
_READ = {"verilog": "read_verilog", "vhdl": "read_vhdl -vhdl2008"}


def handover_files(
    graph: Graph, hierarchy: Hierarchy, settings: TargetSettings, sources: list[str], language: Language
) -> dict[str, str]:
    """Constraints of the plain top, ``synth.tcl``, ``package_ip.tcl``, ``README.md`` and ``.gitignore``."""
    pipeline = hierarchy.pipeline
    kinds = tuple(WRAPPER_CLOCKS) if language == "verilog" and not settings.clock_enable else ()
    tops = [graph.name, *(f"{graph.name}_{kind}" for kind in kinds)]
    inputs, outputs = input_elements(graph), output_elements(graph)
    words = {
        "NAME": graph.name,
        "PART": settings.part,
        "SUFFIX": SUFFIX[language],
        "LANGUAGE_NAME": _LANGUAGE_NAME[language],
        "READ": _READ[language],
        "TOPS": " ".join(tops),
        "TCL_SOURCES": "\n    ".join(sources),
        "CLOCK_PERIOD_NS": f"{settings.clock_period_ns:g}",
        "LATENCY_CYCLES": str(pipeline.latency_cycles),
        "LATENCY_NS": f"{pipeline.latency_cycles * settings.clock_period_ns:g}",
        "STAGES": str(pipeline.n_stages),
        "IN_BITS": str(total_bits(inputs)),
        "OUT_BITS": str(total_bits(outputs)),
        "LAYOUT_ROWS": "\n".join([*_rows("in_data", inputs), *_rows("out_data", outputs)]),
        "MODULE_ROWS": "\n".join(
            f"| `{module.label}` | `{module.name}` | {type(module.op).__name__} | {module.span} | "
            f"{module.op.result.size} x {module.op.result.type} |"
            for module in hierarchy.modules
        ),
        "FEATURES": firmware_files.read("rtl/features.md.in").strip(),
        "WRAPPERS": ", or one of the modules in `wrapper/` (AXI4-Stream, EMP)" if kinds else "",
        "CONSTRAINTS": "`clock.xdc`" + ", or `wrapper/<top>.xdc` for a wrapper" * bool(kinds),
        "MEMORY": f"- Block RAM: {pipeline.bram18} RAMB18 for tables; their entries are in `src/*.mem`.\n"
        if pipeline.bram18
        else "",
    }
    words |= clock_enable_words(language, settings.clock_enable)
    files = {name: fill_file(f"rtl/{name}.in", {}, words) for name in _FILES}
    files[".gitignore"] = firmware_files.read("rtl/gitignore")
    return files | constraint_files(graph.name, "clk", settings, "clock")


_FILES = ("README.md", "sources.tcl", "synth.tcl", "package_ip.tcl")


def _rows(port: str, elements: tuple[Element, ...]) -> list[str]:
    return [
        f"| `{port}[{high}:{low}]` | `{first.tensor}`: {count} x {first.type} |"
        for low, high, count, first in runs(elements)
    ]
