"""The error table of the estimator, `errors.csv`: what cross-validation by family found."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fasttrig.estimate.coverage import Coverage
from fasttrig.estimate.residuals import Residual

ERRORS = Path(__file__).parent / "errors.csv"
COLUMNS = (
    "stage",
    "by",
    "group",
    "quantity",
    "n",
    "families",
    "median",
    "median_relative",
    "p90",
    "bias",
    "within_2_percent",
    "within_5_percent",
    "within_1",
    "within_2",
    "inside_interval",
    "inside_interval_by_repository",
)
ErrorRow = dict[str, str]


def error_table(residuals: Sequence[Residual]) -> list[ErrorRow]:
    """Median and 90th percentile of |log ratio| and bias, per stage, regime, strategy, kinds of op, tool and family.

    ``median_relative`` is the median of |estimate / report - 1|, of the reports that count any.
    """
    groups: dict[tuple[str, str, str, str], list[Residual]] = {}
    for residual in residuals:
        for by in ("regime", "strategy", "kinds", "tool"):
            groups.setdefault((residual.stage, by, getattr(residual, by), residual.quantity), []).append(residual)
        for name in sets_of(residual):
            groups.setdefault((residual.stage, "set", name, residual.quantity), []).append(residual)
        if not residual.family.startswith("dense1"):
            groups.setdefault((residual.stage, "family", residual.family, residual.quantity), []).append(residual)
    return [_row(key, found) for key, found in sorted(groups.items()) if len(found) > 1]


def sets_of(residual: Residual) -> list[str]:
    """The sets that the bars of issue 6 speak of."""
    found = []
    network = residual.regime.startswith(("network", "stream", "recurrent"))
    if network:
        found.append("whole networks")
    if residual.strategy == "latency":
        if residual.regime in ("single_latency", "single_reused"):
            found.append("dense, latency")
        if residual.kinds == "dense" and not residual.regime.startswith(("stream", "operation")):
            found.append("dense and networks of dense, latency")
    if residual.regime in ("single_resource", "single_resource_one"):
        found.append("dense, resource")
    return found


def _row(key: tuple[str, str, str, str], found: Sequence[Residual]) -> ErrorRow:
    logs = np.array([r.log_ratio for r in found])
    off = np.array([abs(r.predicted - r.measured) for r in found])
    measured = np.array([r.measured for r in found])
    relative = np.abs(np.array([r.predicted for r in found]) / np.maximum(measured, 1e-9) - 1)[measured > 0]
    numbers = (
        np.median(np.abs(logs)),
        np.median(relative) if relative.size else 0.0,
        np.quantile(np.abs(logs), 0.9),
        np.median(logs),
        np.mean(off <= 0.02 * measured),
        np.mean(off <= 0.05 * measured),
        np.mean(off <= 1),
        np.mean(off <= 2),
    )
    heads = (*key, str(len(found)), str(len({r.family for r in found})))
    return dict(zip(COLUMNS, (*heads, *(f"{number + 0.0:.3f}" for number in numbers), "", ""), strict=True))


def coverage_table(coverage: Sequence[Coverage]) -> list[ErrorRow]:
    """Rows ``by coverage``: how many reports of repositories left out lie inside their 80 % interval."""
    return [
        dict.fromkeys(COLUMNS, "")
        | {
            "stage": "all",
            "by": "coverage",
            "group": row.group,
            "quantity": row.quantity,
            "n": str(row.n),
            "families": str(row.repositories),
            "inside_interval": f"{row.by_report:.3f}",
            "inside_interval_by_repository": f"{row.by_repository:.3f}",
        }
        for row in coverage
    ]


def print_errors(rows: Sequence[ErrorRow]) -> str:
    """The table as CSV text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_errors(rows: Sequence[ErrorRow], path: Path = ERRORS) -> None:
    path.write_text(print_errors(rows), encoding="utf-8")


def read_errors(path: Path = ERRORS) -> list[ErrorRow]:
    """The checked-in table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
