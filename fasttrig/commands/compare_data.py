"""``fasttrig compare-data``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from fasttrig.base.errors import EXIT_CHECK_FAILED
from fasttrig.commands.options import AnyDesign, AsJson, make_console, print_json
from fasttrig.commands.progress import counting

if TYPE_CHECKING:
    from rich.table import Table

    from fasttrig.streaming.recorded import DataComparison

SHOWN = 10


def compare_data(
    design: AnyDesign,
    recorded: Annotated[list[str], typer.Argument(help="Files with the inputs and the words of the firmware; globs.")],
    prefix: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--prefix", help="Of the columns of words, <prefix>raw_<class>; default: the model's name and _."),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="The columns of the inputs hold raw integers instead of values.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare recorded words of the firmware with the emulator, event by event.

    Exit code 1 where a word differs. The command then tries, on the first 200 different events, which input would
    give the recorded words if it were one step higher or lower: most differences in data taking are of the inputs.
    """
    from fasttrig.commands.files import expand
    from fasttrig.design import open_design
    from fasttrig.streaming.recorded import compare_recorded

    with counting("events") as progress:
        found = compare_recorded(open_design(design), expand(recorded), prefix=prefix, raw=raw, progress=progress)
    if as_json:
        print_json(asdict(found))
    else:
        _show(found, design)
    if found.n_different:
        raise typer.Exit(EXIT_CHECK_FAILED)


def _show(found: DataComparison, design: str) -> None:
    if not found.n_different:
        typer.echo(f"all words of {found.n_events:,} events are equal")
        return
    typer.echo(f"{found.n_different:,} of {found.n_events:,} events differ")
    console = make_console()
    console.print(_columns(found))
    console.print(_events(found))
    kept = len(found.events)
    for guess in found.guesses[:3]:
        way = "lower" if guess.steps < 0 else "higher"
        typer.echo(f"with {guess.feature} one step {way}, {guess.n_explained} of the first {kept} of them are equal")
    if not found.guesses:
        typer.echo(f"no single input, one step higher or lower, explains any of the first {kept}")
    first = found.events[0]
    typer.echo(f"next: fasttrig trace {design} --event {first.row} --events {first.file}")


def _columns(found: DataComparison) -> Table:
    from fasttrig.report.tables import new_table

    table = new_table("", (("word", "left"), ("events that differ", "right"), ("largest difference in LSB", "right")))
    for name, (count, largest) in found.by_column.items():
        table.add_row(name, f"{count:,}", f"{largest:,}")
    return table


def _events(found: DataComparison) -> Table:
    from fasttrig.report.tables import new_table

    columns = (("file", "left"), ("row", "right"), ("word", "left"), ("recorded", "right"), ("emulated", "right"))
    table = new_table(f"The first {min(SHOWN, len(found.events))} of them", columns)
    for event in found.events[:SHOWN]:
        for name, (theirs, mine) in event.words.items():
            table.add_row(event.file, f"{event.row}", name, f"{theirs:,}", f"{mine:,}")
    return table
