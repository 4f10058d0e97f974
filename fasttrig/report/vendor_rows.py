"""Add rows from vendor reports to the report, next to the estimates, and check the budget against them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fasttrig.base.errors import InputError
from fasttrig.estimate.devices import RESOURCES, Device, device_of, find_device
from fasttrig.estimate.vendor import NAMES, VendorReport, find_reports, top_level
from fasttrig.report.budget import renewed, verdict
from fasttrig.report.document import Report
from fasttrig.report.hardware import (
    AnyHardwareRow,
    CountRow,
    EstimatedResources,
    LatencyRow,
    ReportStage,
    StageOrigin,
    VendorResources,
)

_ESTIMATED_AS = {
    ReportStage.VENDOR_CSYNTH: ReportStage.ESTIMATED_CSYNTH,
    ReportStage.VENDOR_SYNTH: ReportStage.ESTIMATED_SYNTH,
    ReportStage.VENDOR_ROUTE: ReportStage.ESTIMATED_SYNTH,
}


def with_vendor_reports(report: Report, folder: Path) -> Report:
    """`report` with rows from the vendor reports below `folder`; the function writes no file.

    Budget and verdict follow: numbers after logic synthesis or routing go before those of an HLS report.

    Raises
    ------
    InputError
        When the folder does not exist, holds no report of a known name, or one that cannot be read.
    """
    found = top_level(find_reports(folder))
    counted = sorted((one for one in found if one.lut is not None), key=lambda one: -_stage(one).place)
    if not counted:
        raise InputError(
            "no vendor report with counts in this folder",
            where=str(folder),
            got=f"{len(found)} others",
            want=", ".join(NAMES),
            try_="the folder in which Vitis HLS or Vivado ran",
        )
    rows = [_resources(one, report, [other for other in found if other.stage == one.stage]) for one in counted]
    latency = [
        *report.latency[: _n_estimates(report.latency)],
        *(_latency(one) for one in counted if one.latency_cycles),
        *report.latency[_n_estimates(report.latency) :],
    ]
    hls = [row for row in rows if row.stage is ReportStage.VENDOR_CSYNTH]
    placed = [row for row in rows if row not in hls]
    split = _n_estimates(report.resources)
    resources = [*report.resources[:split], *hls, *report.resources[split:], *placed]
    budget = renewed(report.budget, latency, resources)
    word, reason = verdict(report.ladder, budget)
    return report.model_copy(
        update={"latency": latency, "resources": resources, "budget": budget, "verdict": word, "verdict_reason": reason}
    )


def vendor_rows(report: Report) -> list[VendorResources]:
    """Its rows of resources that vendor tools counted."""
    return [row for row in report.resources if isinstance(row, VendorResources)]


def estimate_of(row: VendorResources, report: Report) -> EstimatedResources | None:
    """The estimate to compare a vendor's row with; a routed design is compared with the estimate of synthesis."""
    estimates = (other for other in report.resources if isinstance(other, EstimatedResources))
    return next((other for other in estimates if other.stage is _ESTIMATED_AS[row.stage]), None)


def _stage(one: VendorReport) -> ReportStage:
    return ReportStage.of(StageOrigin.VENDOR_TOOL, one.stage)


def _n_estimates(rows: Sequence[AnyHardwareRow]) -> int:
    """How many of the rows, from the first on, are estimates."""
    return next((index for index, row in enumerate(rows) if not row.stage.is_estimate), len(rows))


def _resources(one: VendorReport, report: Report, same_stage: Sequence[VendorReport]) -> VendorResources:
    used = {name: number for name in RESOURCES if (number := getattr(one, name)) is not None}
    device = _device(one.part) or device_of(report.target)
    slack = next((other.wns_ns for other in same_stage if other.wns_ns is not None), None)
    return VendorResources(
        stage=_stage(one),
        tool=f"{one.tool} {one.version}".strip(),
        part=one.part or str(report.target.get("part", "")),
        file=one.path,
        shares=device.shares({name: float(number) for name, number in used.items()}) if device else {},
        crosses_slr=device.crosses_slr({name: float(n) for name, n in used.items()}) if device else False,
        wns_ns=slack,
        notes=_notes(one, report, slack),
        **{name: CountRow.exact(number) for name, number in used.items()},
    )


def _latency(one: VendorReport) -> LatencyRow:
    cycles, clock = one.latency_cycles or 0, one.clock_period_ns or 0.0
    return LatencyRow(
        stage=_stage(one),
        tool=f"{one.tool} {one.version}".strip(),
        file=one.path,
        latency_cycles=CountRow.exact(cycles),
        ii_cycles=CountRow.exact(one.ii_cycles or 1),
        latency_ns=cycles * clock,
    )


def _notes(one: VendorReport, report: Report, slack: float | None) -> list[str]:
    """Where the vendor's run was one of something else than this build, and whether it met the clock."""
    notes = []
    wanted, clock = device_of(report.target), report.target.get("clock_period_ns")
    got = _device(one.part)
    if got and wanted and got != wanted:
        notes.append(f"for {one.part}, not for the build's {report.target['part']}")
    if one.clock_period_ns and clock and abs(one.clock_period_ns - clock) > 1e-6:
        notes.append(f"for a clock of {one.clock_period_ns:g} ns, not for the build's {clock:g} ns")
    if slack is not None:
        notes.append(f"clock met, {slack:g} ns to spare" if slack >= 0 else f"clock missed by {-slack:g} ns")
    return notes


def _device(part: str) -> Device | None:
    try:
        return find_device(part) if part else None
    except InputError:
        return None
