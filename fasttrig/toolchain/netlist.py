"""Content of a netlist of Xilinx primitives, from Yosys' ``write_json``: cells by type, and its depth."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fasttrig.base.errors import ToolError

Bit: TypeAlias = int | str
"""A net's number, or a constant: "0", "1", "x", "z"."""

_LOGIC = re.compile(r"LUT[1-6]|CARRY[48]|MUXF[789]|XORCY|MUXCY")
"""Cells that count as one level on a path."""

_WIRES = ("INV", "BUF")
"""Cells on a path that cost no level: they vanish into the LUT that follows."""

_INDEXED = ("CARRY4", "CARRY8")


@dataclass(frozen=True, slots=True)
class Netlist:
    """One flat module.

    Attributes
    ----------
    cells : dict of str to int
        How many there are of each primitive; instances of other modules (black boxes) are left out.
    levels : int
        LUTs, multiplexers and carry cells (each of four or eight bits) on the longest path between registers or ports.
    """

    cells: dict[str, int]
    levels: int


def read_netlist(text: str, top: str, black_boxes: frozenset[str] = frozenset()) -> Netlist:
    """Read what Yosys wrote for the module `top`.

    Raises
    ------
    ToolError
        When the text is not such a netlist, a cell was not mapped to a primitive, or logic runs in a circle.
    """
    try:
        cells = json.loads(text)["modules"][top]["cells"]
        kinds = Counter(str(cell["type"]) for cell in cells.values())
        drivers = dict(_drivers(cells))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _fault(top, f"{type(error).__name__}: {error}", "the JSON that Yosys writes") from None
    unmapped = sorted(kind for kind in kinds if kind.startswith("$") and kind != "$scopeinfo")
    if unmapped:
        raise _fault(top, f"cells without a device primitive: {', '.join(unmapped[:5])}", "primitives of the device")
    found = {kind: kinds[kind] for kind in sorted(kinds) if kind != "$scopeinfo" and kind not in black_boxes}
    return Netlist(found, _depth(drivers, top))


@dataclass(frozen=True, slots=True)
class _Driver:
    """The cell that drives a net: the nets that the cell depends on, and the levels that it adds to a path."""

    sources: tuple[Bit, ...]
    levels: int


def _drivers(cells: Mapping[str, Any]) -> Iterator[tuple[Bit, _Driver]]:
    """Every net that combinational logic drives."""
    for cell in cells.values():
        kind = cell["type"]
        levels = 1 if _LOGIC.fullmatch(kind) else 0
        if not levels and kind not in _WIRES:
            continue
        ports, directions = cell["connections"], cell["port_directions"]
        inputs = {port: bits for port, bits in ports.items() if directions[port] == "input"}
        for port, bits in ports.items():
            if directions[port] != "output":
                continue
            for index, bit in enumerate(bits):
                yield bit, _Driver(_sources(kind, inputs, index), levels)


def _sources(kind: str, inputs: Mapping[str, list[Bit]], index: int) -> tuple[Bit, ...]:
    """A carry chain's bit depends on the bits up to its own; any other output on every input."""
    if kind in _INDEXED:
        return tuple(bit for bits in inputs.values() for bit in bits[: index + 1])
    return tuple(bit for bits in inputs.values() for bit in bits)


def _depth(drivers: Mapping[Bit, _Driver], top: str) -> int:
    """Levels of the longest path; each net is entered once, and left when its sources are done."""
    done: dict[Bit, int] = {}
    entered: set[Bit] = set()
    for start in drivers:
        stack = [start]
        while stack:
            net = stack[-1]
            if net in done:
                stack.pop()
                continue
            driver = drivers[net]
            waiting = [bit for bit in driver.sources if bit in drivers and bit not in done]
            if not waiting:
                done[net] = driver.levels + max((done[bit] for bit in driver.sources if bit in drivers), default=0)
                stack.pop()
                continue
            if net in entered:
                raise _fault(top, "combinational loop", "a pipeline")
            entered.add(net)
            stack.extend(waiting)
    return max(done.values(), default=0)


def _fault(top: str, got: str, want: str) -> ToolError:
    return ToolError("cannot read the netlist of Yosys", where=f"module '{top}'", got=got, want=want)
