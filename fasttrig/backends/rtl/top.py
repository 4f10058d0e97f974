"""The top module around alkaid's core: valid bits, and our layout of elements on its ports."""

from __future__ import annotations

from typing import Any

from alkaid.types import CombLogic

from fasttrig.backends.rtl.core import SUFFIX, Language
from fasttrig.backends.rtl.pipelining import Pipeline
from fasttrig.backends.rtl.ports import Element, clock_enable_words, input_elements, output_elements, runs, total_bits
from fasttrig.backends.rtl.template import fill
from fasttrig.base import firmware_files
from fasttrig.base.errors import FasttrigError
from fasttrig.ir.graph import Graph


def top_file(graph: Graph, pipeline: Pipeline, language: Language, *, clock_enable: bool = False) -> str:
    """The text of the top module of `graph`."""
    inputs, outputs = input_elements(graph), output_elements(graph)
    first, last = pipeline.stages[0], pipeline.stages[-1]
    write = _Verilog if language == "verilog" else _Vhdl
    words = {
        "NAME": graph.name,
        "DESCRIPTION": f"{graph.inputs[0].result.size if len(graph.inputs) == 1 else len(inputs)} numbers in, "
        f"{len(outputs)} out",
        "LAYOUT": _layout("in_data", inputs, write.comment) + "\n" + _layout("out_data", outputs, write.comment),
        "IN_BITS": str(total_bits(inputs)),
        "OUT_BITS": str(total_bits(outputs)),
        "CORE_IN_BITS": str(sum(sum(kif) for kif in _kifs(first.inp_qint))),
        "CORE_OUT_BITS": str(sum(sum(kif) for kif in _kifs(last.out_qint))),
        "LATENCY_CYCLES": str(pipeline.latency_cycles),
        "INPUTS": "\n".join(_inputs(write, inputs, first)),
        "OUTPUTS": "\n".join(_outputs(write, outputs, last)),
    }
    words |= clock_enable_words(language, clock_enable)
    return fill(firmware_files.read(f"rtl/top.{SUFFIX[language]}.in"), words)


def _kifs(intervals: Any) -> list[tuple[int, int, int]]:
    return [tuple(map(int, interval.kif)) for interval in intervals]  # type: ignore[misc]


def _layout(port: str, elements: tuple[Element, ...], comment: str) -> str:
    """One line per run of equal types of a tensor."""
    return "\n".join(
        f"{comment}   {port}[{high}:{low}]  {first.tensor}: {count} x {first.type}"
        for low, high, count, first in runs(elements)
    )


class _Verilog:
    comment = "//"

    @staticmethod
    def bits(vector: str, high: int, low: int) -> str:
        return f"{vector}[{high}:{low}]"

    @staticmethod
    def assign(target: str, parts: list[str]) -> str:
        source = parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"
        return f"    assign {target} = {source};"

    @staticmethod
    def repeated(count: int, vector: str | None, bit: int) -> str:
        """`count` copies of a bit of `vector`, or of 0."""
        return f"{count}'b0" if vector is None else f"{{{count}{{{vector}[{bit}]}}}}"


class _Vhdl:
    comment = "--"

    @staticmethod
    def bits(vector: str, high: int, low: int) -> str:
        return f"{vector}({high} downto {low})"

    @staticmethod
    def assign(target: str, parts: list[str]) -> str:
        return f"    {target} <= {' & '.join(parts)};"

    @staticmethod
    def repeated(count: int, vector: str | None, bit: int) -> str:
        source = "'0'" if vector is None else f"{vector}({bit})"
        return f"({count - 1} downto 0 => {source})"


def _inputs(write: Any, elements: tuple[Element, ...], stage: CombLogic) -> list[str]:
    """The core reads the elements that it uses, neighbours together."""
    runs: list[list[int]] = []  # core's low bit, vector's low bit, width
    low = 0
    for element, (signed, integer_bits, fraction) in zip(elements, _kifs(stage.inp_qint), strict=True):
        width = signed + integer_bits + fraction
        if width == 0:
            continue
        skipped = element.type.fraction_bits - fraction
        if skipped < 0 or skipped + width > element.type.width:
            raise FasttrigError(
                "alkaid reads bits that an input does not have",
                where=f"input '{element.tensor}'",
                got=f"{width} bits from bit {skipped}",
                want=str(element.type),
            )
        place = element.low_bit + skipped
        if runs and runs[-1][0] + runs[-1][2] == low and runs[-1][1] + runs[-1][2] == place:
            runs[-1][2] += width
        else:
            runs.append([low, place, width])
        low += width
    return [
        write.assign(write.bits("core_in", to + width - 1, to), [write.bits("in_data", at + width - 1, at)])
        for to, at, width in runs
    ]


def _outputs(write: Any, elements: tuple[Element, ...], stage: CombLogic) -> list[str]:
    """Each output element: the core's bits, widened to its type by sign and by zeros behind the point."""
    lines = []
    low = 0
    for element, (signed, integer_bits, fraction) in zip(elements, _kifs(stage.out_qint), strict=True):
        width = signed + integer_bits + fraction
        kind = element.type
        below = kind.fraction_bits - fraction if width else 0
        above = kind.width - below - width
        if above < 0 or below < 0:
            raise FasttrigError(
                "an output of alkaid's core does not fit its type",
                where=f"output '{element.tensor}'",
                got=f"{width} bits, {fraction} behind the point",
                want=str(kind),
            )
        parts = [write.repeated(above, "core_out" if signed else None, low + width - 1)] if above else []
        parts += [write.bits("core_out", low + width - 1, low)] if width else []
        parts += [write.repeated(below, None, 0)] if below else []
        lines.append(write.assign(write.bits("out_data", element.low_bit + kind.width - 1, element.low_bit), parts))
        low += width
    return lines
