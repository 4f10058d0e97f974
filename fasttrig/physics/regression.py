"""Loss by quantisation in a regression: bias, resolution, and the turn-on of a trigger that cuts on the output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FloatArray


@dataclass(frozen=True, slots=True)
class RegressionQuality:
    """Performance of one model; all in the target's unit except `turn_on`.

    Attributes
    ----------
    rms : root mean square of prediction minus truth
    bias : median of prediction minus truth
    resolution : half the width of the central 68.27 % of prediction minus truth
    turn_on : threshold -> {"efficiency": share of events with truth at or above the threshold whose prediction
        passes it, "fakes": share of events with truth below it whose prediction passes}; None where there are none
    """

    rms: float
    bias: float
    resolution: float
    turn_on: dict[str, dict[str, float | None]]


@dataclass(frozen=True, slots=True)
class RegressionAgreement:
    """Float model against quantised model on one sample of `n_events` events.

    `rms_difference` is the root mean square of quantised minus float prediction, `rms_growth` the quantised RMS error
    over the float one, minus 1.
    """

    n_events: int
    target: str
    unit: str
    quality_float: RegressionQuality
    quality_quantised: RegressionQuality
    rms_difference: float
    rms_growth: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def headline(self) -> str:
        """The comparison in a few words."""
        return f"RMS error {self.quality_quantised.rms:.4f} quantised, {self.quality_float.rms:.4f} float"


def compare_regression(
    float_predictions: FloatArray,
    predictions: FloatArray,
    truth: FloatArray,
    *,
    target: str,
    unit: str = "",
    thresholds: Sequence[float] = (),
) -> RegressionAgreement:
    """Both models on the same events.

    Parameters
    ----------
    float_predictions, predictions, truth : arrays of shape (n_events,) or (n_events, 1)
    thresholds : cuts on the prediction, in the target's unit
    """
    truth = np.asarray(truth, dtype=np.float64).reshape(-1)
    real, quantised = (np.asarray(given, dtype=np.float64).reshape(-1) for given in (float_predictions, predictions))
    if real.shape != truth.shape or quantised.shape != truth.shape:
        raise DataError(
            "a regression has one prediction per event", got=f"{real.shape}, {quantised.shape}", want=str(truth.shape)
        )
    quality = {
        kind: measure_quality(found, truth, thresholds) for kind, found in (("float", real), ("quantised", quantised))
    }
    return RegressionAgreement(
        n_events=len(truth),
        target=target,
        unit=unit,
        quality_float=quality["float"],
        quality_quantised=quality["quantised"],
        rms_difference=rms(quantised - real),
        rms_growth=quality["quantised"].rms / quality["float"].rms - 1.0 if quality["float"].rms > 0 else 0.0,
    )


def measure_quality(predictions: FloatArray, truth: FloatArray, thresholds: Sequence[float]) -> RegressionQuality:
    """Shapes: predictions and truth (n_events,)."""
    error = predictions - truth
    low, middle, high = np.quantile(error, [0.158655, 0.5, 0.841345])
    return RegressionQuality(
        rms=rms(error),
        bias=float(middle),
        resolution=float(high - low) / 2,
        turn_on={f"{cut:g}": _turn_on(predictions, truth, cut) for cut in thresholds},
    )


def rms(error: FloatArray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(error))))


def _turn_on(predictions: FloatArray, truth: FloatArray, cut: float) -> dict[str, float | None]:
    passes, above = predictions >= cut, truth >= cut
    return {"efficiency": _share(passes[above]), "fakes": _share(passes[~above])}


def _share(passes: npt.NDArray[np.bool_]) -> float | None:
    return float(np.mean(passes)) if len(passes) else None
