"""A whole training: model, float twin, input map, golden vectors and card appear next to model.toml together."""

from __future__ import annotations

from pathlib import Path

from fasttrig.base.errors import ProjectError
from fasttrig.base.staging import require_own_file, staged_files
from fasttrig.data.labelled import sample_path
from fasttrig.settings import MODEL_FILE, ArchitectureSettings, ModelProject
from fasttrig.training.golden import GOLDEN_FILES, write_golden
from fasttrig.training.model_card import CARD_MARK, card_text
from fasttrig.training.results import Trained, TrainingProgress
from fasttrig.training.train import check_settings, train


def train_whole(project: ModelProject, progress: TrainingProgress | None = None) -> tuple[Trained, tuple[Path, ...]]:
    """Train as `train` does; returns what it found, and every file written.

    The old files stay until all new files are complete: an interrupted training changes nothing.
    """
    check_settings(project)
    names = _outputs(project)
    with staged_files(project.folder, replaces=names) as stage:
        copy = _writing_to(project, stage)
        trained = train(copy, progress)
        files = [*trained.files, stage / project.model.card, *write_golden(copy)]
        card = stage / project.model.card
        card.parent.mkdir(parents=True, exist_ok=True)
        card.write_text(card_text(project, trained), encoding="utf-8")
    return trained, tuple(
        project.folder / path.relative_to(stage) if path.is_relative_to(stage) else path for path in files
    )


def _outputs(project: ModelProject) -> set[str]:
    """The files that model.toml names as what the training writes; relative, as they will be replaced.

    Raises
    ------
    ProjectError
        Where one of them is something else too: the settings, the sample, another output, or a card that is a user's.
    """
    model = project.model
    named = {"[model] file": model.file, "[model] inputs_file": model.inputs_file, "[model] card": model.card}
    named |= {"[model] float_file": model.float_file or ("float.h5" if project.trees is None else "float.json")}
    if project.trees is not None:
        named["[trees] types_file"] = project.trees.types_file
    taken = {project.path(MODEL_FILE).resolve(): MODEL_FILE, sample_path(project).resolve(): "the sample"}
    if project.architecture is not None and project.architecture.file is not None:
        taken[project.path(project.architecture.file).resolve()] = "the architecture"
    for key, name in named.items():
        path = project.path(name).resolve()
        if path in taken:
            raise ProjectError(
                "training would overwrite a file with another purpose", where=key, got=f"{name}: {taken[path]}"
            )
        taken[path] = key
    _check_card(project.path(model.card))
    return {Path(name).as_posix() for name in (*named.values(), *GOLDEN_FILES)}


def _check_card(path: Path) -> None:
    try:
        ours = path.is_file() and CARD_MARK in path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        ours = False
    require_own_file(path, ours, f"a card of `{CARD_MARK}`; [model] card in {MODEL_FILE} names another file")


def _writing_to(project: ModelProject, folder: Path) -> ModelProject:
    """The same settings in another folder, which has what the files need of subfolders."""
    data = project.data.model_copy(update={"sample": _absolute_sample(project)})
    copy = project.model_copy(update={"folder": folder, "data": data, "architecture": _absolute_architecture(project)})
    for name in (project.model.file, project.model.float_file, project.model.inputs_file):
        if name:
            copy.path(name).parent.mkdir(parents=True, exist_ok=True)
    return copy


def _absolute_architecture(project: ModelProject) -> ArchitectureSettings | None:
    architecture = project.architecture
    if architecture is None or architecture.file is None:
        return architecture
    return architecture.model_copy(update={"file": str(project.path(architecture.file).absolute())})


def _absolute_sample(project: ModelProject) -> str:
    from fasttrig.data import samples

    return project.data.sample if project.data.sample in samples.SAMPLES else str(sample_path(project).absolute())
