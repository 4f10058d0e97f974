"""Settings of the hbb generator: processes and tracker; windows, matching and detector as `simulation.settings`.

H    q qbar -> H Z, H to b bbar, Z to neutrinos
QCD  all 2 -> 2 processes of gluons and quarks, b quarks from splitting and from the hard process among them

Both have a flattened spectrum of the hard scattering. Jets have R = 0.8 and 400 < pt < 650 GeV: the two b quarks of a
Higgs boson are then 0.4 to 0.6 apart, inside one jet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from fasttrig.data.simulation.settings import HARD_SCATTERING, JetSettings


@dataclass(frozen=True, slots=True)
class HbbSettings(JetSettings):
    """Windows, and the tracker along the beam.

    Tracks above `vertex_track_pt_min_gev` count. The resolution of their impact parameter along the beam is
    `z0_constant_mm` + `z0_slope_mm_gev` / pt, in quadrature; those displaced by `displaced_sigmas` enter vertices.
    """

    processes: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "QCD": ("HardQCD:all = on", *HARD_SCATTERING),
        "H": (
            "HiggsSM:ffbar2HZ = on",
            "25:onMode = off",
            "25:onIfAny = 5",
            "23:onMode = off",
            "23:onIfAny = 12 14 16",
            *HARD_SCATTERING,
        ),
    }
    parent_ids: ClassVar[Mapping[str, tuple[int, ...]]] = {"QCD": (1, 2, 3, 4, 5, 21), "H": (25,)}
    hard_partons: ClassVar[tuple[str, ...]] = ("QCD",)

    pthat_min_gev: float = 380.0
    pthat_max_gev: float = 680.0
    jet_pt_min_gev: float = 400.0
    jet_pt_max_gev: float = 650.0
    z0_constant_mm: float = 0.03
    z0_slope_mm_gev: float = 0.12
    vertex_track_pt_min_gev: float = 1.0
    displaced_sigmas: float = 2.5
