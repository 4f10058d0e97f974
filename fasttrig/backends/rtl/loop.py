"""The module of a loop in Verilog: the body once, its states in the body's last registers, and the control around it.

An event takes `n_steps` times the stages of the body. The next one may enter as soon as the last step has begun its
last stage; then the result stands for one clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fasttrig.backends.rtl.core import on_one_line
from fasttrig.backends.rtl.parts import DesignPart
from fasttrig.backends.rtl.pipelining import Pipeline
from fasttrig.backends.rtl.ports import (
    Element,
    clock_enable_words,
    input_elements,
    output_elements,
    total_bits,
    value_elements,
)
from fasttrig.backends.rtl.verilog import from_bus
from fasttrig.base.templates import fill_file
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Scan, Value

LOADING_CYCLES = 1
"""From the edge that takes an event to the first stage of its first step."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop in hardware: its part of the graph, its body as the core takes it, and the body's pipeline."""

    part: DesignPart
    scan: Scan
    body: Graph
    pipeline: Pipeline

    @property
    def ii_cycles(self) -> int:
        return self.scan.n_steps * self.pipeline.n_stages

    @property
    def latency_cycles(self) -> int:
        return LOADING_CYCLES + self.ii_cycles

    @property
    def carried(self) -> tuple[Value, ...]:
        """Values that a later part needs, and that stand still while the loop runs."""
        return tuple(value for value in self.part.made if value in self.part.given)

    @property
    def register_bits(self) -> int:
        """Of the entries, of earlier results and of carried values."""
        entries = total_bits(value_elements(self.scan.entries)) * self.scan.n_steps
        rows = (self.scan.n_steps - 1) * _width(self.scan.step_output) if self.scan.stacked else 0
        return entries + rows + 2 * total_bits(value_elements(self.carried))


def loop_file(loop: Loop, *, clock_enable: bool) -> str:
    """The text of the module; the graph's core ``<body name>_core`` is in a file of its own."""
    scan, words = loop.scan, clock_enable_words("verilog", clock_enable)
    entry_bits, n_steps = total_bits(value_elements(scan.entries)), scan.n_steps
    body_in, body_out = input_elements(loop.body), output_elements(loop.body)
    words |= {
        "NAME": loop.part.name,
        "BODY": loop.body.name,
        "HEADER": "\n".join(f"// {line}" for line in _header(loop)),
        "IN_BITS": str(total_bits(loop.part.given_elements)),
        "OUT_BITS": str(total_bits(value_elements(loop.part.made))),
        "BODY_IN_BITS": str(total_bits(body_in)),
        "BODY_OUT_BITS": str(total_bits(body_out)),
        "ENTRY_BITS": str(entry_bits),
        "STEPS": str(n_steps),
        "STEP_BITS": str(max(1, (n_steps - 1).bit_length())),
        "STEP_CYCLES": str(loop.pipeline.n_stages),
        "CYCLE_BITS": str(max(1, (loop.pipeline.n_stages - 1).bit_length())),
        "LOADED": _lines(_entries(loop)),
        "STATES": "".join(f", {text}" for text in _states(loop, body_out)),
        **_rows_words(loop, body_out),
        **_carried_words(loop),
        "OUTPUTS": _lines(_outputs(loop, body_out)),
    }
    return fill_file("rtl/loop.v.in", {}, words)


def _header(loop: Loop) -> list[str]:
    scan = loop.scan
    return [
        f"{loop.part.name}: Scan '{scan.name}'" + (f", from {on_one_line(scan.origin)}" if scan.origin else ""),
        f"{scan.n_steps} steps of {loop.pipeline.n_stages} clocks each on one body, {loop.body.name}_core.",
        *(f"  state {state.name}: {state.size} of {state.type}" for state in scan.states),
        *(f"  entry {entry.name}: {entry.size} of {entry.type}" for entry in scan.entries),
    ]


def _entries(loop: Loop) -> Iterator[str]:
    """Every entry of every step in the types of the body, the first step first."""
    scan, given = loop.scan, loop.part.given_elements
    places = _places(loop.part.given)
    for step in range(scan.n_steps):
        for entry, sequence in zip(scan.entries, scan.sequences, strict=True):
            start = places[sequence] + step * entry.size
            for element in given[start : start + entry.size]:
                yield from_bus("in_data", total_bits(given), element, entry.type)


def _states(loop: Loop, body_out: tuple[Element, ...]) -> Iterator[str]:
    """The states of the body from its next states, the last one first; zeros in the first step."""
    start, made = 0, list[str]()
    for state in loop.scan.states:
        for element in body_out[start : start + state.size]:
            made.append(from_bus("made", total_bits(body_out), element, state.type))
        start += state.size
    if made:
        yield f"{{{total_bits(value_elements(loop.scan.states))}{{!is_first}}}} & {{{', '.join(reversed(made))}}}"


def _rows_words(loop: Loop, body_out: tuple[Element, ...]) -> dict[str, str]:
    """Registers for the outputs of all steps but the last."""
    width, kept = _width(loop.scan.step_output), loop.scan.n_steps - 1
    if not loop.scan.stacked or not kept:
        return {"ROWS_DECLARED": "", "ROWS_KEPT": ""}
    row = f"made[{total_bits(body_out) - 1}:{total_bits(body_out) - width}]"
    shifted = f"{{{row}, rows[{width * kept - 1}:{width}]}}" if kept > 1 else row
    return {
        "ROWS_DECLARED": f"    reg [{width * kept - 1}:0] rows;  // outputs of earlier steps\n",
        "ROWS_KEPT": f"            if (cycle == 0 && !is_first) rows <= {shifted};\n",
    }


def _carried_words(loop: Loop) -> dict[str, str]:
    """Two registers for each value that stands still: the next event may enter while the result stands."""
    bits = total_bits(value_elements(loop.carried))
    if not bits:
        return {"CARRIED_DECLARED": "", "CARRIED_TAKEN": "", "CARRIED_KEPT": ""}
    given, places = loop.part.given_elements, _places(loop.part.given)
    fields = [
        from_bus("in_data", total_bits(given), element, value.type)
        for value in loop.carried
        for element in given[places[value] : places[value] + value.size]
    ]
    return {
        "CARRIED_DECLARED": f"    reg [{bits - 1}:0] carried, carried_out;  // values that a later part reads\n",
        "CARRIED_TAKEN": f"                carried <= {{{', '.join(reversed(fields))}}};\n",
        "CARRIED_KEPT": "            if (step_ends && is_last) carried_out <= carried;\n",
    }


def _outputs(loop: Loop, body_out: tuple[Element, ...]) -> Iterator[str]:
    """The values that the part makes, the first one first."""
    carried, low = {}, 0
    for value in loop.carried:
        carried[value] = f"carried_out[{low + _width(value) - 1}:{low}]"
        low += _width(value)
    width = total_bits(body_out)
    for value in loop.part.made:
        if value in carried:
            yield carried[value]
            continue
        if loop.scan.stacked and loop.scan.n_steps > 1:
            yield "rows"
        yield f"made[{width - 1}:{width - _width(loop.scan.step_output)}]"


def _places(values: tuple[Value, ...]) -> dict[Value, int]:
    """The number of elements before each value."""
    found, start = {}, 0
    for value in values:
        found[value] = start
        start += value.size
    return found


def _width(value: Value) -> int:
    return value.size * value.type.width


def _lines(fields: Iterator[str]) -> str:
    """The fields of a concatenation, the first one at the low end."""
    return ",\n        ".join(list(fields)[::-1])
