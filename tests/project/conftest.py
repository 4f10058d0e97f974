"""Projects as `fasttrig init` and `fasttrig build` leave them: a network, trees, a cascade; each made once."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commandline import fasttrig


@dataclass(frozen=True)
class Started:
    """A project folder, and what building it said."""

    folder: Path
    built: Path
    code: int
    said: str


NAMES = {"network": "my_tagger", "bdt": "my_trees", "cascade": "my_cascade"}


class Projects(dict[str, Started]):
    """Projects by kind, each made when a test first asks for it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __missing__(self, kind: str) -> Started:
        folder = self.root / NAMES[kind]
        made = fasttrig("init", folder.name, "--kind", kind, cwd=self.root)
        assert made.returncode == 0, made.stderr
        done = fasttrig("build", cwd=folder)
        self[kind] = Started(folder, folder / "build" / folder.name, done.returncode, done.stdout + done.stderr)
        return self[kind]


@pytest.fixture(scope="session")
def started(tmp_path_factory) -> Projects:
    return Projects(tmp_path_factory.mktemp("started"))
