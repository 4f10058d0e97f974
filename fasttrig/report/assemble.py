"""Assemble the report from the measurements and decide the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fasttrig import __version__
from fasttrig.backends.table import BACKENDS
from fasttrig.base.built_project import HLS
from fasttrig.design import Design
from fasttrig.ladder.rungs import Rung
from fasttrig.report.budget import budget_rows, verdict
from fasttrig.report.decision_costs import decision_costs
from fasttrig.report.document import FirmwareRow, LadderRow, MeasuredRows, ModelRow, Report, RtlRow
from fasttrig.report.estimates import estimates, latency_row, resource_row, simulated_latency_row
from fasttrig.report.hardware import LatencyRow
from fasttrig.settings import TargetSettings

_HLS_RUNGS = {rung for row in BACKENDS if row.folder == HLS for rung in row.rungs}


def assemble(
    design: Design,
    settings: TargetSettings,
    rows: MeasuredRows,
    ladder: Sequence[Rung],
    manifest: dict[str, Any],
    *,
    rtl: RtlRow | None = None,
    op_stages: Mapping[str, int] = MappingProxyType({}),
) -> Report:
    """The report of one build.

    Parameters
    ----------
    rows : MeasuredRows
        What the compared events decide.
    ladder : sequence of Rung
        The rungs that ran or were kept, lowest first.
    rtl : RtlRow, optional
        The content of the RTL project's own file.
    op_stages : mapping
        Op name -> the RTL pipeline stage after which its result is available; empty without RTL.
    """
    found = estimates(design, settings) if any(rung.rung in _HLS_RUNGS for rung in ladder) else ()  # of hls/
    latency = [latency_row(estimate) for estimate in found] + _simulated(settings, ladder)
    resources = [resource_row(estimate) for estimate in found]
    rungs = [_rung(rung) for rung in ladder]
    limits = design.project.budget if design.project is not None else None
    budget = budget_rows(limits, rows, latency, resources)
    word, reason = verdict(rungs, budget)
    kept = {name: getattr(rows, name) for name in MeasuredRows.model_fields}
    kept["firmware"] = _with_costs(rows.firmware, design, settings)
    kept["ops"] = [row.model_copy(update={"stage": op_stages.get(row.name)}) for row in rows.ops]
    return Report(
        model=_model(design, settings, manifest),
        target=settings.model_dump(mode="json"),
        verdict=word,
        verdict_reason=reason,
        ladder=rungs,
        **kept,
        budget=budget,
        latency=latency,
        resources=resources,
        rtl=rtl,
        manifest=manifest,
    )


def _with_costs(row: FirmwareRow | None, design: Design, settings: TargetSettings) -> FirmwareRow | None:
    """`row` with the estimated costs of its decisions; a regression takes no decision."""
    if row is None or design.project is None or design.project.data.is_regression:
        return row
    return row.model_copy(update={"costs": decision_costs(design, settings)})


def _model(design: Design, settings: TargetSettings, manifest: dict[str, Any]) -> ModelRow:
    model = design.project.model if design.project else None
    return ModelRow(
        name=design.graph.name,
        version=design.version,
        description=model.description if model else "",
        file=_shown_file(design),
        postprocessor=design.graph.postprocessor.value,
        namespace=settings.namespace or design.graph.name,
        classes=list(design.classes),
        sha256=manifest.get("hashes", {}).get(model.file, "") if model else "",
        fasttrig=__version__,
    )


def _shown_file(design: Design) -> str:
    if design.project is None:
        return _shown_source(design.source)
    taggers = (f"{name}: {tagger.project.model.file}" for name, tagger in design.taggers.items() if tagger.project)
    return design.project.model.file or ", ".join(taggers)


def _shown_source(source: object) -> str:
    return getattr(source, "name", None) or type(source).__name__


def _rung(rung: Any) -> LadderRow:
    return LadderRow(
        rung=rung.rung,
        against=rung.against,
        status=rung.status.value,
        n_events=rung.n_events,
        n_mismatches=rung.n_mismatches,
        seconds=round(rung.seconds, 3),
        reason=rung.reason,
    )


def _simulated(settings: TargetSettings, ladder: Sequence[Rung]) -> list[LatencyRow]:
    period_ns = settings.clock_period_ns
    return [simulated_latency_row(rung, period_ns) for rung in ladder if rung.latency_cycles is not None]
