"""Statistical errors of ROC curves by the bootstrap, with float and quantised model on the same replicas.

Each replica gives every event a Poisson(1) weight (the bootstrap for large samples): the events are sorted once, a
replica costs two cumulative sums. Because both models see the same weights, the error of their ratio is the error of
the cost of quantisation, far smaller than that of either curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fasttrig.base.fixed import FloatArray, IntArray

MAX_REPLICAS, MIN_REPLICAS, WEIGHTS, SEED = 200, 50, 5_000_000, 1
"""Replicas of a sample, fewer for one so large that their weights would be more than `WEIGHTS`."""
EFFICIENCIES = np.arange(1, 101) / 100.0
"""Signal efficiencies at which every replica's background efficiency is kept."""

_CENTRAL_68 = (0.158655, 0.841345)


@dataclass(frozen=True, slots=True, eq=False)
class RocReplicas:
    """Background efficiencies at `EFFICIENCIES`, shape (n_classes, n_efficiencies), and of the replicas.

    Attributes
    ----------
    nominal : dict of model ("float", "quantised") to float array, shape (n_classes, n_efficiencies)
    replicas : the same, shape (n_classes, n_replicas, n_efficiencies)
    areas : the same for the area under the curve, shape (n_classes, n_replicas)
    """

    nominal: dict[str, FloatArray]
    replicas: dict[str, FloatArray]
    areas: dict[str, FloatArray]

    def rejection_error(self, model: str, efficiency: float) -> list[float | None]:
        """Per class: half the central 68.27 % of the replicas' background rejection; None where one keeps nothing."""
        column = _column(efficiency)
        with np.errstate(divide="ignore"):
            rejections = 1.0 / self.replicas[model][:, :, column]
        return [_half_width(row) for row in rejections]

    def rejection_ratio(self, efficiency: float) -> list[tuple[float, float] | None]:
        """Per class: quantised over float background rejection, and its error; None where nothing is left."""
        column = _column(efficiency)
        with np.errstate(divide="ignore", invalid="ignore"):
            nominal = self.nominal["float"][:, column] / self.nominal["quantised"][:, column]
            ratios = self.replicas["float"][:, :, column] / self.replicas["quantised"][:, :, column]
        errors = [_half_width(row) for row in ratios]
        return [
            None if error is None or not np.isfinite(value) else (float(value), error)
            for value, error in zip(nominal, errors, strict=True)
        ]

    def ratio_band(self, k: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Of class k at `EFFICIENCIES`: quantised over float rejection and the ends of its 68.27 % interval."""
        with np.errstate(divide="ignore", invalid="ignore"):
            nominal = self.nominal["float"][k] / self.nominal["quantised"][k]
            ratios = self.replicas["float"][k] / self.replicas["quantised"][k]
        ratios = np.where(np.isfinite(ratios), ratios, np.nan)
        known = np.isfinite(ratios).all(axis=0)
        low, high = np.full(len(nominal), np.nan), np.full(len(nominal), np.nan)
        if known.any():
            low[known], high[known] = np.quantile(ratios[:, known], _CENTRAL_68, axis=0)
        return nominal, low, high

    def area_loss_error(self) -> list[float]:
        """Per class: the error of the float model's area minus the quantised one's."""
        low, high = np.quantile(self.areas["float"] - self.areas["quantised"], _CENTRAL_68, axis=1)
        return [float(width) / 2 for width in high - low]


def roc_replicas(scores: dict[str, FloatArray], labels: IntArray, classes: Sequence[str]) -> RocReplicas:
    """Replicas of every class against all others.

    Parameters
    ----------
    scores : dict of model name to float array, shape (n_events, n_classes)
    labels : int array, shape (n_events,)
    """
    n_replicas = max(MIN_REPLICAS, min(MAX_REPLICAS, WEIGHTS // max(1, len(labels))))
    rng = np.random.default_rng(SEED)
    weights = np.stack([rng.poisson(1.0, len(labels)).astype(np.uint8) for _ in range(n_replicas)])
    nominal, replicas, areas = {}, {}, {}
    for model, columns in scores.items():
        found = [_replicas(columns[:, k], labels == k, weights) for k in range(len(classes))]
        nominal[model], replicas[model], areas[model] = (np.stack([row[i] for row in found]) for i in range(3))
    return RocReplicas(nominal, replicas, areas)


def area(score: FloatArray, signal: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties count half; shapes (n_events,)."""
    order, ends = _sorted(score)
    return _curve(np.ones(len(order), np.uint8), signal[order], ends)[1]


def _replicas(
    score: FloatArray, signal: npt.NDArray[np.bool_], weights: npt.NDArray[np.uint8]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Nominal and replicas' background efficiencies, and the replicas' areas."""
    order, ends = _sorted(score)
    signal = signal[order]
    nominal, _ = _curve(np.ones(len(order), np.uint8), signal, ends)
    curves = [_curve(row[order], signal, ends) for row in weights]
    return nominal, np.stack([curve for curve, _ in curves]), np.array([area for _, area in curves])


def _sorted(score: FloatArray) -> tuple[IntArray, IntArray]:
    """The order of falling score, and the last place of each run of equals: events of equal score pass together."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    return order, np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))


def _curve(weight: npt.NDArray[np.uint8], signal: npt.NDArray[np.bool_], ends: IntArray) -> tuple[FloatArray, float]:
    all_kept = np.cumsum(weight, dtype=np.int64)[ends]
    signal_kept = np.cumsum(weight * signal, dtype=np.int64)[ends]
    background_kept = all_kept - signal_kept
    signal_efficiency = np.concatenate([[0.0], signal_kept / max(1, signal_kept[-1])])
    background_efficiency = np.concatenate([[0.0], background_kept / max(1, background_kept[-1])])
    area = float(np.trapezoid(signal_efficiency, background_efficiency))
    return np.interp(EFFICIENCIES, signal_efficiency, background_efficiency), area


def _column(efficiency: float) -> int:
    return int(np.argmin(np.abs(EFFICIENCIES - efficiency)))


def _half_width(replicas: Any) -> float | None:
    if not np.isfinite(replicas).all():
        return None
    low, high = np.quantile(replicas, _CENTRAL_68)
    return float(high - low) / 2
