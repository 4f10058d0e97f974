"""``fasttrig prove``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Optional

import typer

from fasttrig.base.errors import EXIT_CHECK_FAILED
from fasttrig.commands.completion import complete_builds
from fasttrig.commands.options import AsJson, print_json


def prove(
    project: Annotated[
        Path, typer.Argument(help="A built project, e.g. build/jet_bdt.", autocompletion=complete_builds)
    ],
    model: Annotated[
        Optional[Path],  # noqa: UP045 (typer reads this form on every Python)
        typer.Option(help="The model file; default: the copy in proof/."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove for all inputs that the RTL computes the model, and write the certificate with its checker to proof/.

    What is not proved is listed as not covered. Exit code 1: a claim is refuted; 2: not a project.
    """
    from fasttrig.proof.prove import prove as write_proof

    found = write_proof(project, model)
    if as_json:
        print_json([asdict(line) for line in found])
    else:
        for line in found:
            typer.echo(f"{line.state}: {line.claim}: {line.reason}")
    if any(line.state == "FAILED" for line in found):
        raise typer.Exit(EXIT_CHECK_FAILED)
