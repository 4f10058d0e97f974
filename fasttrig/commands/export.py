"""``fasttrig export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fasttrig.commands.options import AnyDesign, AsJson, print_json


def export(
    design: AnyDesign,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the headers and the library.")],
    as_json: AsJson = False,
) -> None:
    """Write the bit-accurate emulator as a shared library with C and C++ headers, for use without Python."""
    from fasttrig.design import open_design
    from fasttrig.grid.export import export as write

    files = write(open_design(design), output)
    if as_json:
        print_json({"folder": str(output), "files": list(files)})
    else:
        typer.echo(f"{output}: {', '.join(files)}")
