"""Settings of the jets5 generator: its processes. Windows, matching and the detector: `simulation.settings`.

Hard processes, all at leading order:

g   gg -> gg and qqbar -> gg
q   qq' -> qq', qqbar -> q'qbar' and gg -> qqbar; a u, d or s quark
W   gg -> scalar -> W+ W-, both to quarks (u, d, s, c, b)
Z   gg -> scalar -> Z Z, both to quarks (u, d, s, c, b)
t   gg, qqbar -> t tbar, both W to quarks

The scalar of W and Z is a Higgs boson with its mass set to 2.2 TeV, its width to 400 GeV and its range to 1.75-2.5 TeV:
its bosons are longitudinal, as from a new heavy resonance, so both quarks are usually hard (with the transverse bosons
of the continuum, 34 % of W jets lie outside 65-105 GeV, here 20 %), and their spectrum comes out like that of the other
classes (medians of the jet's transverse momentum within 3 %). No classifier lives off the slope of a spectrum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from fasttrig.data.simulation.settings import HARD_SCATTERING, W_TO_QUARKS, JetSettings

HEAVY_SCALAR = (
    "HiggsSM:gg2H = on",
    "25:m0 = 2200",
    "25:doForceWidth = on",
    "25:mWidth = 400",
    "25:mMin = 1750",
    "25:mMax = 2500",
    "25:onMode = off",
)
Z_TO_QUARKS = ("23:onMode = off", "23:onIfAny = 1 2 3 4 5")
QUARK_PAIRS = ("HardQCD:qq2qq = on", "HardQCD:qqbar2qqbarNew = on", "HardQCD:gg2qqbar = on", "HardQCD:nQuarkNew = 3")


@dataclass(frozen=True, slots=True)
class GeneratorSettings(JetSettings):
    """The windows of jets5 are the defaults of all jets."""

    processes: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "g": ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on", *HARD_SCATTERING),
        "q": (*QUARK_PAIRS, *HARD_SCATTERING),
        "W": (*HEAVY_SCALAR, "25:onIfMatch = 24 24", *W_TO_QUARKS),
        "Z": (*HEAVY_SCALAR, "25:onIfMatch = 23 23", *Z_TO_QUARKS),
        "t": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *W_TO_QUARKS, *HARD_SCATTERING),
    }
    parent_ids: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "g": (21,),
        "q": (1, 2, 3),
        "W": (24,),
        "Z": (23,),
        "t": (6,),
    }
    hard_partons: ClassVar[tuple[str, ...]] = ("g", "q")
