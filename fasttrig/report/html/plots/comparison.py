"""Plots of several builds: physics performance against cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fasttrig.report.compare import Compared, FigureOfMerit, ReportedNumber, quality_names
from fasttrig.report.html.palette import N_SERIES
from fasttrig.report.html.plots.style import MARKERS, Plot, colour, drawing, finish, head, log_labels, new_figure, safe

COSTS = (("latency_ns", "Latency in ns"), ("lut", "LUT"), ("dsp", "DSP"))
PLOTTED = ("accuracy", "mean AUC", "RMS error")
LOG_FROM = 20.0
"""Ratio of the largest to the least number from which on an axis is logarithmic."""

HEIGHT_IN = 3.55


def comparison_plots(builds: Sequence[Compared]) -> list[Plot]:
    """One plot per figure of merit and cost, of the builds that have both numbers."""
    plots = []
    with drawing():
        for quality in quality_names(builds):
            for cost, label in COSTS:
                points = [
                    (build, found, number)
                    for build in builds
                    if (found := build.quality(quality)) and (number := build.costs[cost])
                ]
                if quality in PLOTTED and points:
                    plots.append(_plot(quality, cost, label, points))
    return plots


def _plot(
    quality: str, cost: str, label: str, points: Sequence[tuple[Compared, FigureOfMerit, ReportedNumber]]
) -> Plot:
    figure, (axes,) = new_figure(height_in=HEIGHT_IN + 0.16 * max(0, len(points) - 3))
    for k, (build, found, number) in enumerate(points):
        tint = colour(f"s{k % N_SERIES}")
        axes.errorbar(
            number.value,
            found.value,
            xerr=[[number.value - number.low], [number.high - number.value]],
            yerr=found.error,
            marker=MARKERS[(k + k // N_SERIES) % len(MARKERS)],
            linestyle="none",
            color=tint,
            markerfacecolor=tint if number.stage.is_measured else "none",
            markeredgewidth=1.2,
            markersize=6,
            elinewidth=1.0,
            capsize=2.5,
            label=f"{safe(build.label)}, {build.design}: {number.stage}",
        )
    _scale(axes, [number for _, _, number in points])
    _headroom(axes, len(points))
    axes.set_xlabel(label)
    unit = next((f" in {found.unit}" for _, found, _ in points if found.unit), "")
    axes.set_ylabel(f"{quality[0].upper()}{quality[1:]}, quantised{safe(unit)}")
    axes.legend(loc="upper left", fontsize=7.4)
    head(axes, f"{quality[0].upper()}{quality[1:]} against {_lower(label.split(' in ')[0])}", "open: estimate, 80 %")
    name = f"{quality.lower().replace(' ', '_')}_{cost.removesuffix('_ns')}"
    return finish(
        figure,
        name,
        f"{quality} against {label}",
        f"{quality} of the quantised model against {label}, for {len(points)} builds; bars are the 80 % "
        "intervals of estimates and the statistical errors.",
    )


def _lower(label: str) -> str:
    return label if label.isupper() else label.lower()


def _scale(axes: Any, numbers: Sequence[ReportedNumber]) -> None:
    low, high = min(number.low for number in numbers), max(number.high for number in numbers)
    if low > 0 and high / low > LOG_FROM:
        axes.set_xscale("log")
        log_labels(axes.xaxis)
    else:
        reach = max(1.0, high)
        axes.set_xlim(-0.03 * reach, 1.05 * reach)  # a marker at zero is seen whole


def _headroom(axes: Any, n_points: int) -> None:
    """Space above the points for the legend."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + (0.12 + 0.09 * n_points) * (high - low))
