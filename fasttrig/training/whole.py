"""A whole training: model, float twin, input map, golden vectors and card appear beside model.toml together."""

from __future__ import annotations

from pathlib import Path

from fasttrig.base.staging import staged_files
from fasttrig.data.labelled import sample_path
from fasttrig.settings import ModelProject
from fasttrig.training.golden import write_golden
from fasttrig.training.model_card import card_text
from fasttrig.training.results import Progress, Trained
from fasttrig.training.train import check_settings, train


def train_whole(project: ModelProject, progress: Progress | None = None) -> tuple[Trained, tuple[Path, ...]]:
    """Train as `train` does; returns what it found, and every file written.

    Until all are there, the old ones stay: an interrupted training changes nothing.
    """
    check_settings(project)
    with staged_files(project.folder) as stage:
        copy = _writing_to(project, stage)
        trained = train(copy, progress)
        files = [*trained.files, stage / project.model.card, *write_golden(copy)]
        card = stage / project.model.card
        card.parent.mkdir(parents=True, exist_ok=True)
        card.write_text(card_text(project, trained), encoding="utf-8")
    return trained, tuple(
        project.folder / path.relative_to(stage) if path.is_relative_to(stage) else path for path in files
    )


def _writing_to(project: ModelProject, folder: Path) -> ModelProject:
    """The same settings in another folder, which has what the files need of subfolders."""
    data = project.data.model_copy(update={"sample": _absolute_sample(project)})
    copy = project.model_copy(update={"folder": folder, "data": data})
    for name in (project.model.file, project.model.float_file, project.model.inputs_file):
        if name:
            copy.path(name).parent.mkdir(parents=True, exist_ok=True)
    return copy


def _absolute_sample(project: ModelProject) -> str:
    from fasttrig.data import samples

    return project.data.sample if project.data.sample in samples.SAMPLES else str(sample_path(project).absolute())
