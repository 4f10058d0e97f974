"""A design in a file: ``layers`` and the options of ``fasttrig.estimate``, as JSON or TOML."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError, near_names

OPTIONS = ("part", "clock_period_ns", "strategy", "reuse_factor", "tool", "io_type", "stage", "input_t")
_ALSO = {"clock_ns": "clock_period_ns", "rf": "reuse_factor"}


def read_description(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Layers and options of a description; a bare list of layers is one, too.

    Raises
    ------
    InputError
        When the file is neither, or names an unknown option.
    """
    content = _read(path)
    table = {"layers": content} if isinstance(content, list) else content
    layers = table.get("layers") if isinstance(table, dict) else None
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise InputError("the description lists no layers", where=str(path), want='"layers": [{"kind": "dense", ...}]')
    options = {option_name(key): value for key, value in table.items() if key not in ("layers", "name")}
    return layers, options


def option_name(key: str) -> str:
    """The option meant by `key`; ``clock_ns`` is understood."""
    name = _ALSO.get(key, key)
    if name not in OPTIONS:
        raise InputError(
            "no such option of an estimate", got=repr(key), want=", ".join(OPTIONS), try_=near_names(key, OPTIONS)
        )
    return name


def parse_what_if(text: str) -> list[dict[str, Any]]:
    """Alternatives in ``clock_period_ns=2.0,reuse_factor=1|2|4``: every combination of the values.

    Raises
    ------
    InputError
        For an item without ``=``, an unknown option, or an invalid number.
    """
    alternatives: list[dict[str, Any]] = [{}]
    for item in filter(None, (piece.strip() for piece in text.split(","))):
        key, separator, said = item.partition("=")
        if not separator or not said:
            raise InputError("an alternative needs a value", got=repr(item), want="reuse_factor=1|2|4")
        name = option_name(key.strip())
        values = [_value(name, value.strip()) for value in said.split("|")]
        alternatives = [known | {name: value} for known in alternatives for value in values]
    if alternatives == [{}]:
        raise InputError("no alternative given", got=repr(text), want="clock_period_ns=2.0,reuse_factor=4")
    return alternatives


def _value(name: str, text: str) -> Any:
    kind = {"clock_period_ns": float, "reuse_factor": int}.get(name, str)
    try:
        value = kind(text)
    except ValueError:
        raise InputError("not a number", where=name, got=repr(text)) from None
    if kind is not str and not 0 < value < 1e9:
        raise InputError("not a positive number", where=name, got=repr(text))
    return value


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except FileNotFoundError:
        raise InputError("no such file", where=str(path)) from None
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError("cannot read this description", where=str(path), got=str(error)) from None
