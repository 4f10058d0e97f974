"""`fasttrig data ...`: make a sample, describe a sample. Heavy modules are imported inside the functions."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Event samples: generate, read, describe.")


class Sample(StrEnum):
    """Samples that can be generated."""

    JETS5 = "jets5"
    MUONS = "muons"


NOUNS = {Sample.JETS5: "jets", Sample.MUONS: "muons"}


@app.command("make")
def make(
    sample: Annotated[Sample, typer.Argument(help="jets5: boosted jets of five classes; muons: a toy of bending.")],
    events: Annotated[int, typer.Option("--events", min=5, help="Jets (all classes together) or muons.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Parquet file to write.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same file.")] = 1,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes; default: all.")] = None,
) -> None:
    """Generate a sample: jets with Pythia 8 and FastJet (pip install 'fasttrig[sim]'), muons of a documented toy."""
    with _progress_bar(NOUNS[sample]) as progress:
        path = _make(sample, events, seed, output, workers, progress)
    typer.echo(f"{path}: {events} {NOUNS[sample]}, {path.stat().st_size / 1e6:.2f} MB")


def _make(
    sample: Sample, events: int, seed: int, output: Path, workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> Path:  # fmt: skip
    if sample is Sample.MUONS:
        from fasttrig.data.muons import make_muons

        return make_muons(events, seed, output, progress)
    from fasttrig.data.jets5.make import make_jets5

    return make_jets5(events, seed, output, workers, progress)


@app.command("describe")
def describe(
    file: Annotated[str, typer.Argument(help="Parquet, HDF5, NumPy, ROOT (file.root:tree) or CSV.")],
    plots: Annotated[Path | None, typer.Option("--plots", help="Folder for one plot per observable.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print classes, splits, and the range, mean, unit and missing values of every column."""
    from fasttrig.data import describe as summary

    description = summary.describe(file)
    typer.echo(json.dumps(description.as_dict(), indent=2) if as_json else summary.render(description), nl=as_json)
    if plots is not None:
        written = summary.plot_observables(file, plots)
        typer.echo(f"{len(written)} plots in {plots}", err=True)


@contextlib.contextmanager
def _progress_bar(unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on the terminal's error stream; nothing if that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(unit, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
