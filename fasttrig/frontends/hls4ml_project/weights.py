"""Weights of a project: the headers that the synthesis reads, the text files that the C-simulation reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import IntArray, from_value
from fasttrig.frontends.hls4ml_project.configuration import Declarations, whole
from fasttrig.frontends.hls4ml_project.cpp import CppSource, CppToken, read_source, read_text, split, statements
from fasttrig.frontends.trees.conifer_types import CppType


class ProjectWeights:
    """Arrays of weights by name, as raw integers of their types.

    An array has its numbers in a header, in a text file, or in both, which then must agree: else the synthesis and the
    C-simulation would be two networks.
    """

    def __init__(self, folder: Path, declared: Declarations) -> None:
        self.folder, self.declared = folder, declared
        self.types: dict[str, CppType] = {}
        self.sizes: dict[str, int] = {}
        self.raw: dict[str, IntArray] = {}
        self.given: dict[bool, set[str]] = {False: set(), True: set()}
        """Arrays with numbers, as the C-simulation and as the synthesis (True) see them."""

    def read(self, path: Path) -> None:
        """Read one header: what the synthesis and what the C-simulation see of it."""
        for synthesis in (False, True):
            source = read_source(path, synthesis=synthesis)
            for words in statements(source, source.tokens):
                name, has_numbers = self._array(source, words)
                self.given[synthesis] |= {name} if has_numbers else set()

    def _array(self, source: CppSource, words: tuple[CppToken, ...]) -> tuple[str, bool]:
        """``T name[size]`` or ``T name[size] = {numbers}``: the name, and whether there are numbers."""
        head, *value = split(words, "=")
        texts = [token.text for token in head]
        if "[" not in texts or texts[-1] != "]" or len(value) > 1 or texts.index("[") < 2:
            raise source.refusal("weights that fasttrig does not understand", words[:12], "T name[size] = {numbers}")
        place = texts.index("[")
        name = texts[place - 1]
        kind = [token for token in head[: place - 1] if token.text not in ("static", "const", "constexpr")]
        of_type = self.declared.type_of(source, kind, {})
        size = whole(source, head[place + 1 : -1], self.declared.sizes)
        if self.types.setdefault(name, of_type) != of_type or self.sizes.setdefault(name, size) != size:
            raise source.refusal(f"two declarations of '{name}' differ", words[:12])
        if value:
            if value[0][0].text != "{" or value[0][-1].text != "}":
                raise source.refusal("weights that fasttrig does not understand", words[:12], "{numbers}")
            numbers = ["".join(token.text for token in number) for number in split(value[0][1:-1])]
            self._keep(name, self._raw(name, numbers, str(source.path)), str(source.path))
        return name, bool(value)

    def load(self, name: str, file: str) -> None:
        """Read one text file, which the C-simulation loads into the array `name`."""
        path = self.folder / file
        if Path(file).name != file:
            raise InputError("a file of weights outside the project", where=str(self.folder), got=file)
        if name not in self.types:
            raise InputError("a file of weights for an array that no header declares", where=str(path), got=name)
        lines = read_text(path).splitlines() or [""]
        self._keep(name, self._raw(name, [part.strip() for part in lines[0].split(",")], str(path)), str(path))
        self.given[False].add(name)

    def _keep(self, name: str, raw: IntArray, where: str) -> None:
        known = self.raw.setdefault(name, raw)
        if not np.array_equal(known, raw):
            place = int(np.flatnonzero(known != raw)[0])
            raise UnsupportedError(
                f"two files give '{name}' different weights: synthesis and C-simulation are two networks",
                where=where,
                got=f"element {place}: {raw[place]} raw, in the other {known[place]}",
                want="equal numbers in the header and in the text file",
            )

    def _raw(self, name: str, numbers: list[str], where: str) -> IntArray:
        of_type = self.types[name]
        assert of_type.fixed is not None
        try:
            values = np.array([float(number) for number in numbers])
        except ValueError:
            raise UnsupportedError("weights that are no numbers", where=where, got=", ".join(numbers)[:80]) from None
        if len(values) != self.sizes[name]:
            raise UnsupportedError(
                f"a wrong number of weights for '{name}'", where=where, got=str(len(values)), want=str(self.sizes[name])
            )
        if "int<" in of_type.text and (values != np.floor(values)).any():
            raise UnsupportedError(f"fractions in '{name}'", where=where, got=of_type.text, want="whole numbers")
        return from_value(values, of_type.fixed, of_type.rounding, of_type.overflow)
