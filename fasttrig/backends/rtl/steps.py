"""The steps of alkaid's program as hardware expressions on named signals, before any language.

A signal holds a raw integer, of which `fraction` bits are after the point as alkaid counts. A step aligns its operands
to one grid, and says for each operand which bits it takes or how far it shifts. `Field` and `Sum` are all that a
language must extend by sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from alkaid.types import CombLogic, Op


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal, a slice of a bus, or a literal.

    Attributes
    ----------
    name : str
        Empty for a literal.
    raw : int
        The value of a literal.
    low : int
        Where the number starts in a bus.
    bus_width : int
        Width of the bus; 0 for a signal of its own.
    type : str
        Of an element of a tensor, as `FixedType` prints itself.
    """

    name: str
    width: int
    signed: bool
    fraction: int
    raw: int = 0
    low: int = 0
    bus_width: int = 0
    type: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """`width` bits of `number` from bit `low` on: zeros below bit 0, copies of the sign above the highest."""

    number: Signal
    low: int
    width: int


@dataclass(frozen=True, slots=True)
class Term:
    """``+ (number << shift)`` or ``- (number << shift)``."""

    number: Signal
    plus: bool
    shift: int


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of `terms` without its `dropped` lowest bits, which are 0."""

    terms: tuple[Term, ...]
    dropped: int


@dataclass(frozen=True, slots=True)
class Product:
    left: Signal
    right: Signal


@dataclass(frozen=True, slots=True)
class Positive:
    """`field`; 0 where `sign` is negative."""

    field: Field
    sign: Signal


@dataclass(frozen=True, slots=True)
class Choice:
    """`if_one` where the highest bit of `key` is 1, else `if_zero`."""

    key: Signal
    if_one: Field
    if_zero: Field


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of table `table` of the program at `address`."""

    address: Signal
    table: int


@dataclass(frozen=True, slots=True)
class Inverse:
    field: Field


@dataclass(frozen=True, slots=True)
class ReducedBits:
    """All bits of `number` joined by "or" or "and"."""

    number: Signal
    gate: str


@dataclass(frozen=True, slots=True)
class Bitwise:
    """`left` and `right` joined bit by bit by "and", "or" or "xor"."""

    left: Field
    right: Field
    gate: str


@dataclass(frozen=True, slots=True)
class Join:
    """The bits of `high` above those of `low`."""

    high: Field
    low: Field


Expression: TypeAlias = Field | Sum | Product | Positive | Choice | Entry | Inverse | ReducedBits | Bitwise | Join

GATES = ("and", "or", "xor")
INPUT, CONSTANT, LOOKUP = -1, 5, 8
"""alkaid's codes."""


class Steps:
    """The steps of `program` and the numbers that they make."""

    def __init__(self, program: CombLogic) -> None:
        self.program = program
        kinds = [op.qint.kif for op in program.ops]
        self.signed = [bool(kind[0]) for kind in kinds]
        self.fraction = [int(kind[2]) for kind in kinds]
        self.width = [int(sum(kind)) for kind in kinds]

    def is_signal(self, step: int) -> bool:
        """Whether a step has bits that hardware computes or carries; constants are written where they are read."""
        return self.width[step] > 0 and self.program.ops[step].opcode != CONSTANT

    def number(self, step: int, name: str, low: int = 0, bus_width: int = 0) -> Signal:
        """The number of a step as the signal `name`, or as a literal."""
        width, signed, fraction = self.width[step], self.signed[step], self.fraction[step]
        if self.is_signal(step):
            return Signal(name, width, signed, fraction, 0, low, bus_width)
        raw = round(math.ldexp(self.program.ops[step].qint.min, fraction)) if width else 0
        return Signal("", width, signed, fraction, raw)

    def kind(self, step: int) -> str:
        """The word for a step that is no element of a tensor."""
        kind = _ROWS[self.program.ops[step].opcode][0]
        return "bit" if kind == "entry" and self.width[step] == 1 else kind

    def expression(self, step: int, operands: Sequence[Signal]) -> Expression:
        """How a step makes its number from `operands`, in the order of its addresses."""
        op = self.program.ops[step]
        return _ROWS[op.opcode][1](self, step, op, operands)

    def field(self, number: Signal, shift: int, step: int) -> Field:
        """``number << shift`` on the grid and in the width of the result of `step`."""
        return Field(number, number.fraction - shift - self.fraction[step], self.width[step])

    def sum(self, step: int, terms: Sequence[tuple[Signal, bool, int]]) -> Sum:
        """The sum of numbers, signs and shifts."""
        live = [(number, plus, number.fraction - shift) for number, plus, shift in terms if number.width]
        grid = max([self.fraction[step], *(fraction for _, _, fraction in live)])
        made = tuple(Term(number, plus, grid - fraction) for number, plus, fraction in live)
        return Sum(made, grid - self.fraction[step])


def _negative(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    return steps.sum(step, [(operands[0], False, 0)])


def _sum_of_two(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    return steps.sum(step, [(operands[0], True, 0), (operands[1], op.opcode == 0, op.data[0])])


def _sum_of_many(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    signs, shifts = op.data[0::2], op.data[1::2]
    terms = zip(operands, map(bool, signs), shifts, strict=False)
    return steps.sum(step, list(terms))


def _sum_with_constant(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    raw, fraction = op.data
    literal = Signal("", abs(raw).bit_length(), False, fraction, abs(raw))
    return steps.sum(step, [(operands[0], True, 0), (literal, raw > 0, 0)])


def _positive(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    field = steps.field(operands[0], 0, step)
    return Positive(field, operands[0]) if operands[0].signed else field


def _bits(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    return steps.field(operands[0], op.data[0], step)


def _choice(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    if_one, if_zero, key = operands
    return Choice(key, steps.field(if_one, 0, step), steps.field(if_zero, op.data[0], step))


def _product(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    return Product(operands[0], operands[1])


def _entry(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    return Entry(operands[0], op.data[0])


def _unary(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    if op.data[0] == 0:
        return Inverse(Field(operands[0], 0, steps.width[step]))
    return ReducedBits(operands[0], "or" if op.data[0] == 1 else "and")


def _bitwise(steps: Steps, step: int, op: Op, operands: Sequence[Signal]) -> Expression:
    shift, gate = op.data
    left, right = steps.field(operands[0], 0, step), steps.field(operands[1], shift, step)
    joined = _join(left, right) or _join(right, left) if GATES[gate] == "or" else None
    return joined or Bitwise(left, right, GATES[gate])


def _join(high: Field, low: Field) -> Join | None:
    """The OR of two fields that share no bit."""
    place, number = -high.low, low.number
    if not 0 < place < high.width or number.signed or number.width - low.low > place:
        return None
    return Join(Field(high.number, 0, high.width - place), Field(number, low.low, place))


Row: TypeAlias = Callable[[Steps, int, Op, Sequence[Signal]], Expression]

_ROWS: Mapping[int, tuple[str, Row]] = {
    -2: ("negative", _negative),
    0: ("sum", _sum_of_two),
    1: ("sum", _sum_of_two),
    2: ("positive", _positive),
    3: ("bits", _bits),
    4: ("sum", _sum_with_constant),
    6: ("choice", _choice),
    7: ("product", _product),
    8: ("entry", _entry),
    9: ("flag", _unary),
    10: ("joined", _bitwise),
    11: ("sum", _sum_of_many),
}
"""alkaid's code of a step -> the word for its number, and what it is."""
