"""The C++ that hls4ml writes, as tokens: comments gone, directives understood or refused, each token with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fasttrig.base.errors import InputError, UnsupportedError

MAX_FILE_BYTES = 1 << 28
"""Of one source file: the weights of a large network take some tens of megabytes."""

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<directive>\#(?:[^\n\\]|\\\n|\\.)*)
    |(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?[uUlLfF]*)
    |(?P<name>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<mark>::|->|\+\+|--|[-+*/%<>=!&|]=|&&|\|\||<<|.)""",
    re.VERBOSE | re.DOTALL,
)
_DEFINE = re.compile(r"#\s*define\s+(\w+)\s+(\(?-?[0-9]+\)?)\s*")
_CONDITION = re.compile(r"#\s*(ifndef|ifdef)\s+(\w+)\s*")
_SYNTHESIS = "__SYNTHESIS__"
_GUARDS = ("_H", "_H_")


@dataclass(frozen=True, slots=True)
class CppToken:
    """A word of the source and the line it stands on; a directive is one word."""

    text: str
    line: int

    @property
    def is_directive(self) -> bool:
        return self.text.startswith("#")


@dataclass(frozen=True, slots=True)
class CppSource:
    """A file of the project with its directives carried out.

    `sizes` holds what ``#define NAME number`` says; `includes` the files it names, as written.
    """

    path: Path
    tokens: tuple[CppToken, ...]
    sizes: dict[str, int]
    includes: tuple[str, ...]

    def refusal(self, what: str, tokens: Sequence[CppToken], want: str = "", try_: str = "") -> UnsupportedError:
        """The refusal of some words of this file: ``firmware/defines.h:12`` and the text."""
        line = tokens[0].line if tokens else 0
        got = spelt(tokens)[:200] or "the end of the file"
        return UnsupportedError(what, where=f"{self.path}:{line}", got=got, want=want, try_=try_)


def read_text(path: Path) -> str:
    """The text of a file of the project.

    Raises
    ------
    InputError
        If it is missing, a link, too large or no text.
    """
    if path.is_symlink():
        raise InputError(
            "a file of the project is a link",
            where=str(path),
            got=f"a link to {path.readlink()}",
            want="the file itself",
        )
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError("a file of the project is too large", where=str(path), want=f"{MAX_FILE_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("cannot read a file of the hls4ml project", where=str(path), got=str(error)) from None


def tokens_of(path: Path) -> Iterator[CppToken]:
    """All words of a C++ file but blanks and comments."""
    line = 1
    for match in _TOKEN.finditer(read_text(path)):
        if match[0].startswith("//") and match[0].rstrip().endswith("\\"):
            raise UnsupportedError("a comment that goes on in the next line", where=f"{path}:{line}", got=match[0][:80])
        if match.lastgroup != "blank":
            yield CppToken(match[0], line)
        line += match[0].count("\n")


def read_source(path: Path, *, synthesis: bool = False) -> CppSource:
    """Read a file as the compiler sees it, in the C-simulation or in the synthesis.

    Raises
    ------
    UnsupportedError
        For a directive other than an include, a guard, ``#ifndef __SYNTHESIS__``, a number's ``#define`` and
        ``#pragma HLS``.
    """
    kept: list[CppToken] = []
    sizes: dict[str, int] = {}
    includes: list[str] = []
    taken: list[bool] = []  # of each condition around, whether its lines are compiled
    source = CppSource(path, (), sizes, ())
    tokens = list(tokens_of(path))
    guard = tokens[0].line if tokens and _opens_guard(tokens[0]) else 0
    for token in tokens:
        if not token.is_directive:
            if all(taken):
                kept.append(token)
        elif token.line == guard:
            taken.append(True)
        elif not _nests(token, taken, synthesis) and all(taken):
            _directive(source, token, sizes, includes)
    return CppSource(path, tuple(kept), sizes, tuple(includes))


def _opens_guard(token: CppToken) -> bool:
    """Whether the first word of a header is ``#ifndef NAME_H_``."""
    match = _CONDITION.fullmatch(token.text)
    return match is not None and match[1] == "ifndef" and match[2].endswith(_GUARDS)


def _nests(token: CppToken, taken: list[bool], synthesis: bool) -> bool:
    """Whether the directive is part of a condition, which it then opens, turns or closes."""
    match = _CONDITION.fullmatch(token.text)
    if match is not None and match[2] == _SYNTHESIS:
        taken.append(synthesis == (match[1] == "ifdef"))
        return True
    word = token.text[1:].split()[:1]
    if word == ["else"] and taken:
        taken[-1] = not taken[-1]
        return True
    if word == ["endif"] and taken:
        taken.pop()
        return True
    return False


def _directive(source: CppSource, token: CppToken, sizes: dict[str, int], includes: list[str]) -> None:
    words = token.text[1:].split()
    define = _DEFINE.fullmatch(token.text)
    if words[:1] == ["include"] and len(words) == 2:
        includes.append(words[1].strip('"<>'))
    elif define is not None and sizes.setdefault(define[1], int(define[2].strip("()"))) == int(define[2].strip("()")):
        return  # The releases up to 1.1 repeat their sizes.
    elif words[:2] != ["pragma", "HLS"] and not is_guard(words):
        raise source.refusal("a directive that fasttrig does not know", [token], want="#include, #define NAME number")


def is_guard(words: Sequence[str]) -> bool:
    """Whether the words of a directive are ``define NAME_H_``."""
    return len(words) == 2 and words[0] == "define" and words[1].endswith(_GUARDS)


def spelt(tokens: Sequence[CppToken]) -> str:
    """The words again as text, with a blank only between two that would run together."""
    text = ""
    for token in tokens:
        glued = text[-1:].isalnum() or text.endswith("_")
        text += (" " if glued and (token.text[0].isalnum() or token.text[0] == "_") else "") + token.text
    return text


def statements(source: CppSource, tokens: Sequence[CppToken]) -> Iterator[tuple[CppToken, ...]]:
    """The statements of a block, each without its semicolon, or with its braces: ``struct a {...}``, ``if (b) {...}``.

    Raises
    ------
    UnsupportedError
        If a brace or the last semicolon is missing.
    """
    start, depth = 0, 0
    for place, token in enumerate(tokens):
        depth += (token.text in "{(") - (token.text in "})")
        if depth < 0:
            break
        if depth == 0 and token.text == ";":
            if place > start:
                yield tuple(tokens[start:place])
            start = place + 1
        elif depth == 0 and token.text == "}" and not _goes_on(tokens, place):
            yield tuple(tokens[start : place + 1])
            start = place + 1
    if depth != 0 or start != len(tokens):
        raise source.refusal("a statement has no end", tokens[start:])


def _goes_on(tokens: Sequence[CppToken], place: int) -> bool:
    """Whether a closed brace is not the end of its statement: ``= {1, 2};``, ``struct a {...};``."""
    return place + 1 < len(tokens) and tokens[place + 1].text in (";", ",", ")")


def split(tokens: Sequence[CppToken], mark: str = ",") -> list[tuple[CppToken, ...]]:
    """Parts between the marks that stand in no bracket; nothing for no words."""
    parts: list[list[CppToken]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in "({[<") - (token.text in ")}]>")
        if token.text == mark and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [tuple(part) for part in parts] if tokens else []
