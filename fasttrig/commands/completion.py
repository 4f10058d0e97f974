"""Shell completion of model names and build folders: typer calls these functions when the user presses Tab."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fasttrig.base.built_project import GRAPH

BUILD_FOLDER = "build"


def complete_models(incomplete: str) -> list[str]:
    """Names below ``models/``, and folders here that hold a ``model.toml``."""
    return _matching(incomplete, _models(incomplete))


def complete_builds(incomplete: str) -> list[str]:
    """Folders that ``fasttrig build`` wrote."""
    return _matching(incomplete, _builds(incomplete))


def complete_designs(incomplete: str) -> list[str]:
    """Models and build folders."""
    return _matching(incomplete, [*_models(incomplete), *_builds(incomplete)])


def _models(incomplete: str) -> Iterator[str]:
    from fasttrig.base.errors import FasttrigError
    from fasttrig.settings import MODEL_FILE, models_folder

    with contextlib.suppress(FasttrigError):  # no models found: no suggestions
        yield from (path.parent.name for path in models_folder(Path.cwd()).glob(f"*/{MODEL_FILE}"))
    yield from _folders(incomplete, MODEL_FILE)


def _builds(incomplete: str) -> Iterator[str]:
    yield from (path.parent.as_posix() for path in Path(BUILD_FOLDER).glob(f"*/{GRAPH}"))
    yield from _folders(incomplete, GRAPH)


def _folders(incomplete: str, holding: str) -> Iterator[str]:
    """Folders whose path starts with `incomplete` and that contain the file `holding`."""
    stem = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    if stem.is_dir():
        yield from (path.parent.as_posix() for path in stem.glob(f"*/{holding}"))


def _matching(incomplete: str, names: Iterator[str] | list[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
