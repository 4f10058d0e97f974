"""The muon toy: one muon per event in four endcap disks, to learn its transverse momentum from how it bends.

A toy, not a detector: every number below was chosen by hand so that the resolution is of the size that endcap muon
triggers have, 15 to 25 percent. Per event:

- log2(pT / GeV) is uniform from 1 to 7 (2 to 128 GeV), the charge +1 or -1, the pseudorapidity eta uniform from 1.2
  to 2.4;
- between disk s and the next the azimuth turns by ``charge * BEND[s] * f / pT``; ``f = 1 - 0.55 (eta - 1.2) / 1.2``,
  since the field that is seen falls towards the beam;
- the iron between the disks scatters by a Gaussian of ``13.6 MeV / p * sqrt(x/X0)`` (the leading term of Highland's
  formula, in: Review of Particle Physics), p = pT cosh(eta), x/X0 = 40 per gap; a kick turns all later disks too;
- each disk measures the azimuth with a Gaussian error of 0.25 mrad, the first also the local direction, with 4 mrad;
- a disk sees nothing in 4 percent of the muons; differences that need it are 0, and its bit in `hits` is not set. The
  first disk always sees the muon.

Everything is measured relative to the sign of the first bend that is there, as a trigger does: the charge drops out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FloatArray
from fasttrig.data.columns import SPLIT, SPLIT_FRACTIONS, SPLIT_NAMES, Column
from fasttrig.data.storage import require_own_sample, write_sample

METADATA_KEY = "fasttrig.muons"
TARGET = "log2_pt"

BEND = (0.20, 0.10, 0.05)
"""Turn of the azimuth between consecutive disks, in rad GeV."""
RADIATION_LENGTHS = 40.0
AZIMUTH_ERROR_MRAD, DIRECTION_ERROR_MRAD = 0.25, 4.0
INEFFICIENCY = 0.04
ETA = (1.2, 2.4)
LOG2_PT = (1.0, 7.0)

COLUMNS: tuple[Column, ...] = (
    Column("dphi_12", "mrad", "int16", -2, "azimuth of disk 2 minus disk 1; the sign of the first bend is positive"),
    Column("dphi_13", "mrad", "int16", -2, "azimuth of disk 3 minus disk 1"),
    Column("dphi_14", "mrad", "int16", -2, "azimuth of disk 4 minus disk 1"),
    Column("dphi_23", "mrad", "int16", -2, "azimuth of disk 3 minus disk 2"),
    Column("dphi_34", "mrad", "int16", -2, "azimuth of disk 4 minus disk 3"),
    Column("bend_1", "mrad", "int16", 0, "local direction in disk 1"),
    Column("eta", "", "int16", -6, "absolute pseudorapidity"),
    Column("hits", "", "int16", 0, "bit s - 2 is set where disk s saw the muon, s from 2 to 4"),
)
FEATURES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
TRUTH = Column(TARGET, "log2(GeV)", "int16", -12, "logarithm to base 2 of the true transverse momentum")


def make_muons(n_events: int, seed: int, path: Path | str, progress: Callable[[int, int], None] | None = None) -> Path:
    """Write a sample of the toy as Parquet.

    Parameters
    ----------
    n_events : int
    seed : int
        The same seed gives the same events.
    path : path

    Returns
    -------
    Path
        Columns: the features, `log2_pt`, and `split` (0 train, 1 validation, 2 test).
    """
    path = Path(path)
    if n_events < 1 or seed < 0:
        raise InputError(
            "invalid number of events or seed", got=f"n_events={n_events}, seed={seed}", want="n_events >= 1, seed >= 0"
        )
    require_own_sample(path, METADATA_KEY)
    random = np.random.Generator(np.random.PCG64(seed))
    values = simulate(n_events, random)
    split = random.choice(len(SPLIT_NAMES), size=n_events, p=SPLIT_FRACTIONS).astype(np.int8)
    _write(values, split, path, {"seed": seed, "events": n_events})
    if progress is not None:
        progress(n_events, n_events)
    return path


def simulate(n_events: int, random: np.random.Generator) -> dict[str, FloatArray]:
    """Measured features and the truth, each of shape (n_events,), in the units of `COLUMNS`; not yet rounded."""
    log2_pt = random.uniform(*LOG2_PT, n_events)
    eta = random.uniform(*ETA, n_events)
    charge = random.choice((-1.0, 1.0), n_events)
    pt = 2.0**log2_pt
    azimuth, slope = _azimuths(pt, eta, charge, random)
    measured = azimuth + random.normal(0.0, AZIMUTH_ERROR_MRAD, azimuth.shape)
    seen = random.random((n_events, 4)) >= INEFFICIENCY
    seen[:, 0] = True
    direction = slope + random.normal(0.0, DIRECTION_ERROR_MRAD, n_events)

    def difference(late: int, early: int) -> FloatArray:
        return np.where(seen[:, late] & seen[:, early], measured[:, late] - measured[:, early], 0.0)

    bends = {f"dphi_{i + 1}{j + 1}": difference(j, i) for i, j in ((0, 1), (0, 2), (0, 3), (1, 2), (2, 3))}
    first = np.select(
        [bends[f"dphi_1{disk}"] != 0 for disk in (2, 3, 4)],
        [np.sign(bends[f"dphi_1{disk}"]) for disk in (2, 3, 4)],
        np.sign(direction),
    )
    signed = {name: bend * first for name, bend in bends.items()}
    hits = seen[:, 1:] @ np.array([1.0, 2.0, 4.0])
    return {**signed, "bend_1": direction * first, "eta": eta, "hits": hits, TARGET: log2_pt}


def _azimuths(
    pt: FloatArray, eta: FloatArray, charge: FloatArray, random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """True azimuth at each disk, shape (n_events, 4), and the local direction at the first, both in mrad."""
    field = 1.0 - 0.55 * (eta - ETA[0]) / (ETA[1] - ETA[0])
    turns = charge[:, None] * np.array(BEND) * (1e3 * field / pt)[:, None]
    kick_mrad = 13.6 / (pt * np.cosh(eta)) * np.sqrt(RADIATION_LENGTHS)
    kicks = random.normal(size=turns.shape) * kick_mrad[:, None]
    steps = turns + np.cumsum(kicks, axis=1)
    azimuth = np.concatenate([np.zeros((len(pt), 1)), np.cumsum(steps, axis=1)], axis=1)
    return azimuth, 2.0 * turns[:, 0]


def _write(values: dict[str, FloatArray], split: NDArray[np.int8], path: Path, settings: dict[str, int]) -> None:
    columns = (*COLUMNS, TRUTH)
    about: dict[str, Any] = {
        "columns": {c.name: {"unit": c.unit, "lsb_log2": c.lsb_log2, "description": c.description} for c in columns},
        "settings": settings,
    }
    stored = {column: _stored(values[column.name], column) for column in columns}
    write_sample(path, METADATA_KEY, about, {**stored, SPLIT: split})


def _stored(values: FloatArray, column: Column) -> NDArray[np.integer]:
    limits = np.iinfo(column.raw_type)
    raw = np.floor(values / column.lsb).clip(limits.min, limits.max)
    return raw.astype(column.raw_type)
