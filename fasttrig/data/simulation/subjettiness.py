"""N-subjettiness (Thaler, Van Tilburg, 1011.2268) on the axes of exclusive kT subjets.

    tau_N(beta) = sum_i pt_i min(R_1i, ..., R_Ni)^beta / (R0^beta sum_i pt_i)

The axes are those of the exclusive kT clustering and are not minimised further. A jet of fewer than N constituents has
tau_N = 0, and no axes: NaN.
"""

from __future__ import annotations

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.data.simulation.clustering import kt_subjets, wrap_phi


def n_subjettiness(
    pt_gev: FloatArray,
    eta: FloatArray,
    phi_rad: FloatArray,
    offsets: IntArray,
    n: int,
    radius: float,
    betas: tuple[float, ...] = (1.0,),
) -> tuple[FloatArray, FloatArray]:
    """tau_N of shape (n_jets, n_betas), and the (eta, phi) of the axes in falling pT, shape (n_jets, n, 2).

    Parameters
    ----------
    pt_gev, eta, phi_rad : float arrays of shape (n_constituents,)
        Massless constituents of all jets, one jet after the other.
    offsets : int array of shape (n_jets + 1,)
    """
    axes = kt_subjets(pt_gev, eta, phi_rad, offsets, n)
    distance = to_axes(eta, phi_rad, offsets, axes).min(axis=1)
    jet = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    n_jets = len(offsets) - 1
    shares = np.nan_to_num(distance) / radius
    above = [np.bincount(jet, weights=pt_gev * shares**beta, minlength=n_jets) for beta in betas]
    below = np.bincount(jet, weights=pt_gev, minlength=n_jets)
    return np.stack(above, axis=1) / np.maximum(below, 1e-9)[:, None], axes


def to_axes(eta: FloatArray, phi_rad: FloatArray, offsets: IntArray, axes: FloatArray) -> FloatArray:
    """Distance of every constituent to each axis of its jet, shape (n_constituents, n)."""
    mine = np.repeat(axes, np.diff(offsets), axis=0)
    return np.hypot(eta[:, None] - mine[:, :, 0], wrap_phi(phi_rad[:, None] - mine[:, :, 1]))
