"""The project around the design: test bench, Makefile, what is known before synthesis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from fasttrig.backends.rtl import DESIGN_FILE
from fasttrig.backends.rtl.core import SUFFIX, Language
from fasttrig.backends.rtl.facts import DesignFacts
from fasttrig.backends.rtl.ports import Element, clock_enable_words, input_elements, output_elements, total_bits
from fasttrig.base import firmware_files
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings


def bench_files(
    graph: Graph,
    facts: DesignFacts,
    settings: TargetSettings,
    sources: list[str],
    stages: dict[str, int],
    language: Language,
    *,
    shells: Sequence[str] | None = None,
) -> dict[str, str]:
    """Everything beside the sources; `sources` in the order in which a tool must read them, `stages` per op.

    `shells` are the sources that connect modules of others; default: those of the top and its core.
    """
    suffix = SUFFIX[language]
    inputs, outputs = input_elements(graph), output_elements(graph)
    words = {
        "NAME": graph.name,
        "SUFFIX": suffix,
        "SOURCES": " \\\n    ".join(sources),
        "HALF_PERIOD_NS": f"{settings.clock_period_ns / 2:.3f}",
        "HALF_PERIOD_PS": str(round(settings.clock_period_ns * 500)),
        "LATENCY_CYCLES": str(facts.latency_cycles),
        "IN_WORDS": str(len(inputs)),
        "OUT_WORDS": str(len(outputs)),
        "IN_BITS": str(total_bits(inputs)),
        "OUT_BITS": str(total_bits(outputs)),
    }
    words |= clock_enable_words(language, settings.clock_enable)
    words |= _packing(inputs, outputs, language) | _ready_words(facts) | _stream_words(facts)
    files = {
        f"tb.{suffix}": "rtl/stream_tb.v.in" if facts.stream else f"rtl/tb.{suffix}.in",
        "Makefile": "rtl/Makefile.in",
    }
    texts = {name: fill_file(template, {}, words) for name, template in files.items()}
    shells = [f"src/{name}.{suffix}" for name in (graph.name, f"{graph.name}_core")] if shells is None else shells
    return texts | {DESIGN_FILE: _description(graph, facts, settings, language, sources, stages, shells)}


def _ready_words(facts: DesignFacts) -> dict[str, str]:
    """What a Verilog bench does about the port ``in_ready``."""
    if not facts.has_loops:
        return dict.fromkeys(("READY_WIRE", "READY_PORT", "WAIT_READY"), "")
    return {
        "READY_WIRE": "    wire in_ready;\n",
        "READY_PORT": ".in_ready(in_ready), ",
        "WAIT_READY": "            while (in_ready !== 1'b1) @(negedge clk);\n",
    }


def _stream_words(facts: DesignFacts) -> dict[str, str]:
    """Positions of an event, for the bench of a streamed design."""
    if facts.stream is None:
        return {}
    return {"IN_POSITIONS": str(facts.stream.in_positions), "OUT_POSITIONS": str(facts.stream.out_positions)}


def _packing(inputs: tuple[Element, ...], outputs: tuple[Element, ...], language: Language) -> dict[str, str]:
    """The lines of the test bench between words of a file and bits of a port, and the recipes that run it."""
    if language == "verilog":
        pack, unpack = (
            "            in_data[{1}:{0}] = in_word[{4}][{3}:{2}];",
            ("            got_word[{2}] = {{{3}'b0, out_data[{1}:{0}]}};"),
        )
    else:
        pack, unpack = (
            "            in_data({1} downto {0}) <= word({4})({3} downto {2});",
            ("        got({2})({4} downto 0) := out_data({1} downto {0});"),
        )
    return {
        "PACK": "\n".join(
            pack.format(e.low_bit, e.low_bit + e.type.width - 1, e.shift, e.shift + e.type.width - 1, i)
            for i, e in enumerate(inputs)
        ),
        "UNPACK": "\n".join(
            unpack.format(e.low_bit, e.low_bit + e.type.width - 1, i, 64 - e.type.width, e.type.width - 1)
            for i, e in enumerate(outputs)
        ),
        "RECIPES": firmware_files.read(f"rtl/{language}.mk.in"),
    }


def _description(
    graph: Graph,
    facts: DesignFacts,
    settings: TargetSettings,
    language: Language,
    sources: list[str],
    stages: dict[str, int],
    shells: Sequence[str],
) -> str:
    content = {
        "top": graph.name,
        "language": language,
        "sources": sources,
        "shells": sorted(shells),
        "latency_cycles": facts.latency_cycles,
        "latency_ns": round(facts.latency_cycles * settings.clock_period_ns, 6),
        "ii_cycles": facts.ii_cycles,
        "clock_enable": settings.clock_enable,
        "in_ready": facts.has_in_ready,
        "stages": facts.stages,
        "op_stages": stages,
        "clock_period_ns": settings.clock_period_ns,
        "part": settings.part,
        "alkaid_cost": round(facts.cost, 3),
        "register_bits": facts.register_bits,
        "bram18": facts.bram18,
        "stage_budget_ns": round(facts.budget_ns, 6),
        "longest_stage_ns": round(facts.longest_stage_ns, 6),
    }
    if facts.stream is not None:
        content["stream"] = asdict(facts.stream)
    return json.dumps(content, indent=1) + "\n"
