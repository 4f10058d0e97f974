"""``fasttrig report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from fasttrig.base.built_project import BuiltProject
from fasttrig.base.errors import EXIT_CHECK_FAILED
from fasttrig.commands.completion import complete_builds
from fasttrig.commands.options import AsJson, make_console, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from fasttrig.report.document import Report
    from fasttrig.report.hardware import VendorResources

_TIMING = ("latency_cycles", "ii_cycles")


def report(
    project: Annotated[
        Path, typer.Argument(help="A built project, e.g. build/jet_mlp.", autocompletion=complete_builds)
    ],
    vendor: Annotated[
        Optional[Path],  # noqa: UP045 (typer reads this form on every Python)
        typer.Option(help="Folder with reports of Vitis HLS or Vivado; default: the project's hls/."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the report of a built project again, with the reports of vendor tools next to its estimates.

    The budget is checked against the vendor's numbers. The command does not modify the build folder. Exit code 1: the
    project failed, or its budget does not hold; 2: not a project, or no readable vendor report.
    """
    from fasttrig.build.synthesis import read_report
    from fasttrig.estimate.vendor import has_reports
    from fasttrig.report.vendor_rows import with_vendor_reports

    found = read_report(project)
    if vendor is not None or has_reports(BuiltProject(project).hls):
        found = with_vendor_reports(found, vendor or BuiltProject(project).hls)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        _show(found)
    if not found.good:
        raise typer.Exit(EXIT_CHECK_FAILED)


def _show(found: Report) -> None:
    from fasttrig.report.terminal import print_report
    from fasttrig.report.vendor_rows import vendor_rows

    console = make_console()
    print_report(found, console)
    for row in vendor_rows(found):
        console.print(_beside(row, found))
        for note in row.notes:
            console.print(f"note: {note}")


def _beside(row: VendorResources, found: Report) -> Table:
    """One vendor report, each count next to its estimate."""
    from rich.table import Table

    from fasttrig.estimate.devices import RESOURCES
    from fasttrig.report.vendor_rows import estimate_of

    estimate = estimate_of(row, found)
    latency = {one.stage: one for one in found.latency}
    pairs = [(name, getattr(row, name), getattr(estimate, name, None)) for name in RESOURCES]
    if row.stage in latency:
        measured = latency[row.stage]
        guessed = latency.get(estimate.stage) if estimate is not None else None
        pairs += [(name, getattr(measured, name), getattr(guessed, name, None)) for name in _TIMING]
    heads = ("quantity", "measured", "estimate", "80 % interval", "inside")
    table = Table(*heads, title=f"\n{row.tool}, {row.file}")
    for name, count, guess in pairs:
        if count is None:
            continue
        shown = ("", "", "")
        if guess is not None:
            inside = "yes" if guess.low <= count.value <= guess.high else "no"
            shown = (f"{guess.value:,}", f"{guess.low:,} to {guess.high:,}", inside)
        table.add_row(name, f"{count.value:,}", *shown)
    return table
