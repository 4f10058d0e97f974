"""C++ text: names, literals, tables."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from fasttrig.base.errors import InputError
from fasttrig.emulator.compiled.integers import table_type

WIDTH = 118
"""Columns of a wrapped table."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check_name(name: str) -> str:
    """`name`, if C functions can start with it."""
    if _NAME.fullmatch(name):
        return name
    raise InputError("not a valid C++ name", got=repr(name), want="a letter, then letters, digits and _")


def literal(number: int) -> str:
    """A constant expression for any integer of up to 128 bits."""
    if -(1 << 63) < number < 1 << 63:
        return str(number) if abs(number) < 1 << 31 else f"INT64_C({number})"
    if number == -(1 << 63):
        return "INT64_MIN"
    return f"wide({literal(number >> 64)}, UINT64_C({number & (1 << 64) - 1}))"


def constant(kind: str, name: str, number: int) -> str:
    """One line of a struct of constants."""
    return f"    static constexpr {kind} {name} = {literal(number)};"


def sizes(**numbers: int) -> str:
    """Constants of type ``std::size_t`` in one line."""
    return "    static constexpr std::size_t " + ", ".join(f"{key} = {number}" for key, number in numbers.items()) + ";"


def switch(name: str, on: bool) -> str:
    """A constant of type bool."""
    return f"    static constexpr bool {name} = {'true' if on else 'false'};"


def table(name: str, numbers: Iterable[Any], kind: str | None = None) -> list[str]:
    """A static array, in the narrowest type unless `kind` is given."""
    listed = [int(number) for number in numbers]
    kind = kind or table_type(listed).name
    return [f"    static constexpr {kind} {name}[{len(listed)}] = {{", *_wrapped(listed, 8), "    };"]


def rows(name: str, matrix: Iterable[Any], kind: str | None = None) -> list[str]:
    """A static two-dimensional array, one row of it after the other, each with its number."""
    listed = [[int(number) for number in row] for row in matrix]
    kind = kind or table_type([number for row in listed for number in row]).name
    lines = [f"    static constexpr {kind} {name}[{len(listed)}][{len(listed[0])}] = {{"]
    for index, row in enumerate(listed):
        body = _wrapped(row, 9)
        body[0] = "        {" + body[0].lstrip()
        body[-1] = body[-1].rstrip(",") + f"}},  // {index}"
        lines += body
    return [*lines, "    };"]


def tuples(name: str, entries: Sequence[Sequence[int]], kind: str) -> list[str]:
    """A static two-dimensional array of short rows, several in a line."""
    head = f"    static constexpr {kind} {name}[{len(entries)}][{len(entries[0])}] = {{"
    return [head, *_lines([f"{{{','.join(map(literal, entry))}}}" for entry in entries], 8), "    };"]


def indented(lines: Sequence[str]) -> str:
    """Lines of a function's body."""
    return textwrap.indent("\n".join(lines), "    ")


def comment(text: str) -> str:
    """`text` in one line that cannot end a comment or continue it."""
    return text.replace("\\", "/").replace("\n", " ").replace("\r", " ").replace("*/", "* /")


def _wrapped(numbers: Sequence[int], indent: int) -> list[str]:
    return _lines([literal(number) for number in numbers], indent)


def _lines(entries: Sequence[str], indent: int) -> list[str]:
    text = ", ".join(entries) + ","
    space = " " * indent
    return textwrap.wrap(text, WIDTH, initial_indent=space, subsequent_indent=space, break_long_words=False)
