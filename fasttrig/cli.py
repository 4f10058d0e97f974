"""The commands: each is one module of `commands`, registered here under its name."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from fasttrig import __version__
from fasttrig.commands.build import build
from fasttrig.commands.doctor import doctor
from fasttrig.commands.estimate import estimate
from fasttrig.commands.patterns import patterns
from fasttrig.commands.train import train
from fasttrig.data.commands import app as data_app
from fasttrig.errors import FasttrigError

app = typer.Typer(
    name="fasttrig", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=True,
    help="Trained compact taggers to FPGA trigger firmware, proved bit by bit to compute what was trained.",
    epilog="Example: fasttrig build jet_mlp --target fpga",
)  # fmt: skip
for command in (build, estimate, train, doctor, patterns):
    app.command()(command)
app.add_typer(data_app, name="data", help="Event samples: generate, describe.")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fasttrig {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


def main() -> None:
    """Entry point: user errors are shown without a traceback, with their exit code."""
    debug = "--debug" in sys.argv
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: clean up, then end
    try:
        app()
    except FasttrigError as error:
        if debug:
            raise
        typer.echo(str(error), err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
