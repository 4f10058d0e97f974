"""Source of the event of a trace: a build folder, a model's test split, or a file of the user."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fasttrig.base.built_project import BuiltProject
from fasttrig.base.errors import DataError, FasttrigError, InputError
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.base.hashing import sha256_file, sha256_json
from fasttrig.data.labelled import LabelledSample, load_sample, sample_path
from fasttrig.data.readers import column_names, iter_table
from fasttrig.design import Design, load_built, read_project
from fasttrig.settings import MODEL_FILE, ModelProject, TargetSettings, find_models, load_project


@dataclass(frozen=True, slots=True)
class Opened:
    """A design and the known facts about it.

    Attributes
    ----------
    folder : the build folder, or None for a model
    project : the model's settings: where its float model and its sample are; None with `reason`
    """

    design: Design
    settings: TargetSettings
    folder: Path | None
    project: ModelProject | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TracedEvent:
    """One event.

    Attributes
    ----------
    raw : dict of input name to int array, shape (1, *shape)
    features : float array, shape (1, n_features), in their own units; None where only raw inputs are known
    truth : the class or the target, as text; empty where nobody knows
    source : where it was taken from
    """

    raw: dict[str, IntArray]
    features: FloatArray | None
    truth: str
    source: str


def open_design(name: str, start: Path) -> Opened:
    """The design of a build folder (its ``design.ir``), or of a model's folder or name."""
    folder = Path(name)
    if not BuiltProject(folder).exists:
        model = find_models([name], start)[0]
        design = read_project(load_project(model))
        assert design.project is not None
        return Opened(design, design.project.target, None, design.project)
    design = load_built(folder)
    project, reason = _project_of(folder, design, start)
    return Opened(design, _settings(folder), folder, project, reason)


def choose_event(opened: Opened, event: int, file: str | None, *, raw: bool = False) -> TracedEvent:
    """Event `event`, counted from 0; with `raw` the columns of `file` hold raw integers, else values.

    Raises
    ------
    DataError
        When there is no such event.
    """
    if file is not None:
        return _from_file(opened.design, event, file, raw)
    if raw:
        raise InputError("raw integers of which file", got="--raw without --events", want="--events FILE --raw")
    if opened.folder is None:
        assert opened.project is not None
        return _from_split(opened.design, opened.project, event)
    return _from_vectors(opened, opened.folder, event)


def _settings(folder: Path) -> TargetSettings:
    path = BuiltProject(folder).report
    try:
        return TargetSettings.model_validate(json.loads(path.read_text(encoding="utf-8"))["target"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "cannot read the settings of this build",
            where=str(path),
            got=repr(error)[:200],
            try_="fasttrig build --force",
        ) from None


def _project_of(folder: Path, design: Design, start: Path) -> tuple[ModelProject | None, str]:
    """The model that the folder was built from, if it is available and unchanged; else the reason."""
    name = design.graph.name
    try:
        here = start / MODEL_FILE
        project = load_project(here) if here.is_file() else None
        if project is None or project.model.name != name:
            project = load_project(find_models([name], start)[0])
        hashes = json.loads(BuiltProject(folder).manifest.read_text(encoding="utf-8"))["hashes"]
        combined = read_project(project) if project.taggers else None  # its features are those of the taggers
        project = (combined and combined.project) or project
        files = combined.model_files() if combined is not None else project.model_files()
        files["sample"] = sample_path(project)
        changed = [name for name, path in files.items() if path.is_file() and hashes.get(name) != sha256_file(path)]
        if changed or hashes.get("project") != sha256_json(project.built_from()):
            what = ", ".join(changed) or MODEL_FILE
            return None, f"the model '{name}' found in {project.folder} is not what was built: {what} differs"
    except FasttrigError:
        return None, f"the model '{name}' of this build was not found from here"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return None, f"the manifest of this build cannot be read: {error!r}"
    return project, ""


def _from_vectors(opened: Opened, folder: Path, event: int) -> TracedEvent:
    path = BuiltProject(folder).vectors_npz
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {op.name: stored[f"in_{op.name}"] for op in opened.design.graph.inputs}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(
            "cannot read the vectors of this build",
            where=str(path),
            got=repr(error)[:200],
            try_="fasttrig build --force",
        ) from None
    _check(event, min(map(len, arrays.values())), str(path))
    raw = {name: array[event : event + 1] for name, array in arrays.items()}
    if opened.project is not None and opened.design.inputs is not None:
        sample = load_sample(opened.project, "test")
        if event < len(sample.x):
            found = _split_event(opened.design, opened.project, sample, event)
            if all(np.array_equal(raw[name], found.raw[name]) for name in raw):
                return found
    return TracedEvent(raw, None, "", f"event {event} of {path}")


def _from_split(design: Design, project: ModelProject, event: int) -> TracedEvent:
    sample = load_sample(project, "test")
    _check(event, len(sample.x), f"the test split of {project.data.sample}")
    return _split_event(design, project, sample, event)


def _split_event(design: Design, project: ModelProject, sample: LabelledSample, event: int) -> TracedEvent:
    x, label = sample.x[event : event + 1], sample.labels[event]
    truth = (
        f"{label:.4g} {project.data.target_unit}".strip()
        if project.data.is_regression
        else (project.data.classes[int(label)])
    )
    raw, _ = design.quantise(x)
    return TracedEvent(raw, x, truth, f"event {event} of the test split of {project.data.sample}")


def _from_file(design: Design, event: int, file: str, raw: bool) -> TracedEvent:
    names = _columns(design, file)
    start = 0
    for table in iter_table(file, names):
        if event < start + table.n_rows:
            parts = [np.asarray(table[name])[event - start : event - start + 1].reshape(1, -1) for name in names]
            return _event_of(design, np.concatenate(parts, axis=1), f"event {event} of {file}", raw)
        start += table.n_rows
    _check(event, start, file)
    raise AssertionError


def _columns(design: Design, file: str) -> tuple[str, ...]:
    """The features by name; or columns without names (``.npy``) in their order."""
    names = column_names(file)
    if design.inputs is None or all(name == f"column_{k}" for k, name in enumerate(names)):
        return names
    return design.inputs.names


def _event_of(design: Design, row: FloatArray | IntArray, source: str, is_raw: bool) -> TracedEvent:
    inputs = design.graph.inputs
    if sum(op.result.size for op in inputs) != row.shape[1]:
        raise DataError(
            "the event does not fit the design's inputs",
            where=source,
            got=f"{row.shape[1]} numbers",
            want=", ".join(f"{op.name}: {op.result.shape}" for op in inputs),
        )
    if design.inputs is not None and not is_raw:
        raw, _ = design.quantise(row)
        return TracedEvent(raw, np.asarray(row, dtype=np.float64), "", source)
    parts = np.split(row, np.cumsum([op.result.size for op in inputs])[:-1], axis=1)
    raw, _ = design.quantise(
        {op.name: part.reshape(1, *op.result.shape) for op, part in zip(inputs, parts, strict=True)},
        raw=is_raw,
    )
    return TracedEvent(raw, None, "", source)


def _check(event: int, n_events: int, where: str) -> None:
    if not 0 <= event < n_events:
        raise DataError("no such event", where=where, got=str(event), want=f"0 to {n_events - 1}")
