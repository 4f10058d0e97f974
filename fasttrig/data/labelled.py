"""The labelled events of a model's sample: features in the network's order, labels or regression targets, units."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.data.readers import column_names, read_table
from fasttrig.data.table import ColumnTable
from fasttrig.settings import ModelProject

LABEL, SPLIT = "label", "split"
SPLITS = {"train": 0, "validation": 1, "test": 2}


Truth: TypeAlias = npt.NDArray[Any]
"""Classes as int64, or regression targets as float64; shape (n_events,)."""


PROFILES = ("jet_pt", "jet_mass")
"""Columns against which efficiencies are shown where ``[physics] profiles`` names none, if the sample has them."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A column that no model sees, of shape (n_events,): efficiencies are shown against it."""

    name: str
    unit: str
    values: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSample:
    """x has shape (n_events, n_features) in the features' units; labels, or real targets, shape (n_events,).

    `descriptions` holds what the file says about each feature; empty texts where it says nothing. `targets` holds the
    truth of a second output beside the classes.
    """

    x: FloatArray
    labels: Truth
    names: tuple[str, ...]
    units: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = ()
    targets: FloatArray | None = None


def sample_path(project: ModelProject) -> Path:
    """The file that ``[data] sample`` names: an embedded sample, or a path relative to model.toml."""
    from fasttrig.data import samples

    name = project.data.sample
    return samples.path(name) if name in samples.SAMPLES else project.path(name)


def load_sample(project: ModelProject, split: str) -> LabelledSample:
    """One split of the model's sample.

    Raises
    ------
    DataError
        When the file lacks ``split`` and ``label`` (or the target), or holds labels that model.toml does not name.
    """
    path = sample_path(project)
    names = project.data.features or default_features()
    data = project.data
    truth = data.target if data.is_regression else LABEL
    second = [data.target] if data.has_second_head else []
    profiles = _profile_names(project, path)
    table = read_table(path, columns=list(dict.fromkeys([*names, *profiles, truth, *second, SPLIT])))
    rows = np.asarray(table.columns[SPLIT]) == SPLITS[split]
    if not rows.any():
        raise DataError(f"the {split} split is empty", where=str(path), want=f"rows with {SPLIT} = {SPLITS[split]}")
    labels = np.asarray(table.columns[truth])[rows]
    labels = labels.astype(np.float64) if project.data.is_regression else _classes(labels, project, path)
    x = np.stack([np.asarray(table.columns[name], dtype=np.float64)[rows] for name in names], axis=1)
    return LabelledSample(
        x,
        labels,
        tuple(names),
        tuple(table.unit(name) for name in names),
        tuple(table.description(name) for name in names),
        tuple(Profile(name, table.unit(name), _numbers(table, name, path)[rows]) for name in profiles),
        _numbers(table, second[0], path)[rows] if second else None,
    )


def _numbers(table: ColumnTable, name: str, path: Path) -> FloatArray:
    """A column of one number per event."""
    values = np.asarray(table[name], dtype=np.float64)
    if values.ndim == 1:
        return values
    raise DataError(
        "efficiencies are shown against one number per event",
        where=f"{path}, column '{name}'",
        got=f"{values.shape[1]} numbers per event",
        try_="leave it out of [physics] profiles",
    )


def _profile_names(project: ModelProject, path: Path) -> tuple[str, ...]:
    """Those of ``[physics] profiles``, which must be in the file; else those of `PROFILES` that are."""
    named = project.physics.profiles
    if named is not None:
        return named
    known = column_names(path)
    return tuple(name for name in PROFILES if name in known)


def _classes(labels: Truth, project: ModelProject, path: Path) -> IntArray:
    classes = project.data.classes
    if labels.min() < 0 or labels.max() >= len(classes):
        raise DataError(
            "the labels do not fit the classes",
            where=str(path),
            got=f"{len(labels)} events, labels {labels.min()} to {labels.max()}",
            want=f"labels 0 to {len(classes) - 1}: {', '.join(classes)}",
        )
    return labels.astype(np.int64)


def default_features() -> tuple[str, ...]:
    """The sixteen substructure observables, in the order of the public five-class benchmark."""
    from fasttrig.data.columns import SIXTEEN

    return tuple(SIXTEEN)
