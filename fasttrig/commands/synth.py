"""``fasttrig synth``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from fasttrig.base.errors import EXIT_CHECK_FAILED
from fasttrig.commands.completion import complete_builds
from fasttrig.commands.options import AsJson, make_console, print_json
from fasttrig.commands.progress import stages

if TYPE_CHECKING:
    from rich.table import Table

    from fasttrig.report.document import Report
    from fasttrig.toolchain.synth import SynthResult


def synth(
    project: Annotated[
        Path, typer.Argument(help="A built project, e.g. build/jet_mlp.", autocompletion=complete_builds)
    ],
    family: Annotated[
        str, typer.Option(help="Device family: xcup, xcu, xc7, ...; default: the family of the part.")
    ] = "",
    flat: Annotated[
        Optional[bool],  # noqa: UP045 (typer reads this form on every Python)
        typer.Option(
            "--flat/--per-module",
            help="Synthesise the design as a whole, or each module separately and in parallel; default: "
            "per module if the design is large or flat synthesis takes too long.",
        ),
    ] = None,
    time_limit: Annotated[float, typer.Option(min=1, help="Time limit of Yosys in seconds.")] = 900.0,
    as_json: AsJson = False,
) -> None:
    """Synthesise the RTL of a built project with Yosys and add the counts to its report.

    Exit code 1: the project's budget does not hold with these numbers; 2: not a project, or Yosys is not installed; 3:
    Yosys failed or took too long.
    """
    from fasttrig.build.synthesis import SYNTHESISING, synthesise_project

    mode: Any = "auto" if flat is None else "flat" if flat else "per module"
    with stages(project.name) as shown:
        shown.begin(SYNTHESISING)
        result, report = synthesise_project(project, family=family, mode=mode, time_limit_s=time_limit)
    if as_json:
        print_json(result.to_dict() | {"budget": [row.model_dump(mode="json") for row in report.budget]})
    else:
        console = make_console()
        console.print(_numbers(result, report))
        for row in report.budget:
            if row.status == "exceeded":
                console.print(f"over budget: {row.key} = {row.measured:.4g}, allowed {row.limit:g} ({row.reason})")
    if not report.good:
        raise typer.Exit(EXIT_CHECK_FAILED)


def _numbers(result: SynthResult, report: Report) -> Table:
    from rich.table import Table

    from fasttrig.estimate.devices import RESOURCES
    from fasttrig.report.hardware import SynthesisedResources

    row = next(row for row in report.resources if isinstance(row, SynthesisedResources))
    table = Table("quantity", "count", "of the device", title=f"{report.model.name}, {row.part}, {result.tool}")
    for name in RESOURCES:
        share = row.shares.get(name)
        table.add_row(name, f"{getattr(result, name):,}", "" if share is None else f"{share:.2%}")
    sizes = ", ".join(f"{number:,} {kind}" for kind, number in result.lut_by_size.items() if number)
    table.add_row("LUTs by size", sizes)
    table.add_row("LUTs as memory", f"{result.memory_luts:,}")
    table.add_row("carry cells of four bits", f"{result.carry:,}")
    table.add_row("cells on the longest path", str(result.levels))
    if row.lut_per_cost is not None and report.rtl is not None:
        table.add_row("LUT / alkaid's cost", f"{row.lut_per_cost:.2f}, of {report.rtl.alkaid_cost:,.0f}")
    taken = f"{result.seconds:.0f} s" if result.seconds else "found before"
    table.add_row("synthesised", f"{result.mode}, {taken}")
    return table
