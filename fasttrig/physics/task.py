"""Compare float and quantised model by the task of the model: classification or regression."""

from __future__ import annotations

from typing import TypeAlias

from fasttrig.base.fixed import FloatArray
from fasttrig.data.labelled import Truth
from fasttrig.physics.classification import Agreement, compare
from fasttrig.physics.regression import RegressionAgreement, compare_regression
from fasttrig.settings import DataSettings

TaskAgreement: TypeAlias = Agreement | RegressionAgreement


def compare_task(
    data: DataSettings, float_scores: FloatArray, quantised_scores: FloatArray, truth: Truth
) -> TaskAgreement:
    """Float model against quantised model; scores of shape (n_events, n_outputs), truth of shape (n_events,)."""
    if data.is_regression:
        return compare_regression(
            float_scores, quantised_scores, truth, target=data.target, unit=data.target_unit, thresholds=data.thresholds
        )
    return compare(float_scores, quantised_scores, truth, data.classes)
