"""What rounding the real scales of a model cost in physics units: the framework with them against the multipliers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fasttrig.base.errors import MissingPackageError
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.design import Design
from fasttrig.emulator.emulation import postprocess
from fasttrig.emulator.evaluate import evaluate
from fasttrig.physics.scores import Scores, figures_of


@dataclass(frozen=True, slots=True)
class ScaleCost:
    """Change of each figure (AUC by class, or RMS error): with multipliers minus with the real scales.

    `reason` says why nothing was measured.
    """

    n_events: int = 0
    change: dict[str, float] = field(default_factory=dict)
    reason: str = "no labelled events"


def scale_cost(design: Design, inputs: Mapping[str, IntArray], scores: Scores | None) -> ScaleCost | None:
    """The cost on the events of `scores`, whose raw inputs are `inputs`; None for a model without real scales.

    No type that the user narrowed by hand takes part: both models are as the frontend reads them.
    """
    if not design.scales:
        return None
    if scores is None:
        return ScaleCost()
    from fasttrig.reference.qkeras_run import framework_predict, input_values

    n_events = len(scores.truth)
    graph, given = design.as_read(), {name: array[:n_events] for name, array in inputs.items()}
    try:
        real = framework_predict(design.source, input_values(graph, given))
    except MissingPackageError as error:
        return ScaleCost(reason=f"{error.what}: {error.got}")
    rounded = design.interpret(evaluate(graph, given).outputs, "raw").scores
    before = figures_of(replace(scores, quantised=_scores(design, next(iter(real.values())))))
    after = figures_of(replace(scores, quantised=rounded))
    return ScaleCost(n_events, {name: after[name] - before[name] for name in before}, "")


def _scores(design: Design, margins: FloatArray) -> FloatArray:
    return postprocess(margins, design.scoring_graph)
