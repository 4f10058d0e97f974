"""The five-class boosted-jet sample `jets5`: Pythia 8 events, a simple detector, FastJet, substructure.

Importing this package loads neither NumPy, Pythia nor FastJet; the modules inside do, when they are used.

settings    settings of the generator: processes, windows, matching, detector, all in one frozen dataclass
events      Pythia's event records as flat arrays
detector    particles -> smeared candidates
clustering  candidates -> anti-kT jets, matching to the parent, mMDT grooming
substructure  groomed jets -> the sixteen observables
chunk       one class, one seed, n jets -> columns of raw integers
make        all chunks, in parallel -> one Parquet file
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fasttrig.data.jets5.make import make_jets5

__all__ = ["make_jets5"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fasttrig.data.jets5.make import make_jets5

    return make_jets5
