"""Runs in this process, on threads: what does not depend on who does the work."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fasttrig.design import load_built
from fasttrig.grid import GridOptions, emulate_many
from tests.unit.streaming.cases import built, columns, write

SIZES = {"a.root": 1000, "b.parquet": 7000, "c.h5": 3, "d.root": 0, "e.csv": 40}


class Threads(ThreadPoolExecutor):
    """Workers of a run."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


def uneven(place: Path) -> Path:
    """A build folder, and files of very uneven sizes."""
    built(place)
    (place / "in").mkdir()
    for name, size in SIZES.items():
        write(place / "in" / name, columns(size))
    return place


def done(place: Path, out: Path, *, threads: int = 1, **options: Any) -> dict[str, Any]:
    """The files of ``in`` emulated into `out`."""
    files = sorted((place / "in").iterdir())
    kinds = {".csv": ".parquet"}
    outputs = [out / f"{file.stem}{kinds.get(file.suffix, file.suffix)}" for file in files]
    chosen = GridOptions(**{"backoff_s": 0.01, **options})
    with Threads(threads) as workers:
        return emulate_many(load_built(place), [*map(str, files)], outputs, workers, chosen).to_dict()


def bits(told: dict[str, Any]) -> tuple[int, str, str]:
    return told["n_events"], told["checksum"], json.dumps(told["words"])
