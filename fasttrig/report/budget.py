"""Check the limits of ``[budget]`` and decide the verdict; measured values take precedence over estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fasttrig.backends.table import BACKENDS
from fasttrig.estimate.devices import RESOURCES
from fasttrig.report.document import AgreementRow, BudgetRow, LadderRow, MeasuredRows, RegressionRow, Report
from fasttrig.report.hardware import LatencyRow, ResourceRow, VendorResources, last_measured
from fasttrig.settings import BudgetSettings

SHARES = tuple(f"max_{name}_share" for name in RESOURCES)
COUNTS = tuple(f"max_{name}" for name in RESOURCES)
TIMING = ("latency_ns", "latency_bunch_crossings", "ii_cycles")
BUNCH_CROSSING_NS = 25.0
_HALF = "0.5"
NOT_MEASURED = "nothing measured it"
_PROOFS = {row.rungs[0]: row.proof for row in BACKENDS if row.proof}
"""Rung -> its words, of the simulations that carry the verdict: the first that a ladder has."""


@dataclass(frozen=True, slots=True)
class Found:
    """A number to hold against a limit, and where it comes from."""

    number: float
    origin: str


def limit_row(key: str, limit: float, found: Found | None, *, at_least: bool = False) -> BudgetRow:
    """Met, exceeded, or not run."""
    if found is None:
        return BudgetRow(key=key, limit=limit, measured=None, status="not run", reason=NOT_MEASURED)
    met = found.number >= limit if at_least else found.number <= limit
    return BudgetRow(
        key=key, limit=limit, measured=found.number, status="met" if met else "exceeded", reason=found.origin
    )


def with_budget(report: Report, limits: BudgetSettings | None) -> Report:
    """`report` held against other limits: nothing is measured again."""
    budget = budget_rows(limits, report, report.latency, report.resources)
    word, reason = verdict(report.ladder, budget)
    return report.model_copy(update={"budget": budget, "verdict": word, "verdict_reason": reason})


def budget_rows(
    settings: BudgetSettings | None,
    measured: MeasuredRows,
    latency: Sequence[LatencyRow],
    resources: Sequence[ResourceRow],
) -> list[BudgetRow]:
    """A row per limit of ``[budget]`` that is set."""
    if settings is None:
        return []
    limits = {key: limit for key in type(settings).model_fields if (limit := getattr(settings, key)) is not None}
    rows = []
    for key, (number, at_least) in _physics(measured.regression or measured.agreement).items():
        if key in limits:
            found = None if number is None else Found(number, "")
            rows.append(limit_row(key, limits[key], found, at_least=at_least))
    return rows + hardware_rows(limits, latency, resources)


def hardware_rows(
    limits: Mapping[str, float], latency: Sequence[LatencyRow], resources: Sequence[ResourceRow]
) -> list[BudgetRow]:
    """Rows of timing and resources, for the keys that `limits` holds; `latency` and `resources` as the report's."""
    rows = [limit_row(key, limits[key], _timing(key, latency)) for key in TIMING if key in limits]
    rows += [
        limit_row(key, limits[key], _share(name, resources))
        for name, key in zip(RESOURCES, SHARES, strict=True)
        if key in limits
    ]
    rows += [
        limit_row(key, limits[key], _count(name, resources))
        for name, key in zip(RESOURCES, COUNTS, strict=True)
        if key in limits
    ]
    return rows


def renewed(
    budget: Sequence[BudgetRow], latency: Sequence[LatencyRow], resources: Sequence[ResourceRow]
) -> list[BudgetRow]:
    """`budget` with its rows of timing and resources held against these numbers."""
    fresh = {row.key: row for row in hardware_rows({row.key: row.limit for row in budget}, latency, resources)}
    return [fresh.get(row.key, row) for row in budget]


