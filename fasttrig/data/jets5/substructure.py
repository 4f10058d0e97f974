"""The sixteen observables of the public five-class benchmark (Duarte et al., 1804.06913; Coleman et al., 1709.08705).

With z_i = pt_i / sum(pt) and R_ij the distance in pseudorapidity and azimuth, the normalised generalised energy
correlation functions (Moult, Necib, Thaler, 1609.07483, eqs. 1.1 and 3.3) are

    1e2(b) = sum_{i<j}   z_i z_j R_ij^b
    ve3(b) = sum_{i<j<k} z_i z_j z_k (product of the v smallest of R_ij, R_ik, R_jk)^b,        v = 1, 2, 3

and with e2 = 1e2, e3 = 3e3

    C1(b)    = e2(b)                            Larkoski, Salam, Thaler, 1305.0007
    C2(b)    = e3(b) / e2(b)^2                  Larkoski, Salam, Thaler, 1305.0007
    D2(b)    = e3(b) / e2(b)^3                  Larkoski, Moult, Neill, 1409.6298
    D2(a, b) = e3(a) / e2(b)^(3 a / b)          Larkoski, Moult, Neill, 1409.6298; D2(1, 1) is D2(1)
    M2(b)    = 1e3(b) / 1e2(b)                  Moult, Necib, Thaler, 1609.07483
    N2(b)    = 2e3(b) / 1e2(b)^2                Moult, Necib, Thaler, 1609.07483

all of the jet groomed by mMDT (zcut 0.1), as its mass; sum z ln z and the multiplicity are of the jet before grooming,
as their names in OpenML 42468 (without `_mmdt`) say. A ratio whose denominator is 0 (one constituent left) is 0.

The sums over triples run over tables of indices in an order in which the triples of n constituents are the first
n (n - 1) (n - 2) / 6 rows, so one table serves all jets up to its size. No BLAS is used: the result does not depend on
the number of threads.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.data.columns import SIXTEEN

BLOCK_TRIPLES = 8192
"""Triples summed at once: the work arrays stay in the processor's cache."""

TABLE_STEP = 32


def triple_sums(z: FloatArray, eta: FloatArray, phi_rad: FloatArray) -> FloatArray:
    """Sums over triples of one jet.

    Parameters
    ----------
    z, eta, phi_rad : float arrays of shape (n,)
        Momentum fractions and directions; azimuths must not cross the seam at +-pi inside a jet.

    Returns
    -------
    float array of shape (3, 2)
        Row v - 1 holds ve3 for beta 1 and 2.
    """
    return _triple_sums(z, *_pairs(z, eta, phi_rad))


def observables(
    pt_gev: FloatArray, eta: FloatArray, phi_rad: FloatArray, groomed_mass_gev: float, all_pt_gev: FloatArray
) -> FloatArray:
    """The sixteen observables of one jet, in the order of `fasttrig.data.SIXTEEN`.

    Parameters
    ----------
    pt_gev, eta, phi_rad : float arrays of shape (n_groomed,)
        Massless constituents of the groomed jet.
    groomed_mass_gev : float
    all_pt_gev : float array of shape (n_constituents,)
        Transverse momenta before grooming.

    Returns
    -------
    float array of shape (16,)
    """
    z = pt_gev / pt_gev.sum()
    distance, weight = _pairs(z, eta, phi_rad)
    weighted = weight * distance
    e2_b0, e2_b1, e2_b2 = weight.sum(), weighted.sum(), np.einsum("i,i->", weighted, distance)
    (m_b1, m_b2), (n_b1, n_b2), (e3_b1, e3_b2) = _triple_sums(z, distance, weight)
    z_all = all_pt_gev / all_pt_gev.sum()
    by_name = {
        "zlogz": np.einsum("i,i->", z_all, np.log(z_all)),
        "c1_b0_mmdt": e2_b0,
        "c1_b1_mmdt": e2_b1,
        "c1_b2_mmdt": e2_b2,
        "c2_b1_mmdt": _ratio(e3_b1, e2_b1**2),
        "c2_b2_mmdt": _ratio(e3_b2, e2_b2**2),
        "d2_b1_mmdt": _ratio(e3_b1, e2_b1**3),
        "d2_b2_mmdt": _ratio(e3_b2, e2_b2**3),
        "d2_a1_b1_mmdt": _ratio(e3_b1, e2_b1**3),
        "d2_a1_b2_mmdt": _ratio(e3_b1, e2_b2**1.5),
        "m2_b1_mmdt": _ratio(m_b1, e2_b1),
        "m2_b2_mmdt": _ratio(m_b2, e2_b2),
        "n2_b1_mmdt": _ratio(n_b1, e2_b1**2),
        "n2_b2_mmdt": _ratio(n_b2, e2_b2**2),
        "mass_mmdt": groomed_mass_gev,
        "multiplicity": len(all_pt_gev),
    }
    return np.array([by_name[name] for name in SIXTEEN], dtype=np.float64)


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else 0.0


def _pairs(z: FloatArray, eta: FloatArray, phi_rad: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distance and product of momentum fractions of all pairs, each of shape (n (n - 1) / 2,)."""
    n = len(z)
    first, second = (index[: n * (n - 1) // 2] for index in _pair_table(_table_size(n)))
    distance = np.hypot(eta[first] - eta[second], phi_rad[first] - phi_rad[second])
    return distance, z[first] * z[second]


def _triple_sums(z: FloatArray, distance: FloatArray, weight: FloatArray) -> FloatArray:
    n = len(z)
    n_triples = n * (n - 1) * (n - 2) // 6
    tables = _triple_table(_table_size(n))
    sums = np.zeros((3, 2))
    for start in range(0, n_triples, BLOCK_TRIPLES):
        block = slice(start, min(start + BLOCK_TRIPLES, n_triples))
        ij, ik, jk, k = (table[block] for table in tables)
        low, middle, high = _sort3(distance.take(ij), distance.take(ik), distance.take(jk))
        weighted, product = weight.take(ij) * z.take(k), np.ones_like(low)
        for v, factor in enumerate((low, middle, high)):
            weighted *= factor
            product *= factor
            sums[v] += weighted.sum(), np.einsum("i,i->", weighted, product)
    return sums


def _sort3(a: FloatArray, b: FloatArray, c: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Element by element: smallest, middle, largest."""
    lower, upper = np.minimum(a, b), np.maximum(a, b)
    return np.minimum(lower, c), np.maximum(lower, np.minimum(upper, c)), np.maximum(upper, c)


def _table_size(n: int) -> int:
    return -(-n // TABLE_STEP) * TABLE_STEP


@lru_cache(maxsize=16)
def _pair_table(n: int) -> tuple[IntArray, IntArray]:
    """Indices (i, j), i < j, ordered by j and then i."""
    j, i = np.tril_indices(n, -1)
    return i, j


@lru_cache(maxsize=16)
def _triple_table(n: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Pair indices ij, ik, jk and index k of all i < j < k, ordered by k, then j, then i."""
    sizes = np.array([k * (k - 1) // 2 for k in range(n)])
    k = np.repeat(np.arange(n), sizes)
    ij = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    i, j = _pair_table(n)
    return ij, sizes[k] + i[ij], sizes[k] + j[ij], k
