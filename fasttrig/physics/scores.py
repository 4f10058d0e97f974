"""Scores of every labelled event from both models, for the plots and for the sensitivity to one bit less."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.data.labelled import Truth
from fasttrig.design import Design
from fasttrig.passes.pipeline import without_loops
from fasttrig.physics.bootstrap import RocReplicas, area, roc_replicas
from fasttrig.physics.classification import SIGNAL_EFFICIENCIES, Agreement
from fasttrig.physics.regression import rms
from fasttrig.physics.sensitivity import Sensitivity, sensitivities

N_WORST = 10
RMS = "rms"
"""The figure of a regression; for classes the figures are the areas under their curves, by the class's name."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One sample, both models.

    Attributes
    ----------
    truth : array, shape (n_events,)
        Labels, or targets of a regression.
    quantised, real : float arrays, shape (n_events, n_classes)
        Scores, or predictions in one column; `real`, the float model's, is None where there is none.
    names : the classes, or the target
    replicas : the bootstrap of the ROC curves; None for a regression
    """

    truth: Truth
    quantised: FloatArray
    real: FloatArray | None
    names: tuple[str, ...]
    is_regression: bool
    replicas: RocReplicas | None = None


def with_replicas(scores: Scores) -> Scores:
    """The same with the bootstrap of its ROC curves."""
    if scores.is_regression:
        return scores
    models = {"quantised": scores.quantised} | ({"float": scores.real} if scores.real is not None else {})
    return replace(scores, replicas=roc_replicas(models, scores.truth, scores.names))


def with_errors(agreement: Agreement, replicas: RocReplicas) -> Agreement:
    """The comparison with its statistical errors."""
    classes = list(agreement.auc_float)
    errors: dict[str, dict[str, dict[str, float | None]]] = {}
    for model in ("float", "quantised"):
        found = {f"{cut:g}": replicas.rejection_error(model, cut) for cut in SIGNAL_EFFICIENCIES}
        errors[model] = {name: {cut: row[k] for cut, row in found.items()} for k, name in enumerate(classes)}
    ratios = {f"{cut:g}": replicas.rejection_ratio(cut) for cut in SIGNAL_EFFICIENCIES}
    return replace(
        agreement,
        background_rejection_error=errors,
        rejection_ratio={name: {cut: row[k] for cut, row in ratios.items()} for k, name in enumerate(classes)},
        auc_loss_error=dict(zip(classes, replicas.area_loss_error(), strict=True)),
    )


def worst_events(scores: Scores, n: int = N_WORST) -> list[tuple[int, int]]:
    """(event, column) where quantised and float model differ most, the worst first; each event once."""
    if scores.real is None:
        return []
    difference = np.abs(scores.quantised - scores.real)
    columns = difference.argmax(axis=1)
    order = np.argsort(-difference.max(axis=1), kind="stable")[:n]
    return [(int(event), int(columns[event])) for event in order]


def figures_of(scores: Scores) -> dict[str, float]:
    """The RMS error of a regression, else the AUC of each class, of the quantised scores."""
    found, truth = scores.quantised, scores.truth
    if scores.is_regression:
        return {RMS: rms(found[:, 0] - truth)}
    return {name: area(found[:, k], truth == k) for k, name in enumerate(scores.names)}


def one_bit_less(design: Design, inputs: dict[str, IntArray], scores: Scores) -> tuple[Sensitivity, ...]:
    """Every op narrowed in turn; `inputs` are the raw inputs of the events of `scores`."""

    def quality(raw: dict[str, IntArray], events: IntArray) -> dict[str, float]:
        return figures_of(replace(scores, quantised=design.interpret(raw, "raw").scores, truth=scores.truth[events]))

    return sensitivities(without_loops(design.graph), inputs, quality)
