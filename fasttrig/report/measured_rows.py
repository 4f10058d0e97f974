"""The rows of the report that the compared events decide: physics, inputs, ops, sensitivity."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from fasttrig.data.outputs import output_rows
from fasttrig.design import Design
from fasttrig.display.labels import details
from fasttrig.ir.ops import Op
from fasttrig.ir.ranges import Ranges, infer_ranges
from fasttrig.ladder.checks import Measured
from fasttrig.ladder.scale_cost import ScaleCost
from fasttrig.passes.pipeline import without_loops
from fasttrig.physics.features import FeatureFacts
from fasttrig.physics.regression import RegressionAgreement
from fasttrig.physics.saturation import Saturations
from fasttrig.physics.scores import Scores, worst_events
from fasttrig.physics.sensitivity import Sensitivity
from fasttrig.report.document import (
    AgreementRow,
    FirmwareRow,
    InputRow,
    LeafGridRow,
    MeasuredRows,
    OpRow,
    OutputRow,
    RegressionRow,
    RoundedScaleRow,
    RoundedScalesRow,
    SaturationRow,
    SeedRow,
    SensitivityRow,
    WorstEventRow,
)


def measured_rows(design: Design, measured: Measured) -> MeasuredRows:
    """The measurements as rows of the report; they do not depend on the target."""
    return MeasuredRows(
        **_agreement(measured),
        second_head=_second_head(measured),
        seeds=[SeedRow(**asdict(seed)) for seed in measured.seeds],
        agreement_reason=measured.agreement_reason,
        outputs=[OutputRow(**row) for row in output_rows(design.graph, design.classes, design.seed_names)],
        firmware=FirmwareRow.model_validate(measured.firmware.to_dict()) if measured.firmware else None,
        saturation=_saturation(measured.saturation),
        leaf_grid=LeafGridRow(**asdict(measured.leaf_grid)) if measured.leaf_grid else None,
        rounded_scales=_rounded_scales(design, measured.scale_cost),
        sample=_sample(design, measured.scores),
        worst_events=_worst_events(measured.scores),
        inputs=_inputs(design, measured),
        ops=_ops(design, measured),
        sensitivity=[_sensitivity(row) for row in measured.sensitivity],
    )


def _agreement(measured: Measured) -> dict[str, AgreementRow | RegressionRow | None]:
    if isinstance(measured.agreement, RegressionAgreement):
        return {"agreement": None, "regression": RegressionRow.model_validate(measured.agreement.to_dict())}
    return {"agreement": AgreementRow(**measured.agreement.to_dict()) if measured.agreement else None}


def _second_head(measured: Measured) -> RegressionRow | None:
    found = measured.second_head
    return RegressionRow.model_validate(found.to_dict()) if found is not None else None


def _inputs(design: Design, measured: Measured) -> list[InputRow]:
    if design.inputs is None:
        return []
    return [
        InputRow(
            name=f.name,
            unit=f.unit,
            type=str(f.type),
            offset=f.offset,
            shift=f.shift,
            low=f.range[0],
            high=f.range[1],
            **asdict(measured.features.get(f.name, FeatureFacts())),
        )
        for f in design.inputs.features
    ]


def _saturation(found: Saturations | None) -> SaturationRow | None:
    return SaturationRow(n_events=found.n_events, clipped_events=found.clipped_events) if found and found.ops else None


def _rounded_scales(design: Design, cost: ScaleCost | None) -> RoundedScalesRow | None:
    if not design.scales:
        return None
    rows = [
        RoundedScaleRow(
            layer=row.layer,
            part=row.part,
            n_scales=row.scale.size,
            bits=row.bits,
            largest_change=row.largest_change,
            error_lsb=row.error_lsb,
            lsb=row.lsb,
        )
        for row in design.scales
    ]
    return RoundedScalesRow(scales=rows, **asdict(cost if cost is not None else ScaleCost()))


def _sample(design: Design, scores: Scores | None) -> str:
    if scores is None or design.project is None:
        return ""
    return f"{len(scores.truth):,} events of the test split of {design.project.data.sample}"


def _worst_events(scores: Scores | None) -> list[WorstEventRow]:
    if scores is None or scores.real is None:
        return []
    flipped = scores.real.argmax(axis=1) != scores.quantised.argmax(axis=1)
    return [
        WorstEventRow(
            event=event,
            output=scores.names[column],
            score_float=float(scores.real[event, column]),
            score_quantised=float(scores.quantised[event, column]),
            flips=bool(flipped[event]),
            truth=f"{scores.truth[event]:.4g}" if scores.is_regression else scores.names[scores.truth[event]],
        )
        for event, column in worst_events(scores)
    ]


def _sensitivity(row: Sensitivity) -> SensitivityRow:
    return SensitivityRow(
        op=row.op,
        part=row.part,
        type=str(row.type),
        narrowed=str(row.narrowed),
        n_events=row.n_events,
        change=row.change,
    )


def _ops(design: Design, measured: Measured) -> list[OpRow]:
    graph = without_loops(design.graph)
    ranges = infer_ranges(graph)
    return [_op(op, ranges, _exact_type(design, op, ranges), measured) for op in graph.ops]


def _exact_type(design: Design, op: Op, ranges: Ranges) -> str:
    """The type in which nothing is lost, of an accumulator or a result that the user narrowed."""
    choice = design.project.types.get(op.name) if design.project is not None else None
    # An accumulator loses bits only if a user narrowed it; a cast may also come from the model.
    by_hand = op.weights is not None or (choice is not None and choice.result is not None)
    lossless = op.lossless_type([ranges[value] for value in op.operands]) if by_hand else None
    return "" if lossless is None else str(lossless)


def _op(op: Op, ranges: Ranges, exact: str, measured: Measured) -> OpRow:
    seen = measured.evaluation.trace[op.name]
    lost = measured.saturation.ops.get(op.name) if measured.saturation is not None else None
    weights = op.weights.raw if op.weights is not None and op.own_bits else np.empty(0)
    return OpRow(
        name=op.name,
        kind=type(op).__name__,
        shape=op.result.shape,
        type=str(op.result.type),
        proved=ranges[op.result].bounds,
        details=details(op),
        n_elements=int(seen.size),
        exact_type=exact,
        zero_fraction=float(np.mean(seen == 0)) if seen.size else 0.0,
        seen=(int(seen.min()), int(seen.max())),
        overflows=measured.evaluation.overflows.get(op.name, 0) if op.loses_bits else None,
        **(asdict(lost) if lost is not None else {}),
        n_weights=int(weights.size),
        n_zero_weights=int(np.count_nonzero(weights == 0)),
        origin=op.origin,
    )
