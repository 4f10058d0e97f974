"""Write ``report.html`` and its plots, from a build that runs or from a finished build folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fasttrig.base.built_project import DRAWING, PAGE, BuiltProject
from fasttrig.design import Design, load_built
from fasttrig.display.drawing import draw_design
from fasttrig.display.environment import render
from fasttrig.ir.graph import Graph
from fasttrig.report import words
from fasttrig.report.document import MeasuredRows, Report
from fasttrig.report.html import numbers, palette, summary
from fasttrig.report.html.plots.style import Plot, from_file

if TYPE_CHECKING:
    from fasttrig.ladder.checks import Measured
    from fasttrig.physics.scores import Scores

_GROUPS = {
    "quality": re.compile(r"roc|roc-\d+|residuals|response|turn-on"),
    "scores": re.compile(r"scores-\d+"),
    "profiles": re.compile(r"profile-\d+"),
    "agreement": re.compile(r"agreement|difference"),
}
"""Sections of the page and the names of their plots."""


def page_files(design: Design, report: Report, measured: Measured) -> dict[str, str]:
    """``{name: text}`` of the page and its plots; the same for the same measurements at any time."""
    plots = draw_plots(design, report, measured.scores)
    return {Path(PAGE).name: page(design.graph, report, plots), **_files(plots), **drawing_file(design.graph, report)}


def plot_files(design: Design, rows: MeasuredRows, measured: Measured) -> dict[str, str]:
    """``{name: text}`` of the plots; `page_again` makes the page from them."""
    return _files(draw_plots(design, rows, measured.scores))


def drawing_file(graph: Graph, report: Report) -> dict[str, str]:
    """``{name: text}`` of the drawing of the design, with the pipeline stages of the RTL."""
    return _files([Plot(Path(DRAWING).stem, _drawing(graph, report))])


def _files(plots: Sequence[Plot]) -> dict[str, str]:
    return {f"{plot.name}.svg": plot.file for plot in plots}


def page_again(build: Path, report: Report) -> str:
    """The page of a finished build with another report, such as one that logic synthesis added to; plots are kept."""
    names = BuiltProject(build).plots.glob("*.svg")
    order = sorted((path.stem for path in names if path.name != Path(DRAWING).name), key=_place)
    plots = [from_file(name, (BuiltProject(build).plots / f"{name}.svg").read_text(encoding="utf-8")) for name in order]
    return page(load_built(build).graph, report, plots)


def page(graph: Graph, report: Report, plots: list[Plot]) -> str:
    """The whole page as text."""
    groups = {group: [plot for plot in plots if names.fullmatch(plot.name)] for group, names in _GROUPS.items()}
    return render(
        "page.html.j2",
        report=report,
        plots=groups,
        drawing=_drawing(graph, report),
        numbers=numbers,
        words=words,
        classes=numbers.classes(report),
        tiles=summary.tiles(report),
        next=summary.look_next(report),
        facts=summary.facts(report),
        colours=palette.declarations,
        n_stages=max((row.stage or 0 for row in report.ops), default=0),
    )


def _drawing(graph: Graph, report: Report) -> str:
    return draw_design(graph, {row.name: row.stage for row in report.ops if row.stage is not None})


def _place(name: str) -> tuple[str, int]:
    """Classes by number; the other names of a section happen to be in the order of the page."""
    stem, _, number = name.rpartition("-")
    return (stem, int(number)) if number.isdigit() else (name, -1)


def draw_plots(design: Design, rows: MeasuredRows, scores: Scores | None) -> list[Plot]:
    """Plots in the order of the page; none without labelled events."""
    if scores is None:
        return []
    from fasttrig.report.html.plots import agreement, classes, profiles, regression
    from fasttrig.report.html.plots.style import drawing, safe

    sample = f"{len(scores.truth):,} test events"
    data = design.project.data if design.project is not None else None
    unit = f" [{safe(data.target_unit)}]" if data is not None and data.target_unit else ""
    with drawing():
        if scores.is_regression:
            cuts = data.thresholds if data is not None else ()
            found = [regression.residuals(scores, sample, unit), regression.response(scores, sample, unit)]
            found += [regression.turn_on(scores, cuts, sample, unit)] if cuts else []
        else:
            shown = classes.shown_classes(scores)
            found = [classes.roc_overview(scores, sample)] if len(shown) > 1 else []
            spread = classes.ratio_range(scores, shown)
            found += [classes.roc_of_class(scores, k, rows.agreement, sample, spread) for k in shown]
            found += [classes.scores_of_class(scores, k, sample) for k in shown]
        if rows.firmware is not None:
            found += profiles.profile_plots(rows.firmware.profiles, sample)
        if scores.real is not None:
            found += [
                agreement.scatter(scores, rows.worst_events, sample, unit),
                agreement.differences(scores, sample, unit),
            ]
    return found
