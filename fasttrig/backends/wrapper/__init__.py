"""IO wrappers in Verilog around an RTL core: AXI4-Stream, and the payload of an EMP-style board.

EMP's own payload is VHDL, with records per link. Ours is Verilog with flat vectors: any simulator runs it, tools mix
the two languages, and the record's fields have the vectors' names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from fasttrig.base.errors import InputError
from fasttrig.ir.graph import Graph

if TYPE_CHECKING:
    from fasttrig.links import LinkMap
    from fasttrig.settings import TargetSettings

__all__ = ["KINDS", "WrapperKind", "added_cycles", "emit_wrapper"]

WrapperKind: TypeAlias = Literal["axi_stream", "emp"]
KINDS: tuple[WrapperKind, ...] = get_args(WrapperKind)

_ADDED_CYCLES = {"axi_stream": 2, "emp": 3}


def added_cycles(kind: WrapperKind) -> int:
    """Clocks that a wrapper adds to the core's latency.

    For "axi_stream" from the clock that takes an event to the first that can give its result; for "emp" from the last
    input frame in use to the first output frame.
    """
    return _ADDED_CYCLES[kind]


def emit_wrapper(
    kind: WrapperKind,
    graph: Graph,
    link_map: LinkMap | None,
    latency_cycles: int,
    settings: TargetSettings | None = None,
) -> dict[str, str]:
    """The wrapper and its constraints as ``{relative path: text}``; its module is ``<graph name>_<kind>``.

    Parameters
    ----------
    kind : "axi_stream" or "emp"
    graph : Graph
        Of the core: module ``<graph name>`` with ports ``clk, rst, in_valid, in_data, out_valid, out_data``, elements
        packed as `fasttrig.backends.rtl.ports` says, initiation interval 1.
    link_map : LinkMap, optional
        Needed by "emp"; "axi_stream" has an event a transfer and no links.
    latency_cycles : int
        Of the core, at least 1.
    settings : TargetSettings, optional
        Part and clock of the constraints; without them only the module is written.

    Raises
    ------
    InputError
        For an unknown kind, a missing link map, or one of another design.
    """
    from fasttrig.backends.constraints import WRAPPER_CLOCKS, constraint_files
    from fasttrig.backends.wrapper import axi_stream, emp

    if latency_cycles < 1:
        raise InputError(
            "the wrapper needs a core with at least one register", got=f"latency {latency_cycles}", want="at least 1"
        )
    if kind == "axi_stream":
        text = axi_stream.text(graph, latency_cycles)
    elif kind == "emp" and link_map is not None:
        text = emp.text(graph, link_map, latency_cycles, added_cycles(kind))
    elif kind == "emp":
        raise InputError(
            "the link map of this wrapper is missing",
            got="none",
            want="a LinkMap",
            try_="fasttrig.links.default_link_map(graph) returns a link map",
        )
    else:
        raise InputError("unknown wrapper", got=repr(kind), want=", ".join(KINDS))
    top = f"{graph.name}_{kind}"
    if settings is None:
        return {f"wrapper/{top}.v": text}
    return {f"wrapper/{top}.v": text} | constraint_files(top, WRAPPER_CLOCKS[kind], settings, f"wrapper/{top}")
