"""Puts a report together from what was measured; decides the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fasttrig.agreement.checks import Measured
from fasttrig.agreement.ladder import Status
from fasttrig.agreement.regression import RegressionAgreement
from fasttrig.agreement.sensitivity import Sensitivity
from fasttrig.agreement.task import TaskAgreement
from fasttrig.design import Design
from fasttrig.display.describe import details
from fasttrig.estimate.estimate import Estimate
from fasttrig.ir.ops import Cast, MatMul, Op, Softmax
from fasttrig.ir.ranges import Ranges, exact_type, infer_ranges
from fasttrig.project import TargetSettings
from fasttrig.report.estimates import RESOURCES, estimates, latency_row, resource_row, simulated_latency_row
from fasttrig.report.model import (
    AgreementRow,
    BudgetRow,
    InputRow,
    LadderRow,
    ModelRow,
    OpRow,
    RegressionRow,
    Report,
    SensitivityRow,
)


def assemble(design: Design, settings: TargetSettings, measured: Measured, manifest: dict[str, Any]) -> Report:
    """The report of one build."""
    found = estimates(design, settings)
    budget = _budget(design, measured, found)
    verdict, reason = _verdict(measured, budget)
    return Report(
        model=_model(design, settings),
        target=settings.model_dump(mode="json"),
        verdict=verdict,
        verdict_reason=reason,
        ladder=[_rung(rung) for rung in measured.ladder],
        **_agreement(measured),
        agreement_reason=measured.agreement_reason,
        inputs=_inputs(design, measured),
        ops=_ops(design, measured),
        budget=budget,
        sensitivity=[_sensitivity(row) for row in measured.sensitivity],
        latency=[latency_row(estimate) for estimate in found] + _simulated(settings, measured),
        resources=[resource_row(estimate) for estimate in found],
        manifest=manifest,
    )


def _agreement(measured: Measured) -> dict[str, AgreementRow | RegressionRow | None]:
    if isinstance(measured.agreement, RegressionAgreement):
        return {"agreement": None, "regression": RegressionRow.model_validate(measured.agreement.to_dict())}
    return {"agreement": AgreementRow(**measured.agreement.to_dict()) if measured.agreement else None}


def _model(design: Design, settings: TargetSettings) -> ModelRow:
    model = design.project.model if design.project else None
    return ModelRow(
        name=design.graph.name,
        version=model.version if model else 1,
        description=model.description if model else "",
        file=model.file if model else _shown_source(design.source),
        postprocessor=design.graph.postprocessor.value,
        namespace=settings.namespace or design.graph.name,
    )


def _shown_source(source: object) -> str:
    return getattr(source, "name", None) or type(source).__name__


def _rung(rung: Any) -> LadderRow:
    return LadderRow(
        rung=rung.rung, against=rung.against, status=rung.status.value, n_events=rung.n_events,
        n_mismatches=rung.n_mismatches, seconds=round(rung.seconds, 3), reason=rung.reason,
    )  # fmt: skip


def _inputs(design: Design, measured: Measured) -> list[InputRow]:
    if design.inputs is None:
        return []
    return [
        InputRow(
            name=f.name, unit=f.unit, type=str(f.type), offset=f.offset, shift=f.shift, low=f.range[0],
            high=f.range[1], clipped_fraction=measured.clipped.get(f.name, 0.0),
        )
        for f in design.inputs.features
    ]


def _simulated(settings: TargetSettings, measured: Measured) -> list[dict[str, Any]]:
    return [simulated_latency_row(rung, settings.clock_period_ns) for rung in measured.ladder
            if rung.latency_cycles is not None]  # fmt: skip


def _sensitivity(row: Sensitivity) -> SensitivityRow:
    return SensitivityRow(op=row.op, part=row.part, type=str(row.type), narrowed=str(row.narrowed),
                          n_events=row.n_events, change=row.change)  # fmt: skip


def _ops(design: Design, measured: Measured) -> list[OpRow]:
    ranges = infer_ranges(design.graph)
    return [_op(op, ranges, _exact_type(design, op, ranges), measured) for op in design.graph.ops]


def _exact_type(design: Design, op: Op, ranges: Ranges) -> str:
    """The type in which nothing is lost, of an accumulator or a result that the user narrowed."""
    if isinstance(op, MatMul) and op.narrowed:
        return str(exact_type(replace(op, narrowed=False), [ranges[op.operand]]))
    choice = design.project.types.get(op.name) if design.project is not None else None
    return str(op.operand.type) if isinstance(op, Cast) and choice is not None and choice.result is not None else ""


def _op(op: Op, ranges: Ranges, exact: str, measured: Measured) -> OpRow:
    seen = measured.evaluation.trace[op.name]
    can_overflow = isinstance(op, Cast | Softmax) or (isinstance(op, MatMul) and op.narrowed)
    weights = op.weight.raw if isinstance(op, MatMul) else np.empty(0)
    return OpRow(
        name=op.name, kind=type(op).__name__, shape=op.result.shape, type=str(op.result.type),
        proved=ranges[op.result].bounds, details=details(op), n_elements=int(seen.size), exact_type=exact,
        zero_fraction=float(np.mean(seen == 0)) if seen.size else 0.0, stage=measured.op_stages.get(op.name),
        seen=(int(seen.min()), int(seen.max())),
        overflows=measured.evaluation.overflows.get(op.name, 0) if can_overflow else None,
        n_weights=int(weights.size), n_zero_weights=int(np.count_nonzero(weights == 0)), origin=op.origin,
    )  # fmt: skip


def _budget(design: Design, measured: Measured, found: Sequence[Estimate]) -> list[BudgetRow]:
    if design.project is None:
        return []
    limits = design.project.budget
    rows = [(key, getattr(limits, key), *found) for key, found in _physics(measured.agreement).items()]
    rows.append(("latency_ns", limits.latency_ns, found[0].latency_ns if found else None, False))
    rows.append(("ii_cycles", limits.ii_cycles, found[0].ii_cycles.value if found else None, False))
    for name in RESOURCES:
        share = found[0].shares.get(name) if found else None
        rows.append((f"max_{name}_share", getattr(limits, f"max_{name}_share"), share, False))
    return [_limit(*row) for row in rows if row[1] is not None]


def _physics(agreement: TaskAgreement | None) -> dict[str, tuple[float | None, bool]]:
    """Limit of ``[budget]`` -> what was measured, and whether more is better."""
    found: dict[str, tuple[float | None, bool]] = {
        "min_accuracy": (None, True), "min_auc": (None, True), "max_auc_loss": (None, False),
        "max_rms_growth": (None, False),
    }  # fmt: skip
    if isinstance(agreement, RegressionAgreement):
        found["max_rms_growth"] = (agreement.rms_growth, False)
    elif agreement is not None:
        loss = max(agreement.auc_float[name] - agreement.auc_quantised[name] for name in agreement.auc_float)
        found["min_accuracy"] = (agreement.accuracy_quantised, True)
        found["min_auc"] = (min(agreement.auc_quantised.values()), True)
        found["max_auc_loss"] = (loss, False)
    return found


def _limit(key: str, limit: float | None, found: float | None, at_least: bool) -> BudgetRow:
    assert limit is not None
    if found is None:
        return BudgetRow(key=key, limit=limit, measured=None, status="not run", reason="nothing measured it")
    met = found >= limit if at_least else found <= limit
    return BudgetRow(key=key, limit=limit, measured=found, status="met" if met else "exceeded")


def _verdict(measured: Measured, budget: list[BudgetRow]) -> tuple[str, str]:
    differs = [rung for rung in measured.ladder if rung.status is Status.DIFFERS]
    exceeded = [row for row in budget if row.status == "exceeded"]
    csim = next(rung for rung in measured.ladder if rung.rung == "csim")
    if differs:
        first = differs[0]
        return "failed", f"{first.rung} differs from {first.against} on {first.n_mismatches} of {first.n_events} events"
    if exceeded:
        return "failed", "over budget: " + ", ".join(row.key for row in exceeded)
    if csim.status is not Status.EQUAL:
        return "failed", f"the C-simulation did not run: {csim.reason}"
    equal = [rung.rung for rung in measured.ladder if rung.status is Status.EQUAL]
    skipped = [rung.rung for rung in measured.ladder if rung.status is Status.NOT_RUN]
    note = f"; not run: {', '.join(skipped)}" if skipped else ""
    return "good", f"every bit equal on {csim.n_events:,} events ({', '.join(equal)}){note}"
