"""The columns of the hbb sample. Imports nothing heavy."""

from __future__ import annotations

from fasttrig.data.columns import Column

CLASS_NAMES: tuple[str, ...] = ("QCD", "H")

SIGNIFICANCE_RANGE = (-32.0, 128.0)
"""Significances are clipped to it."""


def _significance(name: str, description: str) -> Column:
    return Column(name, "", "int16", -4, description)


FEATURES: tuple[Column, ...] = (
    Column("mass_mmdt", "GeV", "uint16", -3, "mass of the jet groomed by mMDT (zcut 0.1)"),
    Column("tau21", "", "int16", -9, "N-subjettiness ratio tau2 / tau1 on kT axes"),
    Column("n_tracks", "", "uint16", 0, "tracks above 1 GeV"),
    Column("n_vertices", "", "uint16", 0, "secondary vertices"),
    Column("z_ratio", "", "int16", -9, "distance of the vertices of both axes times the lower pt, over their mass"),
    *(_significance(f"sip_{k}", f"signed 2D impact-parameter significance, rank {k}") for k in range(4)),
    *(
        _significance(f"tau{axis}_sip_{k}", f"the same of the tracks nearest to axis {axis}, rank {k}")
        for axis in range(2)
        for k in range(2)
    ),
    _significance("sip_above_bottom_0", "significance of the track that lifts the tracks' mass above 5.2 GeV, axis 0"),
    _significance("sip_above_bottom_1", "the same of axis 1"),
    _significance("sip_above_charm", "significance of the track that lifts the mass of all tracks above 1.5 GeV"),
    *(Column(f"tau{k}_vertex_mass", "GeV", "uint16", -6, f"mass of the first vertex of axis {k}") for k in range(2)),
    *(
        Column(f"tau{k}_vertex_energy_ratio", "", "uint16", -9, "energy of the vertex over that of the axis' tracks")
        for k in range(2)
    ),
    *(_significance(f"tau{k}_flight_significance", f"2D flight distance over its error, axis {k}") for k in range(2)),
    *(Column(f"tau{k}_vertex_delta_r", "", "uint16", -9, f"distance of vertex and axis {k}") for k in range(2)),
    *(Column(f"tau{k}_vertex_tracks", "", "uint16", 0, f"tracks of the vertex of axis {k}") for k in range(2)),
    Column("lepton_pt_ratio", "", "uint16", -9, "pt of the hardest electron or muon over that of the jet"),
)
"""The inputs of `hbb_dense`, in its order."""

COLUMNS: tuple[Column, ...] = (
    *FEATURES,
    Column("jet_pt", "GeV", "uint16", -2, "transverse momentum, before grooming"),
    Column("jet_eta", "", "int16", -8, "pseudorapidity of the axis"),
    Column("label", "", "int8", 0, "class: 0 QCD, 1 H"),
)
