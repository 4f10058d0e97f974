"""``fasttrig emulate`` on workers: the folder of the outputs, and what is told in the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fasttrig.base.errors import EXIT_CHECK_FAILED, InputError
from fasttrig.commands.files import output_paths
from fasttrig.commands.options import print_json
from fasttrig.commands.progress import counting

if TYPE_CHECKING:
    from fasttrig.design import Design
    from fasttrig.grid import GridOptions, GridResult


def folder_paths(files: Sequence[str], output: Path) -> list[Path]:
    """The output path of each file in the folder `output`, which is made.

    Raises
    ------
    InputError
        When `output` is no folder.
    """
    from fasttrig.streaming.writers import WRITERS

    if output.suffix.lower() in WRITERS and not output.is_dir():
        raise InputError("workers write a folder", where=str(output), try_=f"-o {output.with_suffix('')}/")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("cannot create the output folder", where=str(output), got=str(error)) from None
    return output_paths(files, output)


def emulate_on(
    design: Design,
    files: Sequence[str],
    outputs: Sequence[Path],
    options: GridOptions,
    *,
    workers: int,
    cluster: str,
    as_json: bool,
) -> None:
    """Emulate on a cluster, or on processes; exit code 1 where something was left out."""
    from fasttrig.grid import emulate_many
    from fasttrig.grid.workers import dask_workers, local_workers

    if workers and cluster:
        raise InputError("processes of this machine, or a cluster", got="--workers and --cluster", want="one of them")
    with (
        dask_workers(cluster) if cluster else local_workers(workers or 1) as group,
        counting("events") as progress,
    ):
        result = emulate_many(design, files, outputs, group, options, progress)
    if as_json:
        print_json(result.to_dict())
    else:
        _show(result, outputs[0].parent)
    if result.failures:
        raise typer.Exit(EXIT_CHECK_FAILED)


def _show(result: GridResult, folder: Path) -> None:
    typer.echo(
        f"{folder}: {result.tally.n_events:,} events of {result.n_files:,} files in {result.n_chunks:,} chunks, "
        f"{result.n_found:,} of them done before; {result.seconds:,.1f} s"
    )
    typer.echo(f"  checksum of all bits: {result.tally.checksum:016x}")
    if result.failures:
        typer.echo(f"  left out: {len(result.failures):,}, listed in {folder / 'emulated.json'}")
    for failure in result.failures[:5]:
        typer.echo(f"    {failure.file}, rows {failure.rows}: {failure.error.splitlines()[0]}")
