"""The results of a training, and the writer of its files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fasttrig.physics.task import TaskAgreement

TrainingProgress = Callable[[str, int, int, float], None]
"""Called after each step with the name of the network, step, steps, validation loss (0 if there is none)."""


@dataclass(frozen=True, slots=True)
class Trained:
    """Results of a training: files, the comparison on the test split, sentences for the model card."""

    files: tuple[Path, ...]
    agreement: TaskAgreement
    n_train: int
    summary: tuple[str, ...]


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write next to `path`, then rename: a killed run leaves the old file."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fasttrig-") as folder:
        temporary = Path(folder) / path.name
        write(temporary)
        temporary.replace(path)
