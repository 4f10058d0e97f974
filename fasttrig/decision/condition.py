"""Conditions of ``[decision]``: ``trees.W > 1.5 and not (mass < 60 or network.t > network.q + 0.5)``.

Names are features and the outputs of taggers; an output is the number that leaves its tagger, before any link on the
host. Python's parser reads the text; nothing of it is ever run. Every comparison becomes a linear form with exact
rational factors, below or not above zero, so that decimal numbers cost no rounding.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.errors import InputError, near_names

RealArray: TypeAlias = NDArray[Any]
"""float64, or Python's Fractions for an exact answer; shape (n_events,)."""
TruthArray: TypeAlias = NDArray[np.bool_]

MAX_LENGTH = 2_000
_WANTED = "comparisons of features and outputs, such as network.t > 1.5 and mass > 60"


@dataclass(frozen=True, slots=True)
class ReadNumber:
    """A feature, or with a `tagger` one of its outputs."""

    name: str
    tagger: str = ""

    def __str__(self) -> str:
        return f"{self.tagger}.{self.name}" if self.tagger else self.name


@dataclass(frozen=True, slots=True)
class Extreme:
    """The largest or the smallest of `parts`."""

    largest: bool
    parts: tuple[Atom, ...]

    def __str__(self) -> str:
        return f"{'max' if self.largest else 'min'}({', '.join(map(str, self.parts))})"


Atom: TypeAlias = ReadNumber | Extreme


@dataclass(frozen=True, slots=True)
class Linear:
    """The sum of the terms, each an atom times a factor, and of `constant`."""

    terms: tuple[tuple[Atom, Fraction], ...]
    constant: Fraction

    def plus(self, other: Linear, factor: Fraction) -> Linear:
        """self + factor * other"""
        total = dict(self.terms)
        for atom, own in other.terms:
            total[atom] = total.get(atom, Fraction(0)) + factor * own
        kept = tuple((atom, own) for atom, own in total.items() if own)
        return Linear(kept, self.constant + factor * other.constant)


@dataclass(frozen=True, slots=True)
class Cut:
    """``form < 0``, or ``form <= 0`` where equality is included."""

    form: Linear
    or_equal: bool


class Connective(Enum):
    ALL = "and"
    ANY = "or"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Combined:
    logic: Connective
    parts: tuple[Condition, ...]


Condition: TypeAlias = Cut | Combined


