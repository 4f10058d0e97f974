"""The top module around the core: valid bits, and the layout of elements on its ports in words."""

from __future__ import annotations

from fasttrig.backends.rtl.core import SUFFIX, Language
from fasttrig.backends.rtl.pipelining import Pipeline
from fasttrig.backends.rtl.ports import Element, clock_enable_words, input_elements, output_elements, runs, total_bits
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph


def top_file(graph: Graph, pipeline: Pipeline, language: Language, *, clock_enable: bool = False) -> str:
    """The text of the top module of `graph`."""
    inputs, outputs = input_elements(graph), output_elements(graph)
    comment = "//" if language == "verilog" else "--"
    words = {
        "NAME": graph.name,
        "DESCRIPTION": f"{graph.inputs[0].result.size if len(graph.inputs) == 1 else len(inputs)} numbers in, "
        f"{len(outputs)} out",
        "LAYOUT": layout("in_data", inputs, comment) + "\n" + layout("out_data", outputs, comment),
        "IN_BITS": str(total_bits(inputs)),
        "OUT_BITS": str(total_bits(outputs)),
        "LATENCY_CYCLES": str(pipeline.latency_cycles),
    }
    words |= clock_enable_words(language, clock_enable)
    return fill_file(f"rtl/top.{SUFFIX[language]}.in", {}, words)


def layout(port: str, elements: tuple[Element, ...], comment: str) -> str:
    """One line per run of equal types of a tensor."""
    return "\n".join(
        f"{comment}   {port}[{high}:{low}]  {first.tensor}: {count} x {first.type}"
        for low, high, count, first in runs(elements)
    )
