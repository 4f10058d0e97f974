"""A comparison as tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from fasttrig.report.compare import NOT_RUN, Compared, ReportedNumber, quality_names

COLUMNS = (("latency ns", "latency_ns"), ("LUT", "lut"), ("FF", "ff"), ("DSP", "dsp"), ("BRAM18", "bram18"))


def render(builds: Sequence[Compared]) -> Group:
    """Physics performance of the builds, then their latency and resources."""
    parts: list[Table | Text] = [_worth(builds), Text(""), _costs(builds)]
    return Group(*parts)


def _table() -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("build", no_wrap=True)
    return table


def _worth(builds: Sequence[Compared]) -> Table:
    qualities = quality_names(builds)
    table = _table()
    table.add_column("verdict")
    for name in qualities:
        table.add_column(name, justify="right")
    for build in {build.folder: build for build in builds}.values():  # the same for each of its designs
        verdict = Text(build.verdict, style="green" if build.verdict == "good" else "red")
        table.add_row(build.label, verdict, *(_quality(build, name) for name in qualities))
    return table


def _costs(builds: Sequence[Compared]) -> Table:
    table = _table()
    table.add_column("design")
    for title, _ in COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("latency from")
    table.add_column("resources from")
    for build in builds:
        latency, resources = build.costs["latency_ns"], build.costs["lut"]
        table.add_row(
            build.label,
            build.design or NOT_RUN,
            *(_cost(build.costs[key]) for _, key in COLUMNS),
            *(number.stage if number else NOT_RUN for number in (latency, resources)),
        )
    return table


def _quality(build: Compared, name: str) -> str:
    found = build.quality(name)
    if found is None:
        return "" if build.qualities else NOT_RUN
    error = "" if found.error is None else f" ± {found.error:.4f}"
    return f"{found.value:.4f}{error} {found.unit}".strip()


def _cost(number: ReportedNumber | None) -> Text:
    if number is None:
        return Text(NOT_RUN, style="yellow")
    value, low, high = (_short(part) for part in (number.value, number.low, number.high))
    return Text(value) if number.low == number.high else Text.assemble(value, (f"\n{low} to {high}", "dim"))


def _short(number: float) -> str:
    return f"{number:,.4g}" if number < 1000 else f"{number:,.0f}"
