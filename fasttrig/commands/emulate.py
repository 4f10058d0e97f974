"""``fasttrig emulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from fasttrig.commands.options import AnyDesign, AsJson, print_json
from fasttrig.commands.progress import counting

if TYPE_CHECKING:
    from fasttrig.streaming import Emulated

NameList = Optional[list[str]]  # noqa: UP045 (typer reads this form on every Python)


def emulate(
    design: AnyDesign,
    events: Annotated[list[str], typer.Argument(help="Parquet, ROOT, HDF5, NumPy or CSV; file.root:tree; globs.")],
    output: Annotated[Path, typer.Option("--output", "-o", help=".parquet, .root or .h5; for many files a folder.")],
    keep: Annotated[NameList, typer.Option("--keep", help="Column to write again; repeatable. Default: all.")] = None,
    tree: Annotated[str, typer.Option("--tree", help="Tree to read and to write in ROOT files.")] = "",
    prefix: Annotated[Optional[str], typer.Option("--prefix", help="Of the new names; default: the model's.")] = None,  # noqa: UP045
    threads: Annotated[int, typer.Option("--threads", min=0, help="0: all cores.")] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Replace outputs of the same format; never an input or the model.")
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="The columns hold raw integers of the inputs instead of values.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the bit-accurate emulator over files of any size, in constant memory.

    Every column stays; per class a score and a raw integer are added. An output appears when it is whole.
    """
    from fasttrig.commands.files import expand, output_paths
    from fasttrig.design import open_design
    from fasttrig.streaming import emulate_files

    files = expand(events)
    outputs = output_paths(files, output)
    opened = open_design(design)
    named = [f"{file}:{tree}" if tree and file.endswith(".root") else file for file in files]
    found = []
    with counting("events") as progress:
        for made in emulate_files(
            opened,
            named,
            outputs,
            keep=keep,
            tree=tree or "events",
            prefix=prefix,
            threads=threads or None,
            force=force,
            progress=progress,
            raw=raw,
        ):
            found.append(made)
            if not as_json:
                _show(made)
    if as_json:
        print_json([made.to_dict() for made in found])


def _show(made: Emulated) -> None:
    rate = made.n_events / made.seconds
    typer.echo(
        f"{made.output}: {made.n_events:,} events, {rate:,.0f} a second on {made.threads} threads, "
        f"{made.emulator} emulator"
    )
    typer.echo(f"  added: {', '.join(made.columns)}")
