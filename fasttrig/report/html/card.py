"""The card that Jupyter shows for a report or a built project."""

from __future__ import annotations

from fasttrig.display.environment import render
from fasttrig.report.document import Report
from fasttrig.report.html.summary import tiles


def report_html(report: Report, page: str = "") -> str:
    """Verdict, key figures, ladder; `page` is where the whole page lies."""
    return render("card.html.j2", report=report, tiles=tiles(report), page=page)
