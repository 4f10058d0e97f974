"""The project of a streamed design, in Verilog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fasttrig.backends.rtl import refuse_giants
from fasttrig.backends.rtl.bench import bench_files
from fasttrig.backends.rtl.core import Language, core_files, on_one_line
from fasttrig.backends.rtl.facts import DesignFacts, Stream, facts_of
from fasttrig.backends.rtl.handover import handover_files
from fasttrig.backends.rtl.modules import Hierarchy
from fasttrig.backends.rtl.pipelining import Pipeline, pipelined
from fasttrig.backends.rtl.ports import input_elements, output_elements, total_bits
from fasttrig.backends.rtl.signals import Signals
from fasttrig.backends.rtl.streamed.schedule import StreamTiming, timing_of
from fasttrig.backends.rtl.streamed.stages import StreamStage, stages_of
from fasttrig.backends.rtl.top import layout
from fasttrig.backends.rtl.tracing import trace_graph
from fasttrig.base.errors import FasttrigError, UnsupportedError
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

SHARED = ("stream_window", "stream_reduce", "stream_fifo")
"""Modules of every streamed design, with parameters."""


def streamed_files(graph: Graph, settings: TargetSettings, language: Language) -> dict[str, str]:
    """The project of `graph` with one position a clock; see `emit_rtl`.

    Raises
    ------
    UnsupportedError
        For settings that a streamed design cannot have, and for a graph that cannot be streamed: with all reasons.
    """
    _check_settings(settings, language)
    stages = stages_of(graph)
    hierarchies = [_hierarchy(stage.body, settings) for stage in stages]
    pipelines = [hierarchy.pipeline for hierarchy in hierarchies]
    timing = timing_of([stage.front for stage in stages], [pipeline.n_stages for pipeline in pipelines])
    stream = _stream(graph, stages, timing)
    facts = _facts(stages, pipelines, timing, stream)
    if settings.latency_cycles is not None and facts.latency_cycles > settings.latency_cycles:
        raise UnsupportedError(
            "a streamed design is not that fast",
            where="[target] latency_cycles",
            got=f"{facts.latency_cycles} cycles",
            want=f"at most {settings.latency_cycles}",
            try_='rtl_schedule = "parallel"',
        )
    shells = _shells(graph, stages, pipelines, timing)
    ports = _ports(graph, stages)
    shells[f"src/{graph.name}.v"] = _top(ports, stages, stream)
    files = dict(shells)
    for hierarchy in hierarchies:
        made = core_files(hierarchy, "verilog")
        twice = files.keys() & made.keys()
        if twice:
            raise FasttrigError("two modules of a design share a name", got=", ".join(sorted(twice)))
        files |= made
    sources = [path for path in files if not path.endswith(".mem")]
    cores = [f"src/{stage.name}_core.v" for stage in stages]
    files |= bench_files(ports, facts, settings, sources, {}, "verilog", shells=[*shells, *cores])
    return files | handover_files(ports, hierarchies, facts, settings, sources, "verilog")


def _check_settings(settings: TargetSettings, language: Language) -> None:
    """A streamed design is Verilog, and waits by ready and valid."""
    for wrong, where, got in (
        (language != "verilog", "[target] rtl_language", language),
        (settings.clock_enable, "[target] clock_enable", "true"),
    ):
        if wrong:
            raise UnsupportedError(
                "a streamed design is written in Verilog, without a clock enable",
                where=where,
                got=got,
                try_='rtl_schedule = "parallel"',
            )


def _hierarchy(body: Graph, settings: TargetSettings) -> Hierarchy:
    """The modules of a body, traced for one position; its inputs come from the front's register."""
    refuse_giants(body)
    traced = trace_graph(body)
    pipeline = pipelined(
        traced.program,
        settings.clock_period_ns,
        settings.clock_uncertainty_percent,
        max_stage_ns=settings.max_stage_ns,
        port_registers=0,
    )
    return Hierarchy(Signals(body, pipeline, traced.restricted(pipeline.program, pipeline.steps)))


def _stream(graph: Graph, stages: Sequence[StreamStage], timing: StreamTiming) -> Stream:
    fifos = {stage.name: depth for stage, depth in zip(stages, timing.depths, strict=True)}
    n_positions = graph.inputs[0].result.size // len(stages[0].front.kinds)
    return Stream(n_positions, int(stages[-1].front.emits.sum()), fifos)


