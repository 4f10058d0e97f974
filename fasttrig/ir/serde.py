"""Graphs in files: the text form of text.py, written whole or not at all, read with every check."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from fasttrig.base.errors import GraphError
from fasttrig.ir.graph import Graph
from fasttrig.ir.text import VERSION, parse_graph, print_graph
from fasttrig.ir.verify import verify

MAX_BYTES = 256 << 20
"""Largest file that is read; the text of a trigger network is below a megabyte."""

_HEADER = re.compile(r"\s*fasttrig-ir ([0-9]{1,6})\s*(?:#.*)?\n")

UPGRADES: dict[int, Callable[[str], str]] = {}
"""For each older version the step to the next: text of version n -> text of version n + 1."""


def save(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write the text of `graph`: first to a file next to `path`, then renamed, so that no incomplete file ever appears.

    Raises
    ------
    GraphError
        If `graph` is not well formed, or would not be read back unchanged.
    """
    verify(graph)
    text = print_graph(graph)
    if parse_graph(text) != graph:
        raise GraphError("the text form does not reproduce this graph", where=f"graph '{graph.name}'")
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Graph:
    """The verified graph of a file, of this version or an older one.

    Raises
    ------
    GraphError
        If the file cannot be read, is no graph, is newer than this program or is not well formed.
    """
    source = Path(path)
    try:
        graph = parse_graph(upgrade(_read(source)))
        verify(graph)
    except GraphError as error:
        where = f"{source} > {error.where}" if error.where else str(source)
        raise GraphError(error.what, where=where, got=error.got, want=error.want, try_=error.try_) from None
    return graph


def upgrade(text: str, upgrades: dict[int, Callable[[str], str]] | None = None, version: int = VERSION) -> str:
    """`text` brought to `version` by the steps of the table, one after the other."""
    steps = UPGRADES if upgrades is None else upgrades
    found = version_of(text)
    if found > version:
        raise GraphError(
            "the graph was written by a newer fasttrig",
            got=f"version {found}",
            want=f"at most {version}",
            try_="upgrade fasttrig",
        )
    while found < version:
        if found not in steps:
            raise GraphError(
                "the graph version is too old",
                got=f"version {found}",
                want=f"version {version}",
                try_="compile the model again",
            )
        text, before = steps[found](text), found
        found = version_of(text)
        if found != before + 1:
            raise GraphError("an upgrade step gave the wrong version", got=f"{before} to {found}", want=str(before + 1))
    return text


def version_of(text: str) -> int:
    """The version in the first line."""
    match = _HEADER.match(text)
    if match is None:
        raise GraphError("not a fasttrig graph", got=repr(text[:40]), want=f"'fasttrig-ir {VERSION}' in the first line")
    return int(match[1])


def _read(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise GraphError("the file is too large for a graph", got=f"{size} bytes", want=f"at most {MAX_BYTES}")
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise GraphError("the file cannot be read", got=error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        got = f"byte {error.start} is not UTF-8"
        raise GraphError("the file is not text", got=got, want="a fasttrig graph") from None
