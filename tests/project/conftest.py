"""Two projects as `fasttrig init` and `fasttrig build` leave them: a network and trees, made once."""

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


@pytest.fixture(scope="session")
def started(tmp_path_factory) -> dict[str, Started]:
    root = tmp_path_factory.mktemp("started")
    found = {}
    for kind, name in (("network", "my_tagger"), ("bdt", "my_trees"), ("cascade", "my_cascade")):
        made = fasttrig("init", name, "--kind", kind, cwd=root)
        assert made.returncode == 0, made.stderr
        done = fasttrig("build", cwd=root / name)
        found[kind] = Started(root / name, root / name / "build" / name, done.returncode, done.stdout + done.stderr)
    return found
