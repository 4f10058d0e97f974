"""``fasttrig read``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fasttrig.commands.completion import complete_designs
from fasttrig.commands.options import AsJson, print_json

EXIT_REFUSED = 1


def read(
    file: Annotated[
        Path, typer.Argument(help="Model file, model folder or build folder.", autocompletion=complete_designs)
    ],
    input_type: Annotated[str, typer.Option(help="Input type, such as 'fixed<16,6>', if the file has none.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what is in a model file: what is exact, what was chosen, what would be refused (then the exit code is 1)."""
    from fasttrig.base.fixed import FixedType
    from fasttrig.report.about_file import about_file

    found = about_file(file, input_type=FixedType.parse(input_type) if input_type else None)
    if as_json:
        print_json(found.to_dict())
    else:
        for topic, lines in (
            (str(file), found.content),
            ("exact", (found.exact,)),
            ("chosen", found.chosen),
            ("refused", found.refused),
        ):
            for line in lines:
                typer.echo(f"{topic}: {line}")
    if found.refused:
        raise typer.Exit(EXIT_REFUSED)
