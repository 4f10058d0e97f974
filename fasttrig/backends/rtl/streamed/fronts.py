"""What stands in front of the body of a stage: a line buffer or an accumulator, both a walk over positions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.ir.ops import Op, Reduce, Reduction, Value
from fasttrig.ir.ops.base import Shape

_Flags: TypeAlias = npt.NDArray[np.bool_]
GridPair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Front:
    """The base of both.

    Attributes
    ----------
    op : Op
        What it is in the graph.
    result : Value
        What it makes at one position.
    spatial : tuple of int
        The positions that it makes; empty when it makes one result per event.
    kinds : tuple of FixedType
        The elements of one position that it takes, as they lie on its port.
    """

    op: Op
    result: Value
    spatial: Shape
    kinds: tuple[FixedType, ...]

    module: ClassVar[str]

    @property
    def width(self) -> int:
        """Bits of a position that it takes."""
        return sum(kind.width for kind in self.kinds)

    @property
    def made_kinds(self) -> tuple[FixedType, ...]:
        """The elements of what it makes."""
        raise NotImplementedError

    @property
    def takes(self) -> _Flags:
        """For each step of an event: whether a position enters."""
        raise NotImplementedError

    @property
    def emits(self) -> _Flags:
        """For each step of an event: whether a result leaves."""
        raise NotImplementedError

    @property
    def register_bits(self) -> int:
        """Of what it keeps and of its result."""
        raise NotImplementedError

    def parameters(self) -> dict[str, str | int]:
        """Of its module."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LineBuffer(Front):
    """Neighbourhoods of a grid; in order (rows, columns), a sequence is one row. A kernel as large as the grid collects
    an event, one of a single position hands each on."""

    grid: GridPair
    kernel: GridPair = (1, 1)
    stride: GridPair = (1, 1)
    dilation: GridPair = (1, 1)
    before: GridPair = (0, 0)
    after: GridPair = (0, 0)
    pad_raw: int = 0

    module: ClassVar[str] = "stream_window"

    @property
    def made_kinds(self) -> tuple[FixedType, ...]:
        return self.kinds * math.prod(self.kernel)

    @property
    def whole_grid(self) -> GridPair:
        """With the pads."""
        rows, cols = (n + b + a for n, b, a in zip(self.grid, self.before, self.after, strict=True))
        return rows, cols

    @cached_property
    def takes(self) -> _Flags:
        flags = np.zeros(self.whole_grid, dtype=bool)
        top, left = self.before
        flags[top : top + self.grid[0], left : left + self.grid[1]] = True
        return flags.ravel()

    @cached_property
    def emits(self) -> _Flags:
        flags = np.zeros(self.whole_grid, dtype=bool)
        row, col = (d * (k - 1) for d, k in zip(self.dilation, self.kernel, strict=True))
        flags[row :: self.stride[0], col :: self.stride[1]] = True
        return flags.ravel()

    @property
    def register_bits(self) -> int:
        (rows, cols), (down, right) = self.kernel, self.dilation
        kept = down * (rows - 1) * self.whole_grid[1] + right * (cols - 1)
        return (kept + rows * cols) * self.width

    def parameters(self) -> dict[str, str | int]:
        axes = ("ROWS", "COLS")
        pairs = {"": self.grid, "KERNEL_": self.kernel, "STRIDE_": self.stride, "DILATION_": self.dilation}
        return {
            "WIDTH": self.width,
            "PAD": f"{self.width}'h{self._pad():x}",
            **{f"{name}{axis}": n for name, pair in pairs.items() for axis, n in zip(axes, pair, strict=True)},
            "TOP": self.before[0],
            "BOTTOM": self.after[0],
            "LEFT": self.before[1],
            "RIGHT": self.after[1],
        }

    def _pad(self) -> int:
        """A position of pads, in bits."""
        bits = low = 0
        for kind in self.kinds:
            raw, rest = divmod(self.pad_raw, 1 << (self.result.type.fraction_bits - kind.fraction_bits))
            if rest or not kind.holds(raw, raw):
                raise UnsupportedError(
                    "a pad is not a number of its channel", where=self.op.where, got=str(self.pad_raw), want=str(kind)
                )
            bits |= (raw & ((1 << kind.width) - 1)) << low
            low += kind.width
        return bits


@dataclass(frozen=True, kw_only=True)
class Accumulator(Front):
    """A reduction over all positions of an event."""

    op: Reduce
    positions: int

    module: ClassVar[str] = "stream_reduce"

    @property
    def made_kinds(self) -> tuple[FixedType, ...]:
        return (self.result.type,) * self.result.size

    @cached_property
    def takes(self) -> _Flags:
        return np.ones(self.positions, dtype=bool)

    @cached_property
    def emits(self) -> _Flags:
        return np.arange(self.positions) == self.positions - 1

    @property
    def register_bits(self) -> int:
        return self.result.size * self.result.type.width

    def parameters(self) -> dict[str, str | int]:
        kind, made = self.op.operand.type, self.result.type
        return {
            "POSITIONS": self.positions,
            "CHANNELS": self.result.size,
            "IN_BITS": kind.width,
            "OUT_BITS": made.width,
            "SIGNED": int(kind.signed),
            "SUM": int(self.op.is_sum),
            "MAX": int(self.op.reduction is Reduction.MAX),
        }