def parse(text: str, features: tuple[str, ...], taggers: Mapping[str, tuple[str, ...]], where: str) -> Condition:
    """The condition that `text` is.

    Parameters
    ----------
    features : names of the features
    taggers : by its name, the names of a tagger's outputs
    where : the setting that holds the text, for errors

    Raises
    ------
    InputError
        For anything but comparisons, and for a name that is neither a feature nor an output.
    """
    reader = _Reader(text.strip(), features, taggers, where)
    if len(text) > MAX_LENGTH:
        raise reader.fault("this condition is too long", f"{len(text)} characters", f"at most {MAX_LENGTH}")
    try:
        return reader.condition(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise reader.fault("cannot read this condition", f"{text!r}: {error}") from None


def cuts(condition: Condition) -> Iterator[Cut]:
    """Every comparison, in the order of the text."""
    if isinstance(condition, Cut):
        yield condition
    else:
        for part in condition.parts:
            yield from cuts(part)


def holds(condition: Condition, value: Callable[[ReadNumber], RealArray]) -> TruthArray:
    """Where the condition holds; `value` gives the numbers of a quantity: in Fractions the answer is exact."""
    if isinstance(condition, Combined):
        parts = [holds(part, value) for part in condition.parts]
        if condition.logic is Connective.NOT:
            return ~parts[0]
        join = np.logical_and if condition.logic is Connective.ALL else np.logical_or
        return np.asarray(join.reduce(parts), dtype=bool)
    arrays = [(_numbers(atom, value), factor) for atom, factor in condition.form.terms]
    is_exact = any(array.dtype == object for array, _ in arrays)
    number: Callable[[Fraction], Any] = (lambda exact: exact) if is_exact else float
    total: Any = number(condition.form.constant)
    for array, factor in arrays:
        total = total + array * number(factor)
    return np.asarray(total <= 0 if condition.or_equal else total < 0, dtype=bool)


def _numbers(atom: Atom, value: Callable[[ReadNumber], RealArray]) -> RealArray:
    if isinstance(atom, ReadNumber):
        return value(atom)
    take = np.maximum if atom.largest else np.minimum
    return np.asarray(take.reduce([_numbers(part, value) for part in atom.parts]))


class _Reader:
    """One text with the names that it may use."""

    def __init__(self, text: str, features: tuple[str, ...], taggers: Mapping[str, tuple[str, ...]], where: str):
        self.text, self.features, self.taggers, self.where = text, features, taggers, where

    def fault(self, what: str, got: str, want: str = _WANTED, hint: str = "") -> InputError:
        return InputError(what, where=self.where, got=got, want=want, try_=hint)

    def shown(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.text, node) or self.text

    def condition(self, node: ast.expr) -> Condition:
        if isinstance(node, ast.BoolOp):
            logic = Connective.ALL if isinstance(node.op, ast.And) else Connective.ANY
            return Combined(logic, tuple(self.condition(part) for part in node.values))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Combined(Connective.NOT, (self.condition(node.operand),))
        if not isinstance(node, ast.Compare):
            raise self.fault("this is no condition", self.shown(node))
        sides = [self.linear(part) for part in (node.left, *node.comparators)]
        found = tuple(
            self.cut(left, op, right, node) for left, op, right in zip(sides, node.ops, sides[1:], strict=False)
        )
        return found[0] if len(found) == 1 else Combined(Connective.ALL, found)

    def cut(self, left: Linear, op: ast.cmpop, right: Linear, node: ast.expr) -> Cut:
        if not isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            raise self.fault("no such comparison", self.shown(node), "<, <=, > or >=")
        below, above = (left, right) if isinstance(op, ast.Lt | ast.LtE) else (right, left)
        form = below.plus(above, Fraction(-1))
        if not form.terms:
            raise self.fault("this comparison is of numbers alone", self.shown(node))
        return Cut(form, isinstance(op, ast.LtE | ast.GtE))

    def linear(self, node: ast.expr) -> Linear:
        nothing = Linear((), Fraction(0))
        if isinstance(node, ast.Constant):
            return Linear((), self.number(node))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return nothing.plus(self.linear(node.operand), Fraction(-1))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            sign = Fraction(1 if isinstance(node.op, ast.Add) else -1)
            return self.linear(node.left).plus(self.linear(node.right), sign)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            factors = sorted((self.linear(node.left), self.linear(node.right)), key=lambda side: len(side.terms))
            if factors[0].terms:
                raise self.fault("a product of two quantities", self.shown(node), "a number times a quantity")
            return nothing.plus(factors[1], factors[0].constant)
        return Linear(((self.atom(node), Fraction(1)),), Fraction(0))

    def number(self, node: ast.Constant) -> Fraction:
        content = node.value
        if isinstance(content, bool) or not isinstance(content, int | float) or not np.isfinite(content):
            raise self.fault("this is no number", self.shown(node))
        return Fraction(content) if isinstance(content, int) else Fraction(self.shown(node).replace("_", ""))

    def atom(self, node: ast.expr) -> Atom:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            return self.quantity(node)
        if node.func.id not in ("max", "min") or node.keywords or len(node.args) < 2:
            raise self.fault("no such function", self.shown(node), "max or min of two or more features and outputs")
        return Extreme(node.func.id == "max", tuple(self.atom(arg) for arg in node.args))

    def quantity(self, node: ast.expr) -> ReadNumber:
        """``mass``, ``pt[3]``, ``network.t``, ``network["t"]``, ``network[0]``."""
        written = self.shown(node).replace(" ", "")
        if written in self.features:
            return ReadNumber(written)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return self.output(node.value.id, node.attr, node)
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and isinstance(node.slice, ast.Constant)
        ):
            return self.output(node.value.id, node.slice.value, node)
        outputs = [f"{name}.{output}" for name, names in self.taggers.items() for output in names]
        raise self.fault("no such feature or output", written, near_names(written, [*self.features, *outputs]))

    def output(self, tagger: str, output: object, node: ast.expr) -> ReadNumber:
        if tagger not in self.taggers:
            known = [*self.taggers, *self.features]
            raise self.fault("no such tagger", self.shown(node), near_names(tagger, known))
        names = self.taggers[tagger]
        if type(output) is int and 0 <= output < len(names):
            return ReadNumber(names[output], tagger)
        if output in names:
            return ReadNumber(str(output), tagger)
        raise self.fault(f"tagger '{tagger}' has no such output", self.shown(node), ", ".join(names))
