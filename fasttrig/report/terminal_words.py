"""The words that leave the firmware, as tables on a terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from fasttrig.report import words
from fasttrig.report.document import FirmwareRow, Report
from fasttrig.report.tables import new_table, share_text


def firmware_tables(report: Report) -> list[Text | Table]:
    """The link, both rankings, working points, ties; nothing without labelled events."""
    if report.firmware is None:
        return []
    found: list[Text | Table] = []
    if report.firmware.rankings:
        found.append(_rankings(report.firmware))
    if report.firmware.working_points:
        found.append(_points(report.firmware))
    costs = words.cost_sentence(report.firmware)
    return [*found, *([Text(costs)] if costs else []), _counts(report.firmware)]


def _rankings(firmware: FirmwareRow) -> Table:
    by_class = words.ranked(firmware)
    table = new_table("\nScores against what the firmware puts out", [("", "left"), *((n, "right") for n in by_class)])
    for quantity in words.decisions(firmware):
        table.add_row(f"AUC, {words.RANKED_BY[quantity]}", *(f"{row[quantity].auc:.4f}" for row in by_class.values()))
    for quantity in words.decisions(firmware):
        rejections = (row[quantity].background_rejection.get(words.HALF) for row in by_class.values())
        shown = (f"{number:.1f}" if number is not None else "none left" for number in rejections)
        table.add_row(f"1/eps_B at eps_S = {words.HALF}, {words.RANKED_BY[quantity]}", *shown)
    return table


def _points(firmware: FirmwareRow) -> Table:
    """Of classes the points at half the signal; the others are in report.json."""
    cuts = words.cuts(firmware)
    shown = [cut for cut in cuts if f"{cut.target:g}" == words.HALF] if firmware.rankings else cuts
    names = ("output", "decision", "target", "threshold (raw)", "eps_S", "eps_B", "1/eps_B", "rate in kHz")
    table = new_table(
        f"\nWorking points, at an input rate of {firmware.input_rate_khz:,.10g} kHz",
        [(name, "left" if k < 2 else "right") for k, name in enumerate(names)],
    )
    for cut in shown:
        for decision, point in cut.points.items():
            rejection = "none left" if point.background_rejection is None else f"{point.background_rejection:.1f}"
            table.add_row(
                cut.output,
                words.RANKED_BY[decision],
                f"{cut.target:g}",
                f"{point.threshold_raw:,}",
                share_text(point.efficiency),
                share_text(point.background_efficiency),
                rejection,
                "" if point.rate_khz is None else f"{point.rate_khz:,.4g}",
            )
    return table


def _counts(firmware: FirmwareRow) -> Text:
    shown = ", ".join(f"{row.output} {row.n_distinct:,} ({row.largest_tie:.1%})" for row in firmware.words)
    return Text(f"distinct words (share of the commonest): {shown}")
