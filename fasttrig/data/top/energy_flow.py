"""Energy flow polynomials (Komiske, Metodiev, Thaler, 1712.07124) of the connected graphs of at most three edges.

With z_i = pt_i / sum(pt) and R_ij the distance in pseudorapidity and azimuth, a graph stands for the sum over all ways
to put constituents on its corners of the product of the z of the corners and the R of the edges (beta = 1):

    edge          sum z_i z_j R_ij                     double_edge, triple_edge: the same of R^2, R^3
    wedge         sum z_i z_j z_k R_ij R_ik            wedge_double: of R_ij^2 R_ik
    triangle      sum z_i z_j z_k R_ij R_jk R_ki
    star, chain   sum z_i z_j z_k z_l R_ij R_ik R_il, and R_ij R_jk R_kl
"""

from __future__ import annotations

import numpy as np

from fasttrig.base.fixed import FloatArray
from fasttrig.data.simulation.clustering import wrap_phi
from fasttrig.data.top.columns import POLYNOMIALS


def energy_flow(pt_gev: FloatArray, eta: FloatArray, phi_rad: FloatArray) -> FloatArray:
    """The polynomials of one jet, in the order of `POLYNOMIALS`; constituents of shape (n,)."""
    z = pt_gev / pt_gev.sum()
    distance = np.hypot(eta[:, None] - eta, wrap_phi(phi_rad[:, None] - phi_rad))
    square = distance * distance
    near, near2, near3 = (np.einsum("ij,j->i", power, z) for power in (distance, square, square * distance))
    paths = np.einsum("ij,j,jk->ik", distance, z, distance)
    weights = {
        "edge": near,
        "double_edge": near2,
        "wedge": near**2,
        "triple_edge": near3,
        "wedge_double": near2 * near,
        "triangle": np.einsum("ik,ik,k->i", paths, distance, z),
        "star": near**3,
        "chain": near * np.einsum("ij,j->i", distance, z * near),
    }
    return np.array([np.einsum("i,i->", z, weights[name]) for name in POLYNOMIALS])
