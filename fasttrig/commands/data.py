"""`fasttrig data ...`: make a sample, describe a sample. Heavy modules are imported inside the functions."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from fasttrig.commands.options import AsJson, print_json
from fasttrig.commands.progress import Counted, counting
from fasttrig.commands.shell import CommandGroup, add_command, epilog

if TYPE_CHECKING:
    from fasttrig.data.simulation.chunk import JetSample

app = typer.Typer(
    cls=CommandGroup,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Generate and describe event samples.",
    epilog=epilog(("fasttrig data describe jets5",)),
)


class SampleName(StrEnum):
    """Samples that can be generated."""

    JETS5 = "jets5"
    HBB = "hbb"
    TOP = "top"
    MUONS = "muons"


NOUNS = {name: "muons" if name is SampleName.MUONS else "jets" for name in SampleName}


def make(
    sample: Annotated[
        SampleName,
        typer.Argument(
            help="jets5: boosted jets of five classes; hbb: H to bb against QCD; top: top quarks against QCD; "
            "muons: a toy of bending muons."
        ),
    ],
    events: Annotated[int, typer.Option("--events", min=5, help="Number of jets (all classes together) or muons.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Parquet file to write; replaces only a sample that fasttrig wrote.")
    ],
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same file.")] = 1,
    workers: Annotated[
        Optional[int], typer.Option("--workers", min=1, help="Number of processes; default: all cores.")  # noqa: UP045
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Generate a sample: jets with Pythia 8 and FastJet (pip install 'fasttrig[sim]'), or muons with a toy."""
    with counting(NOUNS[sample]) as progress:
        path = _make(sample, events, seed, output, workers, progress)
    n_bytes = path.stat().st_size
    if as_json:
        print_json({"file": str(path), "sample": sample.value, "events": events, "seed": seed, "bytes": n_bytes})
        return
    typer.echo(f"{path}: {events} {NOUNS[sample]}, {n_bytes / 1e6:.2f} MB")


def _make(
    sample: SampleName, events: int, seed: int, output: Path, workers: int | None, progress: Counted | None
) -> Path:
    if sample is SampleName.MUONS:
        from fasttrig.data.muons import make_muons

        return make_muons(events, seed, output, progress)
    from fasttrig.data.simulation.make import make_jets

    return make_jets(_jet_sample(sample), events, seed, output, workers, progress)


def _jet_sample(name: SampleName) -> JetSample:
    if name is SampleName.HBB:
        from fasttrig.data.hbb.measure import HBB

        return HBB
    if name is SampleName.TOP:
        from fasttrig.data.top.measure import TOP

        return TOP
    from fasttrig.data.jets5.measure import JETS5

    return JETS5


def describe(
    file: Annotated[
        str,
        typer.Argument(help="Parquet, HDF5, NumPy, ROOT (file.root:tree) or CSV; or a sample of fasttrig's."),
    ],
    plots: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--plots", help="Output folder for one plot per observable; replaces only such plots."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print classes, splits, and the range, mean, unit and missing values of every column."""
    from fasttrig.data import describe as summary
    from fasttrig.data import samples

    path = samples.path(file) if file in samples.SAMPLES and not Path(file).exists() else file
    description = summary.describe(path)
    if as_json:
        print_json(description.as_dict())
    else:
        typer.echo(summary.render(description), nl=False)
    if plots is not None:
        written = summary.plot_observables(path, plots)
        typer.echo(f"{len(written)} plots in {plots}", err=True)


add_command(
    app,
    make,
    "Commands",
    (
        "fasttrig data make jets5 --events 1000 --seed 3 -o jets.parquet",
        "fasttrig data make muons --events 100000 -o muons.parquet",
    ),
)
add_command(
    app,
    describe,
    "Commands",
    (
        "fasttrig data describe jets5                     the sample that comes with fasttrig",
        "fasttrig data describe ntuple.root:Events --plots plots",
    ),
)
