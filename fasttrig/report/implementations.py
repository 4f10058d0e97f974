"""The two designs of a build, HLS and RTL: each with its own latency and resources, never mixed.

Of one design the most advanced stage goes first (routed, then synthesised, then the HLS report), and a measured number
before an estimate of the same stage. Cycles that a tool counted are exact, so measured latencies always go first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from fasttrig.estimate.devices import device_of
from fasttrig.report.budget import ESTIMATE, SYNTHESIS
from fasttrig.report.document import Report
from fasttrig.report.estimates import exactly

DesignName: TypeAlias = Literal["RTL", "HLS"]
Content: TypeAlias = Mapping[str, Any]

SIMULATION = "rtlsim"
DECLARED, EXPECTED = "declared", "expected after routing"
"""Stages of figures known when the RTL is written: its cycles, and the LUTs of a network."""
_RTL_STAGES = (SIMULATION, SYNTHESIS, DECLARED, EXPECTED)
_ADVANCED = ("route", "synth", "csynth")


@dataclass(frozen=True, slots=True)
class Implementation:
    """One design of a build: `latency` and `resources` are rows as in the report, the best one first."""

    design: DesignName
    latency: tuple[Content, ...]
    resources: tuple[Content, ...]


def implementations(report: Report) -> tuple[Implementation, ...]:
    """The designs (RTL, HLS) for which the report has rows."""
    found = []
    known = _expected(report)
    for design in ("RTL", "HLS"):
        latency = [row for row in (*report.latency, *known["latency"]) if design_of(row["stage"]) == design]
        resources = [row for row in (*report.resources, *known["resources"]) if design_of(row["stage"]) == design]
        if latency or resources:
            ordered = sorted(latency, key=lambda row: (row["stage"].startswith(ESTIMATE), _place(row)))
            found.append(Implementation(design, tuple(ordered), ordered_resources(resources)))
    return tuple(found)


def ordered_resources(rows: Sequence[Content]) -> tuple[Content, ...]:
    """The most advanced stage first, a measured number before an estimate of the same stage."""
    return tuple(sorted(rows, key=lambda row: (_place(row), row["stage"].startswith(ESTIMATE))))


def design_of(stage: str) -> DesignName:
    """Which design a row of this stage is about: estimates and vendor reports are of the HLS project."""
    return "RTL" if stage in _RTL_STAGES else "HLS"


def _place(row: Content) -> int:
    """0 for the most advanced stage; a stage that is none of an HLS flow (a simulation, say) is the only one there."""
    word = str(row["stage"]).rpartition(" ")[2]
    return _ADVANCED.index(word) if word in _ADVANCED else len(_ADVANCED)


def _expected(report: Report) -> dict[str, list[Content]]:
    """What the RTL's writer knows, where nothing was simulated or synthesised."""
    rtl = report.rtl
    if rtl is None:
        return {"latency": [], "resources": []}
    stages = {row["stage"] for row in (*report.latency, *report.resources)}
    latency: list[Content] = [
        {
            "stage": DECLARED,
            "tool": rtl.tool,
            "latency_cycles": exactly(rtl.latency_cycles),
            "ii_cycles": exactly(rtl.ii_cycles),
            "latency_ns": rtl.latency_cycles * float(report.target["clock_period_ns"]),
            "notes": [],
        }
    ]
    resources: list[Content] = []
    if rtl.expected_routed_lut is not None:
        device = device_of(report.target)
        lut = {"lut": float(rtl.expected_routed_lut["value"])}
        shares = {"lut": device.shares(lut)["lut"]} if device is not None else {}
        found = {"stage": EXPECTED, "tool": rtl.tool, "lut": rtl.expected_routed_lut, "shares": shares, "notes": []}
        resources = [found]
    return {
        "latency": [] if SIMULATION in stages else latency,
        "resources": [] if SYNTHESIS in stages else resources,
    }
