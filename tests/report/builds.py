"""Reports without a build: real designs, real scores, the measured parts that a page needs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import fasttrig
from fasttrig.build.build import target_settings
from fasttrig.data.labelled import load_sample
from fasttrig.design import Design
from fasttrig.emulator.evaluate import evaluate
from fasttrig.estimate.devices import RESOURCES
from fasttrig.ladder.checks import Measured
from fasttrig.ladder.rungs import Rung, Status, not_run
from fasttrig.physics.features import feature_facts
from fasttrig.physics.firmware import firmware_physics
from fasttrig.physics.saturation import saturations
from fasttrig.physics.scores import Scores, one_bit_less, with_errors, with_replicas
from fasttrig.physics.task import compare_task
from fasttrig.report.assemble import assemble
from fasttrig.report.document import Report
from fasttrig.report.hardware import CountRow, ReportStage, SynthesisedResources
from fasttrig.report.measured_rows import measured_rows
from fasttrig.settings import TargetSettings

MODELS = Path(__file__).parents[2] / "models"
N_EVENTS = 4_000


@dataclass(frozen=True)
class Found(Measured):
    """Measurements with stand-ins for the rungs and for the RTL's pipeline stages."""

    ladder: tuple[Rung, ...] = ()
    op_stages: dict[str, int] = field(default_factory=dict)


def equal(n_events: int) -> tuple[Rung, ...]:
    return (
        Rung("emulate", "framework", Status.EQUAL, n_events, 0, 1.0, "on the grid"),
        Rung("csim", "emulate", Status.EQUAL, n_events, 0, 2.0),
        Rung("rtlsim", "emulate", Status.EQUAL, n_events, 0, 3.0, tool="Verilator", latency_cycles=30, ii_cycles=1),
        not_run("cosim", "csim", "no vendor tool"),
    )


def measured(model: str | Design, *, with_float: bool = True, n_events: int = N_EVENTS) -> tuple[Design, Found]:
    """A model of the repository on the first events of its test split; the float twin is the design's scores with
    noise of a fixed seed, so that no framework is needed. The firmware rungs are not run here: they are stand-ins."""
    design = fasttrig.read(MODELS / model) if isinstance(model, str) else model
    assert design.project is not None and design.inputs is not None
    sample = load_sample(design.project, "test")
    labels = sample.labels[:n_events]
    inputs = {design.graph.inputs[0].name: design.inputs.to_raw(sample.x[:n_events])}
    evaluation = evaluate(design.graph, inputs, keep={op.name for op in design.graph.ops})
    quantised = design.interpret(evaluation.outputs, "raw").scores
    real = quantised + np.random.default_rng(5).normal(0, 0.02, quantised.shape) if with_float else None
    if real is not None and not design.project.data.is_regression:
        real = np.clip(real, 1e-6, 1)
    data = design.project.data
    scores = with_replicas(Scores(labels, quantised, real, design.classes, data.is_regression))
    agreement: Any = compare_task(data, real, quantised, labels) if real is not None else None
    if agreement is not None and scores.replicas is not None:
        agreement = with_errors(agreement, scores.replicas)
    labelled = replace(
        sample,
        x=sample.x[:n_events],
        labels=labels,
        profiles=tuple(replace(profile, values=profile.values[:n_events]) for profile in sample.profiles),
    )
    features = feature_facts(design.inputs, labelled, next(iter(inputs.values())))
    stages = {op.name: k for k, op in enumerate(design.graph.ops)}
    reason = "" if with_float else "model.toml names no float_file"
    found = Found(
        agreement,
        reason,
        evaluation,
        {name: replace(facts, clipped_fraction=0.0123) for name, facts in features.items()},
        scores,
        one_bit_less(design, inputs, scores),
        firmware_physics(design, labelled, evaluation.outputs, quantised),
        saturations(design.graph, evaluation.trace),
        ladder=equal(n_events),
        op_stages=stages,
    )
    return design, found


def bare(design: Design, inputs: dict[str, Any]) -> Found:
    """What a build without a labelled sample measures."""
    evaluation = evaluate(design.graph, inputs, keep={op.name for op in design.graph.ops})
    ladder = equal(len(next(iter(inputs.values()))))
    return Found(None, "a bare model has no labelled sample", evaluation, {}, ladder=ladder)


def report_of(
    design: Design, found: Found, settings: TargetSettings | None = None, manifest: dict[str, Any] | None = None
) -> Report:
    known = {"key": "0" * 64, "hashes": {"graph": "1" * 64}} if manifest is None else manifest
    rows = measured_rows(design, found)
    target = settings or target_settings(design, {})
    return assemble(design, target, rows, found.ladder, known, op_stages=found.op_stages)


def with_ladder(found: Found, *rungs: Rung) -> Found:
    return replace(found, ladder=rungs)


def yosys_row(n: int) -> SynthesisedResources:
    """Counts of logic synthesis as a row of the report, `n` of each resource."""
    return SynthesisedResources(
        stage=ReportStage.SYNTH,
        tool="Yosys",
        part="xcvu13p-flga2577-2-e",
        shares={},
        crosses_slr=False,
        notes=[],
        **dict.fromkeys(RESOURCES, CountRow.exact(n)),
        family="xcup",
        mode="flat",
        lut_by_size={},
        memory_luts=0,
        carry=0,
        logic_levels=1,
        lut_per_cost=None,
        cells={},
    )
