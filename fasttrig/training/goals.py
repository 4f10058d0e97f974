"""Goals of the training of trees: XGBoost's objective, and the figure that decides how many bits suffice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.fixed import FloatArray
from fasttrig.data.labelled import Truth
from fasttrig.physics.bootstrap import area
from fasttrig.physics.regression import rms
from fasttrig.settings import ModelProject, TreeSettings


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of merit and its bound.

    Attributes
    ----------
    name : what the figure is, for the card and types.json
    objective : parameters of XGBoost
    figure : margins of shape (n_events, n_outputs) and truth of shape (n_events,) -> the figure
    bound : the figure of the best forest, and the share of the allowed loss that may be used up -> the worst allowed
    higher_is_better : of the figure
    loss : the allowed loss in words
    """

    name: str
    objective: dict[str, Any]
    figure: Callable[[FloatArray, Truth], float]
    bound: Callable[[float, float], float]
    higher_is_better: bool
    loss: str

    def holds(self, figure: float, best: float, share: float = 1.0) -> bool:
        """Whether `figure` loses no more against `best` than `share` of what is allowed."""
        worst = self.bound(best, share)
        return figure >= worst if self.higher_is_better else figure <= worst


def goal_of(project: ModelProject, settings: TreeSettings) -> Goal:
    """The goal that ``[data]`` names."""
    return _regression(settings) if project.data.is_regression else _classification(project.data.classes, settings)


def _classification(classes: tuple[str, ...], settings: TreeSettings) -> Goal:
    several = {"objective": "multi:softprob", "num_class": len(classes)}
    return Goal(
        name="mean AUC",
        objective=several if len(classes) > 2 else {"objective": "binary:logistic"},
        figure=lambda margins, labels: _mean_auc(margins, labels, classes),
        bound=lambda best, share: best - share * settings.max_auc_loss,
        higher_is_better=True,
        loss=f"a loss of {settings.max_auc_loss:g} in mean AUC",
    )


def _regression(settings: TreeSettings) -> Goal:
    return Goal(
        name="RMS error",
        objective={"objective": "reg:squarederror"},
        figure=lambda margins, truth: rms(margins[:, 0] - truth),
        bound=lambda best, share: best * (1.0 + share * settings.max_rms_growth),
        higher_is_better=False,
        loss=f"a growth of {settings.max_rms_growth:.1%} of the RMS error",
    )


def _mean_auc(margins: FloatArray, labels: Truth, classes: tuple[str, ...]) -> float:
    if margins.shape[1] == 1:
        margins = np.concatenate([-margins, margins], axis=1)
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    scores = powers / powers.sum(axis=1, keepdims=True)
    return float(np.mean([area(scores[:, k], labels == k) for k in range(len(classes))]))
