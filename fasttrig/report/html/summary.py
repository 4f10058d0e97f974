"""The top of the page: key figures, and where to look next, all from the report's own numbers."""

from __future__ import annotations

from typing import Any

from fasttrig.display.environment import count, percent
from fasttrig.report import words
from fasttrig.report.budget import BUNCH_CROSSING_NS
from fasttrig.report.document import Report
from fasttrig.report.html.numbers import cost, estimates, is_free, largest_by_lut, signed, worst_change
from fasttrig.report.implementations import Implementation, implementations

CLIPPED_EVENTS = 0.01
"""Share of events clipped in an op from which on the op is named."""


def tiles(report: Report) -> list[dict[str, str]]:
    """Label, figure and a note each."""
    return [*_quality(report), *(_implementation(one) for one in implementations(report))]


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


def _implementation(one: Implementation) -> dict[str, str]:
    """One card: latency and LUTs of one design."""
    figures, notes = [], []
    for row in one.latency[:1]:
        figures.append(f"{row.latency_ns:g} ns")
        crossings = row.latency_ns / BUNCH_CROSSING_NS
        notes.append(f"{row.latency_cycles.value} cycles, {crossings:.2g} BX, {row.stage}")
    for counted in one.resources[:1]:
        figures.append(f"{count(counted.counts['lut'].value)} LUT")
        share = counted.shares.get("lut")
        of_device = f" ({percent(share, 1)} of the device)" if share else ""
        dsp = f", {count(counted.dsp.value)} DSP" if counted.dsp is not None else ""
        notes.append(f"LUT{of_device}{dsp}: {counted.stage}")
    if not one.resources:
        notes.append("LUT: not run (fasttrig synth)")
    label = f"{one.design} design"
    return {"label": label, "figure": ", ".join(figures), "note": "; ".join(notes), "design": one.design}


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
    found += [
        {"to": "budget", "text": f"{row.key} was not evaluated ({row.reason}): such a limit is not met."}
        for row in report.budget
        if row.status == "not run"
    ]
    found += _raw_words(report) + _lost_rejection(report) + _bits(report) + _largest(report)
    return found + _clipped(report) + _clipped_ops(report) + _leaves(report) + _repeated(report)


def _raw_words(report: Report) -> list[dict[str, str]]:
    """What a cut on the raw word costs against the score, and words too few for a fine threshold."""
    if report.firmware is None:
        return []
    found = []
    lost = words.lost_by_word(report.firmware)
    if lost is not None and lost[1] < 0.99:
        name, word, lead = lost
        by_lead = "" if lead is None else f", by its lead over the others {percent(lead, 0)}"
        text = (
            f"At a signal efficiency of 0.5, a cut on the raw word of {name} keeps {percent(word, 0)} of the "
            f"rejection that the score after the link has{by_lead}."
        )
        found.append({"to": "words", "text": text})
    tied = words.coarsest(report.firmware)
    if tied:
        name, n_distinct, share = tied[0]
        text = (
            f"{name} takes {n_distinct:,} distinct words, one of them for {percent(share, 1)} of the events: its "
            "thresholds are coarse."
        )
        found.append({"to": "words", "text": text})
    return found


def _clipped_ops(report: Report) -> list[dict[str, str]]:
    """The op that clips in most events."""
    worst = max(report.ops, key=lambda row: row.clipped_events or 0.0, default=None)
    if worst is None or (worst.clipped_events or 0.0) < CLIPPED_EVENTS:
        return []
    text = (
        f"{worst.name} clips {percent(worst.clipped_fraction, 1)} of its elements, at least one in "
        f"{percent(worst.clipped_events, 0)} of the events: {worst.type} cannot hold them."
    )
    return [{"to": "ops", "text": text}]


def _repeated(report: Report) -> list[dict[str, str]]:
    """Inputs that tell the model nothing new."""
    found = [f"{row.name} equals {row.equals}" for row in report.inputs if row.equals]
    found += [f"{row.name} is constant" for row in report.inputs if row.is_constant]
    return [{"to": "inputs", "text": f"Inputs that tell the model nothing new: {_listed(found)}."}] if found else []


def _lost_rejection(report: Report) -> list[dict[str, str]]:
    """The class with the largest significant loss of rejection at half of the signal."""
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
    for entry in estimates(report):
        shares = largest_by_lut(entry)
        if len(shares) > 1:
            name, share = shares[0]
            text = f"{name} takes {percent(share, 0)} of all ops' LUTs ({entry.stage})."
            return [{"to": "resources", "text": text}]
    return []


def _clipped(report: Report) -> list[dict[str, str]]:
    worst = max(report.inputs, key=lambda row: row.clipped_fraction, default=None)
    if worst is None or worst.clipped_fraction < 0.005:
        return []
    return [{"to": "inputs", "text": f"{worst.name} is clipped for {percent(worst.clipped_fraction)} of the events."}]


def _leaves(report: Report) -> list[dict[str, str]]:
    row = report.leaf_grid
    return [{"to": "ops", "text": f"{words.leaf_sentence(row)}."}] if row is not None and row.n_flipped else []


def facts(report: Report) -> list[tuple[str, Any]]:
    """The line under the title."""
    target = report.target
    hashed = f", SHA-256 {report.model.sha256[:12]}" if report.model.sha256 else ""
    commit = str(report.manifest.get("commit", ""))[:12]
    hashed += f", at commit {commit}" if commit else ""
    return [
        ("fasttrig", report.model.fasttrig or "unknown"),
        ("model", f"{report.model.file}, version {report.model.version}{hashed}"),
        ("backend", target["backend"]),
        ("part", target["part"]),
        ("clock", f"{target['clock_period_ns']:g} ns"),
        ("strategy", f"{target['strategy']}, reuse {target['reuse_factor']}, {target['io_type']}"),
    ]
