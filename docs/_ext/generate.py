"""Pages made from the code: commands, backends, the schema of report.json, the keys of model.toml."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fasttrig.backends.table import BACKENDS
from fasttrig.cli import app
from fasttrig.report.document import Report
from fasttrig.settings import ModelProject

ROOT = Path(__file__).resolve().parents[2]
_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./\.\./[^)]*\)")
WIDTH = 86
"""Columns of a command's help."""


def write(folder: Path) -> None:
    """The generated pages; a page that has not changed is left alone, so that Sphinx need not read it again."""
    folder.mkdir(exist_ok=True)
    texts = {"cli": cli(), "report": schema(Report), "model_toml": schema(ModelProject), "backends": backends()}
    for name, text in texts.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def without_links_outside(text: str) -> str:
    """Replace each link from a page of docs/ to a file outside docs/ by its text: the site lacks the file."""
    return _OUTSIDE.sub(lambda link: link[1] if link[1].startswith("`") else f"`{link[1]}`", text)


def backends() -> str:
    """One row per backend, in the order of their table."""
    rows = [
        [row.name, row.folder, row.makes, ", ".join(row.targets), ", ".join(row.rungs), ", ".join(row.schedules)]
        for row in BACKENDS
    ]
    head = ["backend", "folder", "writes", "`--target`", "rungs that run it", "schedules"]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))


def cli() -> str:
    """One section per command, with what ``--help`` prints."""
    root = typer.main.get_command(app)
    parts = [f"## {name}\n\n```text\n{help_text}\n```\n" for name, help_text in _helps(root, "fasttrig", None)]
    return "\n".join(parts)


def _helps(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    context = command.make_context(
        name.split()[-1], [], parent=parent, resilient_parsing=True, terminal_width=WIDTH, max_content_width=WIDTH
    )
    yield name, command.get_help(context).rstrip()
    for child_name, child in sorted(getattr(command, "commands", {}).items()):
        yield from _helps(child, f"{name} {child_name}", context)


def schema(model: type[BaseModel]) -> str:
    """A table of keys for `model`, then for every model inside it."""
    seen: list[type[BaseModel]] = [model]
    parts = []
    for table in seen:  # grows while it is read
        parts.append(_table(table))
        seen += [
            inner for field in table.model_fields.values() for inner in _models(field.annotation) if inner not in seen
        ]
    return "\n".join(parts)


def _table(model: type[BaseModel]) -> str:
    about = inspect.getdoc(model) if model.__doc__ and model.__dict__.get("__doc__") else ""
    about = (about or "").replace("``", "`")
    rows = [
        f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {_cell(field.description or '')} |"
        for name, field in model.model_fields.items()
        if not field.exclude
    ]
    head = "| key | type | default | meaning |\n|---|---|---|---|"
    return f"## {model.__name__}\n\n{about}\n\n{head}\n" + "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    content = field.default if field.default is not PydanticUndefined else None
    if content is None or isinstance(content, BaseModel) or content in ({}, (), [], ""):
        return ""
    return f"`{getattr(content, 'value', content)}`"


def _type(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    arguments = [argument for argument in get_args(annotation) if argument not in (type(None), ...)]
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_type, arguments))
    if str(origin) == "typing.Literal":
        return ", ".join(f"`{argument}`" for argument in arguments)
    if str(origin) == "typing.Annotated" or hasattr(annotation, "__metadata__"):
        return _type(arguments[0])
    if origin in (list, tuple):
        return f"list of {', '.join(dict.fromkeys(map(_type, arguments)))}"
    if origin is dict:
        return f"{_type(arguments[0])} to {_type(arguments[1])}"
    if inspect.isclass(annotation) and hasattr(annotation, "__members__"):
        return ", ".join(f"`{member.value}`" for member in annotation)
    return str(getattr(annotation, "__name__", annotation))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and not get_args(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
