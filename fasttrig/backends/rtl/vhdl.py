"""Modules as VHDL-2008: numbers are ``signed`` or ``unsigned`` of numeric_std, ports plain vectors.

Sums and products are written in the width of their result, to which each operand is extended by its own sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fasttrig.backends.rtl.modules import Bus, Hierarchy, Module
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
from fasttrig.base.templates import fill_file

COMMENT = "--"


def module_words(module: Module, tables: Mapping[int, TableText], clock_enable: bool) -> dict[str, str]:
    """What the module's template asks for."""
    ports = _clock_ports(clock_enable) if module.registers else []
    ports += [_bus_port(bus, "in") for bus in module.reads] + [_bus_port(bus, "out") for bus in module.makes]
    steps = [(stage, *step) for stage, made in module.stages for step in made]
    numbers = [number for number, _, _ in module.taken] + [number for _, _, number, _ in steps]
    numbers += [register for register, _ in module.registers]
    signals = [f"    signal {number.name} : {_kind(number)};{_note(number)}" for number in numbers]
    signals += [
        f"    signal {number.name}_all : {_kind(_with_dropped(number, expression))};"
        for _, _, number, expression in steps
        if isinstance(expression, Sum) and expression.dropped
    ]
    constants = {table.name: table for table in tables.values() if table.is_constant}
    return {
        "PORTS": ";\n".join(f"        {port}" for port in ports),
        "SIGNALS": "\n".join([*(line for table in constants.values() for line in _constant(table)), *signals]),
        "BODY": "\n".join(_body(module, tables, clock_enable)),
    }


def _body(module: Module, tables: Mapping[int, TableText], clock_enable: bool) -> Iterator[str]:
    for number, bus, low in module.taken:
        yield f"    {number.name} <= {_type(number)}({_slice(bus.name, low, number.width)});"
    for stage, steps in module.stages:
        yield f"\n    -- Stage {stage}"
        for step, number, expression in steps:
            yield from _step(number, expression, tables.get(step))
    if module.registers:
        condition = "rising_edge(clk)" + " and clk_en = '1'" * clock_enable
        yield f"\n    process (clk)\n    begin\n        if {condition} then"
        for register, source in module.registers:
            yield f"            {register.name} <= {source.name};"
        yield "        end if;\n    end process;"
    yield ""
    for bus, low, number in module.given:
        yield f"    {_slice(bus.name, low, number.width)} <= std_logic_vector({number.name});"


def table_module(table: TableText) -> tuple[str, dict[str, str]]:
    """The entity of a table that is too large for constants; it needs no file."""
    words = {
        "NAME": table.name,
        "HIGH_IN": str(table.address_width - 1),
        "HIGH_OUT": str(table.width - 1),
        "ENTRIES": "\n".join(
            f'            when {address} => entry <= "{entry:0{table.width}b}";'
            for address, entry in enumerate(table.entries)
            if entry is not None
        ),
    }
    return fill_file("rtl/case_table.vhd.in", words), {}


def core_words(hierarchy: Hierarchy, elements: Iterable[Element], clock_enable: bool) -> dict[str, str]:
    """What the core's template asks for: its clock ports, buses, instances and outputs."""
    clock = [name.split()[0] for name in _clock_ports(clock_enable)]
    bases = {bus.name: base for bus, base in hierarchy.input_buses}
    instances = []
    for module in hierarchy.modules:
        ports = [f"{name} => {name}" for name in clock if module.registers]
        for bus in (*module.reads, *module.makes):
            base = bases.get(bus.name)
            ports.append(f"{bus.name} => " + (bus.name if base is None else _slice("in_data", base, bus.width)))
        joined = ",\n        ".join(ports)
        instances.append(f"    {module.label} : entity work.{module.name} port map (\n        {joined}\n    );")
    outputs = [
        f"    {_slice('out_data', element.low_bit, element.type.width)} <= "
        f"std_logic_vector({_output(number, element)});"
        for element, number in zip(elements, hierarchy.outputs, strict=True)
    ]
    return {
        "CLOCK_PORTS": "".join(f"        {line};\n" for line in _clock_ports(clock_enable)),
        "BUSES": "\n".join(
            f"    signal {bus.name} : std_logic_vector({bus.width - 1} downto 0);"
            for module in hierarchy.modules
            for bus in module.makes
        ),
        "INSTANCES": "\n\n".join(instances),
        "OUTPUTS": "\n".join(outputs),
    }


def _output(number: Signal, element: Element) -> str:
    bits = Field(number, number.fraction - element.type.fraction_bits, element.type.width)
    return _field(bits, "signed" if number.signed else "unsigned")


def _clock_ports(clock_enable: bool) -> list[str]:
    return ["clk : in std_logic", *(["clk_en : in std_logic"] if clock_enable else [])]


def _bus_port(bus: Bus, direction: str) -> str:
    return f"{bus.name} : {direction} std_logic_vector({bus.width - 1} downto 0)"


def _type(number: Signal) -> str:
    return "signed" if number.signed else "unsigned"


def _kind(number: Signal) -> str:
    return f"{_type(number)}({number.width - 1} downto 0)"


def _with_dropped(number: Signal, total: Sum) -> Signal:
    """The number of a sum before its lowest bits are dropped."""
    return Signal(f"{number.name}_all", number.width + total.dropped, number.signed, number.fraction)


