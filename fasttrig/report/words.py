"""Sentences and table rows about the words that leave the firmware, for terminal and page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fasttrig.report.document import FirmwareRow, LeafGridRow, RankingRow, Report, RoundedScalesRow, WorkingPointRow

HALF = "0.5"
RANKED_BY = {"score": "after the link", "word": "raw word", "lead": "lead over the others"}
TIE = 0.01
"""Share of events in one word from which on the report says that thresholds are coarse."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """The working points of one class (or target) at one target efficiency (or cut), by decision."""

    output: str
    target: float
    points: dict[str, WorkingPointRow]


def link_sentence(report: Report) -> str:
    """Where the link is computed, and which words leave the firmware."""
    first = report.outputs[0]
    words = f"The firmware puts out raw words of {first.type}, in steps of 2^{-first.fraction_bits}"
    if first.link == "none":
        return f"{words}: they are the {'predictions' if report.regression else 'scores'}; there is no link."
    scaled = "" if first.link_scale == "1" else f"{first.link_scale} times "
    given = f"the {first.link} of {scaled}the words' values, computed on the host"
    return f"{'Predictions' if report.regression else 'Scores'} are {given}. {words}: a trigger cuts on those."


def leaf_sentence(row: LeafGridRow) -> str:
    """What rounding the leaves changes."""
    grid = f"Leaves have {row.fraction_bits} fraction bits"
    return f"{grid}: {row.n_flipped:,} of {row.n_events:,} decisions differ from those of leaves as trained"


def cost_sentence(firmware: FirmwareRow) -> str:
    """What each decision costs beyond the comparison of one word; empty where nothing was estimated."""
    names = {**RANKED_BY, "largest": "largest word", "softmax": 'softmax (output_activation = "firmware")'}
    parts = [
        f"{names[row.decision]} {row.lut.value:,} LUT ({row.lut.low:,} to {row.lut.high:,}), "
        f"{row.latency_cycles.value} cycles"
        for row in firmware.costs
    ]
    return f"In the firmware, by the {firmware.costs[0].stage}: {'; '.join(parts)}." if parts else ""


def decisions(firmware: FirmwareRow) -> list[str]:
    """The quantities that the rankings compare, in their order."""
    return list(dict.fromkeys(row.ranked_by for row in firmware.rankings))


def ranked(firmware: FirmwareRow) -> dict[str, dict[str, RankingRow]]:
    """Class -> quantity -> how well it ranks."""
    found: dict[str, dict[str, RankingRow]] = {}
    for row in firmware.rankings:
        found.setdefault(row.output, {})[row.ranked_by] = row
    return found


def cuts(firmware: FirmwareRow) -> list[Cuts]:
    """Thresholds with their efficiencies, class by class."""
    found: dict[tuple[str, float], dict[str, WorkingPointRow]] = {}
    for point in firmware.working_points:
        if point.target is not None:
            found.setdefault((point.output, point.target), {})[point.decision] = point
    return [Cuts(output, target, points) for (output, target), points in found.items()]


def largest(firmware: FirmwareRow) -> list[WorkingPointRow]:
    """What is chosen by the largest word."""
    return [point for point in firmware.working_points if point.decision == "largest"]


def lost_by_word(firmware: FirmwareRow) -> tuple[str, float, float | None] | None:
    """The class that loses most of its rejection at half the signal by a cut on its word: word and lead over score."""
    ratios = []
    for name, rows in ranked(firmware).items():
        score, word = (_rejection(rows, quantity) for quantity in ("score", "word"))
        lead = _rejection(rows, "lead")
        if score and word:
            ratios.append((name, word / score, lead / score if lead else None))
    return min(ratios, key=lambda row: row[1], default=None)


def coarsest(firmware: FirmwareRow) -> Sequence[tuple[str, int, float]]:
    """Outputs whose commonest word holds `TIE` of the events at least, the coarsest first."""
    tied = [(row.output, row.n_distinct, row.largest_tie) for row in firmware.words if row.largest_tie >= TIE]
    return sorted(tied, key=lambda row: -row[2])


def _rejection(rows: dict[str, RankingRow], quantity: str) -> float | None:
    return rows[quantity].background_rejection.get(HALF) if quantity in rows else None


def scale_sentences(row: RoundedScalesRow) -> list[str]:
    """Each rounded scale, and what the rounding cost."""
    lines = [
        f"{scale.layer} > {scale.part}: {scale.n_scales} real scale{'s' if scale.n_scales > 1 else ''} rounded to "
        f"{scale.bits} bits, by {scale.largest_change:.2%} at most; error at most {scale.error_lsb:.2g} {scale.lsb}"
        for scale in row.scales
    ]
    if not row.change:
        return [*lines, f"cost of the rounding: not measured ({row.reason})"]
    name, change = max(row.change.items(), key=lambda item: abs(item[1]))
    figure = "RMS error" if name == "rms" else f"AUC of {name}"
    return [*lines, f"cost of the rounding on {row.n_events:,} events: {change:+.6f} in the {figure} (the largest)"]
