"""Train the small models that `fasttrig init` copies: run it after the model.toml of a template changed.

python ci/train_templates.py [network|bdt ...]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from fasttrig.scaffold import COMMON, KINDS, TEMPLATES
from fasttrig.settings import load_project
from fasttrig.training.whole import train_whole

NAME = "model"


def main(kinds: list[str]) -> None:
    for kind in kinds or KINDS:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            text = (TEMPLATES / kind / "model.toml.in").read_text(encoding="utf-8").replace("@NAME@", NAME)
            (folder / "model.toml").write_text(text, encoding="utf-8")
            trained, _ = train_whole(load_project(folder))
            for template, target in KINDS[kind].items():
                if template not in COMMON and not template.endswith(".in"):
                    shutil.copyfile(folder / target.replace("@NAME@", NAME), TEMPLATES / template)
            print(f"{kind}: {trained.agreement.headline}")


if __name__ == "__main__":
    main(sys.argv[1:])
