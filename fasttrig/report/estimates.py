"""The estimates of a design as rows of the report: one per stage, each number with its 80 % interval."""

from __future__ import annotations

from fasttrig.base.errors import UnsupportedError
from fasttrig.design import Design
from fasttrig.estimate.devices import RESOURCES
from fasttrig.estimate.estimate import STAGES, Estimate, Number
from fasttrig.estimate.from_graph import from_graph
from fasttrig.ladder.rungs import Rung
from fasttrig.report.hardware import (
    CountRow,
    EstimatedResources,
    LatencyRow,
    LayerResourcesRow,
    ReportStage,
    StageOrigin,
)
from fasttrig.settings import TargetSettings


def estimates(design: Design, settings: TargetSettings) -> tuple[Estimate, ...]:
    """One row per stage; no row for a backend without calibrated reports."""
    try:
        return tuple(from_graph(design.graph, settings, stage=stage) for stage in STAGES)
    except UnsupportedError:
        return ()


def latency_row(found: Estimate) -> LatencyRow:
    return LatencyRow(
        stage=ReportStage.of(StageOrigin.COST_MODEL, found.stage),
        tool=found.tool,
        latency_cycles=count_row(found.latency_cycles),
        ii_cycles=count_row(found.ii_cycles),
        latency_ns=found.latency_ns,
        notes=list(found.notes),
    )


def resource_row(found: Estimate) -> EstimatedResources:
    return EstimatedResources(
        stage=ReportStage.of(StageOrigin.COST_MODEL, found.stage),
        tool=found.tool,
        part=found.part,
        shares=found.shares,
        crosses_slr=found.crosses_slr,
        calibration=found.calibration,
        notes=list(found.notes),
        layers=[LayerResourcesRow(**layer.to_dict()) for layer in found.layers],
        **{name: count_row(getattr(found, name)) for name in RESOURCES},
    )


def simulated_latency_row(rung: Rung, clock_period_ns: float) -> LatencyRow:
    """What a simulation by cycles observed; no interval."""
    assert rung.latency_cycles is not None
    return LatencyRow(
        stage=ReportStage.RTLSIM,
        tool=rung.tool,
        latency_cycles=CountRow.exact(rung.latency_cycles),
        ii_cycles=CountRow.exact(rung.ii_cycles or 1),
        latency_ns=rung.latency_cycles * clock_period_ns,
    )


def count_row(number: Number) -> CountRow:
    return CountRow(value=number.value, low=number.low, high=number.high)
