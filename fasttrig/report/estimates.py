"""The estimates of a design as rows of the report: one per stage, each number with its 80 % interval."""

from __future__ import annotations

from typing import Any

from fasttrig.base.errors import UnsupportedError
from fasttrig.design import Design
from fasttrig.estimate.estimate import STAGES, Estimate
from fasttrig.estimate.from_graph import from_graph
from fasttrig.ladder.rungs import Rung
from fasttrig.report.budget import RESOURCES
from fasttrig.settings import TargetSettings


def estimates(design: Design, settings: TargetSettings) -> tuple[Estimate, ...]:
    """One row per stage; no row for a backend without calibrated reports."""
    try:
        return tuple(from_graph(design.graph, settings, stage=stage) for stage in STAGES)
    except UnsupportedError:
        return ()


def latency_row(found: Estimate) -> dict[str, Any]:
    return {
        "stage": f"estimate of {found.stage}",
        "tool": found.tool,
        "latency_cycles": found.latency_cycles.to_dict(),
        "ii_cycles": found.ii_cycles.to_dict(),
        "latency_ns": found.latency_ns,
        "notes": list(found.notes),
    }


def resource_row(found: Estimate) -> dict[str, Any]:
    return {
        "stage": f"estimate of {found.stage}",
        "tool": found.tool,
        "part": found.part,
        "shares": found.shares,
        "crosses_slr": found.crosses_slr,
        "calibration": found.calibration,
        "notes": list(found.notes),
        "layers": [layer.to_dict() for layer in found.layers],
        **{name: getattr(found, name).to_dict() for name in RESOURCES},
    }


def simulated_latency_row(rung: Rung, clock_period_ns: float) -> dict[str, Any]:
    """What a simulation by cycles observed; no interval."""
    assert rung.latency_cycles is not None
    return {
        "stage": rung.rung,
        "tool": rung.tool,
        "latency_cycles": exactly(rung.latency_cycles),
        "ii_cycles": exactly(rung.ii_cycles or 1),
        "latency_ns": rung.latency_cycles * clock_period_ns,
        "notes": [],
    }


def exactly(number: int) -> dict[str, int]:
    """A number that was counted: its interval is itself."""
    return {"value": number, "low": number, "high": number}
