"""The schedule `iterated`: each loop is one body in hardware that runs once per step; the ops around are pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from fasttrig.backends.rtl.bench import bench_files
from fasttrig.backends.rtl.core import Language, core_files
from fasttrig.backends.rtl.facts import DesignFacts, facts_of
from fasttrig.backends.rtl.handover import handover_files
from fasttrig.backends.rtl.loop import Loop, loop_file
from fasttrig.backends.rtl.modules import Hierarchy
from fasttrig.backends.rtl.parts import DesignPart, parts_of
from fasttrig.backends.rtl.pipelining import PORT_REGISTERS, Pipeline, pipelined
from fasttrig.backends.rtl.ports import clock_enable_words, input_elements, output_elements, total_bits, value_elements
from fasttrig.backends.rtl.signals import Signals
from fasttrig.backends.rtl.top import layout, top_file
from fasttrig.backends.rtl.tracing import trace_graph
from fasttrig.base.errors import FasttrigError, UnsupportedError
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

STATE_MULTIPLEXER_NS = 0.5
"""In front of a body's first stage: its states are zeros in the first step."""


def iterated_files(graph: Graph, settings: TargetSettings, language: Language) -> dict[str, str]:
    """The project of a graph with loops, in Verilog; see `emit_rtl`.

    Raises
    ------
    UnsupportedError
        For a project in VHDL, and when the design needs more than ``latency_cycles``.
    """
    if language != "verilog":
        raise UnsupportedError(
            "fasttrig writes the control of a loop in Verilog only",
            where=f"graph '{graph.name}'",
            got=language,
            want="verilog",
            try_='rtl_schedule = "parallel"',
        )
    writer = _Writer(graph, settings)
    facts = writer.facts
    if settings.latency_cycles is not None and facts.latency_cycles > settings.latency_cycles:
        raise UnsupportedError(
            "a design with loops is not that fast",
            where="[target] latency_cycles",
            got=f"{facts.latency_cycles} cycles",
            want=f"at most {settings.latency_cycles}",
            try_='rtl_schedule = "parallel"',
        )
    files = writer.files
    files[f"src/{graph.name}.v"] = _top(graph, writer, facts, settings.clock_enable)
    sources = [path for path in files if not path.endswith(".mem")]
    files |= bench_files(graph, facts, settings, sources, {}, "verilog", shells=writer.shells)
    return files | handover_files(graph, writer.hierarchies, facts, settings, sources, "verilog")


class _Writer:
    """The modules of all parts, and what is known about them."""

    def __init__(self, graph: Graph, settings: TargetSettings) -> None:
        self.graph, self.settings = graph, settings
        self.parts = parts_of(graph)
        self.files: dict[str, str] = {}
        self.hierarchies: list[Hierarchy] = []
        self.loops: list[Loop] = []
        self.shells: list[str] = [f"src/{graph.name}.v"]
        latency_cycles = 0
        for part in self.parts:
            latency_cycles += self._plain(part) if part.scan is None else self._loop(part)
        self.facts = facts_of(
            [hierarchy.pipeline for hierarchy in self.hierarchies],
            latency_cycles,
            ii_cycles=max(loop.ii_cycles for loop in self.loops),
            register_bits=sum(loop.register_bits for loop in self.loops),
            has_loops=True,
        )

    def _plain(self, part: DesignPart) -> int:
        graph, enable = part.graph(self.graph.inputs), self.settings.clock_enable
        pipeline = self._core(graph)
        self._add_shell(part.name, top_file(graph, pipeline, "verilog", clock_enable=enable))
        return pipeline.latency_cycles

    def _loop(self, part: DesignPart) -> int:
        assert part.scan is not None
        body = replace(part.scan.body, name=f"{part.name}_step")
        loop = Loop(part, part.scan, body, self._core(body, is_body=True))
        self.loops.append(loop)
        self._add_shell(part.name, loop_file(loop, clock_enable=self.settings.clock_enable))
        return loop.latency_cycles

    def _core(self, graph: Graph, *, is_body: bool = False) -> Pipeline:
        """The core of a part: a pipeline; that of a body begins at the registers of the loop."""
        settings, traced = self.settings, trace_graph(graph)
        pipeline = pipelined(
            traced.program,
            settings.clock_period_ns,
            settings.clock_uncertainty_percent,
            max_stage_ns=settings.max_stage_ns,
            port_registers=0 if is_body else PORT_REGISTERS,
            taken_ns=STATE_MULTIPLEXER_NS if is_body else 0.0,
        )
        hierarchy = Hierarchy(Signals(graph, pipeline, traced.restricted(pipeline.program, pipeline.steps)))
        self.hierarchies.append(hierarchy)
        self._add(core_files(hierarchy, "verilog", clock_enable=settings.clock_enable))
        self.shells.append(f"src/{graph.name}_core.v")
        return pipeline

    def _add_shell(self, name: str, text: str) -> None:
        """A module that connects others."""
        self._add({f"src/{name}.v": text})
        self.shells.append(f"src/{name}.v")

    def _add(self, files: dict[str, str]) -> None:
        twice = files.keys() & self.files.keys()
        if twice:
            raise FasttrigError("two modules of a design share a name", got=", ".join(sorted(twice)))
        self.files |= files


def _top(graph: Graph, writer: _Writer, facts: DesignFacts, clock_enable: bool) -> str:
    inputs, outputs = input_elements(graph), output_elements(graph)
    words = clock_enable_words("verilog", clock_enable)
    last = len(writer.parts)
    words |= {
        "NAME": graph.name,
        "DESCRIPTION": f"{len(inputs)} numbers in, {len(outputs)} out, {len(writer.loops)} loops",
        "LAYOUT": layout("in_data", inputs, "//") + "\n" + layout("out_data", outputs, "//"),
        "IN_BITS": str(total_bits(inputs)),
        "OUT_BITS": str(total_bits(outputs)),
        "II_CYCLES": str(facts.ii_cycles),
        "WAIT_BITS": str(max(1, (facts.ii_cycles - 1).bit_length())),
        "PARTS": "\n".join(_instances(graph, writer.parts, words["CLOCK_ENABLE_CORE"]))
        + f"\n    assign out_valid = valid{last};",
        "OUTPUTS": ",\n        ".join(list(_outputs(graph, writer.parts[-1], f"data{last}"))[::-1]),
    }
    return fill_file("rtl/iterated_top.v.in", {}, words)


def _instances(graph: Graph, parts: Iterable[DesignPart], clock_enable: str) -> Iterator[str]:
    """DesignPart after part; bus ``dataN`` goes into part N."""
    yield f"    wire [{total_bits(input_elements(graph)) - 1}:0] data0 = in_data;"
    yield "    wire valid0 = taken;"
    for place, part in enumerate(parts):
        label = part.name.removeprefix(f"{graph.name}_")
        yield f"    wire [{total_bits(value_elements(part.made)) - 1}:0] data{place + 1};"
        yield f"    wire valid{place + 1};"
        yield (
            f"    {part.name} {label} (\n        .clk(clk), .rst(rst), {clock_enable}.in_valid(valid{place}), "
            f".in_data(data{place}),\n        .out_valid(valid{place + 1}), .out_data(data{place + 1})\n    );"
        )


def _outputs(graph: Graph, last: DesignPart, bus: str) -> Iterator[str]:
    """The outputs in their order, from the values that the last part makes."""
    lows, low = {}, 0
    for value in last.made:
        lows[value] = low
        low += value.size * value.type.width
    for value in graph.outputs:
        yield f"{bus}[{lows[value] + value.size * value.type.width - 1}:{lows[value]}]"
