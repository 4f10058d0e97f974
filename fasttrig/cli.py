"""The commands: each is one module of `commands`, registered here under its name."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fasttrig import __version__
from fasttrig.commands.build import build
from fasttrig.commands.compare import compare
from fasttrig.commands.compare_data import compare_data
from fasttrig.commands.data import app as data_app
from fasttrig.commands.doctor import doctor
from fasttrig.commands.emulate import emulate
from fasttrig.commands.estimate import estimate
from fasttrig.commands.export import export
from fasttrig.commands.init import init
from fasttrig.commands.models import models
from fasttrig.commands.patterns import patterns
from fasttrig.commands.prove import prove
from fasttrig.commands.quantise import quantise
from fasttrig.commands.rate import rate
from fasttrig.commands.read import read
from fasttrig.commands.report import report
from fasttrig.commands.schedules import schedules
from fasttrig.commands.shell import CommandGroup, add_command, epilog, run_app
from fasttrig.commands.synth import synth
from fasttrig.commands.trace import trace
from fasttrig.commands.train import train

START, BUILD, LOOK, USE = "Start", "Build and prove", "Look into a design", "Use what was built"

app = typer.Typer(
    name="fasttrig",
    cls=CommandGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    help="Trained compact taggers to FPGA trigger firmware, proved bit by bit to compute what was trained.",
    epilog=epilog(
        (
            "fasttrig build jet_mlp     one of the models that come with fasttrig, in about a minute",
            "fasttrig build --help      every command's help has examples",
        )
    ),
)
add_command(
    app,
    init,
    START,
    (
        "fasttrig init my_tagger              a small QKeras network on five classes of jets",
        "fasttrig init my_trees --kind bdt    boosted trees",
    ),
)
add_command(app, models, START, ("fasttrig models", "fasttrig models --json"))
add_command(app, train, START, ("fasttrig train jet_mlp", "fasttrig train .        the model of ./model.toml"))
add_command(
    app,
    quantise,
    START,
    (
        "fasttrig quantise jet_float.h5 --data jets5 --classes g,q,W,Z,t --max-auc-loss 0.003 -o jet_small",
        "fasttrig quantise models/jet_mlp -o jet_small    the float twin of a model folder",
    ),
)
app.add_typer(
    data_app, name="data", cls=CommandGroup, rich_help_panel=START, help="Generate and describe event samples."
)
add_command(app, doctor, START, ("fasttrig doctor", "fasttrig doctor --json"))
add_command(
    app,
    build,
    BUILD,
    (
        "fasttrig build                                  the models of models/fasttrig.toml",
        "fasttrig build jet_mlp --clock-period-ns 5      override a key of [target]",
        "fasttrig build jet_mlp --target cms-emulator    with the plug-in for CMS software",
        "fasttrig build jet_mlp --json > report.json",
    ),
)
add_command(
    app,
    estimate,
    BUILD,
    (
        "fasttrig estimate jet_mlp",
        "fasttrig estimate build/jet_mlp --what-if 'strategy=resource,reuse_factor=1|2|4'",
    ),
)
add_command(
    app,
    schedules,
    BUILD,
    (
        "fasttrig schedules jet_deepsets",
        "fasttrig schedules jet_deepsets --latency-ns 250 --max-lut 20000 --json",
    ),
)
add_command(
    app,
    synth,
    BUILD,
    (
        "fasttrig synth build/jet_mlp",
        "fasttrig synth build/jet_bdt --per-module --json",
    ),
)
add_command(
    app,
    prove,
    BUILD,
    (
        "fasttrig prove build/jet_bdt",
        "fasttrig prove build/jet_bdt --model jet_bdt.json --json",
    ),
)
add_command(
    app,
    read,
    LOOK,
    (
        "fasttrig read my_tagger.h5",
        "fasttrig read my_tagger.h5 --input-type 'fixed<12,4>' --json",
    ),
)
add_command(
    app,
    report,
    LOOK,
    (
        "fasttrig report build/jet_mlp",
        "fasttrig report build/jet_mlp --vendor build/jet_mlp/hls --json",
    ),
)
add_command(
    app,
    trace,
    LOOK,
    (
        "fasttrig trace build/jet_mlp --event 17",
        "fasttrig trace build/jet_mlp --event 17 --full --json > event17.json",
        "fasttrig trace jet_bdt --event 0 --events my_events.parquet",
    ),
)
add_command(
    app,
    compare,
    LOOK,
    (
        "fasttrig compare build/jet_mlp build/jet_bdt",
        "fasttrig compare build -o comparison    all builds there, with plots and CSV",
    ),
)
add_command(
    app,
    emulate,
    USE,
    (
        "fasttrig emulate build/jet_mlp events.parquet -o scores.parquet",
        "fasttrig emulate build/jet_mlp ntuple.root -o scores.root --tree Events --keep run --keep event",
        "fasttrig emulate build/jet_mlp 'run*.h5' -o scores/",
        "fasttrig emulate build/jet_mlp '/data/2026/**/*.root' -o scores/ --workers 8 --skip-bad",
    ),
)
add_command(app, export, USE, ("fasttrig export build/jet_mlp -o jet_mlp_library",))
add_command(
    app,
    compare_data,
    USE,
    (
        "fasttrig compare-data build/jet_mlp recorded.parquet",
        "fasttrig compare-data build/jet_mlp run*.root --prefix firmware_ --raw",
    ),
)
add_command(
    app,
    rate,
    USE,
    (
        "fasttrig rate jet_mlp minbias.parquet --khz 10",
        "fasttrig rate build/my_cascade 'minbias*.root' --khz 1 --signal top.root --json",
    ),
)
add_command(
    app,
    patterns,
    USE,
    (
        "fasttrig patterns build/jet_mlp --format empv2 -o patterns",
        "fasttrig patterns build/jet_mlp --read patterns/inputs_0000.txt",
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fasttrig {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; allowed anywhere in the line.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point: user errors are shown without a traceback, with their exit code."""
    sys.exit(run_app(app, sys.argv[1:]))


if __name__ == "__main__":
    main()
