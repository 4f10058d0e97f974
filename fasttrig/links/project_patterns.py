"""Patterns of a built project: its golden vectors as a board sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from fasttrig.base.built_project import BuiltProject
from fasttrig.base.errors import DataError, InputError
from fasttrig.base.fixed import IntArray
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value
from fasttrig.ir.text import parse_graph
from fasttrig.links.link_map import LinkMap, check_link_map, default_link_map, read_link_map
from fasttrig.links.patterns import check_format, read_patterns, unpack_patterns, write_patterns

LINKS_FILE = "links.toml"
SIDES = ("inputs", "outputs")


def project_patterns(
    folder: Path, format: str, links: Path | None = None, n_events: int | None = None
) -> dict[str, str]:
    """Pattern files of the inputs and of the expected outputs, and the link map they follow, as ``{name: text}``.

    Parameters
    ----------
    folder : Path
        What ``fasttrig build`` wrote.
    links : Path, optional
        A link map in TOML; default `default_link_map` of the design.
    n_events : int, optional
        Only the first so many events.
    """
    check_format(format)
    graph = read_graph(folder)
    link_map = load_map(graph, links)
    files = {LINKS_FILE: link_map.to_toml()}
    vectors = _vectors(folder, graph)
    for side in SIDES:
        tensors = {name: array[:n_events] for name, array in vectors[side].items()}
        files |= write_patterns(link_map, format, tensors, side)
    return files


def refuse_leftovers(folder: Path, files: Mapping[str, str]) -> None:
    """An error when `folder` holds pattern files beyond `files`: a set of mixed origin could not be told from one."""
    found = sorted(path.name for side in SIDES for path in folder.glob(f"{side}_*.txt"))
    left = [name for name in found if name not in files]
    if left:
        raise InputError(
            "the folder contains pattern files of an earlier run",
            where=str(folder),
            got=f"{left[0]}, {len(left)} in all",
            try_="remove these files, or choose another --out",
        )


def decode(folder: Path, file: Path, links: Path | None = None, side: str = "") -> dict[str, IntArray]:
    """Raw integers by field, shapes (n_events, *shape), of one pattern file.

    Parameters
    ----------
    side : "inputs", "outputs" or ""
        Which side of the board the file is for; when empty its name tells.
    """
    side = side or next((known for known in SIDES if file.name.startswith(known)), "")
    if side not in SIDES:
        raise InputError(
            "cannot tell whether the file contains inputs or outputs",
            where=str(file),
            got=side or file.name,
            try_="--side inputs, or --side outputs",
        )
    graph = read_graph(folder)
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError("cannot read the pattern file", where=str(file), got=str(error)) from None
    return unpack_patterns(load_map(graph, links), [read_patterns(text, str(file))], _values(graph, side), side)


def read_graph(folder: Path) -> Graph:
    """The design of a built project."""
    path = BuiltProject(folder).graph
    try:
        return parse_graph(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            "not a built project",
            where=str(folder),
            got=str(error),
            want="a folder with design.ir",
            try_="fasttrig build writes one",
        ) from None


def load_map(graph: Graph, links: Path | None) -> LinkMap:
    """The link map of a file, checked against the design, or the default one."""
    link_map = default_link_map(graph) if links is None else read_link_map(links)
    check_link_map(link_map, graph, str(links or "default link map"))
    return link_map


def _values(graph: Graph, side: str) -> Sequence[Value]:
    return [op.result for op in graph.inputs] if side == "inputs" else graph.outputs


def _vectors(folder: Path, graph: Graph) -> dict[str, dict[str, IntArray]]:
    path = BuiltProject(folder).vectors_npz
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {
                side: {value.name: arrays[f"{prefix}_{value.name}"] for value in _values(graph, side)}
                for side, prefix in zip(SIDES, ("in", "out"), strict=True)
            }
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise DataError(
            "cannot read the project's vectors", where=str(path), got=str(error), try_="build the project again"
        ) from None
