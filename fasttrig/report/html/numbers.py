"""Rows of the page's tables: figures with their errors, bars in percent of their scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fasttrig.base.fixed import FixedType
from fasttrig.display.environment import count
from fasttrig.estimate.devices import RESOURCES
from fasttrig.report.budget import BUNCH_CROSSING_NS
from fasttrig.report.document import AgreementRow, OpRow, PairRow, Report, SensitivityRow
from fasttrig.report.hardware import LAYER_RESOURCES, EstimatedResources, LatencyRow, ResourceRow
from fasttrig.report.implementations import implementations, ordered_resources


def named(row: LatencyRow | ResourceRow) -> str:
    """Design and tool of a row of latency or resources."""
    return f"{row.stage.design}, {row.tool}"


def with_error(value: float | None, error: float | None) -> str:
    """A figure and its error, both to the error's second digit at most: 62.1 ± 4.5."""
    if value is None:
        return "none left"
    if error is None or error <= 0 or not math.isfinite(error):
        return f"{value:.3g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def signed(value: float, digits: int = 4) -> str:
    """With its sign, a true minus, and no sign on a zero."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def beside(share: float, other: float | None) -> str:
    """A share, and in brackets another one where it differs in the digits shown."""
    mine, theirs = percent(share), percent(other)
    return mine if theirs in ("", mine) else f"{mine} ({theirs})"


def rejections(agreement: AgreementRow) -> list[dict[str, Any]]:
    """One row per class: areas, and for each efficiency both rejections and their ratio."""
    efficiencies = list(next(iter(agreement.background_rejection["float"].values())))
    return [
        {
            "name": name,
            "auc_float": agreement.auc_float[name],
            "auc_quantised": agreement.auc_quantised[name],
            "auc_change": _change(agreement, name),
            "cells": [_rejection(agreement, name, cut) for cut in efficiencies],
        }
        for name in agreement.auc_float
    ]


def efficiencies(agreement: AgreementRow) -> list[str]:
    return list(next(iter(agreement.background_rejection["float"].values())))


def _change(agreement: AgreementRow, name: str) -> str:
    change = agreement.auc_quantised[name] - agreement.auc_float[name]
    error = agreement.auc_loss_error.get(name)
    return signed(change) + (f" ± {error:.4f}" if error is not None else "")


def _rejection(agreement: AgreementRow, name: str, cut: str) -> dict[str, str]:
    shown = {}
    for model in ("float", "quantised"):
        errors = agreement.background_rejection_error.get(model, {}).get(name, {})
        shown[model] = with_error(agreement.background_rejection[model][name][cut], errors.get(cut))
    ratio = agreement.rejection_ratio.get(name, {}).get(cut)
    return {**shown, "ratio": with_error(*ratio) if ratio is not None else "–"}


def op_row(row: OpRow) -> dict[str, Any]:
    """One op; its range bars are in percent of the range of its type."""
    type_ = FixedType.parse(row.type)
    low, span = type_.min_raw, type_.max_raw - type_.min_raw
    proved = row.proved[1] - row.proved[0]
    share = (row.seen[1] - row.seen[0]) / proved if proved else None
    exact = FixedType.parse(row.exact_type) if row.exact_type else None
    return {
        "row": row,
        "bits": type_.width,
        "proved": _bar(row.proved, low, span),
        "seen": _bar(row.seen, low, span),
        "used": share,
        "overflow_share": row.overflows / row.n_elements if row.overflows and row.n_elements else 0.0,
        "sparsity": row.n_zero_weights / row.n_weights if row.n_weights else None,
        "bits_saved": exact.width - type_.width if exact is not None else None,
    }


def _bar(bounds: tuple[int, int], low: int, span: int) -> dict[str, str]:
    left = 100.0 * (bounds[0] - low) / span if span else 0.0
    width = 100.0 * (bounds[1] - bounds[0]) / span if span else 100.0
    return {"left": f"{left:.1f}", "width": f"{max(width, 1.0):.1f}"}


def latency_rows(report: Report) -> dict[str, Any]:
    """Every number of the latency with its bar; the scale ends at a whole number of bunch crossings."""
    clock_ns, limit = float(report.target["clock_period_ns"]), latency_limit_ns(report)
    found = [row for one in implementations(report) for row in one.latency]
    ends = [_high_ns(row) for row in found] + ([limit] if limit else [])
    n_crossings = max(1, math.ceil(max(ends, default=0.0) / BUNCH_CROSSING_NS))
    scale = n_crossings * BUNCH_CROSSING_NS
    rows = []
    for row in found:
        ns, cycles = row.latency_ns, row.latency_cycles
        low, high = 100.0 * ns * cycles.low / (cycles.value or 1) / scale, 100.0 * _high_ns(row) / scale
        rows.append(
            {
                "stage": row.stage,
                "tool": named(row),
                "cycles": cycles,
                "ii": row.ii_cycles.value,
                "ns": ns,
                "crossings": ns / BUNCH_CROSSING_NS,
                "notes": row.notes,
                "width": f"{100.0 * ns / scale:.2f}",
                "low": f"{low:.2f}",
                "span": f"{high - low:.2f}",
                "within": None if limit is None else ns <= limit,
            }
        )
    limit_at = f"{100.0 * limit / scale:.2f}" if limit else ""
    return {
        "rows": rows,
        "limit": limit,
        "n_crossings": n_crossings,
        "clock_ns": clock_ns,
        "limit_at": limit_at,
        "step": f"{100.0 / n_crossings:.4f}",
    }


def latency_limit_ns(report: Report) -> float | None:
    """The tighter of both budgets of the latency."""
    units = {"latency_ns": 1.0, "latency_bunch_crossings": BUNCH_CROSSING_NS}
    return min((row.limit * units[row.key] for row in report.budget if row.key in units), default=None)


def _high_ns(row: LatencyRow) -> float:
    return row.latency_ns * row.latency_cycles.high / (row.latency_cycles.value or 1)


def resource_rows(report: Report) -> list[dict[str, Any]]:
    """Every entry of the resources, design by design: a cell per resource with its share of the device."""
    return [
        {
            "stage": row.stage,
            "tool": named(row),
            "notes": row.notes,
            "cells": [_resource(row, name) for name in RESOURCES],
            "crosses_slr": row.crosses_slr,
        }
        for one in implementations(report)
        for row in one.resources
    ]


def _resource(row: ResourceRow, name: str) -> dict[str, Any]:
    share = row.shares.get(name)
    return {
        "name": name,
        "number": row.counts.get(name),
        "share": share,
        "over": share is not None and share > 1,
        "width": "0" if share is None else f"{min(100.0, 100.0 * share):.2f}",
    }


def estimates(report: Report) -> tuple[EstimatedResources, ...]:
    """The estimates of resources, the most advanced stage first."""
    return ordered_resources([row for row in report.resources if isinstance(row, EstimatedResources)])


def op_resources(report: Report) -> list[dict[str, Any]]:
    """Resources of each op; bars are in percent of the entry's largest op."""
    tables = []
    for entry in estimates(report):
        names = [name for name in LAYER_RESOURCES if any(getattr(layer, name) for layer in entry.layers)]
        if not names:
            continue
        most = {name: max(getattr(layer, name) for layer in entry.layers) for name in names}
        rows = [
            {
                "name": layer.name,
                "kind": layer.kind,
                "cells": [
                    {"value": getattr(layer, name), "width": f"{100.0 * getattr(layer, name) / most[name]:.1f}"}
                    for name in names
                ],
            }
            for layer in entry.layers
            if any(getattr(layer, name) for name in names)
        ]
        tables.append({"stage": entry.stage, "tool": entry.tool, "names": names, "rows": rows})
    return tables


