"""Coverage of the intervals on repositories that were left out of the fit, of the intervals and of the distances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fasttrig.estimate.cost_model import NETWORKS
from fasttrig.estimate.intervals import ErrorInterval, find_interval
from fasttrig.estimate.residuals import Residual

MEASURED = ("lut", "ff", "dsp", "latency_cycles")
GROUPS = {
    "whole networks": NETWORKS,
    "single layers": ("single",),
    "single operations": ("operation",),
    "forests": ("forest",),
}
"""Only networks come from enough repositories to measure a coverage; of the other groups there are one or two."""
_ROUNDING = 5e-4  # the intervals are kept to three decimals


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of one quantity of reports that lies inside the 80 % intervals.

    Attributes
    ----------
    group : str
        The kind of design, of `GROUPS`.
    by_report : float
        Share of the reports.
    by_repository : float
        Mean over the repositories of the share of their reports.
    """

    group: str
    quantity: str
    n: int
    repositories: int
    by_report: float
    by_repository: float


def coverage_rows(
    alone: Mapping[str, Sequence[Residual]], known: Mapping[str, Mapping[str, ErrorInterval]]
) -> list[Coverage]:
    """Coverage per kind of design and quantity.

    Parameters
    ----------
    alone : mapping of str to list of Residual
        Residuals of each repository, predicted without it.
    known : mapping of str to mapping
        For each repository the intervals made without it.
    """
    groups: dict[tuple[str, str], list[tuple[Residual, bool]]] = {}
    for name, found in sorted(alone.items()):
        for residual in found:
            if residual.quantity in MEASURED:
                key = (_group_of(residual.regime), residual.quantity)
                groups.setdefault(key, []).append((residual, is_inside(residual, known[name])))
    return [
        _row(group, quantity, groups[group, quantity])
        for group in GROUPS
        for quantity in MEASURED
        if (group, quantity) in groups
    ]


def _group_of(regime: str) -> str:
    return next((group for group, start in GROUPS.items() if regime.startswith(start)), "")


def is_inside(residual: Residual, known: Mapping[str, ErrorInterval]) -> bool:
    """Whether a report lies inside the interval its design gets from `known`."""
    found, _ = find_interval(known, residual.stage, residual.regime, residual.quantity)
    low, high = found.at(residual.distance)
    return low - _ROUNDING <= -residual.log_ratio <= high + _ROUNDING


def _row(group: str, quantity: str, inside: Sequence[tuple[Residual, bool]]) -> Coverage:
    shares: dict[str, list[bool]] = {}
    for residual, held in inside:
        shares.setdefault(residual.repository, []).append(held)
    return Coverage(
        group,
        quantity,
        len(inside),
        len(shares),
        round(sum(held for _, held in inside) / len(inside), 3),
        round(sum(sum(held) / len(held) for held in shares.values()) / len(shares), 3),
    )


def print_coverage(rows: Iterable[Coverage]) -> str:
    """The coverage as a table of text."""
    lines = ["Coverage of the 80 % intervals on repositories left out (by report, by repository):"]
    lines += [
        f"  {row.group:<17} {row.quantity:<15} {row.by_report:6.1%} {row.by_repository:6.1%}"
        f"  ({row.n} reports of {row.repositories} repositories)"
        for row in rows
    ]
    return "\n".join(lines) + "\n"
