"""The RTL project in the report: figures known when it is written, and counts of logic synthesis."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrig.backends.rtl import DESIGN_FILE
from fasttrig.estimate.devices import RESOURCES, device_of
from fasttrig.ir.graph import Graph
from fasttrig.report.budget import renewed, verdict
from fasttrig.report.document import Report, RtlRow, SynthesisRow
from fasttrig.report.hardware import CountRow, ReportStage, SynthesisedResources

if TYPE_CHECKING:
    from fasttrig.toolchain.synth import SynthResult

ROUTED_LUT_PER_COST = {"value": 1.06, "low": 1.00, "high": 1.11}
"""LUTs after routing over alkaid's cost: median, 10 and 90 % of 20 published networks (da4ml's JEDI-linear designs)."""


def rtl_row(project: Path, graph: Graph) -> RtlRow | None:
    """What ``design.json`` of the RTL project of `graph` says; None where there is no project."""
    from fasttrig.backends.conifer.parts import is_lone_forest

    path = project / DESIGN_FILE
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    cost = float(content["alkaid_cost"])
    expected = {key: round(ratio * cost) for key, ratio in ROUTED_LUT_PER_COST.items()}
    routed = None if is_lone_forest(graph) else CountRow(**expected)
    names = (
        "language",
        "stages",
        "latency_cycles",
        "ii_cycles",
        "register_bits",
        "bram18",
        "stage_budget_ns",
        "longest_stage_ns",
        "alkaid_cost",
    )
    tool = f"alkaid {importlib.metadata.version('alkaid')}"
    return RtlRow(tool=tool, expected_routed_lut=routed, **{name: content[name] for name in names})


def synthesised(report: Report, result: SynthResult) -> Report:
    """`report` with the counts of a synthesis in the place of an earlier one; budget and verdict follow."""
    row = counted_row(result, report.target, report.rtl.alkaid_cost if report.rtl is not None else 0.0)
    resources = [*(old for old in report.resources if old.stage is not ReportStage.SYNTH), row]
    budget = renewed(report.budget, report.latency, resources)
    word, reason = verdict(report.ladder, budget)
    done = SynthesisRow(status="done", tool=result.tool, mode=result.mode)
    return report.model_copy(
        update={"resources": resources, "budget": budget, "verdict": word, "verdict_reason": reason, "synthesis": done}
    )


def not_synthesised(report: Report, reason: str) -> Report:
    """`report`, saying that synthesis was asked for and did not run; earlier counts are taken out."""
    resources = [row for row in report.resources if row.stage is not ReportStage.SYNTH]
    budget = renewed(report.budget, report.latency, resources)
    word, why = verdict(report.ladder, budget)
    return report.model_copy(
        update={
            "resources": resources,
            "budget": budget,
            "verdict": word,
            "verdict_reason": why,
            "synthesis": SynthesisRow(status="not run", reason=reason),
        }
    )


def counted_row(result: SynthResult, target: dict[str, Any], cost: float) -> SynthesisedResources:
    """The counts of a synthesis as a row of the report's `resources`; every count is exact."""
    used = {name: getattr(result, name) for name in RESOURCES}
    device = device_of(target)
    notes = [
        f"synthesised {'as a whole' if result.mode == 'flat' else 'module by module and summed'}, out of context",
        "Yosys uses two LUTs per bit to add three numbers; the device needs one",
    ]
    return SynthesisedResources(
        stage=ReportStage.SYNTH,
        tool=result.tool,
        part=str(target["part"]),
        family=result.family,
        mode=result.mode,
        shares=device.shares(used) if device is not None else {},
        crosses_slr=device.crosses_slr(used) if device is not None else False,
        notes=notes,
        **{name: CountRow.exact(number) for name, number in used.items()},
        lut_by_size=result.lut_by_size,
        memory_luts=result.memory_luts,
        carry=result.carry,
        logic_levels=result.levels,
        lut_per_cost=round(result.lut / cost, 3) if cost else None,
        cells=result.cells,
    )