def verdict(ladder: Sequence[LadderRow], budget: Sequence[BudgetRow]) -> tuple[Literal["good", "failed"], str]:
    """``good`` or ``failed``, and why. A limit that nothing could be held against has not been met."""
    differs = [rung for rung in ladder if rung.status == "differs"]
    exceeded = [row for row in budget if row.status == "exceeded"]
    unknown = [row for row in budget if row.status == "not run"]
    proof = next(rung for name in _PROOFS for rung in ladder if rung.rung == name)
    if differs:
        first = differs[0]
        return "failed", f"{first.rung} differs from {first.against} on {first.n_mismatches} of {first.n_events} events"
    if exceeded:
        return "failed", "over budget: " + ", ".join(row.key for row in exceeded)
    if unknown:
        return "failed", "budget not evaluated: " + ", ".join(f"{row.key} ({row.reason})" for row in unknown)
    if proof.status != "equal":
        return "failed", f"{_PROOFS[proof.rung]} did not run: {proof.reason}"
    equal = [rung.rung for rung in ladder if rung.status == "equal"]
    skipped = [rung.rung for rung in ladder if rung.status == "not run"]
    note = f"; not run: {', '.join(skipped)}" if skipped else ""
    return "good", f"every bit equal on {proof.n_events:,} events ({', '.join(equal)}){note}"


def _timing(key: str, rows: Sequence[LatencyRow]) -> Found | None:
    row = best_latency(rows)
    if row is None:
        return None
    if key == "ii_cycles":
        return Found(float(row.ii_cycles.value), _origin(row))
    unit_ns = BUNCH_CROSSING_NS if key == "latency_bunch_crossings" else 1.0
    return Found(row.latency_ns / unit_ns, _origin(row))


def _count(name: str, rows: Sequence[ResourceRow]) -> Found | None:
    row = best_resources(rows)
    return None if row is None or name not in row.counts else Found(float(row.counts[name].value), _origin(row))


def _share(name: str, rows: Sequence[ResourceRow]) -> Found | None:
    row = best_resources(rows)
    share = None if row is None else row.shares.get(name)
    return None if row is None or share is None else Found(share, _origin(row))


def best_latency(rows: Sequence[LatencyRow]) -> LatencyRow | None:
    """The last row that was measured, else the first estimate: logic synthesis changes no cycle."""
    return last_measured(rows) or next(iter(rows), None)


def best_resources(rows: Sequence[ResourceRow]) -> ResourceRow | None:
    """The last measured row, or the last estimate if nothing was measured: the row nearest to the final design."""
    return last_measured(rows) or next(reversed(rows), None)


def _origin(row: LatencyRow | ResourceRow) -> str:
    if row.stage.is_estimate:
        return f"estimated: {row.stage.step} of hls/, {row.tool}"
    file = row.file if isinstance(row, LatencyRow | VendorResources) else ""
    return f"measured: {row.stage} of {file or 'rtl/'}, {row.tool}"


def _physics(agreement: AgreementRow | RegressionRow | None) -> dict[str, tuple[float | None, bool]]:
    """Limit of ``[budget]`` -> the measured value, and whether a larger value is better."""
    found: dict[str, tuple[float | None, bool]] = {
        "min_accuracy": (None, True),
        "min_auc": (None, True),
        "min_rejection": (None, True),
        "max_auc_loss": (None, False),
        "max_rms_growth": (None, False),
    }
    if isinstance(agreement, RegressionRow):
        found["max_rms_growth"] = (agreement.rms_growth, False)
    elif agreement is not None:
        loss = max(agreement.auc_float[name] - agreement.auc_quantised[name] for name in agreement.auc_float)
        found["min_accuracy"] = (agreement.accuracy_quantised, True)
        found["min_auc"] = (min(agreement.auc_quantised.values()), True)
        found["max_auc_loss"] = (loss, False)
        found["min_rejection"] = (_least_rejection(agreement), True)
    return found


def _least_rejection(agreement: AgreementRow) -> float | None:
    """Over the classes, at half of the signal kept; None where no class lets any background through."""
    rejections = [by_cut.get(_HALF) for by_cut in agreement.background_rejection["quantised"].values()]
    return min((number for number in rejections if number is not None), default=None)
