"""Numbers that HGQ2 computes in float32 before it quantises them: taken only where no rounding error can matter.

The order of a float32 sum, a fused multiply-add, a fast square root or ``tanh`` are the machine's choice. So a number
is quantised at both ends of what any of them can give; one that comes out different there has no definite value and is
refused.
"""

from __future__ import annotations

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FloatArray
from fasttrig.frontends.hgq.quantiser import Float32, LearnedBits

ULP = 2.0**-23
"""Distance of float32 numbers, relative to them."""


def settled(bits: LearnedBits, exact: FloatArray, spread: FloatArray, where: str) -> Float32:
    """`exact` (float64) quantised, where every number within `spread` of it gives the same. Shapes: any -> same.

    Raises
    ------
    InputError
        For a number that is not finite, such as one divided by the root of a negative variance.
    UnsupportedError
        Naming the first element that is on the edge.
    """
    if not np.isfinite(exact).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(exact))[0])
        raise InputError(
            "a number that is computed of the weights is not finite",
            where=where,
            got=f"element {place}: {float(exact[place])!r}",
            want="finite numbers; variances of a normalisation from 0 on",
            try_="look at the training",
        )
    lowest, highest = (bits.weights((exact + side * spread).astype(np.float32)) for side in (-1, 1))
    unsure = lowest != highest
    if unsure.any():
        place = tuple(int(index) for index in np.argwhere(unsure)[0])
        raise UnsupportedError(
            "a number lies so near a rounding edge that the machine's float32 decides it",
            where=where,
            got=f"element {place}: {float(exact[place])!r}, quantised to {lowest[place]} or {highest[place]}",
            want="numbers that every machine quantises to the same level",
            try_="train a few more steps, or move that number by a little (1e-4 of it), and save again",
        )
    return lowest
