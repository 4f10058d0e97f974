"""The report as tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from fasttrig.estimate.devices import RESOURCES
from fasttrig.report.document import AgreementRow, RegressionRow, Report, RtlRow, SeedRow
from fasttrig.report.hardware import CountRow, EstimatedResources, SynthesisedResources
from fasttrig.report.implementations import ordered_resources
from fasttrig.report.tables import new_table, share_text
from fasttrig.report.terminal_words import firmware_tables
from fasttrig.report.words import leaf_sentence, link_sentence, scale_sentences

_COLOURS = {"equal": "green", "met": "green", "good": "green", "differs": "red", "exceeded": "red", "failed": "red"}


def print_report(report: Report, console: Console) -> None:
    """Verdict, ladder, agreement, budget."""
    console.print(render(report))


def render(report: Report) -> Group:
    """All tables of one report."""
    colour = _COLOURS[report.verdict]
    head = Text.assemble(
        (report.verdict, f"bold {colour}"), f"  {report.model.name} v{report.model.version}: ", report.verdict_reason
    )
    parts: list[Text | Table] = [head, _ladder(report), *_reasons(report)]
    if report.outputs:
        parts.append(Text(f"\n{link_sentence(report)}"))
    if report.agreement is not None:
        parts += [_agreement(report.agreement), _accuracy(report.agreement)]
    elif report.regression is not None:
        parts.append(_regression(report.regression))
    elif report.agreement_reason:
        parts.append(Text(f"float against quantised: not run ({report.agreement_reason})"))
    if report.second_head is not None:
        parts.append(_regression(report.second_head))
    if report.seeds:
        parts.append(_seeds(report.seeds))
    parts += firmware_tables(report)
    if report.inputs:
        parts.append(_clipping(report))
        parts += _repeated(report)
    parts.append(_ops(report))
    if report.saturation is not None:
        parts.append(Text(f"events with at least one clip in any op: {report.saturation.clipped_events:.1%}"))
    if report.rounded_scales is not None:
        parts += [Text(line) for line in scale_sentences(report.rounded_scales)]
    if report.leaf_grid is not None:
        parts.append(Text(leaf_sentence(report.leaf_grid)))
    if report.resources:
        parts.append(_estimates(report))
    if report.rtl is not None:
        parts += _rtl(report, report.rtl)
    if report.budget:
        parts.append(_budget(report))
    return Group(*parts)


def summary(reports: Sequence[Report]) -> Table:
    """One row per model of a build of several."""
    table = new_table(
        "\nSummary",
        (
            ("model", "left"),
            ("verdict", "left"),
            ("events", "right"),
            ("quantised", "right"),
            ("lost", "right"),
            ("", "left"),
        ),
    )
    for report in reports:
        events = max(row.n_events for row in report.ladder)
        quality, lost = _figures(report)
        table.add_row(report.model.name, _status(report.verdict), f"{events:,}", quality, lost, report.verdict_reason)
    return table


def _figures(report: Report) -> tuple[str, str]:
    """Accuracy and the loss by quantisation, or RMS error and its growth."""
    if report.agreement is not None:
        kept, before = report.agreement.accuracy_quantised, report.agreement.accuracy_float
        return f"accuracy {kept:.4f}", f"{before - kept:.4f}"
    if report.regression is not None:
        return f"RMS {report.regression.quality_quantised.rms:.4f}", f"{report.regression.rms_growth:.2%}"
    return "", ""


def _status(word: str) -> Text:
    return Text(word, style=_COLOURS.get(word, "yellow"))


def _ladder(report: Report) -> Table:
    table = new_table(
        "\nLadder: raw integers, zero tolerance",
        (
            ("rung", "left"),
            ("compared with", "left"),
            ("status", "left"),
            ("events", "right"),
            ("mismatches", "right"),
            ("seconds", "right"),
        ),
    )
    for row in report.ladder:
        ran = row.status != "not run"
        table.add_row(
            row.rung,
            row.against,
            _status(row.status),
            f"{row.n_events:,}" if ran else "",
            f"{row.n_mismatches:,}" if ran else "",
            f"{row.seconds:.1f}" if ran else "",
        )
    return table


def _reasons(report: Report) -> list[Text]:
    """What each rung has to say: below the table, for it may be long."""
    said = [row for row in report.ladder if row.reason]
    return [Text.assemble((f"{row.rung}: ", "bold"), row.reason) for row in said]


def _agreement(agreement: AgreementRow) -> Table:
    classes = list(agreement.auc_float)
    table = new_table(
        f"\nFloat against quantised, after the link, {agreement.n_events:,} events of the test split",
        (("", "left"), *((name, "right") for name in classes)),
    )
    table.add_row("AUC, float", *(f"{agreement.auc_float[name]:.4f}" for name in classes))
    table.add_row("AUC, quantised", *(f"{agreement.auc_quantised[name]:.4f}" for name in classes))
    for kind, rows in agreement.background_rejection.items():
        for efficiency in next(iter(rows.values())):
            numbers = (rows[name][efficiency] for name in classes)
            shown = (f"{number:.1f}" if number is not None else "none left" for number in numbers)
            table.add_row(f"1/eps_B at eps_S = {efficiency}, {kind}", *shown)
    return table


def _accuracy(agreement: AgreementRow) -> Text:
    return Text(
        f"accuracy {agreement.accuracy_float:.4f} float, {agreement.accuracy_quantised:.4f} quantised; "
        f"argmax differs for {agreement.argmax_flip_fraction:.2%} of events"
    )


def _regression(regression: RegressionRow) -> Table:
    unit = f" in {regression.unit}" if regression.unit else ""
    table = new_table(
        f"\n{regression.target}{unit}, float against quantised, {regression.n_events:,} events of the test split",
        (("", "left"), ("float", "right"), ("quantised", "right")),
    )
    before, after = regression.quality_float, regression.quality_quantised
    for name in ("rms", "bias", "resolution"):
        table.add_row(name, f"{getattr(before, name):.4f}", f"{getattr(after, name):.4f}")
    for cut, shares in before.turn_on.items():
        for part, share in shares.items():
            table.add_row(f"{part} at {cut}", share_text(share), share_text(after.turn_on[cut][part]))
    return table


def _seeds(seeds: list[SeedRow]) -> Table:
    groups = list(seeds[0].efficiency)
    columns = (("seed", "left"), *((name, "right") for name in groups), ("only it", "right"), ("changed", "right"))
    table = new_table(f"\nSeeds: share that each takes, of {seeds[0].n_events:,} events of the test split", columns)
    for seed in seeds:
        shares = [share_text(seed.efficiency[name]) for name in groups]
        table.add_row(seed.name, *shares, share_text(seed.alone), share_text(seed.changed))
    return table


def _clipping(report: Report) -> Text:
    worst = sorted(report.inputs, key=lambda row: -row.clipped_fraction)[:3]
    shown = ", ".join(f"{row.name} {row.clipped_fraction:.2%}" for row in worst)
    return Text(f"\nInputs clipped most: {shown}")


def _repeated(report: Report) -> list[Text]:
    """Inputs that tell the model nothing."""
    found = [f"{row.name} equals {row.equals}" for row in report.inputs if row.equals]
    found += [f"{row.name} is constant" for row in report.inputs if row.is_constant]
    return [Text(f"Inputs that tell nothing new: {', '.join(found)}")] if found else []


def _ops(report: Report) -> Table:
    table = new_table(
        "\nOps",
        (
            ("op", "left"),
            ("kind", "left"),
            ("type", "left"),
            ("range proved", "right"),
            ("range seen", "right"),
            ("cut below zero", "right"),
            ("clipped", "right"),
            ("events clipped", "right"),
            ("zero weights", "right"),
        ),
    )
    for row in report.ops:
        zeros = f"{row.n_zero_weights} of {row.n_weights}" if row.n_weights else ""
        lost = (row.cut_fraction, row.clipped_fraction, row.clipped_events)
        shown = ["" if number is None else f"{number:.1%}" for number in lost]
        if row.clipped_fraction is None and row.overflows:
            shown[1] = f"{row.overflows:,} overflows"
        table.add_row(row.name, row.kind, row.type, _range(row.proved), _range(row.seen), *shown, zeros)
    return table


def _range(bounds: tuple[int, int]) -> str:
    return f"{bounds[0]} to {bounds[1]}"


def _estimates(report: Report) -> Table:
    names = ("lut", "ff", "dsp", "bram18")
    table = new_table(
        "\nEstimates of the HLS project, with their 80 % intervals",
        (
            ("", "left"),
            ("tool", "left"),
            ("cycles", "right"),
            *((name.upper(), "right") for name in names),
        ),
    )
    latencies = {(row.stage, row.tool): row for row in report.latency}
    for row in ordered_resources([row for row in report.resources if isinstance(row, EstimatedResources)]):
        latency = latencies.get((row.stage, row.tool))
        cycles = _interval(latency.latency_cycles) if latency is not None else ""
        table.add_row(row.stage, row.tool, cycles, *(_interval(row.counts[name]) for name in names))
    return table


def _rtl(report: Report, rtl: RtlRow) -> list[Text | Table]:
    expected = f", {_interval(rtl.expected_routed_lut)} LUT expected after routing" if rtl.expected_routed_lut else ""
    parts: list[Text | Table] = [
        Text(
            f"\nRTL: {rtl.stages} stages, {rtl.latency_cycles} cycles, interval {rtl.ii_cycles}, {rtl.register_bits:,} "
            f"register bits, {rtl.tool}'s cost {rtl.alkaid_cost:,.0f}{expected}"
        )
    ]
    if report.synthesis is not None and report.synthesis.status == "not run":
        parts.append(Text(f"logic synthesis: not run ({report.synthesis.reason})"))
    rows = [row for row in report.resources if isinstance(row, SynthesisedResources)]
    return [*parts, _counted(rows)] if rows else parts


def _counted(rows: Sequence[SynthesisedResources]) -> Table:
    table = new_table(
        "\nLogic synthesis of the RTL, out of context",
        (
            ("tool", "left"),
            ("mode", "left"),
            *((name.upper(), "right") for name in RESOURCES),
            ("carry", "right"),
            ("levels", "right"),
            ("LUT / cost", "right"),
            ("of the part", "right"),
        ),
    )
    for row in rows:
        share, ratio = row.shares.get("lut"), row.lut_per_cost
        table.add_row(
            row.tool,
            row.mode,
            *(_interval(row.counts[name]) for name in RESOURCES),
            f"{row.carry:,}",
            str(row.logic_levels),
            "" if ratio is None else f"{ratio:.2f}",
            "" if share is None else f"{share:.2%} of {row.part}",
        )
    return table


def _interval(count: CountRow) -> str:
    return f"{count.value:,}" if count.is_exact else f"{count.value:,} ({count.low:,} to {count.high:,})"


def _budget(report: Report) -> Table:
    table = new_table("\nBudget", (("limit", "left"), ("allowed", "right"), ("measured", "right"), ("", "left")))
    for row in report.budget:
        measured = "" if row.measured is None else f"{row.measured:.4g}"
        table.add_row(row.key, f"{row.limit:g}", measured, Text.assemble(_status(row.status), f"  {row.reason}"))
    return table
