"""Modules as Verilog: Verilog-2005, read alike by Verilator, Icarus, Yosys and the vendors.

A number is a ``wire signed`` or a ``wire``. An expression that reads a signed number reads only signed ones: Verilog
takes an expression with one unsigned operand for unsigned as a whole, and would extend the others by zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fasttrig.backends.rtl.modules import Hierarchy, Module
from fasttrig.backends.rtl.ports import Element
from fasttrig.backends.rtl.steps import (
    Bitwise,
    Choice,
    Entry,
    Expression,
    Field,
    Inverse,
    Join,
    Positive,
    Product,
    ReducedBits,
    Signal,
    Sum,
    Term,
)
from fasttrig.backends.rtl.tables import TableText
from fasttrig.base.fixed import FixedType
from fasttrig.base.templates import fill_file

COMMENT = "//"
_GATES = {"and": "&", "or": "|", "xor": "^"}


def module_words(module: Module, tables: Mapping[int, TableText], clock_enable: bool) -> dict[str, str]:
    """What the module's template asks for."""
    ports = _clock_ports(clock_enable) if module.registers else []
    ports += [f"input wire [{bus.width - 1}:0] {bus.name}" for bus in module.reads]
    ports += [f"output wire [{bus.width - 1}:0] {bus.name}" for bus in module.makes]
    return {
        "PORTS": ",\n".join(f"    {port}" for port in ports),
        "BODY": "\n".join(_body(module, tables, clock_enable)),
    }


def _body(module: Module, tables: Mapping[int, TableText], clock_enable: bool) -> Iterator[str]:
    for number, bus, low in module.taken:
        yield f"    {_wire(number)} = {_slice(bus.name, low, number.width)}{_note(number)}"
    for register, _ in module.registers:
        yield f"    reg{_range(register)} {register.name};"
    constants = {table.name: table for table in tables.values() if table.is_constant}
    for table in constants.values():
        yield from _constants(table)
    for stage, steps in module.stages:
        yield f"\n    // Stage {stage}"
        for step, number, expression in steps:
            yield from _step(number, expression, tables.get(step))
    if module.registers:
        yield "\n    always @(posedge clk) " + "if (clk_en) " * clock_enable + "begin"
        for register, source in module.registers:
            yield f"        {register.name} <= {source.name};"
        yield "    end"
    yield ""
    for bus, low, number in module.given:
        yield f"    assign {_slice(bus.name, low, number.width)} = {number.name};"


