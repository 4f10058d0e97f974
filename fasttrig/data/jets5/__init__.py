"""The five-class boosted-jet sample `jets5`: Pythia 8 events, a simple detector, FastJet, substructure.

Importing this package loads neither NumPy, Pythia nor FastJet; the modules inside do, when they are used.

parameters  settings of the generator: its processes
substructure  groomed jets -> the sixteen observables
measure     jets -> the columns of the sample
make        `make_jets5`; all else that makes samples of jets is in `fasttrig.data.simulation`
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
