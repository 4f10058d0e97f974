"""Settings that every sample of jets has: windows, matching and the detector. Imports nothing heavy.

Events are proton-proton collisions at 13 TeV with initial- and final-state radiation, multi-parton interactions,
hadronisation and decays on, and no pile-up. A particle with c*tau above 10 mm (K0S, Lambda, charged pions ...) is
stable, as is usual for what a tracker sees.

A jet is kept when its transverse momentum and pseudorapidity lie in their windows and its parent lies within `match_dr`
of its axis. The parent is the outgoing parton of the hard scattering for the classes in `hard_partons`, else the last
copy of the particle before it decays. A parent belongs to its nearest jet, and labels one jet at most. Decay products
are not asked to lie inside the jet: the window on transverse momentum does most of that, and what it leaves is part of
the class, as in data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar

HARD_SCATTERING = (
    "PhaseSpace:pTHatMin = {pthat_min_gev:g}",
    "PhaseSpace:pTHatMax = {pthat_max_gev:g}",
    "PhaseSpace:bias2Selection = on",
    "PhaseSpace:bias2SelectionPow = {pthat_bias_power:g}",
    "PhaseSpace:bias2SelectionRef = 1000",
)
"""The transverse momentum of the hard scattering lies between `pthat_min_gev` and `pthat_max_gev`. Events are drawn
with the weight (pthat / 1 TeV)**`pthat_bias_power`, which makes the spectrum nearly flat; the compensating weight is
dropped."""

W_TO_QUARKS = ("24:onMode = off", "24:onIfAny = 1 2 3 4 5")


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector in the manner of a general-purpose LHC experiment; resolutions are relative and added in quadrature.

    Tracks: sigma(pt)/pt = `track_constant` + `track_per_gev` * pt; both angles `track_angle_rad`; the impact parameter
    `d0_constant_mm` + `d0_slope_mm_gev` / pt. A charged hadron without a track deposits its energy as a neutral hadron;
    electrons and muons do not lose theirs inside the acceptance. Calorimeters: energy of one kind falling in one cell
    is summed, takes the direction of the cell's centre and is smeared with stochastic / sqrt(E) + constant + noise / E.
    An electron has the direction of its track and the better of the two momentum resolutions. Neutrinos are not seen.
    Candidates are massless. There is no magnetic field.
    """

    track_eta_max: float = 2.5
    calo_eta_max: float = 3.0
    track_pt_min_gev: float = 0.5
    photon_pt_min_gev: float = 0.5
    hadron_pt_min_gev: float = 1.0
    track_efficiency: float = 0.97
    track_constant: float = 0.007
    track_per_gev: float = 1.0e-4
    track_angle_rad: float = 1.0e-3
    d0_constant_mm: float = 0.015
    d0_slope_mm_gev: float = 0.08
    ecal_stochastic: float = 0.028
    ecal_constant: float = 0.005
    ecal_noise_gev: float = 0.12
    ecal_cell: float = 0.0175
    hcal_stochastic: float = 0.5
    hcal_constant: float = 0.03
    hcal_noise_gev: float = 0.5
    hcal_cell: float = 0.0875


@dataclass(frozen=True, slots=True)
class JetSettings:
    """All settings that determine a sample of jets, except the seed and the number of jets.

    A subclass has the processes: `processes`, Pythia's lines per class, where names in braces are fields of the
    settings; `parent_ids`, absolute PDG identities of the parent of a jet of each class; and `hard_partons`, classes
    whose parent is an outgoing parton of the hard scattering (Pythia status -23).
    """

    processes: ClassVar[Mapping[str, tuple[str, ...]]]
    parent_ids: ClassVar[Mapping[str, tuple[int, ...]]]
    hard_partons: ClassVar[tuple[str, ...]] = ()

    energy_gev: float = 13000.0
    pthat_min_gev: float = 850.0
    pthat_max_gev: float = 1150.0
    pthat_bias_power: float = 6.0
    jet_radius: float = 0.8
    jet_pt_min_gev: float = 800.0
    jet_pt_max_gev: float = 1200.0
    jet_eta_max: float = 1.7
    match_dr: float = 0.4
    zcut: float = 0.1
    tau_max_mm: float = 10.0
    chunk_jets: int = 1040
    batch_events: int = 200
    detector: Detector = field(default_factory=Detector)

    def pythia_lines(self, class_name: str, seed: int) -> tuple[str, ...]:
        """Lines for `Pythia.readString`; `seed` lies between 1 and 900,000,000."""
        common = (
            "Print:quiet = on",
            "Random:setSeed = on",
            f"Random:seed = {seed}",
            "Beams:eCM = {energy_gev:g}",
            "ParticleDecays:limitTau0 = on",
            "ParticleDecays:tau0Max = {tau_max_mm:g}",
        )
        return tuple(line.format(**asdict(self)) for line in (*common, *self.processes[class_name]))

    def as_dict(self) -> dict[str, object]:
        """Plain dictionary for the metadata of a file."""
        return asdict(self) | {"pythia": {name: list(self.pythia_lines(name, 1)[3:]) for name in self.processes}}
