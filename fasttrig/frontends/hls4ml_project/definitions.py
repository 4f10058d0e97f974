"""The bodies of a project's own ``nnet_utils``: those that a layer relies on must be known.

What a call computes is what the project's headers say, and people change them. The words of each definition (no
comments, no pragmas) are hashed; ``known_bodies.json`` holds the hashes of the releases that the tests compile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fasttrig.base.errors import UnsupportedError
from fasttrig.frontends.hls4ml_project.cpp import CppToken, is_guard, tokens_of

KNOWN_BODIES = Path(__file__).parent / "known_bodies.json"
_OPEN, _CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
_HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class HeaderDefinition:
    """A function, class or macro of a header: its name, the hash of its words, and where it stands."""

    name: str
    digest: str
    where: str


@cache
def known_bodies() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """By name and hash: the releases of hls4ml that have this body."""
    found: dict[str, dict[str, list[str]]] = json.loads(KNOWN_BODIES.read_text(encoding="utf-8"))
    return found


class ProjectHeaders:
    """All definitions in the headers of a project, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.required: set[str] = set()
        self.by_name: dict[str, list[HeaderDefinition]] = {}
        for path in sorted(folder.glob("*.h")):
            for found in definitions(path):
                self.by_name.setdefault(found.name, []).append(found)

    def require(self, names: Iterable[str]) -> None:
        """Raise unless every body of these names is a known one; so must be every macro of the headers.

        Raises
        ------
        UnsupportedError
            For a missing or an unknown body, with its hash.
        """
        self.required |= set(names := tuple(names))
        macros = [name for name in self.by_name if name.startswith("#")]
        for name in (*names, *macros):
            if name not in self.by_name:
                raise UnsupportedError("the project's headers lack a function", where=str(self.folder), got=name)
            for found in self.by_name[name]:
                if found.digest not in known_bodies().get(name, {}):
                    raise _unknown(found)

    def is_of(self, name: str, release: str) -> bool:
        """Whether the project's bodies of this name are those of a release; the names are required first."""
        return all(release in known_bodies()[name].get(found.digest, ()) for found in self.by_name[name])

    def releases(self) -> list[str]:
        """The releases of hls4ml that have every body required so far."""
        known = known_bodies()
        found = [known[name][each.digest] for name in self.required for each in self.by_name[name]]
        return sorted(set.intersection(*map(set, found))) if found else []


def _unknown(found: HeaderDefinition) -> UnsupportedError:
    releases = sorted({release for bodies in known_bodies().values() for each in bodies.values() for release in each})
    return UnsupportedError(
        f"the body of '{found.name}' is not one that fasttrig knows",
        where=found.where,
        got=f"hash {found.digest}",
        want=f"that of hls4ml {', '.join(releases)}",
        try_="if the header was changed by hand, report it with this hash",
    )


def definitions(path: Path) -> Iterator[HeaderDefinition]:
    """Each definition of a header; those of a namespace inside ``nnet`` with its name in front: ``product::mult``."""
    words = [token for token in tokens_of(path) if token.text.split()[:1] != ["#pragma"]]
    spaces: list[str] = []
    start = place = 0
    while place < len(words):
        text = words[place].text
        if text.startswith("#") and place == start:
            directive = text[1:].split()
            if directive[0] == "define" and not is_guard(directive):
                yield _definition(f"#{directive[1].split('(')[0]}", [words[place]], path)
            start = place = place + 1
        elif text == "namespace" and place == start and words[place + 2].text == "{":
            spaces.append(words[place + 1].text)
            start = place = place + 3
        elif text == "}" and place == start:
            spaces.pop()
            start = place = place + 1
        elif text == ";" or (text == "{" and words[_after(words, place)].text != ";"):
            end = place if text == ";" else _after(words, place) - 1
            name = "::".join([*spaces[1:], _name(words[start:end])])
            yield _definition(name, words[start : end + 1], path)
            start = place = end + 1
        else:
            place = _after(words, place) if text in _OPEN else place + 1


def _definition(name: str, words: Sequence[CppToken], path: Path) -> HeaderDefinition:
    text = "\n".join(" ".join(token.text.split()) for token in words)
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
    return HeaderDefinition(name, digest, f"{path}:{words[0].line}")


def _after(words: Sequence[CppToken], place: int) -> int:
    """The place after the bracket that closes the one at `place`."""
    depth = 0
    for end in range(place, len(words)):
        depth += (words[end].text in _OPEN) - (words[end].text in _CLOSE)
        if depth == 0:
            return end + 1 if end + 1 < len(words) else end
    return len(words) - 1


def _name(words: Sequence[CppToken]) -> str:
    """The name that a definition gives: of a class the word after ``class``, else the word before the parameters."""
    depth = 0
    names: list[str] = []
    for place, token in enumerate(words):
        depth += (token.text == "<") - (token.text == ">")
        if depth == 0 and token.text in ("{", ":", "=", "["):
            break
        if depth == 0 and token.text == "(":
            return words[place - 1].text
        if depth == 0 and token.text.isidentifier():
            names.append(token.text)
    return names[-1] if names and names[0] not in ("class", "struct", "template") else _class_name(names)


def _class_name(names: Sequence[str]) -> str:
    for word in ("class", "struct"):
        if word in names and names.index(word) + 1 < len(names):
            return names[names.index(word) + 1]
    return names[-1] if names else ""
