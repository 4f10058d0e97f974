"""Loss by quantisation in physics units: the only comparison without an equality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FloatArray, IntArray

SIGNAL_EFFICIENCIES = (0.3, 0.5, 0.8)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Float model against quantised model on one sample; every number is measured on `n_events` events.

    `background_rejection[model][class][efficiency]` is one over the share of all other classes kept by the cut on the
    class's score that keeps `efficiency` of the class; None where no background event is left.

    Errors are statistical, from the bootstrap (see `bootstrap.py`), empty where nobody ran it: of the rejection, of
    ``rejection_ratio[class][efficiency]`` (quantised over float rejection, and its error) and of the AUC's loss.
    """

    n_events: int
    accuracy_float: float
    accuracy_quantised: float
    auc_float: dict[str, float]
    auc_quantised: dict[str, float]
    argmax_flip_fraction: float
    background_rejection: dict[str, dict[str, dict[str, float | None]]]
    background_rejection_error: dict[str, dict[str, dict[str, float | None]]] = field(default_factory=dict)
    rejection_ratio: dict[str, dict[str, tuple[float, float] | None]] = field(default_factory=dict)
    auc_loss_error: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def headline(self) -> str:
        """The comparison in a few words."""
        return f"accuracy {self.accuracy_quantised:.4f} quantised, {self.accuracy_float:.4f} float"


def class_scores(predicted: FloatArray) -> FloatArray:
    """Scores of shape (n_events, n_classes): a single sigmoid output becomes two columns."""
    predicted = np.asarray(predicted, dtype=np.float64)
    return np.concatenate([1 - predicted, predicted], axis=1) if predicted.shape[1] == 1 else predicted


def compare(
    float_scores: FloatArray, quantised_scores: FloatArray, labels: IntArray, classes: Sequence[str]
) -> Agreement:
    """Both models on the same events.

    Parameters
    ----------
    float_scores, quantised_scores : arrays of shape (n_events, n_classes)
    labels : int array of shape (n_events,)
        0 to n_classes - 1.
    """
    want = (len(labels), len(classes))
    if float_scores.shape != want or quantised_scores.shape != want:
        raise DataError(
            "scores do not fit the labels", got=f"{float_scores.shape}, {quantised_scores.shape}", want=str(want)
        )
    chosen_float, chosen = float_scores.argmax(axis=1), quantised_scores.argmax(axis=1)
    return Agreement(
        n_events=len(labels),
        accuracy_float=float(np.mean(chosen_float == labels)),
        accuracy_quantised=float(np.mean(chosen == labels)),
        auc_float=auc_per_class(float_scores, labels, classes),
        auc_quantised=auc_per_class(quantised_scores, labels, classes),
        argmax_flip_fraction=float(np.mean(chosen_float != chosen)),
        background_rejection={
            "float": rejection_per_class(float_scores, labels, classes),
            "quantised": rejection_per_class(quantised_scores, labels, classes),
        },
    )


def auc_per_class(scores: FloatArray, labels: IntArray, classes: Sequence[str]) -> dict[str, float]:
    """Area under the ROC curve of each class against all others (ties count half)."""
    return {name: auc(scores[:, k], labels == k) for k, name in enumerate(classes)}


def rejection_per_class(
    scores: FloatArray, labels: IntArray, classes: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """One over the background efficiency at each of `SIGNAL_EFFICIENCIES`, per class against all others."""
    return {name: rejections(scores[:, k], labels == k) for k, name in enumerate(classes)}


def auc(score: Any, signal: Any) -> float:
    """Area under the ROC curve (ties count half); shapes (n_events,)."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(signal, score))


def rejections(score: Any, signal: Any) -> dict[str, float | None]:
    """One over the background efficiency at each of `SIGNAL_EFFICIENCIES`, by its text; shapes (n_events,)."""
    from sklearn.metrics import roc_curve

    background_efficiency, signal_efficiency, _ = roc_curve(signal, score)
    kept = np.interp(SIGNAL_EFFICIENCIES, signal_efficiency, background_efficiency)
    return {
        f"{efficiency:g}": 1.0 / float(share) if share > 0 else None
        for efficiency, share in zip(SIGNAL_EFFICIENCIES, kept, strict=True)
    }
