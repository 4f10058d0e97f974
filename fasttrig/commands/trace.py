"""``fasttrig trace``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from fasttrig.base.errors import EXIT_CHECK_FAILED
from fasttrig.commands.completion import complete_designs
from fasttrig.commands.options import AsJson, make_console, print_json
from fasttrig.commands.progress import waiting


def trace(
    design: Annotated[
        str, typer.Argument(help="Build folder, or model folder or name.", autocompletion=complete_designs)
    ],
    event: Annotated[int, typer.Option("--event", "-e", help="Event number, from 0.", min=0)],
    events: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--events", help="File to take it from; default: the build's vectors, or the model's test split."),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="The columns of --events hold raw integers of the inputs, not values.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Every element of every tensor, every tree.")] = False,
    csim: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option(
            "--csim/--no-csim", help="Compare with the C-simulation, op by op; default: only for a build folder."
        ),
    ] = None,
    float_model: Annotated[bool, typer.Option("--float/--no-float", help="Also run the float model.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show every tensor of one event: fixed-point next to real numbers and the float model.

    The command marks two ops: the first op whose bits differ from the C-simulation (the exit code is then 1), and the
    first op that loses more than its rounding because it saturates or wraps. The real numbers use the design's own
    weights without any rounding; the float model uses its own weights.
    """
    from fasttrig.report.trace_text import render, to_dict
    from fasttrig.trace.trace import trace as trace_event
    from fasttrig.trace.traced_event import choose_event, open_design

    with waiting(f"{design}: tracing event {event}"):
        opened = open_design(design, Path.cwd())
        with_csim = opened.folder is not None if csim is None else csim
        found = trace_event(
            opened, choose_event(opened, event, events, raw=raw), with_csim=with_csim, with_float=float_model
        )
    if as_json:
        print_json(to_dict(found))
    else:
        make_console().print(render(found, full=full))
    if not found.bits_equal:
        raise typer.Exit(EXIT_CHECK_FAILED)
