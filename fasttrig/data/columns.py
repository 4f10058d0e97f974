"""The columns of the jets5 sample: names, units, integer types and least significant bits. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

CLASS_NAMES: tuple[str, ...] = ("g", "q", "W", "Z", "t")
"""Label 0 to 4: gluon, light quark, W boson, Z boson, top quark."""

SPLIT_NAMES: tuple[str, ...] = ("train", "validation", "test")
"""Split 0 to 2."""

SPLIT_FRACTIONS: tuple[float, ...] = (0.60, 0.15, 0.25)

PARTICLE_NAMES: tuple[str, ...] = ("charged hadron", "neutral hadron", "photon", "electron", "muon")
"""Particle identity 0 to 4."""

N_CONSTITUENTS = 16
"""Constituents kept per jet, in decreasing transverse momentum."""

METADATA_KEY = "fasttrig.jets5"
"""Key of the JSON text in the Parquet file's metadata."""

METADATA_PREFIX = b"fasttrig."
"""Prefix of the metadata keys of all fasttrig samples."""


@dataclass(frozen=True, slots=True)
class Column:
    """One stored column: `value = raw * 2**lsb_log2`.

    Parameters
    ----------
    name, unit, description : str
        `unit` is empty for a pure number.
    raw_type : str
        NumPy name of the stored integer type.
    lsb_log2 : int
        Exponent of the least significant bit.
    length : int
        1 for a number per jet; otherwise the fixed length of the list per jet.
    """

    name: str
    unit: str
    raw_type: str
    lsb_log2: int
    description: str
    length: int = 1

    @property
    def lsb(self) -> float:
        """Least significant bit, in `unit`."""
        return 2.0**self.lsb_log2


OBSERVABLES: tuple[Column, ...] = (
    Column("zlogz", "", "int16", -12, "sum of z ln z over all constituents"),
    Column("c1_b0_mmdt", "", "uint16", -16, "C1, beta 0"),
    Column("c1_b1_mmdt", "", "uint32", -17, "C1, beta 1"),
    Column("c1_b2_mmdt", "", "uint32", -23, "C1, beta 2"),
    Column("c2_b1_mmdt", "", "uint32", -17, "C2, beta 1"),
    Column("c2_b2_mmdt", "", "uint32", -24, "C2, beta 2"),
    Column("d2_b1_mmdt", "", "uint32", -11, "D2, beta 1"),
    Column("d2_b2_mmdt", "", "uint32", -11, "D2, beta 2"),
    Column("d2_a1_b1_mmdt", "", "uint32", -11, "D2, alpha 1, beta 1; equal to d2_b1_mmdt by definition"),
    Column("d2_a1_b2_mmdt", "", "uint16", -16, "D2, alpha 1, beta 2"),
    Column("m2_b1_mmdt", "", "uint16", -16, "M2, beta 1"),
    Column("m2_b2_mmdt", "", "uint16", -16, "M2, beta 2"),
    Column("n2_b1_mmdt", "", "uint16", -15, "N2, beta 1"),
    Column("n2_b2_mmdt", "", "uint16", -15, "N2, beta 2"),
    Column("mass_mmdt", "GeV", "uint16", -6, "mass of the groomed jet"),
    Column("multiplicity", "", "uint16", 0, "number of constituents, before grooming"),
)

CONSTITUENTS: tuple[Column, ...] = (
    Column("constituent_pt", "GeV", "uint16", -4, "transverse momentum; 0 marks an empty slot", N_CONSTITUENTS),
    Column("constituent_d_eta", "", "int16", -10, "pseudorapidity minus that of the jet axis", N_CONSTITUENTS),
    Column("constituent_d_phi", "rad", "int16", -10, "azimuth minus that of the jet axis", N_CONSTITUENTS),
    Column("constituent_charge", "e", "int8", 0, "electric charge", N_CONSTITUENTS),
    Column(
        "constituent_id",
        "",
        "int8",
        0,
        "0 charged hadron, 1 neutral hadron, 2 photon, 3 electron, 4 muon",
        N_CONSTITUENTS,
    ),
    Column("constituent_d0", "mm", "int16", -7, "signed transverse impact parameter; 0 for neutrals", N_CONSTITUENTS),
)

JET: tuple[Column, ...] = (
    Column("jet_pt", "GeV", "uint16", -5, "transverse momentum, before grooming"),
    Column("jet_eta", "", "int16", -12, "pseudorapidity of the axis"),
    Column("jet_mass", "GeV", "uint16", -5, "mass, before grooming"),
    Column("n_constituents", "", "uint16", 0, "number of constituents, before grooming; equal to multiplicity"),
    Column("label", "", "int8", 0, "class: 0 g, 1 q, 2 W, 3 Z, 4 t"),
)

SPLIT = Column("split", "", "int8", 0, "0 train, 1 validation, 2 test")

GENERATED: tuple[Column, ...] = (*OBSERVABLES, *JET, *CONSTITUENTS)
ALL: tuple[Column, ...] = (*GENERATED, SPLIT)

SIXTEEN: tuple[str, ...] = tuple(column.name for column in OBSERVABLES)
"""The sixteen observables of the public five-class benchmark, in its order."""
