"""Settings of the top generator: processes and windows; matching and detector as `simulation.settings`.

t    gg, qqbar -> t tbar, both W to quarks
QCD  all 2 -> 2 processes of gluons and quarks

Both have a flattened spectrum of the hard scattering. The window of the jets, 550 < pt < 650 GeV and |eta| < 2 with
R = 0.8, is that of the comparison of top taggers (Kasieczka et al., 1902.09914). The detector is ours, not Delphes'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from fasttrig.data.simulation.settings import HARD_SCATTERING, W_TO_QUARKS, JetSettings


@dataclass(frozen=True, slots=True)
class TopSettings(JetSettings):
    """Windows of the top sample."""

    processes: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "QCD": ("HardQCD:all = on", *HARD_SCATTERING),
        "t": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *W_TO_QUARKS, *HARD_SCATTERING),
    }
    parent_ids: ClassVar[Mapping[str, tuple[int, ...]]] = {"QCD": (1, 2, 3, 4, 5, 21), "t": (6,)}
    hard_partons: ClassVar[tuple[str, ...]] = ("QCD",)

    pthat_min_gev: float = 530.0
    pthat_max_gev: float = 720.0
    jet_pt_min_gev: float = 550.0
    jet_pt_max_gev: float = 650.0
    jet_eta_max: float = 2.0
