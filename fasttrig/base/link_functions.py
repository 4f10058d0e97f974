"""The link functions of the libraries: from a margin to the number that `predict` or `predict_proba` returns.

Each function takes margins of shape (n_events, n_outputs), already multiplied by the link's scale, and works in
float64. They run on the host; the firmware returns the margin.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fasttrig.base.fixed import FloatArray


def identity(margin: FloatArray) -> FloatArray:
    return margin


def logistic(margin: FloatArray) -> FloatArray:
    """``1 / (1 + exp(-margin))`` of each output."""
    with np.errstate(over="ignore"):  # exp(-margin) = inf gives 0, as it should
        return np.asarray(1.0 / (1.0 + np.exp(-margin)))


def sigmoid(margin: FloatArray) -> FloatArray:
    """`logistic`; a single output becomes the probabilities of both classes, shape (n_events, 2)."""
    return with_first_class(logistic(margin))


def with_first_class(signal: FloatArray) -> FloatArray:
    """The probability of the second class as probabilities of both; several outputs stay as they are."""
    return np.concatenate([1.0 - signal, signal], axis=1) if signal.shape[1] == 1 else signal


def softmax(margin: FloatArray) -> FloatArray:
    exponential = np.exp(margin - margin.max(axis=1, keepdims=True))
    return np.asarray(exponential / exponential.sum(axis=1, keepdims=True))


def step(margin: FloatArray) -> FloatArray:
    """1 where the margin is positive, else 0 (XGBoost's ``binary:hinge``)."""
    return np.asarray(margin > 0.0, dtype=np.float64)


def signed_square(margin: FloatArray) -> FloatArray:
    """``sign(margin) * margin**2`` (LightGBM's ``reg_sqrt``)."""
    return np.asarray(margin * np.abs(margin))


def softplus(margin: FloatArray) -> FloatArray:
    """``log(1 + exp(margin))`` (LightGBM's ``cross_entropy_lambda``)."""
    return np.logaddexp(0.0, margin)


LINK_FUNCTIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "none": identity,
    "softmax": softmax,
    "sigmoid": sigmoid,
    "logistic": logistic,
    "probability": with_first_class,
    "exp": np.exp,
    "tanh": np.tanh,
    "step": step,
    "signed_square": signed_square,
    "softplus": softplus,
}
"""By the names of `fasttrig.ir.graph.Postprocessor`."""
