"""Constants of the neighbourhoods of a Window, which its readers find in the operand itself."""

from __future__ import annotations

import math

import numpy as np

from fasttrig.emulator.compiled import cpp
from fasttrig.emulator.compiled.integers import table_type
from fasttrig.ir.ops import Window


def neighbour_lines(op: Window, offset: int) -> tuple[str, ...]:
    """The struct of constants of ``Neighbours``; the numbers in memory are raw integers less `offset`."""
    spatial, channels = op.operand.shape[:-1], op.operand.shape[-1]
    reach = np.stack(np.unravel_index(np.arange(math.prod(op.kernel)), op.kernel)) * np.array([op.dilation]).T
    pitch = [math.prod(spatial[axis + 1 :]) for axis in range(len(spatial))]
    numbers = {
        "positions": op.result.shape[: len(spatial)],
        "stride": op.stride,
        "before": op.before,
        "spatial": spatial,
        "pitch": pitch,
    }
    kind = "std::int32_t"
    return (
        cpp.sizes(rank=len(spatial), elements=reach.shape[1], channels=channels),
        cpp.switch("pads", bool((op.sources < 0).any())),
        cpp.constant(table_type([op.pad - offset]).name, "pad", op.pad - offset),
        *(line for name, entries in numbers.items() for line in cpp.table(name, entries, kind)),
        *cpp.rows("reach", reach, kind),
    )
