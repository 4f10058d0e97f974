"""Reading ``model.toml``: every key validated, every fault listed with file, key, got and want; finding models."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from fasttrig.base.built_project import BuiltProject
from fasttrig.base.errors import ProjectError, near_names
from fasttrig.settings.tables import ModelProject

MODELS_FILE = "fasttrig.toml"
MODEL_FILE = "model.toml"


def load_project(path: Path | str) -> ModelProject:
    """Read and validate a ``model.toml`` (or the folder that holds one).

    Raises
    ------
    ProjectError
        With every fault of the file, each with its key, what it holds and what it should.
    """
    path = Path(path)
    if path.is_dir():
        path = path / MODEL_FILE
    content = _read_toml(path)
    try:
        return ModelProject.model_validate({**content, "folder": path.parent})
    except ValidationError as error:
        raise ProjectError(
            f"{path.name} is not valid: {error.error_count()} fault(s)",
            where=str(path),
            got="\n".join(_fault(item) for item in error.errors()),
            want="keys as in the README, section 'model.toml'",
        ) from None


def find_models(names: Iterable[str], start: Path) -> list[Path]:
    """The folders of the models to build.

    Each name is a folder with a ``model.toml``, such a file, or the name of a folder below ``models/``. Without names:
    ``model.toml`` in `start`, else the list in ``models/fasttrig.toml``, else the models that the package carries.
    """
    names = list(names)
    if names:
        return [_find_model(name, start) for name in names]
    if (start / MODEL_FILE).is_file():
        return [start]
    root = models_folder(start)
    listed = _read_toml(root / MODELS_FILE).get("build")
    if not isinstance(listed, list) or not listed or not all(isinstance(item, str) for item in listed):
        raise ProjectError(
            "no list of models to build", where=str(root / MODELS_FILE), got=repr(listed), want='build = ["jet_mlp"]'
        )
    return [_find_model(name, start) for name in listed]


def models_folder(start: Path) -> Path:
    """``models/`` in or above `start`, else the one inside the installed package or the checkout."""
    candidates = [folder / "models" for folder in (start, *start.parents)]
    package = Path(__file__).resolve().parents[1]
    candidates += [package / "_models", package.parent / "models"]
    for folder in candidates:
        if (folder / MODELS_FILE).is_file():
            return folder
    raise ProjectError("no models found", where=str(start), want=f"models/{MODELS_FILE} or {MODEL_FILE}")


def _find_model(name: str, start: Path) -> Path:
    path = start / name
    if path.name == MODEL_FILE and path.is_file():
        return path.parent
    if (path / MODEL_FILE).is_file() or BuiltProject(path).exists:
        return path
    root = models_folder(start)
    if (root / name / MODEL_FILE).is_file():
        return root / name
    if path.is_dir():
        raise ProjectError(
            "no model in this folder",
            where=str(path),
            want=f"a {MODEL_FILE} in it",
            try_="`fasttrig init NAME` starts a project",
        )
    if path.is_file():
        raise ProjectError(
            "expected a model folder, found a file",
            where=str(path),
            want=f"a folder with {MODEL_FILE}",
            try_="`fasttrig init NAME` starts one, and its model.toml names the file",
        )
    known = [folder.parent.name for folder in root.glob(f"*/{MODEL_FILE}")]
    raise ProjectError(
        "no such model",
        where=str(root),
        got=repr(name),
        want=f"a folder with {MODEL_FILE}",
        try_=near_names(name, known),
    )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError("no such file", where=str(path), want=f"a {path.name}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, IsADirectoryError, PermissionError, RecursionError) as error:
        raise ProjectError("cannot read this as TOML", where=str(path), got=str(error)) from None


def _fault(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{key}: unknown key; {_known_keys(item['loc'])}"
    if item["type"] == "missing":
        return f"{key}: missing"
    message = item["msg"].removeprefix("Value error, ")
    if not key:
        return message
    return f"{key}: {message}" if isinstance(item["input"], dict) else f"{key} = {item['input']!r}: {message}"


def _known_keys(location: tuple[int | str, ...]) -> str:
    table: Any = ModelProject
    for part in location[:-1]:
        field = getattr(table, "model_fields", {}).get(part)
        annotation = getattr(field, "annotation", None)
        nested = [a for a in getattr(annotation, "__args__", ()) if isinstance(a, type) and issubclass(a, BaseModel)]
        table = nested[0] if nested else annotation if annotation is not None else table
    known = [name for name in getattr(table, "model_fields", {}) if name != "folder"]
    return near_names(str(location[-1]), known) if known else "remove it"
