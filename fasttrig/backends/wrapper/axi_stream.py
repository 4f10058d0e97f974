"""AXI4-Stream: an event a transfer."""

from __future__ import annotations

from collections.abc import Sequence

from fasttrig.backends.rtl.ports import Element, input_elements, output_elements, runs, total_bits
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph


def text(graph: Graph, latency_cycles: int) -> str:
    """The module; tdata is padded to whole bytes."""
    inputs, outputs = input_elements(graph), output_elements(graph)
    in_bits, out_bits = total_bits(inputs), total_bits(outputs)
    s_bits, m_bits = _whole_bytes(in_bits), _whole_bytes(out_bits)
    padded, unused = "results[read_place]", ""
    if m_bits > out_bits:
        padded = f"{{{{{m_bits - out_bits}{{1'b0}}}}, {padded}}}"
    if s_bits > in_bits:
        unused = f"    wire unused = &{{1'b0, s_axis_tdata[{s_bits - 1}:{in_bits}]}};\n"
    words: dict[str, str | int] = {
        "NAME": graph.name,
        "IN_BITS": in_bits,
        "OUT_BITS": out_bits,
        "S_BITS": s_bits,
        "M_BITS": m_bits,
        "LATENCY_CYCLES": latency_cycles,
        "IN_LAYOUT": _layout(inputs),
        "OUT_LAYOUT": _layout(outputs),
        "M_DATA": padded,
        "UNUSED": unused,
    }
    return fill_file("wrapper/axi_stream.v.in", words)


def _whole_bytes(n_bits: int) -> int:
    return -(-n_bits // 8) * 8


def _layout(elements: Sequence[Element]) -> str:
    """A comment line for each run of elements of one tensor and type."""
    return "\n".join(
        f"//     [{high}:{low}]  {first.tensor}: {count} x {first.type}" for low, high, count, first in runs(elements)
    )
