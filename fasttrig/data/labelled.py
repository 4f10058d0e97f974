"""The labelled events of a model's sample: features in the network's order, labels, units."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fasttrig.data.readers import Table, read_table
from fasttrig.errors import DataError
from fasttrig.fixed import FloatArray, IntArray
from fasttrig.project import ModelProject

LABEL, SPLIT = "label", "split"
SPLITS = {"train": 0, "validation": 1, "test": 2}


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSample:
    """x has shape (n_events, n_features) in the features' units, labels shape (n_events,)."""

    x: FloatArray
    labels: IntArray
    names: tuple[str, ...]
    units: tuple[str, ...]


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
        When the file lacks the columns ``label`` and ``split``, or holds labels that model.toml does not name.
    """
    path = sample_path(project)
    names = project.data.features or default_features()
    table = read_table(path, columns=[*names, LABEL, SPLIT])
    rows = np.asarray(table.columns[SPLIT]) == SPLITS[split]
    labels = np.asarray(table.columns[LABEL])[rows].astype(np.int64)
    n_classes = len(project.data.classes)
    if not len(labels) or labels.min() < 0 or labels.max() >= n_classes:
        got = f"{len(labels)} events" + (f", labels {labels.min()} to {labels.max()}" if len(labels) else "")
        raise DataError(f"the {split} split does not fit the classes", where=str(path), got=got,
                        want=f"labels 0 to {n_classes - 1}: {', '.join(project.data.classes)}")  # fmt: skip
    x = np.stack([np.asarray(table.columns[name], dtype=np.float64)[rows] for name in names], axis=1)
    return LabelledSample(x, labels, tuple(names), _units(table, names))


def default_features() -> tuple[str, ...]:
    """The sixteen substructure observables, in the order of the public five-class benchmark."""
    from fasttrig.data.columns import SIXTEEN

    return tuple(SIXTEEN)


def _units(table: Table, names: tuple[str, ...]) -> tuple[str, ...]:
    columns = table.metadata.get("columns", {})
    return tuple(str(columns.get(name, {}).get("unit", "")) for name in names)
