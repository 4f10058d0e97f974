"""How a column of numbers becomes raw integers: one formula, for NumPy and for the compiled emulator."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from fasttrig.base.fixed import FixedType, FloatArray, Rounding

RULE_BITS = 50
"""Raw integers of so many bits are clipped and rounded exactly in float64."""


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """``raw = clip(round((x - offset) * factor), low, high) << grid_bits``, every step in float64.

    Parameters
    ----------
    factor : float
        A power of two.
    rounding : Rounding
        TRN or RND_CONV.
    exact : bool
        Refuse what rounding or clipping would change.
    """

    offset: float
    factor: float
    low: int
    high: int
    grid_bits: int = 0
    rounding: Rounding = Rounding.TRN
    exact: bool = False

    @classmethod
    def of(
        cls, fixed_type: FixedType, factor: float, *, offset: float = 0.0, grid_bits: int = 0, rounding: Rounding
    ) -> ColumnRule | None:
        """The rule that saturates at the ends of `fixed_type`; None where float64 does not hold every step."""
        if fixed_type.width + grid_bits > RULE_BITS or not 0.0 < factor < math.inf:
            return None
        return cls(offset, factor, fixed_type.min_raw, fixed_type.max_raw, grid_bits, rounding)

    @classmethod
    def of_raw(cls, fixed_type: FixedType, grid_bits: int) -> ColumnRule | None:
        """The rule of integers that are raw already: inside the type and on its grid, else refused."""
        rule = cls.of(fixed_type, 2.0**-grid_bits, grid_bits=grid_bits, rounding=Rounding.RND_CONV)
        return None if rule is None else replace(rule, exact=True)

    def raw(self, x: FloatArray) -> FloatArray:
        """Raw integers of a finite column in its own unit, in float64. Shapes: (n_events,) -> same."""
        made = x - self.offset
        with np.errstate(over="ignore"):  # what becomes infinite saturates
            np.multiply(made, self.factor, out=made)
        (np.floor if self.rounding is Rounding.TRN else np.rint)(made, out=made)
        np.maximum(made, float(self.low), out=made)
        np.minimum(made, float(self.high), out=made)
        return np.multiply(made, float(1 << self.grid_bits), out=made) if self.grid_bits else made


ColumnRules: TypeAlias = tuple[ColumnRule, ...]
"""One per column, in the order of the graph's inputs."""