def table_module(table: TableText) -> tuple[str, dict[str, str]]:
    """The module of a table that is too large for constants, and the file of its entries if it is a block ROM."""
    words = {"NAME": table.name, "HIGH_IN": str(table.address_width - 1), "HIGH_OUT": str(table.width - 1)}
    digits = -(-table.width // 4)
    if table.is_block_rom:
        path = f"src/{table.name}.mem"
        entries = "".join(f"{entry or 0:0{digits}x}\n" for entry in table.entries)
        words |= {"LAST": str(len(table.entries) - 1), "FILE": path}
        return fill_file("rtl/block_rom.v.in", words), {path: entries}
    cases = (
        f"        {table.address_width}'d{address}: entry = {table.width}'h{entry:0{digits}x};"
        for address, entry in enumerate(table.entries)
        if entry is not None
    )
    words |= {"WIDTH": str(table.width), "ENTRIES": "\n".join(cases)}
    return fill_file("rtl/case_table.v.in", words), {}


def core_words(hierarchy: Hierarchy, elements: Iterable[Element], clock_enable: bool) -> dict[str, str]:
    """What the core's template asks for: its clock ports, buses, instances and outputs."""
    clock = [name.split()[-1] for name in _clock_ports(clock_enable)]
    bases = {bus.name: base for bus, base in hierarchy.input_buses}
    instances = []
    for module in hierarchy.modules:
        ports = [f".{name}({name})" for name in clock if module.registers]
        for bus in (*module.reads, *module.makes):
            base = bases.get(bus.name)
            place = bus.name if base is None else f"in_data[{base + bus.width - 1}:{base}]"
            ports.append(f".{bus.name}({place})")
        instances.append(f"    {module.name} {module.label} (\n        " + ",\n        ".join(ports) + "\n    );")
    outputs = [
        f"    assign {_slice('out_data', element.low_bit, element.type.width)} = {_field(_placed(number, element))};"
        for element, number in zip(elements, hierarchy.outputs, strict=True)
    ]
    return {
        "CLOCK_PORTS": "".join(f"    {line},\n" for line in _clock_ports(clock_enable)),
        "BUSES": "\n".join(
            f"    wire [{bus.width - 1}:0] {bus.name};" for module in hierarchy.modules for bus in module.makes
        ),
        "INSTANCES": "\n\n".join(instances),
        "OUTPUTS": "\n".join(outputs),
    }


def from_bus(bus: str, width: int, element: Element, fixed_type: FixedType) -> str:
    """`element` of a bus of `width` bits in another type, which holds it."""
    kind = element.type
    number = Signal(bus, kind.width, kind.signed, kind.fraction_bits, 0, element.low_bit, width)
    return _field(Field(number, kind.fraction_bits - fixed_type.fraction_bits, fixed_type.width))


def _placed(number: Signal, element: Element) -> Field:
    """The number of an output in the type of its element."""
    return Field(number, number.fraction - element.type.fraction_bits, element.type.width)


def _clock_ports(clock_enable: bool) -> list[str]:
    return ["input wire clk", *(["input wire clk_en"] if clock_enable else [])]


def _range(number: Signal) -> str:
    return f"{' signed' if number.signed else ''} [{number.width - 1}:0]"


def _wire(number: Signal) -> str:
    return f"wire{_range(number)} {number.name}"


def _note(number: Signal) -> str:
    """The end of a line; the type of an element."""
    return f";  // {number.type}" if number.type else ";"


def _step(number: Signal, expression: Expression, table: TableText | None) -> list[str]:
    """The line of one step; more where constants, a module or bits to drop belong to it."""
    note = _note(number)
    if isinstance(expression, Entry) and table is not None:
        return _entry(number, expression.address, table, note)
    if isinstance(expression, Sum) and expression.dropped:
        width, dropped = number.width + expression.dropped, expression.dropped
        sign = " signed" if any(term.number.signed for term in expression.terms) else ""
        return [
            f"    wire{sign} [{width - 1}:0] {number.name}_all = {_sum(expression, width)};",
            f"    {_wire(number)} = {number.name}_all[{width - 1}:{dropped}]{note}",
        ]
    return [f"    {_wire(number)} = {_EXPRESSIONS[type(expression)](expression, number.width)}{note}"]


def _entry(number: Signal, address: Signal, table: TableText, note: str) -> list[str]:
    if not table.is_constant:
        bits, entry = f"{number.name}_address", f"{number.name}_bits"  # Yosys takes no signed wire at a port
        return [
            f"    wire [{table.address_width - 1}:0] {bits} = {address.name};",
            f"    wire [{table.width - 1}:0] {entry};",
            f"    {table.name} {number.name}_table (.address({bits}), .entry({entry}));",
            f"    {_wire(number)} = {entry}{note}",
        ]
    bits = f"$unsigned({address.name})" if address.signed else address.name
    threshold = table.threshold(address.signed)
    note = note if threshold is None else f";  // {address.name} < {threshold}"
    parts = [f"{table.name}bit{bit}[{bits}]" for bit in range(table.width - 1, -1, -1)]
    return [f"    {_wire(number)} = {_joined(parts)}{note}"]


def _constants(table: TableText) -> list[str]:
    """A small table: a vector for each bit of its entries."""
    size = len(table.entries)
    return [
        f"    localparam [{size - 1}:0] {table.name}bit{bit} = {size}'h{vector:x};"
        for bit, vector in enumerate(table.bit_vectors)
    ]


def _slice(name: str, low: int, width: int) -> str:
    return f"{name}[{low}]" if width == 1 else f"{name}[{low + width - 1}:{low}]"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"


def _field(bits: Field) -> str:
    """Bits of a number, as many as asked for."""
    number, low, width = bits.number, bits.low, bits.width
    if not number.name:
        raw = number.raw >> low if low >= 0 else number.raw << -low
        return f"{width}'d{raw & ((1 << width) - 1)}"
    zeros = min(max(-low, 0), width)
    first, last = max(low, 0), min(low + width, number.width)
    taken = max(0, last - first)
    above = width - zeros - taken
    parts = []
    if above:
        top = number.low + number.width - 1
        sign = f"{number.name}[{top}]" if above == 1 else f"{{{above}{{{number.name}[{top}]}}}}"
        parts.append(sign if number.signed else f"{above}'b0")
    if taken:
        whole = taken == number.width and not number.bus_width
        parts.append(number.name if whole else _slice(number.name, number.low + first, taken))
    if zeros:
        parts.append(f"{zeros}'b0")
    return _joined(parts)


def _sum(total: Sum, width: int) -> str:
    """All operands signed where one is, so that each is extended by its sign."""
    signed = any(term.number.signed for term in total.terms)
    text = ""
    for term in sorted(total.terms, key=lambda term: not term.plus):
        sign = ("" if term.plus else "-") if not text else (" + " if term.plus else " - ")
        text += sign + _term(term, signed)
    return text


def _term(term: Term, signed: bool) -> str:
    number = term.number
    if not number.name:
        raw = number.raw << term.shift
        return f"{raw.bit_length() + 1}'sd{raw}" if signed and raw >= 0 else _literal(raw)
    plain = f"$signed({{1'b0, {number.name}}})" if signed and not number.signed else number.name
    return f"({plain} <<< {term.shift})" if term.shift else plain


def _literal(raw: int) -> str:
    return f"{raw.bit_length()}'d{raw}" if raw >= 0 else f"-{(-raw).bit_length() + 1}'sd{-raw}"


def _product(product: Product, width: int) -> str:
    signed = product.left.signed or product.right.signed
    return " * ".join(_term(Term(number, True, 0), signed) for number in (product.left, product.right))


def _positive(positive: Positive, width: int) -> str:
    sign = positive.sign
    return f"{_field(positive.field)} & {{{width}{{~{sign.name}[{sign.width - 1}]}}}}"


def _choice(choice: Choice, width: int) -> str:
    return f"{choice.key.name}[{choice.key.width - 1}] ? {_field(choice.if_one)} : {_field(choice.if_zero)}"


def _bitwise(joined: Bitwise, width: int) -> str:
    return f"{_field(joined.left)} {_GATES[joined.gate]} {_field(joined.right)}"


_EXPRESSIONS: Mapping[type[Any], Callable[[Any, int], str]] = {
    Field: lambda bits, width: _field(bits),
    Sum: _sum,
    Product: _product,
    Positive: _positive,
    Choice: _choice,
    Inverse: lambda inverse, width: f"~{_field(inverse.field)}",
    ReducedBits: lambda reduction, width: f"{_GATES[reduction.gate]}{reduction.number.name}",
    Bitwise: _bitwise,
    Join: lambda joined, width: f"{{{_field(joined.high)}, {_field(joined.low)}}}",
}
