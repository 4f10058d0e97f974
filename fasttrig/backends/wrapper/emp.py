"""EMP style: packets of 64-bit frames on aligned links, as a link map places the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fasttrig.backends.rtl.ports import Element, input_elements, output_elements, total_bits
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph
from fasttrig.links.link_map import (
    FRAME_BITS,
    LinkMap,
    Placement,
    check_link_map,
    links_of,
    packet_frames_of,
)


@dataclass(frozen=True, slots=True)
class Wire:
    """Bits of the core's vector, and where they travel: column of the link, frame, lowest bit in the frame."""

    core_low: int
    width: int
    column: int
    frame: int
    low: int


def text(graph: Graph, link_map: LinkMap, latency_cycles: int, added_cycles: int) -> str:
    """The module.

    Raises
    ------
    InputError
        When the link map is that of another design.
    """
    check_link_map(link_map, graph)
    inputs, outputs = input_elements(graph), output_elements(graph)
    ins, outs = list(_wires(inputs, link_map.inputs)), list(_wires(outputs, link_map.outputs))
    in_links, out_links = links_of(link_map.inputs), links_of(link_map.outputs)
    in_last, out_last = packet_frames_of(link_map.inputs) - 1, packet_frames_of(link_map.outputs) - 1
    count_bits = (max(in_last, out_last) + 1).bit_length()
    stored = sorted({(wire.frame, wire.column) for wire in ins if wire.frame < in_last})
    words: dict[str, str | int] = {
        "NAME": graph.name,
        "LATENCY_CYCLES": latency_cycles,
        "OUTPUT_CYCLES": latency_cycles + added_cycles,
        "PERIOD": link_map.period_frames,
        "TMUX": link_map.tmux,
        "N_IN": len(in_links),
        "N_OUT": len(out_links),
        "IN_LINKS": ", ".join(map(str, in_links)),
        "OUT_LINKS": ", ".join(map(str, out_links)),
        "IN_BITS": total_bits(inputs),
        "OUT_BITS": total_bits(outputs),
        "IN_LAST": in_last,
        "OUT_LAST": out_last,
        "FRAME_BITS": count_bits,
        "WORDS": "\n".join(f"    reg [{FRAME_BITS - 1}:0] {_word(*place)};" for place in stored),
        "STORES": "\n".join(_store(*place, count_bits) for place in stored),
        "GATHERS": "\n".join(_gather(wire, in_last) for wire in ins),
        "SENDS": "\n".join(_sends(outs, count_bits)),
        "UNUSED": "".join(f", {_word(*place)}" for place in stored),
    }
    return fill_file("wrapper/emp.v.in", words)


def _wires(elements: Sequence[Element], placements: Sequence[Placement]) -> Iterator[Wire]:
    """Where the core's elements travel; an element narrower than its word leaves the word's low bits out."""
    columns = {link: column for column, link in enumerate(links_of(placements))}
    places = {
        (placement.field, index): (placement, low) for placement in placements for index, low in placement.elements()
    }
    seen: dict[str, int] = {}
    for element in elements:
        index = seen.get(element.tensor, 0)
        seen[element.tensor] = index + 1
        placement, low = places[element.tensor, index]
        yield Wire(element.low_bit, element.type.width, columns[placement.link], placement.frame, low + element.shift)


def _bits(low: int, width: int) -> str:
    """A part select."""
    return f"[{low + width - 1}:{low}]"


def _word(frame: int, column: int) -> str:
    return f"word_{column}_{frame}"


def _store(frame: int, column: int, count_bits: int) -> str:
    source = f"d_data{_bits(column * FRAME_BITS, FRAME_BITS)}"
    return f"        if (taken && frame == {count_bits}'d{frame}) {_word(frame, column)} <= {source};"


def _gather(wire: Wire, last: int) -> str:
    source = f"d_data{_bits(wire.column * FRAME_BITS + wire.low, wire.width)}"
    if wire.frame < last:
        source = f"{_word(wire.frame, wire.column)}{_bits(wire.low, wire.width)}"
    return f"        in_data{_bits(wire.core_low, wire.width)} <= {source};"


def _sends(wires: Sequence[Wire], count_bits: int) -> Iterator[str]:
    for frame in sorted({wire.frame for wire in wires}):
        yield f"        if (sending && sent == {count_bits}'d{frame}) begin"
        for wire in wires:
            if wire.frame == frame:
                target = _bits(wire.column * FRAME_BITS + wire.low, wire.width)
                yield f"            q_data{target} <= result{_bits(wire.core_low, wire.width)};"
        yield "        end"
