"""Samples that come with fasttrig."""

from __future__ import annotations

from pathlib import Path

from fasttrig.base.errors import InputError, near_names

FOLDER = Path(__file__).resolve().parent
SAMPLES: dict[str, str] = {name: f"{name}.parquet" for name in ("jets5", "hbb", "top", "muons")}
NAMES: tuple[str, ...] = tuple(SAMPLES)


def path(name: str) -> Path:
    """Path of an embedded sample.

    Parameters
    ----------
    name : str
        `jets5`: 83,200 jets of five classes. `hbb`: 30,000 jets, H to bb against QCD. `top`: 16,000 jets, top quarks
        against QCD. `muons`: 60,000 muons of the bending toy.

    Raises
    ------
    InputError
        If there is no such sample.
    """
    if name not in SAMPLES:
        raise InputError("no such sample", where=f"samples.path({name!r})", try_=near_names(name, SAMPLES))
    return FOLDER / SAMPLES[name]
