"""Jets -> the columns of top."""

from __future__ import annotations

import numpy as np

from fasttrig.data.simulation.chunk import FloatColumns, JetSample
from fasttrig.data.simulation.clustering import Jets, groom
from fasttrig.data.simulation.constituents import leading_constituents
from fasttrig.data.simulation.detector import Candidates
from fasttrig.data.simulation.settings import JetSettings
from fasttrig.data.simulation.stopwatch import Stopwatch
from fasttrig.data.simulation.subjettiness import n_subjettiness
from fasttrig.data.top.columns import BETAS, CLASS_NAMES, COLUMNS, MAX_AXES, N_CONSTITUENTS, POLYNOMIALS, SUBJETTINESS
from fasttrig.data.top.energy_flow import energy_flow
from fasttrig.data.top.settings import TopSettings

LEAST = 2.0**-100
"""Added to a polynomial before its logarithm: a jet of one constituent has 0."""


def measure(
    candidates: Candidates, jets: Jets, settings: JetSettings, rng: np.random.Generator, times: Stopwatch
) -> FloatColumns:
    """Physical values of all columns of these jets but the label."""
    members = candidates.take(jets.members)
    counts = np.diff(jets.offsets)
    columns: FloatColumns = {
        "jet_pt": jets.pt_gev,
        "jet_eta": jets.eta,
        "jet_mass": jets.mass_gev,
        "n_constituents": counts.astype(np.float64),
    }
    leading = leading_constituents(members, jets, N_CONSTITUENTS)
    columns |= {f"constituent_{name}": leading[name] for name in ("pt", "d_eta", "d_phi")}
    if len(counts) == 0:
        return columns | {column.name: np.zeros(0) for column in COLUMNS if column.name not in columns}
    momenta = (members.pt_gev, members.eta, members.phi_rad, jets.offsets)
    columns["mass_mmdt"] = groom(*momenta, settings.zcut).mass_gev
    for n in range(1, MAX_AXES + 1):
        tau, _ = n_subjettiness(*momenta, n, settings.jet_radius, BETAS)
        columns |= {SUBJETTINESS[n, beta]: tau[:, k] for k, beta in enumerate(BETAS)}
    times.lap("substructure")
    jet_rows = [slice(start, end) for start, end in zip(jets.offsets[:-1], jets.offsets[1:], strict=True)]
    flow = [energy_flow(members.pt_gev[rows], members.eta[rows], members.phi_rad[rows]) for rows in jet_rows]
    table = np.log2(np.array(flow) + LEAST)
    times.lap("energy flow")
    return columns | {f"efp_{name}": table[:, k] for k, name in enumerate(POLYNOMIALS)}


TOP = JetSample("top", CLASS_NAMES, COLUMNS, TopSettings(), measure)
