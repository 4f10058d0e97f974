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
    workers: Annotated[
        int,
        typer.Option("--workers", min=0, help="Processes, each of one thread, for many files."),
    ] = 0,
    cluster: Annotated[str, typer.Option("--cluster", help="Address of a Dask scheduler, in place of processes.")] = "",
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="With workers: go on without what cannot be read; exit code 1 then.")
    ] = False,
    chunk_events: Annotated[
        int, typer.Option("--chunk-events", min=1, help="With workers: events of a chunk, which has its own output.")
    ] = 1 << 20,
    retries: Annotated[int, typer.Option("--retries", min=0, help="With workers: further tries of a chunk.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Run the bit-accurate emulator over files of any size, in constant memory.

    Every column stays; per class a score and a raw integer are added. An output appears when it is whole. With
    --workers or --cluster the command may be killed and given again: it does what is missing.
    """
    from fasttrig.commands.files import expand, output_paths
    from fasttrig.commands.many_files import emulate_on, folder_paths
    from fasttrig.design import open_design
    from fasttrig.streaming import emulate_files

    files = expand(events)
    on_workers = bool(workers or cluster or skip_bad)
    outputs = folder_paths(files, output) if on_workers else output_paths(files, output)
    opened = open_design(design)
    named = [f"{file}:{tree}" if tree and file.endswith(".root") else file for file in files]
    if on_workers:
        from fasttrig.grid import GridOptions

        options = GridOptions(keep, tree or "events", prefix, raw, force, chunk_events, retries, skip_bad=skip_bad)
        emulate_on(opened, named, outputs, options, workers=workers, cluster=cluster, as_json=as_json)
        return
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
