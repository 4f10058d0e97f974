"""The columns of the top sample. Imports nothing heavy."""

from __future__ import annotations

from fasttrig.data.columns import Column

CLASS_NAMES: tuple[str, ...] = ("QCD", "t")

N_CONSTITUENTS = 15
"""Constituents kept per jet, in decreasing transverse momentum."""

MAX_AXES = 6
BETAS = (0.5, 1.0, 2.0)
"""Orders and exponents of N-subjettiness."""

SUBJETTINESS: dict[tuple[int, float], str] = {
    (n, beta): f"tau{n}_b{beta:g}".replace(".", "") for n in range(1, MAX_AXES + 1) for beta in BETAS
}
"""Column of each order and exponent: ``tau3_b1``, ``tau3_b05``, ..."""

POLYNOMIALS: tuple[str, ...] = (
    "edge",
    "double_edge",
    "wedge",
    "triple_edge",
    "wedge_double",
    "triangle",
    "star",
    "chain",
)
"""Energy flow polynomials of the connected graphs of at most three edges."""

COLUMNS: tuple[Column, ...] = (
    *(
        Column(name, "", "uint16", -15 if beta > 1 else -12, f"N-subjettiness tau_{n}, beta {beta:g}, kT axes")
        for (n, beta), name in SUBJETTINESS.items()
    ),
    *(Column(f"efp_{name}", "", "int16", -6, f"log2 of the energy flow polynomial {name}") for name in POLYNOMIALS),
    Column("mass_mmdt", "GeV", "uint16", -3, "mass of the jet groomed by mMDT (zcut 0.1)"),
    Column("jet_pt", "GeV", "uint16", -2, "transverse momentum, before grooming"),
    Column("jet_eta", "", "int16", -8, "pseudorapidity of the axis"),
    Column("jet_mass", "GeV", "uint16", -3, "mass, before grooming"),
    Column("n_constituents", "", "uint16", 0, "number of constituents"),
    Column("label", "", "int8", 0, "class: 0 QCD, 1 t"),
    Column("constituent_pt", "GeV", "uint16", -2, "transverse momentum; 0 marks an empty slot", N_CONSTITUENTS),
    Column("constituent_d_eta", "", "int16", -8, "pseudorapidity minus that of the jet axis", N_CONSTITUENTS),
    Column("constituent_d_phi", "rad", "int16", -8, "azimuth minus that of the jet axis", N_CONSTITUENTS),
)
