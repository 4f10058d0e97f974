"""``fasttrig init``: a project folder that builds as it is, for a user to change."""

from __future__ import annotations

from pathlib import Path

from fasttrig.base.errors import InputError, near_names
from fasttrig.base.names import check_model_name
from fasttrig.base.staging import staged_files, staged_folder
from fasttrig.base.templates import fill

TEMPLATES = Path(__file__).resolve().parent / "templates"

COMMON = {
    "common/gitignore.in": ".gitignore",
    "common/github.yml.in": ".github/workflows/firmware.yml",
    "common/gitlab-ci.yml.in": ".gitlab-ci.yml",
}
KINDS = {
    "network": {
        "network/model.toml.in": "model.toml",
        "network/train.py.in": "train.py",
        "network/README.md.in": "README.md",
        "network/model.h5": "@NAME@.h5",
        "network/model_float.h5": "@NAME@_float.h5",
        "network/inputs.json": "inputs.json",
    },
    "bdt": {
        "bdt/model.toml.in": "model.toml",
        "bdt/train.py.in": "train.py",
        "bdt/README.md.in": "README.md",
        "bdt/model.json": "@NAME@.json",
        "bdt/model_float.json": "@NAME@_float.json",
        "bdt/inputs.json": "inputs.json",
        "bdt/types.json": "types.json",
    },
}
"""Kind -> template -> file in the project. What ends in ``.in`` has places to fill; the rest was trained with
``ci/train_templates.py`` and is copied."""


def create(folder: Path, kind: str = "network", name: str | None = None) -> list[Path]:
    """Write a project to `folder`, which must be empty or absent; all of it or nothing.

    Parameters
    ----------
    kind : "network" or "bdt"
    name : str, optional
        The model's name; by default the folder's.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        For a name that C++, Verilog or VHDL cannot have, an unknown kind, a folder that holds something.
    """
    if kind not in KINDS:
        raise InputError("no such kind of project", got=repr(kind), try_=near_names(kind, KINDS))
    chosen = check_model_name(name or folder.absolute().name, try_="--name {}")
    exists = folder.exists()
    if exists and (not folder.is_dir() or any(path.name != ".git" for path in folder.iterdir())):
        raise InputError(
            "the folder is not empty",
            where=str(folder),
            want="a new or an empty folder",
            try_=f"another name, or an empty folder and --name {chosen}",
        )
    files, words = {**COMMON, **KINDS[kind]}, {"NAME": chosen}
    with staged_files(folder, replaces=()) if exists else staged_folder(folder) as stage:
        for template, target in files.items():
            path = stage / fill(target, {}, words)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_content(template, words))
    return [folder / fill(target, {}, words) for target in sorted(files.values())]


def _content(template: str, words: dict[str, str]) -> bytes:
    content = (TEMPLATES / template).read_bytes()
    return fill(content.decode(), {}, words).encode() if template.endswith(".in") else content