def sensitivity_rows(report: Report) -> list[dict[str, Any]]:
    """Every narrowed part with its mean and its worst change; `cost` is positive where quality is lost."""
    scale = max((abs(cost(row, report)) for row in report.sensitivity), default=0.0) or 1.0
    return [
        {
            "row": row,
            "mean": sum(row.change.values()) / len(row.change),
            "worst": worst_change(row, report),
            "cost": cost(row, report),
            "free": is_free(row, report),
            "width": f"{max(0.0, 50.0 * cost(row, report) / scale):.1f}",
            "gain": f"{max(0.0, -50.0 * cost(row, report) / scale):.1f}",
        }
        for row in report.sensitivity
    ]


def cost(row: SensitivityRow, report: Report) -> float:
    """What the narrowed part loses: of the mean AUC, or the growth of the RMS error as a share."""
    if report.regression is not None or list(row.change) == ["rms"]:
        rms = report.regression.quality_quantised.rms if report.regression is not None else 1.0
        return row.change["rms"] / rms if rms else row.change["rms"]
    return -sum(row.change.values()) / len(row.change)


def worst_change(row: SensitivityRow, report: Report) -> tuple[str, float]:
    """The class that loses most, and its change."""
    name = min(row.change, key=lambda key: row.change[key])
    return name, row.change[name]


def is_free(row: SensitivityRow, report: Report) -> bool:
    """Whether the loss of every class is below the statistical error of the AUC's loss (0.1 % of an RMS error)."""
    errors = report.agreement.auc_loss_error if report.agreement is not None else {}
    if not errors:
        return cost(row, report) < 0.001 if list(row.change) == ["rms"] else False
    return all(-row.change[name] < errors[name] for name in row.change if name in errors)


def largest_by_lut(entry: EstimatedResources) -> Sequence[tuple[str, float]]:
    """Ops of one estimate by their share of all ops' LUTs, the largest first."""
    total = sum(layer.lut for layer in entry.layers)
    shares = [(layer.name, layer.lut / total) for layer in entry.layers if total]
    return sorted(shares, key=lambda pair: -pair[1])


def rate(khz: float | None) -> str:
    """A rate in kHz to three digits; a dash for none."""
    return "–" if khz is None else f"{khz:,.0f}" if khz >= 100 else f"{khz:.3g}"


def rejection(number: float | None) -> str:
    """A background rejection to three digits; in words where no background is left."""
    return "none left" if number is None else rate(number)


def pair_matrix(report: Report) -> dict[str, list[tuple[str, str]]]:
    """Signal -> rejection of every class, in their order, and the threshold, at half the signal."""
    pairs = report.firmware.pairs if report.firmware is not None else []
    found = {(pair.signal, pair.against[0]): pair for pair in pairs if len(pair.against) == 1}
    return {signal: [_pair(found.get((signal, other))) for other in classes(report)] for signal in classes(report)}


def _pair(pair: PairRow | None) -> tuple[str, str]:
    if pair is None:
        return "–", ""
    return rejection(pair.background_rejection["0.5"]), f"≥ {count(pair.threshold_raw['0.5'])}"


def classes(report: Report) -> list[str]:
    """What each word of the first output is about; both classes of a single word."""
    return report.model.classes or (report.outputs[0].words if report.outputs else [])
