"""Constant expressions of the project's configuration: whole and real numbers, names, and the headers' macros."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fasttrig.frontends.hls4ml_project.cpp import CppToken

ConstantNumber: TypeAlias = int | float


class UnknownExpressionError(Exception):
    """An expression that is not understood; whoever reads it says where it stands."""


@dataclass(slots=True)
class _Expression:
    words: Sequence[str]
    lookup: Callable[[str], ConstantNumber]
    place: int = 0

    def next_is(self, *marks: str) -> bool:
        return self.place < len(self.words) and self.words[self.place] in marks

    def take(self) -> str:
        if self.place == len(self.words):
            raise UnknownExpressionError
        self.place += 1
        return self.words[self.place - 1]

    def total(self) -> ConstantNumber:
        found = self.product()
        while self.next_is("+", "-"):
            found = found + self.product() if self.take() == "+" else found - self.product()
        return found

    def product(self) -> ConstantNumber:
        found = self.single()
        while self.next_is("*", "/"):
            mark, right = self.take(), self.single()
            found = found * right if mark == "*" else _quotient(found, right)
        return found

    def single(self) -> ConstantNumber:
        word = self.take()
        if word == "-":
            return -self.single()
        if word == "(":
            found = self.total()
            if self.take() != ")":
                raise UnknownExpressionError
            return found
        return number_of(word) if word[0].isdigit() or word[0] == "." else self.lookup(word)


def evaluate_constant(tokens: Sequence[CppToken], lookup: Callable[[str], ConstantNumber]) -> ConstantNumber:
    """The number that an expression of ``+ - * /`` means; `lookup` knows names.

    Raises
    ------
    UnknownExpressionError
        For anything else.
    """
    expression = _Expression([token.text for token in tokens], lookup)
    found = expression.total()
    if expression.place != len(tokens):
        raise UnknownExpressionError
    return found


def number_of(word: str) -> ConstantNumber:
    """A literal: whole unless it has a point or an exponent."""
    plain = word.rstrip("uUlLfF")
    if plain.isdigit() and plain[0] == "0" and len(plain) > 1:
        raise UnknownExpressionError  # An octal number.
    try:
        return int(plain) if plain.isdigit() else float(plain)
    except ValueError:
        raise UnknownExpressionError from None


def _quotient(left: ConstantNumber, right: ConstantNumber) -> ConstantNumber:
    if isinstance(left, float) or isinstance(right, float) or right <= 0 or left < 0:
        raise UnknownExpressionError
    return left // right
