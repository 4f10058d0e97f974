"""What a firmware engineer needs next to the RTL: constraints per top, Tcl for Vivado, a README."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fasttrig.backends.constraints import WRAPPER_CLOCKS, constraint_files
from fasttrig.backends.rtl.core import SUFFIX, Language
from fasttrig.backends.rtl.facts import DesignFacts, Stream
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
    graph: Graph,
    hierarchies: Sequence[Hierarchy],
    facts: DesignFacts,
    settings: TargetSettings,
    sources: list[str],
    language: Language,
) -> dict[str, str]:
    """Constraints of the plain top, ``synth.tcl``, ``package_ip.tcl``, ``README.md`` and ``.gitignore``."""
    is_wrapped = language == "verilog" and not settings.clock_enable and not facts.has_in_ready
    kinds = tuple(WRAPPER_CLOCKS) if is_wrapped else ()
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
        "LATENCY_CYCLES": str(facts.latency_cycles),
        "LATENCY_NS": f"{facts.latency_cycles * settings.clock_period_ns:g}",
        "STAGES": str(facts.stages),
        "IN_BITS": str(total_bits(inputs)),
        "OUT_BITS": str(total_bits(outputs)),
        "LAYOUT_ROWS": "\n".join([*_rows("in_data", inputs), *_rows("out_data", outputs)]),
        "MODULE_ROWS": "\n".join(
            f"| `{module.label}` | `{module.name}` | {type(module.op).__name__} | {module.span} | "
            f"{module.op.result.size} x {module.op.result.type} |"
            for hierarchy in hierarchies
            for module in hierarchy.modules
        ),
        "FEATURES": firmware_files.read("rtl/features.md.in").strip(),
        "WRAPPERS": ", or one of the modules in `wrapper/` (AXI4-Stream, EMP)" if kinds else "",
        "CONSTRAINTS": "`clock.xdc`" + ", or `wrapper/<top>.xdc` for a wrapper" * bool(kinds),
        "MEMORY": f"- Block RAM: {facts.bram18} RAMB18 for tables; their entries are in `src/*.mem`.\n"
        if facts.bram18
        else "",
    }
    words |= _interval_words(graph, facts) | _unit_words(facts)
    words |= clock_enable_words(language, settings.clock_enable)
    files = {name: fill_file(f"rtl/{name}.in", {}, words) for name in _FILES}
    files[".gitignore"] = firmware_files.read("rtl/gitignore")
    return files | constraint_files(graph.name, "clk", settings, "clock")


def _interval_words(graph: Graph, facts: DesignFacts) -> dict[str, str]:
    """What the README says about the distance of events, and how the top module is made."""
    core = f"{graph.name}_core"
    if facts.stream is not None:
        return _stream_words(facts, facts.stream)
    if not facts.has_loops:
        made = f"the valid bits and `{core}`, which connects one module for each op of the model"
        return {
            "READY_ROW": "",
            "INTERVAL": "Initiation interval: 1 cycle. There is no back-pressure.",
            "HIERARCHY": made,
            "NAMES_IN": f"`{core}`",
            "INSTANCE": "tb.dut.core.<instance>",
        }
    return {
        "READY_ROW": "| `in_ready` | out | 1 | an event can be taken; `in_valid` does nothing while it is low |\n",
        "INTERVAL": f"Initiation interval: {facts.ii_cycles} cycles. Between events `in_ready` is low. There is no "
        "back-pressure at the output.",
        "HIERARCHY": "the parts of the design one after the other. A plain part is a pipeline (`part0`), a loop is one "
        "body (`<loop>_step_core`) with its control. Each core connects one module for each op",
        "NAMES_IN": "each core",
        "INSTANCE": "tb.dut.<part>.core.<instance>` or `tb.dut.<loop>.body.<instance>",
    }


def _unit_words(facts: DesignFacts) -> dict[str, str]:
    """What passes a port at once, and between what the latency lies."""
    if facts.stream is None:
        return {"UNIT": "an event", "FIRST": "an input", "LAST": "its output"}
    return {"UNIT": "a position", "FIRST": "the first position of an event", "LAST": "its last result"}


def _stream_words(facts: DesignFacts, stream: Stream) -> dict[str, str]:
    positions = f"{stream.in_positions} positions of an event in raster order, {stream.out_positions} out"
    return {
        "READY_ROW": "| `in_ready` | out | 1 | a position is taken at an edge with `in_valid` and `in_ready` |\n"
        "| `out_ready` | in | 1 | a result leaves at an edge with `out_valid` and `out_ready` |\n",
        "INTERVAL": f"Initiation interval: {facts.ii_cycles} cycles. An event is streamed ({positions}): a port holds "
        "one position. The latency holds when neither side waits.",
        "HIERARCHY": "a row of stages, each a line buffer or an accumulator (`front`), the pipeline of one position "
        "(`core`) and a FIFO. Each core connects one module for each op",
        "NAMES_IN": "each core",
        "INSTANCE": "tb.dut.<stage>.core.<instance>",
    }


_FILES = ("README.md", "sources.tcl", "synth.tcl", "package_ip.tcl")


def _rows(port: str, elements: tuple[Element, ...]) -> list[str]:
    return [
        f"| `{port}[{high}:{low}]` | `{first.tensor}`: {count} x {first.type} |"
        for low, high, count, first in runs(elements)
    ]
