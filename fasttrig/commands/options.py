"""Options and output that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fasttrig.commands.completion import complete_designs, complete_models

if TYPE_CHECKING:
    from rich.console import Console

Models = Annotated[
    Optional[list[str]],  # noqa: UP045 (typer reads this form on every Python)
    typer.Argument(
        help="Model folders, model.toml files, or names below models/; default: ./model.toml, else those listed "
        "in models/fasttrig.toml.",
        autocompletion=complete_models,
    ),
]
TrainedModels = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(
        help="Model folders, model.toml files, or names below models/; default: ./model.toml.",
        autocompletion=complete_models,
    ),
]
AnyDesign = Annotated[
    str,
    typer.Argument(
        help="A built project (build/jet_mlp), or a model's folder, file or name.", autocompletion=complete_designs
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON instead of tables.")]


def make_console(stderr: bool = False) -> Console:
    """A console that neither colours nor wraps when its output goes to a pipe."""
    from rich.console import Console

    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=160, soft_wrap=False)


def print_json(content: Any) -> None:
    """One JSON document on standard output."""
    import json

    typer.echo(json.dumps(content, indent=1))
