"""Weights of few signed digits: each rounding error is made up for by the weights that are not rounded yet.

A product by a constant costs about one adder for each non-zero digit of its canonical signed-digit form. Every weight
takes the level that is best for ``error of the layer's output + price * digits``, and the error that it leaves is
spread over the weights after it by the second moments of the layer's inputs (Hassibi and Stork, "Optimal brain
surgeon", 1993; Frantar et al., "GPTQ", 2022).
"""

from __future__ import annotations

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.estimate.constants import signed_digits

_DAMPING = 1e-3
"""Of the mean second moment, added to all: inputs that are always zero, or equal, have no own say."""


def best_weights(x: FloatArray, y: FloatArray, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The weights that reproduce `y` from `x` best, close to `start` where `x` leaves a choice.

    Parameters
    ----------
    x : array of shape (n_rows, n_in), the inputs as the quantised layers before give them
    y : array of shape (n_rows, n_out), what the float layer gives on its own inputs
    start : array of shape (n_in, n_out), the float weights

    Returns
    -------
    weights of shape (n_in, n_out), and the damped second moments of the inputs, (n_in, n_in)
    """
    moments: FloatArray = x.T @ x / len(x)
    damping = _DAMPING * max(float(np.trace(moments)) / len(moments), 1e-12)
    moments += damping * np.eye(len(moments))
    weights = np.linalg.solve(moments, x.T @ y / len(x) + damping * start)
    return np.asarray(weights, dtype=np.float64), moments


def round_weights(
    weights: FloatArray, moments: FloatArray, fraction_bits: int, width: int, price: FloatArray
) -> IntArray:
    """Raw integers for `weights`, shape (n_in, n_out), each with error compensation.

    Parameters
    ----------
    moments : array of shape (n_in, n_in), second moments of the inputs, positive definite
    fraction_bits, width : of the weights' signed type
    price : array of shape (n_out,), what one signed digit costs in squared units of each output
    """
    levels = np.arange(-(1 << (width - 1)), 1 << (width - 1))
    digits = signed_digits(levels)
    values = np.ldexp(levels.astype(np.float64), -fraction_bits)
    order = np.argsort(-np.diag(moments), kind="stable")
    factor = np.linalg.cholesky(np.linalg.inv(moments[np.ix_(order, order)])).T
    left = weights[order].copy()
    raw = np.empty(left.shape, dtype=np.int64)
    for row in range(len(left)):
        own = factor[row, row]
        loss = (left[row][:, None] - values) ** 2 / own**2 + price[:, None] * digits
        chosen = loss.argmin(axis=1)
        raw[row] = levels[chosen]
        error = (left[row] - values[chosen]) / own
        left[row + 1 :] -= np.outer(factor[row, row + 1 :], error)
    found = np.empty_like(raw)
    found[order] = raw
    return found
