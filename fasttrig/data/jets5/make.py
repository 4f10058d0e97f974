"""`make_jets5`: the sample of five classes of boosted jets."""

from __future__ import annotations

import os
from pathlib import Path

from fasttrig.data.jets5.measure import JETS5
from fasttrig.data.simulation.make import JetProgress, make_jets
from fasttrig.data.simulation.settings import JetSettings


def make_jets5(
    n_events: int,
    seed: int,
    path: str | os.PathLike[str],
    workers: int | None = None,
    progress: JetProgress | None = None,
    settings: JetSettings | None = None,
) -> Path:
    """Generate the five-class jet sample and write it to one Parquet file: `simulation.make.make_jets`."""
    return make_jets(JETS5, n_events, seed, path, workers, progress, settings)
