"""``outputs.json``: how the words that leave the firmware are to be read, and the names of the scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.ir.graph import Graph, Postprocessor
from fasttrig.settings import ModelProject

FORMAT = "fasttrig-outputs 1"


def outputs_json(graph: Graph, classes: Sequence[str], seeds: Sequence[str] = ()) -> str:
    """Text of ``outputs.json``: type, scale and link of each output of `graph`, and the classes that it scores."""
    rows = output_rows(graph, classes, seeds)
    return json.dumps({"format": FORMAT, "classes": list(classes), "outputs": rows}, indent=1) + "\n"


def output_rows(graph: Graph, classes: Sequence[str], seeds: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One row per output of `graph`, as plain data; the last output holds the bits of `seeds`, where there are any."""
    rows = [_output(graph, index, classes) for index in range(len(graph.outputs))]
    if seeds:
        rows[-1]["words"] = list(seeds)
    return rows


def word_names(graph: Graph, classes: Sequence[str]) -> tuple[str, ...]:
    """Names of the words of the first output: the classes, or the one class that a single word is about."""
    n_words = graph.outputs[0].size
    if len(classes) == n_words:
        return tuple(classes)
    return (classes[1],) if n_words == 1 and len(classes) == 2 else ()


def _output(graph: Graph, index: int, classes: Sequence[str]) -> dict[str, Any]:
    value, is_first = graph.outputs[index], index == 0  # the link is that of the first output
    return {
        "name": value.name,
        "shape": list(value.shape),
        "type": str(value.type),
        "width": value.type.width,
        "fraction_bits": value.type.fraction_bits,
        "signed": value.type.signed,
        "link": (graph.postprocessor if is_first else Postprocessor.NONE).value,
        "link_scale": str(graph.link_scale if is_first else 1),
        "words": list(word_names(graph, classes)) if is_first else [],
    }


def load_names(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the scores, and of the seeds: the words of an output after the first; empty without a file.

    Raises
    ------
    InputError
        For a damaged file, or one of another format.
    """
    if not path.exists():
        return (), ()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}")
        seeds = [str(word) for row in content["outputs"][1:] for word in row["words"]]
        return tuple(map(str, content["classes"])), tuple(seeds)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            "cannot read the names of the outputs",
            where=str(path),
            got=repr(error),
            want=FORMAT,
            try_="fasttrig build --force",
        ) from None


def require_second_head(graph: Graph, project: ModelProject) -> None:
    """Raise where model.toml names a target beside classes and the model has no number for it."""
    if project.data.has_second_head and [value.size for value in graph.outputs[1:2]] != [1]:
        raise UnsupportedError(
            "the model has no second output for the target",
            where=str(project.path(project.model.file)),
            got=f"outputs of shape {', '.join(str(value.shape) for value in graph.outputs)}",
            want=f"the classes, then one number for [data] target = {project.data.target!r}",
            try_="leave out the target, or the classes",
        )
