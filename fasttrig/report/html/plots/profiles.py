"""Plots of the efficiency of a cut on the raw word against a column of the sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fasttrig.base.fixed import FloatArray
from fasttrig.report.document import ProfileRow
from fasttrig.report.html.plots.style import MARKERS, Plot, finish, head, log_labels, new_figure, safe, series, sub


def profile_plots(profiles: Sequence[ProfileRow], sample: str) -> list[Plot]:
    """One plot per column: each class at the top, all other classes below."""
    columns = list(dict.fromkeys(row.column for row in profiles))
    return [_plot(k, [row for row in profiles if row.column == column], sample) for k, column in enumerate(columns)]


def _plot(number: int, rows: Sequence[ProfileRow], sample: str) -> Plot:
    column, unit = rows[0].column, f" [{safe(rows[0].unit)}]" if rows[0].unit else ""
    figure, (upper, lower) = new_figure((1.0, 1.0), height_in=4.6)
    for k, row in enumerate(rows):
        _steps(upper, k, row, row.efficiency, safe(row.output))
        _steps(lower, k, row, row.background_efficiency, "")
    upper.set_ylim(0.0, 1.3)
    upper.set_yticks(np.arange(0.0, 1.01, 0.25))
    upper.set_ylabel("Efficiency ε" + sub("S"))
    upper.legend(loc="upper left", ncols=5, columnspacing=1.0, handlelength=1.4)
    lower.set_ylabel("All others ε" + sub("B"))
    if any(share for row in rows for share in row.background_efficiency):
        lower.set_yscale("log")
        log_labels(lower.yaxis)
    lower.set_xlabel(f"{safe(column)}{unit}")
    lower.set_xlim(rows[0].edges[0], rows[0].edges[-1])
    for axes in (upper, lower):
        axes.grid(True)
    head(upper, f"Against {safe(column)}", sample)
    return finish(
        figure,
        f"profile-{number}",
        f"Efficiency against {column}",
        f"Share of each class, and of all other events, that passes the cut on the raw word of the class, in bins of "
        f"{column}. {sample}.",
    )


def _steps(axes: Any, k: int, row: ProfileRow, shares: Sequence[float | None], label: str) -> None:
    edges = np.array(row.edges)
    found: FloatArray = np.array([np.nan if share is None else share for share in shares])
    axes.plot((edges[1:] + edges[:-1]) / 2, found, marker=MARKERS[k % len(MARKERS)], label=label, **series(k))
