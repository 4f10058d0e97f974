"""RTL of a graph: alkaid traces the logic, we cut it into stages and write a module for each op."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fasttrig.base.errors import MissingPackageError, UnsupportedError
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import MatMul, Multiply, Scan
from fasttrig.passes.pipeline import without_loops

if TYPE_CHECKING:
    from fasttrig.backends.rtl.core import Language
    from fasttrig.settings import TargetSettings


DESIGN_FILE = "design.json"

MOST_PRODUCTS = 50_000
"""Products with a weight that is not zero: each is hardware, and text. A design of 15,360 takes 9 s and 2.7 MB."""


def has_alkaid() -> bool:
    """Whether the tracer is installed."""
    return find_spec("alkaid") is not None


def declared_latency_cycles(project_dir: Path) -> int:
    """The latency that ``design.json`` of a written project states."""
    return int(json.loads((project_dir / DESIGN_FILE).read_text(encoding="utf-8"))["latency_cycles"])


def written_language(project_dir: Path) -> str:
    """``verilog`` or ``vhdl``: what the project is written in."""
    return str(json.loads((project_dir / DESIGN_FILE).read_text(encoding="utf-8"))["language"])


def has_clock_enable(project_dir: Path) -> bool:
    """Whether the top module of a written project has the port ``clk_en``."""
    return bool(json.loads((project_dir / DESIGN_FILE).read_text(encoding="utf-8")).get("clock_enable", False))


def declared_ii_cycles(project_dir: Path) -> int:
    """The initiation interval that ``design.json`` of a written project states."""
    return int(json.loads((project_dir / DESIGN_FILE).read_text(encoding="utf-8"))["ii_cycles"])


def has_in_ready(project_dir: Path) -> bool:
    """Whether the top module of a written project has the port ``in_ready``."""
    return bool(json.loads((project_dir / DESIGN_FILE).read_text(encoding="utf-8")).get("in_ready", False))


def written_positions(project_dir: Path) -> tuple[int, int] | None:
    """Positions of an event on the ports of a written streamed project, in and out; None for other projects."""
    path = project_dir / DESIGN_FILE
    stream = json.loads(path.read_text(encoding="utf-8")).get("stream") if path.is_file() else None
    return (int(stream["in_positions"]), int(stream["out_positions"])) if stream else None


def written_op_stages(project_dir: Path) -> dict[str, int]:
    """Op name -> the pipeline stage (from 1) behind which its result stands; empty without a written project."""
    path = project_dir / DESIGN_FILE
    return dict(json.loads(path.read_text(encoding="utf-8"))["op_stages"]) if path.is_file() else {}


def emit_rtl(graph: Graph, settings: TargetSettings, language: Language | None = None) -> dict[str, str]:
    """The RTL project of `graph` as ``{path relative to rtl/: text}``; the same bytes for the same graph.

    `language` goes before that of the settings.

    The top module has the graph's name; its ports are ``clk, rst, in_valid, in_data, out_valid, out_data``, see
    `ports`, ``in_ready`` where a loop is iterated, and ``out_ready`` too where positions are streamed. ``design.json``
    holds latency, initiation interval and alkaid's cost.

    Raises
    ------
    MissingPackageError
        When alkaid is not installed.
    UnsupportedError
        For an op that cannot be made exactly.
    """
    if not has_alkaid():
        raise MissingPackageError(
            "the RTL tracer is not installed", got="no package 'alkaid'", try_="pip install 'fasttrig[rtl]'"
        )
    from fasttrig.backends.rtl.bench import bench_files
    from fasttrig.backends.rtl.core import SUFFIX, core_files
    from fasttrig.backends.rtl.facts import facts_of
    from fasttrig.backends.rtl.handover import handover_files
    from fasttrig.backends.rtl.modules import Hierarchy
    from fasttrig.backends.rtl.pipelining import pipelined
    from fasttrig.backends.rtl.signals import Signals
    from fasttrig.backends.rtl.stages import op_stages
    from fasttrig.backends.rtl.top import top_file
    from fasttrig.backends.rtl.tracing import trace_graph

    language = language or settings.rtl_language
    if settings.rtl_schedule == "streamed":
        from fasttrig.backends.rtl.streamed.emit import streamed_files

        return streamed_files(without_loops(graph), settings, language)
    iterated = iterated_loops(graph, settings)
    graph = without_loops(graph, kept=iterated)
    refuse_giants(graph)
    if iterated:
        from fasttrig.backends.rtl.iterated import iterated_files

        return iterated_files(graph, settings, language)
    traced = trace_graph(graph)
    pipeline = pipelined(
        traced.program,
        settings.clock_period_ns,
        settings.clock_uncertainty_percent,
        max_stage_ns=settings.max_stage_ns,
        latency_cycles=settings.latency_cycles,
    )
    signals = Signals(graph, pipeline, traced.restricted(pipeline.program, pipeline.steps))
    hierarchy = Hierarchy(signals)
    files = core_files(hierarchy, language, clock_enable=settings.clock_enable)
    files[f"src/{graph.name}.{SUFFIX[language]}"] = top_file(
        graph, pipeline, language, clock_enable=settings.clock_enable
    )
    sources = [path for path in files if not path.endswith(".mem")]
    facts = facts_of([pipeline], pipeline.latency_cycles)
    files |= bench_files(graph, facts, settings, sources, op_stages(graph, traced, pipeline), language)
    return files | handover_files(graph, [hierarchy], facts, settings, sources, language)


def iterated_loops(graph: Graph, settings: TargetSettings) -> frozenset[str]:
    """The loops that the RTL holds as one body, by name; the others are laid out step by step.

    Raises
    ------
    UnsupportedError
        If the settings ask for a loop where there is none.
    """
    loops = {op.name for op in graph.ops_of(Scan)}
    own = {name: said.rtl_schedule for name, said in settings.layers.items() if said.rtl_schedule is not None}
    wrong = [
        f"[target.layers.{name}]" for name, schedule in own.items() if name not in loops and schedule == "iterated"
    ]
    if wrong or (settings.rtl_schedule == "iterated" and not loops):
        raise UnsupportedError(
            "only a loop can be iterated: a recurrent layer becomes one",
            where=wrong[0] if wrong else "[target] rtl_schedule",
            got="no loop of this name" if wrong else "a design without a loop",
            want=", ".join(sorted(loops)) or "a recurrent layer",
            try_='rtl_schedule = "parallel"',
        )
    return frozenset(name for name in loops if own.get(name, settings.rtl_schedule) == "iterated")


def refuse_giants(graph: Graph) -> None:
    """Raise UnsupportedError for more products than RTL can hold at once."""
    graphs = (graph, *(scan.body for scan in graph.ops_of(Scan)))
    products = sum(
        op.operand.size // op.weight.shape[0] * int(np.count_nonzero(op.weight.raw))
        for each in graphs
        for op in each.ops_of(MatMul)
    )
    products += sum(op.result.size for each in graphs for op in each.ops_of(Multiply))
    if products > MOST_PRODUCTS:
        raise UnsupportedError(
            "the design is too large for RTL in which every position is hardware of its own",
            where=f"graph '{graph.name}'",
            got=f"{products:,} products",
            want=f"at most {MOST_PRODUCTS:,}",
            try_="fewer positions or filters, sparser weights; the HLS project holds designs of this size",
        )
