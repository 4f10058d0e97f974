"""``fasttrig init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from fasttrig.commands.options import AsJson, print_json


def init(
    folder: Annotated[Path, typer.Argument(help="Project folder; the last part of the path is the model's name.")],
    kind: Annotated[
        str, typer.Option("--kind", "-k", help="network (QKeras), bdt (XGBoost) or cascade (both).")
    ] = "network",
    name: Annotated[
        Optional[str], typer.Option("--name", help="Model name, if it differs from the folder's name.")  # noqa: UP045
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a project that builds as it is: a small trained model, commented settings, a training script, CI."""
    from fasttrig.scaffold import create

    files = create(folder, kind, name)
    if as_json:
        print_json({"folder": str(folder), "kind": kind, "files": [str(path) for path in files]})
        return
    for path in files:
        typer.echo(path)
    trained = "network" if kind == "cascade" else "."
    build, train = (
        text.ljust(len("fasttrig train network  ")) for text in ("fasttrig build", f"fasttrig train {trained}")
    )
    typer.echo(
        f"\ncd {folder}\n{build}builds and checks the firmware of the model in this folder\n"
        f"{train}trains with the settings of model.toml; or change and run train.py"
    )
