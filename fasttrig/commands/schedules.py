"""``fasttrig schedules``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from fasttrig.base.errors import EXIT_CHECK_FAILED
from fasttrig.commands.completion import complete_designs
from fasttrig.commands.options import AsJson, make_console, print_json
from fasttrig.commands.progress import waiting

if TYPE_CHECKING:
    from rich.table import Table

    from fasttrig.report.schedules import ScheduleTrial


def schedules(
    design: Annotated[str, typer.Argument(help="Model folder, name or build folder.", autocompletion=complete_designs)],
    latency_ns: Annotated[Optional[float], typer.Option(min=0.0, help="Instead of that of [budget].")] = None,  # noqa: UP045
    ii_cycles: Annotated[Optional[float], typer.Option(min=1.0, help="Instead of that of [budget].")] = None,  # noqa: UP045
    max_lut: Annotated[Optional[int], typer.Option(min=0, help="Instead of that of [budget].")] = None,  # noqa: UP045
    as_json: AsJson = False,
) -> None:
    """Emit the RTL in every schedule, and choose the smallest that meets the latency, interval and area of [budget].

    LUTs are alkaid's estimate, before synthesis. Exit code 1: no schedule meets every limit.
    """
    from fasttrig.report.schedules import best_trial, try_schedules
    from fasttrig.settings import BudgetSettings
    from fasttrig.trace.traced_event import open_design

    given = {"latency_ns": latency_ns, "ii_cycles": ii_cycles, "max_lut": max_lut}
    with waiting("emitting the RTL in every schedule"):
        opened = open_design(design, Path.cwd())
        budget = opened.project.budget if opened.project is not None else BudgetSettings()
        budget = budget.model_copy(update={key: limit for key, limit in given.items() if limit is not None})
        trials = try_schedules(opened.design.graph, opened.settings, budget)
    best = best_trial(trials)
    if as_json:
        rows = [asdict(trial) | {"budget": [row.model_dump() for row in trial.budget]} for trial in trials]
        print_json({"best": best.schedule if best else None, "schedules": rows})
    else:
        make_console().print(_table(trials, best))
    if best is None:
        raise typer.Exit(EXIT_CHECK_FAILED)


def _table(trials: list[ScheduleTrial], best: ScheduleTrial | None) -> Table:
    from fasttrig.report.tables import new_table

    names = ("latency_cycles", "latency_ns", "ii_cycles", "lut", "bram18")
    title = f'smallest that meets the budget: rtl_schedule = "{best.schedule}"' if best else "none meets the budget"
    table = new_table(title, [("schedule", "left"), *((name, "right") for name in names), ("verdict", "left")])
    for trial in trials:
        numbers = [f"{trial.numbers[name]:,.6g}" if trial.numbers else "" for name in names]
        missed = [
            f"{row.key} is {row.measured:,.6g}, limit {row.limit:,.6g}" for row in trial.budget if row.status != "met"
        ]
        table.add_row(trial.schedule, *numbers, trial.refused or "; ".join(missed) or "meets every limit")
    return table
