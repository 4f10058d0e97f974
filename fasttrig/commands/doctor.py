"""``fasttrig doctor``."""

from __future__ import annotations

import typer

from fasttrig.base.errors import EXIT_CHECK_FAILED
from fasttrig.commands.options import AsJson, make_console


def doctor(as_json: AsJson = False) -> None:
    """List tools and packages: version, purpose, and how to install the missing ones."""
    from fasttrig.doctor import examine, render, to_json

    findings = examine()
    if as_json:
        typer.echo(to_json(findings))
    else:
        make_console().print(render(findings))
    if any(finding.required and finding.version is None for finding in findings):
        raise typer.Exit(EXIT_CHECK_FAILED)
