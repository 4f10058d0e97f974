"""``fasttrig init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from fasttrig.commands.options import AsJson, print_json


def init(
    folder: Annotated[Path, typer.Argument(help="The project's folder; its last part names the model.")],
    kind: Annotated[str, typer.Option("--kind", "-k", help="network (QKeras) or bdt (XGBoost).")] = "network",
    name: Annotated[
        Optional[str], typer.Option("--name", help="Name of the model, where the folder's cannot be it.")  # noqa: UP045
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start a project: a small trained model, commented settings, a training script, CI; it builds as it stands."""
    from fasttrig.scaffold import create

    files = create(folder, kind, name)
    if as_json:
        print_json({"folder": str(folder), "kind": kind, "files": [str(path) for path in files]})
        return
    for path in files:
        typer.echo(path)
    typer.echo(
        f"\ncd {folder}\nfasttrig build      proves the firmware of the model that is there\n"
        "fasttrig train .    trains what model.toml says; or change and run train.py"
    )