def _note(number: Signal) -> str:
    return f"  -- {number.type}" if number.type else ""


def _slice(name: str, low: int, width: int) -> str:
    return f"{name}({low + width - 1} downto {low})"


def _step(number: Signal, expression: Expression, table: TableText | None) -> Iterator[str]:
    """The line of one step; more where a table or bits to drop belong to it."""
    if isinstance(expression, Entry) and table is not None:
        yield from _entry(number, expression.address, table)
    elif isinstance(expression, Sum) and expression.dropped:
        whole = _with_dropped(number, expression)
        yield f"    {whole.name} <= {_sum(expression, whole)};"
        yield f"    {number.name} <= {_slice(whole.name, expression.dropped, number.width)};"
    elif isinstance(expression, ReducedBits):
        yield f"    {number.name}(0) <= {expression.gate} {expression.number.name};"
    else:
        yield f"    {number.name} <= {_EXPRESSIONS[type(expression)](expression, number)};"


def _constant(table: TableText) -> list[str]:
    """A small table as one constant."""
    entries = ", ".join(f'{address} => "{entry or 0:0{table.width}b}"' for address, entry in enumerate(table.entries))
    last = len(table.entries) - 1
    return [
        f"    type {table.name}_entries is array (0 to {last}) of unsigned({table.width - 1} downto 0);",
        f"    constant {table.name} : {table.name}_entries := ({entries});",
    ]


def _entry(number: Signal, address: Signal, table: TableText) -> Iterator[str]:
    if table.is_constant:
        entry = f"{table.name}(to_integer(unsigned({address.name})))"
        threshold = table.threshold(address.signed)
        note = "" if threshold is None else f"  -- {address.name} < {threshold}"
        yield f"    {number.name} <= {f'signed({entry})' if number.signed else entry};{note}"
        return
    ports = f"address => std_logic_vector({address.name}), {_type(number)}(entry) => {number.name}"
    yield f"    {number.name}_table : entity work.{table.name} port map ({ports});"


def _literal(raw: int, width: int, kind: str) -> str:
    """By its bits: an integer of VHDL has 32 of them."""
    return f'{kind}\'("{raw & ((1 << width) - 1):0{width}b}")'


def _converted(text: str, present: str, wanted: str) -> str:
    return text if present == wanted else f"{wanted}({text})"


def _field(bits: Field, wanted: str) -> str:
    """Bits of a number, as many as asked for, in the type `wanted`."""
    number, low, width = bits.number, bits.low, bits.width
    if not number.name:
        raw = number.raw >> low if low >= 0 else number.raw << -low
        return _literal(raw, width, wanted)
    kind = _type(number)
    first = min(max(low, 0), number.width - 1)
    if low >= number.width and not number.signed:
        return _literal(0, width, wanted)
    zeros = max(-low, 0)
    taken = min(number.width - first, max(1, width - zeros))
    whole = taken == number.width and not number.bus_width
    text = number.name if whole else _slice(number.name, number.low + first, taken)
    text = f"{kind}({text})" if number.bus_width else text
    text = f"resize({text}, {width})" if taken != width else text
    text = f"shift_left({text}, {zeros})" if zeros else text
    return _converted(text, kind, wanted)


def _sum(total: Sum, result: Signal) -> str:
    """Signed where an operand is, or where the first term is negative."""
    terms = sorted(total.terms, key=lambda term: not term.plus)
    kind = "signed" if any(term.number.signed for term in terms) or not terms[0].plus else "unsigned"
    text = ""
    for term in terms:
        sign = ("" if term.plus else "-") if not text else (" + " if term.plus else " - ")
        text += sign + _term(term, result.width, kind)
    return _converted(text, kind, _type(result))


def _term(term: Term, width: int, kind: str) -> str:
    return _field(Field(term.number, -term.shift, width), kind)


def _product(product: Product, result: Signal) -> str:
    kind = "signed" if product.left.signed or product.right.signed else "unsigned"
    factors = [
        number.name if _type(number) == kind else f"signed('0' & {number.name})"
        for number in (product.left, product.right)
    ]
    return f"resize({_converted(' * '.join(factors), kind, _type(result))}, {result.width})"


def _positive(positive: Positive, result: Signal) -> str:
    sign = positive.sign
    return f"{_field(positive.field, _type(result))} and not {sign.name}({sign.width - 1})"


def _choice(choice: Choice, result: Signal) -> str:
    key, kind = choice.key, _type(result)
    return f"{_field(choice.if_one, kind)} when {key.name}({key.width - 1}) = '1' else {_field(choice.if_zero, kind)}"


def _bitwise(joined: Bitwise, result: Signal) -> str:
    kind = _type(result)
    return f"{_field(joined.left, kind)} {joined.gate} {_field(joined.right, kind)}"


def _join(joined: Join, result: Signal) -> str:
    kind = _type(result)
    return f"{_field(joined.high, kind)} & {_field(joined.low, kind)}"


_EXPRESSIONS: Mapping[type[Any], Callable[[Any, Signal], str]] = {
    Field: lambda bits, result: _field(bits, _type(result)),
    Sum: _sum,
    Product: _product,
    Positive: _positive,
    Choice: _choice,
    Inverse: lambda inverse, result: f"not {_field(inverse.field, _type(result))}",
    Bitwise: _bitwise,
    Join: _join,
}
