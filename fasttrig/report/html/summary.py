"""The top of the page: key figures, and where to look next, all from the report's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fasttrig.display.environment import count, percent
from fasttrig.report.budget import BUNCH_CROSSING_NS, best_latency, best_resources
from fasttrig.report.document import Report
from fasttrig.report.html.numbers import cost, design_of, is_free, largest_ops, signed, worst_change


def tiles(report: Report) -> list[dict[str, str]]:
    """Label, figure and a note each."""
    return [*_quality(report), *_latency(report), *_resources(report)]


def _quality(report: Report) -> list[dict[str, str]]:
    ran = [row for row in report.ladder if row.status != "not run"]
    wrong = sum(row.n_mismatches for row in ran)
    n_events = max((row.n_events for row in ran), default=0)
    found = [
        {
            "label": "Events compared, every bit",
            "figure": count(n_events),
            "note": f"{count(wrong)} mismatches on {len(ran)} rungs",
        }
    ]
    if report.agreement is not None:
        kept, real = report.agreement.accuracy_quantised, report.agreement.accuracy_float
        loss = {name: report.agreement.auc_float[name] - auc for name, auc in report.agreement.auc_quantised.items()}
        worst = max(loss, key=lambda name: loss[name])
        error = report.agreement.auc_loss_error.get(worst)
        found.append(
            {
                "label": "Accuracy",
                "figure": f"{kept:.4f}",
                "note": f"float {real:.4f}; argmax flips for {percent(report.agreement.argmax_flip_fraction)}",
            }
        )
        found.append(
            {
                "label": f"AUC, change of {worst}",
                "figure": signed(-loss[worst]),
                "note": (f"± {error:.4f}; " if error is not None else "") + "the worst of all classes",
            }
        )
    if report.regression is not None:
        unit = f" {report.regression.unit}" if report.regression.unit else ""
        found.append(
            {
                "label": "RMS error",
                "figure": f"{report.regression.quality_quantised.rms:.4f}",
                "note": f"{unit.strip()}; float {report.regression.quality_float.rms:.4f}".removeprefix("; "),
            }
        )
        found.append(
            {"label": "RMS growth", "figure": percent(report.regression.rms_growth), "note": "by quantisation"}
        )
    return found


def _latency(report: Report) -> list[dict[str, str]]:
    row = best_latency(report.latency)
    if row is None:
        return []
    crossings = row["latency_ns"] / BUNCH_CROSSING_NS
    note = f"{row['latency_cycles']['value']} cycles, {crossings:.2g} BX; {stage_text(row)}"
    return [{"label": "Latency", "figure": f"{row['latency_ns']:g} ns", "note": note}]


def _resources(report: Report) -> list[dict[str, str]]:
    row = best_resources(report.resources)
    if row is None:
        return []
    found = []
    for name in ("lut", "dsp"):
        if name in row:
            share = (row.get("shares") or {}).get(name)
            of_device = f"{percent(share, 1)} of the device; " if share else ""
            found.append(
                {"label": name.upper(), "figure": count(row[name]["value"]), "note": f"{of_device}{stage_text(row)}"}
            )
    return found


def stage_text(row: Mapping[str, Any]) -> str:
    """Where a number comes from: design and stage."""
    return f"{design_of(row['stage'])} {row['stage']}".strip()


def look_next(report: Report) -> list[dict[str, str]]:
    """Sentences with the section they are about, most urgent first."""
    found = [
        {"to": "ladder", "text": f"{row.rung} differs from {row.against} on {row.n_mismatches:,} events."}
        for row in report.ladder
        if row.status == "differs"
    ]
    found += [
        {"to": "budget", "text": f"{row.key} is exceeded: {row.measured:.4g}, allowed {row.limit:g}."}
        for row in report.budget
        if row.status == "exceeded" and row.measured is not None
    ]
    return found + _lost_rejection(report) + _bits(report) + _largest(report) + _clipped(report)


def _lost_rejection(report: Report) -> list[dict[str, str]]:
    """The class whose rejection at half the signal falls most, where that is more than chance."""
    ratios = report.agreement.rejection_ratio if report.agreement is not None else {}
    known = {name: cuts["0.5"] for name, cuts in ratios.items() if cuts.get("0.5") is not None}
    lost = {name: pair for name, pair in known.items() if pair is not None and 1 - pair[0] > 2 * pair[1]}
    if not lost:
        return []
    name = min(lost, key=lambda key: lost[key][0])
    ratio, error = lost[name]
    return [
        {
            "to": "roc",
            "text": f"{name} loses {100 * (1 - ratio):.1f} ± {100 * error:.1f} % of its background "
            "rejection at a signal efficiency of 0.5, the most of all classes.",
        }
    ]


def _bits(report: Report) -> list[dict[str, str]]:
    """The part that a bit less hurts most, and those that it does not hurt."""
    rows = report.sensitivity
    if not rows:
        return []
    worst = max(rows, key=lambda row: cost(row, report))
    name, change = worst_change(worst, report)
    what = (
        f"the AUC of {name} changes by {signed(change)}"
        if name != "rms"
        else f"the RMS error grows by {percent(cost(worst, report))}"
    )
    found = [
        {
            "to": "sensitivity",
            "text": f"The {worst.part} of {worst.op} need their bits: with one less, {what}."
            if worst.part != "result"
            else f"{worst.op} needs its bits: with one less, {what}.",
        }
    ]
    free = [f"{row.op} ({row.part})" if row.part != "result" else row.op for row in rows if is_free(row, report)]
    if free:
        found.append({"to": "sensitivity", "text": f"One bit less costs nothing measurable in {_listed(free)}."})
    return found


def _listed(names: list[str], most: int = 5) -> str:
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"


def _largest(report: Report) -> list[dict[str, str]]:
    for entry in report.resources:
        shares = largest_ops(entry, "lut")
        if len(shares) > 1:
            name, share = shares[0]
            text = f"{name} takes {percent(share, 0)} of all ops' LUTs ({entry['stage']})."
            return [{"to": "resources", "text": text}]
    return []


def _clipped(report: Report) -> list[dict[str, str]]:
    worst = max(report.inputs, key=lambda row: row.clipped_fraction, default=None)
    if worst is None or worst.clipped_fraction < 0.005:
        return []
    return [{"to": "inputs", "text": f"{worst.name} is clipped for {percent(worst.clipped_fraction)} of the events."}]


def facts(report: Report) -> list[tuple[str, Any]]:
    """The line under the title."""
    target = report.target
    return [
        ("model", f"{report.model.file}, version {report.model.version}"),
        ("backend", target["backend"]),
        ("part", target["part"]),
        ("clock", f"{target['clock_period_ns']:g} ns"),
        ("strategy", f"{target['strategy']}, reuse {target['reuse_factor']}, {target['io_type']}"),
    ]
