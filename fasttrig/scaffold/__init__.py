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
KINDS["cascade"] = {"cascade/model.toml.in": "model.toml", "cascade/README.md.in": "README.md"}
"""Kind -> template -> file in the project. What ends in ``.in`` has places to fill; the rest was trained with
``ci/train_templates.py`` and is copied."""


PARTS = {"cascade": {"trees": "bdt", "network": "network"}}
"""Kind -> folder in the project -> kind of the project there, whose model has the folder's name after its own."""


def create(folder: Path, kind: str = "network", name: str | None = None) -> list[Path]:
    """Write a project to `folder`, which must be empty or absent; all of it or nothing.

    Parameters
    ----------
    kind : "network", "bdt", or "cascade" of both
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
    files = _files(kind, chosen)
    with staged_files(folder, replaces=()) if exists else staged_folder(folder) as stage:
        for target, content in files.items():
            path = stage / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return [folder / target for target in sorted(files)]


def _files(kind: str, name: str) -> dict[str, bytes]:
    """Content of every file of a new project, by its path."""
    found = _filled({**COMMON, **KINDS[kind]}, name)
    for part, inner in PARTS.get(kind, {}).items():
        files = _filled(KINDS[inner], check_model_name(f"{name}_{part}", try_="--name {}"))
        found |= {f"{part}/{target}": content for target, content in files.items()}
    return found


def _filled(templates: dict[str, str], name: str) -> dict[str, bytes]:
    words = {"NAME": name}
    return {fill(target, {}, words): _content(template, words) for template, target in templates.items()}


def _content(template: str, words: dict[str, str]) -> bytes:
    content = (TEMPLATES / template).read_bytes()
    return fill(content.decode(), {}, words).encode() if template.endswith(".in") else content
