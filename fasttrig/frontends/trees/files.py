"""Reading model files that nobody vouches for: bounded sizes, no code, one kind of error."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError
from fasttrig.base.lfs import refuse_pointer
from fasttrig.frontends.trees.ubjson import parse_ubjson

MAX_BYTES = 1 << 30
"""Largest model file, unpacked."""

_UNPACKED_BYTES, _UNPACKED_TIMES = 64 << 20, 32
"""A gzipped file may always unpack to so many bytes, and to so many times its size; a larger one is a bomb."""

_GZIP = b"\x1f\x8b"


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked where it is gzipped."""
    limit = MAX_BYTES
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if content[:2] == _GZIP:
            limit = min(MAX_BYTES, max(_UNPACKED_BYTES, _UNPACKED_TIMES * len(content)))
            with gzip.open(path, "rb") as packed:
                content = packed.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError("a model file cannot be read", where=str(path), got=str(error)) from None
    if len(content) > limit:
        raise InputError("a model file is too large", where=str(path), want=f"at most {limit >> 20} MiB unpacked")
    refuse_pointer(content, str(path))
    if not content.strip():
        raise InputError("a model file is empty", where=str(path))
    return content


def read_text(path: Path) -> str:
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("a model file is not text", where=str(path), got=str(error)) from None


def read_document(path: Path) -> Any:
    """The object of a JSON or UBJSON file; the content decides, not the suffix."""
    content = read_bytes(path)
    # A JSON object starts with {" (spaces allowed), a UBJSON object with the marker of its first key's length.
    if content[:1] == b"{" and content[1:2] in (b"i", b"U", b"I", b"l", b"L", b"$", b"#", b"N"):
        return parse_ubjson(content, str(path))
    return parse_json(content, str(path))


def parse_json(content: bytes | bytearray | str, where: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError("not a JSON file", where=where, got=str(error)) from None


def member(document: Any, *path: str | int, where: str) -> Any:
    """``document[path[0]][path[1]]...``, or an error that says how far it went."""
    place = document
    for depth, key in enumerate(path):
        missing = (
            key not in place
            if isinstance(place, dict)
            else not isinstance(place, list) or not (isinstance(key, int) and key < len(place))
        )
        if missing:
            raise InputError(
                "an entry is missing from the model file",
                where=" > ".join([where, *map(str, path[:depth])]),
                want=repr(key),
            )
        place = place[key]
    return place


@contextmanager
def understanding(where: str) -> Iterator[None]:
    """Turn what goes wrong while following an unknown file's layout into an error that names the place."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise InputError(
            "a model cannot be read",
            where=where,
            got=f"{type(error).__name__}: {error}"[:200],
            want="the layout that its library writes",
        ) from error


def whole_number(content: Any, where: str) -> int:
    """An integer that a file holds as a number or as text."""
    try:
        number = int(content)
    except (TypeError, ValueError, OverflowError):
        raise InputError("not a whole number", where=where, got=repr(content)[:60]) from None
    return number
