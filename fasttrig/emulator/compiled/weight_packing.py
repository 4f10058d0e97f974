"""Input of the dense kernels: groups of four bytes per event, and the layers that can use them.

A group is four unsigned bytes (``quads``) or two numbers of 16 bits (``pairs``) of neighbouring inputs. Bytes hold
``raw - offset``, so that any range of up to 256 numbers fits; the layer's bias makes up for the offset exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from fasttrig.base.fixed import IntArray
from fasttrig.emulator.compiled.integers import INT8, INT16, INT32
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import MatMul


class Group(Enum):
    """Name, C++ type of a number, numbers in a group."""

    QUADS = ("quads", "std::uint8_t", 4)
    PAIRS = ("pairs", "std::int16_t", 2)

    @property
    def label(self) -> str:
        return self.value[0]

    @property
    def cell(self) -> str:
        return self.value[1]

    @property
    def size(self) -> int:
        return self.value[2]


@dataclass(frozen=True, slots=True)
class Packing:
    """Packing of a tensor along its last axis."""

    group: Group
    offset: int = 0

    def holds(self, low: int, high: int) -> bool:
        """Whether the cells take every number from `low` to `high`."""
        if self.group is Group.PAIRS:
            return INT16.holds(low, high)
        return low >= self.offset and high - self.offset <= 255


def packing_of(op: MatMul, operand: Interval) -> Packing | None:
    """The packing in which `op` reads its operand; none where its numbers do not fit 32-bit sums of packed products."""
    if op.narrowed:
        return None
    weight, bias = op.aligned()
    low, high = operand.bounds
    for packing, weight_type in (
        (Packing(Group.QUADS, 0 if low >= 0 and high <= 255 else low), INT8),
        (Packing(Group.PAIRS), INT16),
    ):
        if not packing.holds(low, high) or not weight_type.holds(int(weight.min()), int(weight.max())):
            continue
        if INT32.holds(0, largest_sum(weight, bias, low, high, packing.offset)):
            return packing
    return None


def largest_sum(weight: IntArray, bias: IntArray, low: int, high: int, offset: int) -> int:
    """Bound on the magnitude of every partial sum of packed products, in any order."""
    largest = max(abs(low - offset), abs(high - offset), 1)
    products = abs(weight).sum(axis=0) * largest
    return int((products + abs(bias) + abs(offset) * abs(weight).sum(axis=0)).max())


def groups_in_16_bits(weight: IntArray, high: int) -> int:
    """Number of consecutive quads that may be summed in 16 bits, by pair of inputs; 0 if even one is too wide.

    `weight` has shape (n_quads, 4, n_out); the inputs are 0 ... `high`.
    """
    pairs = weight.reshape(len(weight), 2, 2, -1)
    up = np.maximum(pairs, 0).sum(axis=2) * high
    down = np.minimum(pairs, 0).sum(axis=2) * high
    best = 0
    for count in range(1, len(weight) + 1):
        starts = range(0, len(weight), count)
        tops = [up[start : start + count].sum(axis=0) for start in starts]
        bottoms = [down[start : start + count].sum(axis=0) for start in starts]
        if not INT16.holds(int(np.min(bottoms)), int(np.max(tops))):
            break
        best = count
    return best
