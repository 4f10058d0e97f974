"""Rewiring: every element of the result is an element of the operand, or a constant pad. Nothing is computed.

A backend needs `sources` alone: where each element comes from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from fasttrig.base.fixed import IntArray
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.base import Fault, Op, Shape, Value

PAD = -1
"""The source of an element that is no element of the operand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewiring(Op):
    """Base of the ops that only move integers."""

    operand: Value

    own_bits: ClassVar[bool] = False

    @property
    def exact(self) -> bool:
        return True

    @property
    def fraction_bits(self) -> int:
        return self.operand.type.fraction_bits

    @property
    def sources(self) -> IntArray:
        """For each element of the result the flat index of its source, `PAD` for a pad; shape of the result."""
        return _sources(self)

    @property
    def pad(self) -> int:
        """The raw integer of a pad, at the grid of the operand."""
        return 0

    def positions(self) -> IntArray:
        """`sources`, computed."""
        raise NotImplementedError

    def interval(self, *operands: Interval) -> Interval:
        sources = self.sources.ravel()
        ends = []
        for end in (operands[0].low, operands[0].high):
            moved = end.ravel()[np.maximum(sources, 0)]
            ends.append(np.where(sources == PAD, self.pad, moved).reshape(self.result.shape))
        return Interval(*ends)


@lru_cache(maxsize=256)
def _sources(op: Rewiring) -> IntArray:
    sources = np.ascontiguousarray(op.positions(), dtype=np.int64)
    sources.setflags(write=False)
    return sources


def _numbered(value: Value) -> IntArray:
    return np.arange(value.size, dtype=np.int64).reshape(value.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transpose(Rewiring):
    """The axes of the operand in another order: axis ``i`` of the result is axis ``order[i]`` of the operand."""

    order: tuple[int, ...]

    def positions(self) -> IntArray:
        return _numbered(self.operand).transpose(self.order)

    def result_shape(self) -> Shape:
        return tuple(self.operand.shape[axis] for axis in self.order)

    def fault(self) -> Fault | None:
        if sorted(self.order) == list(range(len(self.operand.shape))):
            return None
        return Fault("Transpose needs every axis once", str(list(self.order)), f"an order of {self.operand.shape}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather(Rewiring):
    """Entries of one axis by a fixed index: slices, repeats, another order, pads (index -1)."""

    axis: int
    index: tuple[int, ...]
    pad_raw: int = 0

    @property
    def pad(self) -> int:
        return self.pad_raw

    def positions(self) -> IntArray:
        index = np.array(self.index, dtype=np.int64)
        taken = np.take(_numbered(self.operand), np.maximum(index, 0), axis=self.axis)
        shape = [1] * taken.ndim
        shape[self.axis] = len(index)
        return np.where(index.reshape(shape) == PAD, PAD, taken)

    def result_shape(self) -> Shape:
        shape = self.operand.shape
        return (*shape[: self.axis], len(self.index), *shape[self.axis + 1 :])

    def fault(self) -> Fault | None:
        if not 0 <= self.axis < len(self.operand.shape):
            return Fault("Gather has no such axis", f"axis {self.axis} of {self.operand.shape}", "an axis")
        size = self.operand.shape[self.axis]
        wrong = [place for place in self.index if not PAD <= place < size]
        return Fault("Gather reaches outside its axis", str(wrong[0]), f"{PAD} to {size - 1}") if wrong else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Rewiring):
    """Sliding neighbourhoods: (*spatial, channels) -> (*positions, elements of the kernel, channels).

    One entry per spatial axis in each of `kernel`, `stride`, `dilation`, `before` and `after` (pads at both ends).
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    pad_raw: int = 0

    @property
    def pad(self) -> int:
        return self.pad_raw

    def positions(self) -> IntArray:
        rank, channels = len(self.kernel), self.operand.shape[-1]
        spatial, places = self.operand.shape[:-1], self._places()
        flat = np.zeros((1,) * (2 * rank), dtype=np.int64)
        inside = np.ones((1,) * (2 * rank), dtype=bool)
        for axis in range(rank):
            start = np.arange(places[axis]) * self.stride[axis] - self.before[axis]
            where = start[:, None] + np.arange(self.kernel[axis]) * self.dilation[axis]
            shape = [1] * (2 * rank)
            shape[axis], shape[rank + axis] = where.shape
            where = where.reshape(shape)
            inside = inside & (where >= 0) & (where < spatial[axis])
            flat = flat * spatial[axis] + where
        flat, inside = (array.reshape(*places, math.prod(self.kernel), 1) for array in (flat, inside))
        return np.where(inside, flat * channels + np.arange(channels), PAD)

    def _places(self) -> Shape:
        sizes = zip(self.operand.shape, self.kernel, self.stride, self.dilation, self.before, self.after, strict=False)
        return tuple(
            (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
            for size, kernel, stride, dilation, before, after in sizes
        )

    def result_shape(self) -> Shape:
        return (*self._places(), math.prod(self.kernel), self.operand.shape[-1])

    def fault(self) -> Fault | None:
        rank = len(self.operand.shape) - 1
        fields = (self.kernel, self.stride, self.dilation, self.before, self.after)
        if rank < 1 or any(len(field) != rank for field in fields):
            got = f"kernel {list(self.kernel)} on {self.operand.shape}"
            return Fault("Window needs a number for each spatial axis", got, f"{rank} in every field")
        if min(*self.kernel, *self.stride, *self.dilation) < 1 or min(*self.before, *self.after) < 0:
            return Fault("Window has a size below one, or a negative pad", str(fields))
        if min(self._places()) < 1:
            return Fault("Window has no position", f"kernel {list(self.kernel)} on {self.operand.shape}")
        return None
