"""The two designs of a build, HLS and RTL: each with its own latency and resources, never mixed.

Of one design the most advanced stage goes first (routed, then synthesised, then the HLS report), and a measured number
before an estimate of the same stage. Cycles that a tool counted are exact, so measured latencies always go first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fasttrig.estimate.devices import device_of
from fasttrig.report.document import Report
from fasttrig.report.hardware import AnyResources, CountRow, DesignName, LatencyRow, ReportStage, ResourceRow


@dataclass(frozen=True, slots=True)
class Implementation:
    """One design of a build: `latency` and `resources` are rows as in the report, the best one first."""

    design: DesignName
    latency: tuple[LatencyRow, ...]
    resources: tuple[ResourceRow, ...]

    @property
    def stages(self) -> list[ReportStage]:
        """The stage of each row."""
        return [row.stage for row in self.latency] + [row.stage for row in self.resources]


def implementations(report: Report) -> tuple[Implementation, ...]:
    """The designs (RTL, HLS) for which the report has rows."""
    all_latency = (*report.latency, *_declared_latency(report))
    all_resources = (*report.resources, *_expected_resources(report))
    designs: tuple[DesignName, ...] = ("RTL", "HLS")
    found = []
    for design in designs:
        latency = [row for row in all_latency if row.stage.design == design]
        resources = [row for row in all_resources if row.stage.design == design]
        if latency or resources:
            ordered = sorted(latency, key=lambda row: (row.stage.is_estimate, row.stage.place))
            found.append(Implementation(design, tuple(ordered), ordered_resources(resources)))
    return tuple(found)


def ordered_resources(rows: Sequence[AnyResources]) -> tuple[AnyResources, ...]:
    """The most advanced stage first, a measured number before an estimate of the same stage."""
    return tuple(sorted(rows, key=lambda row: (row.stage.place, row.stage.is_estimate)))


def _declared_latency(report: Report) -> list[LatencyRow]:
    """The cycles that the RTL's writer declares, unless a simulation observed them."""
    rtl = report.rtl
    if rtl is None or any(row.stage is ReportStage.RTLSIM for row in report.latency):
        return []
    declared = LatencyRow(
        stage=ReportStage.DECLARED,
        tool=rtl.tool,
        latency_cycles=CountRow.exact(rtl.latency_cycles),
        ii_cycles=CountRow.exact(rtl.ii_cycles),
        latency_ns=rtl.latency_cycles * float(report.target["clock_period_ns"]),
    )
    return [declared]


def _expected_resources(report: Report) -> list[ResourceRow]:
    """The LUTs that the RTL's writer expects of a network after routing, unless logic synthesis counted them."""
    rtl = report.rtl
    if rtl is None or rtl.expected_routed_lut is None:
        return []
    if any(row.stage is ReportStage.SYNTH for row in report.resources):
        return []
    device = device_of(report.target)
    lut = {"lut": float(rtl.expected_routed_lut.value)}
    expected = ResourceRow(
        stage=ReportStage.EXPECTED,
        tool=rtl.tool,
        part=str(report.target["part"]),
        shares={"lut": device.shares(lut)["lut"]} if device is not None else {},
        crosses_slr=False,
        notes=[],
        lut=rtl.expected_routed_lut,
    )
    return [expected]
