"""Jets -> physical values of the columns of jets5."""

from __future__ import annotations

import numpy as np

from fasttrig.data.columns import CLASS_NAMES, GENERATED, N_CONSTITUENTS, OBSERVABLES
from fasttrig.data.jets5.parameters import GeneratorSettings
from fasttrig.data.jets5.substructure import observables
from fasttrig.data.simulation.chunk import FloatColumns, JetSample
from fasttrig.data.simulation.clustering import Jets, groom, wrap_phi
from fasttrig.data.simulation.constituents import leading_constituents
from fasttrig.data.simulation.detector import Candidates
from fasttrig.data.simulation.settings import JetSettings
from fasttrig.data.simulation.stopwatch import Stopwatch


def measure(
    candidates: Candidates, jets: Jets, settings: JetSettings, rng: np.random.Generator, times: Stopwatch
) -> FloatColumns:
    """Physical values of all generated columns of these jets but the label."""
    members = candidates.take(jets.members)
    counts = np.diff(jets.offsets)
    columns = {
        "jet_pt": jets.pt_gev,
        "jet_eta": jets.eta,
        "jet_mass": jets.mass_gev,
        "n_constituents": counts.astype(np.float64),
    }
    leading = leading_constituents(members, jets, N_CONSTITUENTS)
    columns |= {f"constituent_{name}": values for name, values in leading.items()}
    times.lap("columns")
    return columns | _observables(members, jets, settings.zcut, times)


def _observables(members: Candidates, jets: Jets, zcut: float, times: Stopwatch) -> FloatColumns:
    n_jets = len(jets.event)
    table = np.zeros((n_jets, len(OBSERVABLES)))
    if n_jets == 0:
        return {column.name: table[:, i] for i, column in enumerate(OBSERVABLES)}
    groomed = groom(members.pt_gev, members.eta, members.phi_rad, jets.offsets, zcut)
    times.lap("fastjet mMDT")
    jet_of_row = np.repeat(np.arange(n_jets), np.diff(groomed.offsets))
    phi_rad = wrap_phi(groomed.phi_rad - jets.phi_rad[jet_of_row])
    for j in range(n_jets):
        rows = slice(groomed.offsets[j], groomed.offsets[j + 1])
        all_pt_gev = members.pt_gev[jets.offsets[j] : jets.offsets[j + 1]]
        table[j] = observables(
            groomed.pt_gev[rows], groomed.eta[rows], phi_rad[rows], float(groomed.mass_gev[j]), all_pt_gev
        )
    times.lap("observables")
    return {column.name: table[:, i] for i, column in enumerate(OBSERVABLES)}


JETS5 = JetSample("jets5", CLASS_NAMES, GENERATED, GeneratorSettings(), measure)
