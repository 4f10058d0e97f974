"""Universal Binary JSON (draft 12) to Python objects; typed arrays become NumPy arrays. Executes nothing.

A count that a file claims is believed only as far as the file has bytes for it.
"""

from __future__ import annotations

import struct
from typing import Any, NoReturn

import numpy as np

from fasttrig.base.errors import InputError

MAX_DEPTH = 64
"""Nested containers; a model has fewer than ten."""

_NUMBERS = {
    b"i": (">i1", 1),
    b"U": (">u1", 1),
    b"I": (">i2", 2),
    b"l": (">i4", 4),
    b"L": (">i8", 8),
    b"d": (">f4", 4),
    b"D": (">f8", 8),
}
_STRUCT = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q", b"d": ">f", b"D": ">d"}
_CONSTANTS: dict[bytes, Any] = {b"T": True, b"F": False, b"Z": None}
_INTEGERS = b"iUIlL"


def parse_ubjson(content: bytes, where: str) -> Any:
    """The object of a whole file.

    Raises
    ------
    InputError
        With the byte at which the content is no UBJSON.
    """
    reader = _UbjsonReader(content, where)
    parsed = reader.value(reader.marker(), 0)
    if content[reader.at :].strip(b"N\x00\n "):
        reader.fault("bytes after the end of the object")
    return parsed


class _UbjsonReader:
    def __init__(self, content: bytes, where: str) -> None:
        self.content = content
        self.where = where
        self.at = 0
        self.free = len(content)
        """Entries without a byte of their own that all containers together may still claim."""

    def value(self, marker: bytes, depth: int) -> Any:
        if depth > MAX_DEPTH:
            self.fault(f"more than {MAX_DEPTH} nested containers")
        if marker in _STRUCT:
            return struct.unpack(_STRUCT[marker], self.take(_NUMBERS[marker][1]))[0]
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker == b"C":
            return self.take(1).decode("latin-1")
        if marker in b"SH":
            return self.text()
        if marker not in b"[{":
            self.fault("an unknown marker", got=repr(marker))
        return self.array(depth) if marker == b"[" else self.object(depth)

    def array(self, depth: int) -> Any:
        kind, count = self.header()
        if kind in _NUMBERS and count is not None:
            dtype, size = _NUMBERS[kind]
            return np.frombuffer(self.take(count * size), dtype=dtype).astype(dtype[1:])
        items: list[Any] = []
        while not self.ends(b"]", count, len(items)):
            items.append(self.value(kind or self.marker(), depth + 1))
        return items

    def object(self, depth: int) -> dict[str, Any]:
        kind, count = self.header()
        members: dict[str, Any] = {}
        read = 0
        while not self.ends(b"}", count, read):
            key = self.text()
            members[key] = self.value(kind or self.marker(), depth + 1)
            read += 1
        return members

    def header(self) -> tuple[bytes, int | None]:
        """The common type and the number of entries of a container, where it states them."""
        kind = b""
        if self.peek() == b"$":
            self.take(1)
            kind = self.take(1)
            if self.peek() != b"#":
                self.fault("a typed container without a count")
        if self.peek() != b"#":
            return kind, None
        self.take(1)
        count = self.length()
        smallest = 0 if kind in _CONSTANTS else 1
        self.free -= 0 if smallest else count
        if count * smallest > len(self.content) - self.at or self.free < 0:
            self.fault("a container claims more entries than the file has bytes", got=str(count))
        return kind, count

    def ends(self, closing: bytes, count: int | None, read: int) -> bool:
        if count is not None:
            return read >= count
        while self.peek() == b"N":
            self.take(1)
        if self.peek() != closing:
            return False
        self.take(1)
        return True

    def text(self) -> str:
        raw = self.take(self.length())
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.fault("text that is not UTF-8")

    def length(self) -> int:
        marker = self.marker()
        if marker not in _INTEGERS:
            self.fault("a length that is no integer", got=repr(marker))
        length = int(self.value(marker, 0))
        if length < 0:
            self.fault("a negative length", got=str(length))
        return length

    def marker(self) -> bytes:
        marker = self.take(1)
        while marker == b"N":
            marker = self.take(1)
        return marker

    def peek(self) -> bytes:
        return self.content[self.at : self.at + 1]

    def take(self, n_bytes: int) -> bytes:
        taken = self.content[self.at : self.at + n_bytes]
        if len(taken) != n_bytes:
            self.fault("the file ends too early", got=f"{len(taken)} of {n_bytes} bytes")
        self.at += n_bytes
        return taken

    def fault(self, what: str, got: str = "") -> NoReturn:
        raise InputError(f"not a UBJSON file: {what}", where=f"{self.where}, byte {self.at}", got=got)