def _facts(
    stages: Sequence[StreamStage], pipelines: Sequence[Pipeline], timing: StreamTiming, stream: Stream
) -> DesignFacts:
    fronts = sum(stage.front.register_bits for stage in stages)
    fifos = sum(_made_bits(stage) * depth for stage, depth in zip(stages, timing.depths, strict=True))
    return facts_of(
        pipelines,
        timing.latency_cycles,
        ii_cycles=timing.ii_cycles,
        register_bits=fronts + fifos,
        stream=stream,
    )


def _made_bits(stage: StreamStage) -> int:
    return total_bits(output_elements(stage.body))


def _shells(
    graph: Graph, stages: Sequence[StreamStage], pipelines: Sequence[Pipeline], timing: StreamTiming
) -> dict[str, str]:
    """The modules written by hand, and those that connect others."""
    files = {f"src/{graph.name}_{name}.v": _shared(graph, name) for name in SHARED}
    for stage, pipeline, depth in zip(stages, pipelines, timing.depths, strict=True):
        files[f"src/{stage.name}.v"] = _stage(graph, stage, pipeline, depth)
    return files


def _shared(graph: Graph, name: str) -> str:
    return fill_file(f"rtl/{name}.v.in", {"NAME": f"{graph.name}_{name}"})


def _stage(graph: Graph, stage: StreamStage, pipeline: Pipeline, depth: int) -> str:
    front = stage.front
    origin = f", from {on_one_line(front.op.origin)}" if front.op.origin else ""
    walk = f"{len(front.takes)} clocks an event, for {front.takes.sum()} positions in and {front.emits.sum()} out."
    words: dict[str, str | int] = {
        "HEADER": f"// {stage.name}: begins at {type(front.op).__name__} '{front.op.name}'{origin}\n// {walk}",
        "NAME": stage.name,
        "IN_BITS": front.width,
        "FRONT_BITS": total_bits(input_elements(stage.body)),
        "OUT_BITS": _made_bits(stage),
        "STAGES": pipeline.n_stages,
        "FRONT": f"{graph.name}_{front.module}",
        "PARAMETERS": ", ".join(f".{name}({value})" for name, value in front.parameters().items()),
        "FIFO": f"{graph.name}_stream_fifo",
        "DEPTH": depth,
    }
    return fill_file("rtl/stream_stage.v.in", words)


def _top(ports: Graph, stages: Sequence[StreamStage], stream: Stream) -> str:
    first, last = input_elements(ports), output_elements(ports)
    words: dict[str, str | int] = {
        "NAME": ports.name,
        "DESCRIPTION": f"streamed in {len(stages)} stages",
        "IN_POSITIONS": stream.in_positions,
        "OUT_POSITIONS": stream.out_positions,
        "LAYOUT": layout("in_data", first, "//") + "\n" + layout("out_data", last, "//"),
        "IN_BITS": total_bits(first),
        "OUT_BITS": total_bits(last),
        "STAGES": "\n".join(_instances(ports, stages)),
    }
    return fill_file("rtl/stream_top.v.in", words)


def _instances(ports: Graph, stages: Sequence[StreamStage]) -> Iterator[str]:
    """Stage after stage; bus ``dataN`` goes into stage N."""
    end = len(stages)
    yield f"    wire [{stages[0].front.width - 1}:0] data0 = in_data;"
    yield "    wire valid0 = in_valid;"
    for place, stage in enumerate(stages):
        label = stage.name.removeprefix(f"{ports.name}_")
        yield f"    wire [{_made_bits(stage) - 1}:0] data{place + 1};"
        yield f"    wire valid{place + 1}, ready{place};"
        yield (
            f"    {stage.name} {label} (\n        .clk(clk), .rst(rst), .in_valid(valid{place}), "
            f".in_data(data{place}), .in_ready(ready{place}),\n"
            f"        .out_valid(valid{place + 1}), .out_data(data{place + 1}), .out_ready(ready{place + 1})\n    );"
        )
    yield f"    wire ready{end} = out_ready;"
    yield "    assign in_ready = ready0;"
    yield f"    assign out_valid = valid{end};"
    yield f"    assign out_data = data{end};"


def _ports(graph: Graph, stages: Sequence[StreamStage]) -> Graph:
    """What passes the ports at once, as a graph: a position of the input, and one of each output."""
    (source,) = graph.inputs
    kinds = stages[0].front.kinds
    value = replace(source.result, shape=(len(kinds),))
    return Graph(graph.name, (replace(source, result=value, channel_types=kinds),), stages[-1].body.outputs)
