"""The hardest constituents of jets, in rows of equal length."""

from __future__ import annotations

import numpy as np

from fasttrig.base.fixed import FloatArray
from fasttrig.data.simulation.clustering import Jets, wrap_phi
from fasttrig.data.simulation.detector import Candidates


def leading_constituents(members: Candidates, jets: Jets, n: int) -> dict[str, FloatArray]:
    """The `n` constituents with the highest pT, in falling order, zero-padded; every array has shape (n_jets, n).

    `members` are the candidates of `jets.members`, jet by jet; directions are relative to the jet axis.
    """
    counts = np.diff(jets.offsets)
    jet = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((-members.pt_gev, jet))
    rank = np.arange(len(jet)) - np.repeat(jets.offsets[:-1], counts)
    kept = rank < n
    order, jet, rank = order[kept], jet[kept], rank[kept]
    values = {
        "pt": members.pt_gev[order],
        "d_eta": members.eta[order] - jets.eta[jet],
        "d_phi": wrap_phi(members.phi_rad[order] - jets.phi_rad[jet]),
        "charge": members.charge[order],
        "id": members.identity[order],
        "d0": members.d0_mm[order],
    }
    padded = {name: np.zeros((len(counts), n)) for name in values}
    for name, table in padded.items():
        table[jet, rank] = values[name]
    return padded
