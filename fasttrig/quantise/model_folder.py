"""The texts of a model folder that `fasttrig quantise` writes: settings, input map, card, and the table as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrig.data import samples
from fasttrig.data.inputs import InputMap
from fasttrig.data.labelled import sample_path
from fasttrig.settings import ModelProject

if TYPE_CHECKING:
    from fasttrig.quantise.whole import Quantised

CARD, TABLE = "README.md", "quantise.json"


def folder_texts(found: Quantised, project: ModelProject, inputs: InputMap, source: Path) -> dict[str, str]:
    """File name -> text."""
    from fasttrig.settings import MODEL_FILE

    return {
        MODEL_FILE: _settings(found, project, inputs, source),
        "inputs.json": inputs.to_json(),
        CARD: _card(found, project, source),
        TABLE: json.dumps([row.to_dict() for row in found.layers], indent=1) + "\n",
    }


def _settings(found: Quantised, project: ModelProject, inputs: InputMap, source: Path) -> str:
    name = project.model.name
    model = {
        "name": name,
        "description": project.model.description or f"{name}, quantised by fasttrig",
        "version": project.model.version,
        "file": f"{name}.h5",
        "float_file": f"{name}_float.h5",
        "quantisation": "fasttrig",
        "card": CARD,
    }
    data = project.data.model_dump(mode="json", exclude_defaults=True)
    data["sample"] = _sample(project, found.folder)
    tables = {
        "model": model,
        "data": data,
        "inputs": {"type": str(inputs.type), "quantile": project.input_settings.quantile},
        "target": project.target.model_dump(mode="json", exclude_defaults=True, exclude_none=True),
        "budget": project.budget.model_dump(mode="json", exclude_defaults=True, exclude_none=True),
        "physics": project.physics.model_dump(mode="json", exclude_defaults=True, exclude_none=True),
    }
    head = f"# Written by `fasttrig quantise` from {source.name}: {found.loss:.5f} of {found.allowed:g} allowed lost.\n"
    return head + "".join(_table(name, content) for name, content in tables.items() if content)


def _sample(project: ModelProject, folder: Path) -> str:
    if project.data.sample in samples.SAMPLES:
        return project.data.sample
    return Path(os.path.relpath(sample_path(project).absolute(), folder.absolute())).as_posix()


def _table(name: str, content: Mapping[str, Any]) -> str:
    plain = {key: value for key, value in content.items() if not _is_table(value)}
    lines = [f"\n[{name}]", *(f"{key} = {_value(value)}" for key, value in plain.items())]
    text = "\n".join(lines) + "\n" if plain else ""
    for key, value in content.items():
        if isinstance(value, Mapping):
            text += _table(f"{name}.{key}", value)
        elif _is_table(value):
            text += "".join(_table(f"{name}.{key}", row).replace("[", "[[", 1).replace("]", "]]", 1) for row in value)
    return text


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _value(value: Any) -> str:
    """A number, a truth value, a text or a list of them: TOML writes them as JSON does."""
    return json.dumps(value, ensure_ascii=False)


def _card(found: Quantised, project: ModelProject, source: Path) -> str:
    lines = [
        f"# {project.model.name} v{project.model.version}",
        "",
        f"Quantised by `fasttrig quantise` from the float network `{source.name}`; nothing was trained.",
        "",
        f"- Allowed loss in {found.figure}: {found.allowed:g}. Lost on the validation split, where the search looked:"
        f" {found.loss:.5f}; on the test split: {found.test_loss:.5f}.",
        f"- Estimated LUTs after logic synthesis: {found.lut:,.0f}, with the widest types {found.lut_widest:,.0f}"
        f" ({found.n_tried} candidates tried).",
        *([f"- Folded into the weights: {', '.join(found.folded)}."] if found.folded else []),
        "",
        "| layer | weights | results | digits a weight | zero weights | loss | error | LUT before | LUT |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {row.layer} | {row.weight} | {row.result or 'exact'} | {row.digits:.2f} | {row.zero_weights:.1%} "
            f"| {row.loss:.5f} | {row.error:.2%} | {row.lut_before:,} | {row.lut:,} |"
            for row in found.layers
        ),
        "",
    ]
    return "\n".join(lines)
