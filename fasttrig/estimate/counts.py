"""The counts of one layer and the setting they are made for, shared by the modules that count.

A term is a count of hardware (adders, multiplexers, tables) in units of 16 bits; nothing here is fitted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from fasttrig.estimate.layer_costs import Layer
from fasttrig.estimate.terms import Cycles, Ff, Lut

WORD = 16.0
DSP_PRODUCT_BITS = 21
"""A multiplier takes a DSP from this width of product on: 16 x 5 does, 16 x 4 and 8 x 8 do not."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Target of a design; `slowness` is the delay of the fabric against UltraScale+, times 5 ns / clock."""

    clock_period_ns: float = 5.0
    stream: bool = False
    slowness: float = 1.0
    vivado: bool = False  # Vivado HLS, the predecessor of Vitis HLS
    dsp_product_bits: int = DSP_PRODUCT_BITS  # for products by constants
    clock_margin: float = 1.0  # how much longer logic looks to the tool's scheduler than to Vivado HLS

    @property
    def cycle_pace(self) -> float:
        """The slowness that the scheduler counts states with."""
        return self.slowness * self.clock_margin


@dataclass(slots=True)
class Built:
    """Counts of one layer."""

    lut: dict[Lut, float] = field(default_factory=lambda: defaultdict(float))
    ff: dict[Ff, float] = field(default_factory=lambda: defaultdict(float))
    cycles: dict[Cycles, float] = field(default_factory=lambda: defaultdict(float))
    dsp: float = 0.0
    bram18: float = 0.0
    bram18_shallow: float = 0.0  # of these, tables that logic synthesis turns into LUTs
    fixed_cycles: float = 0.0  # of states that are counted, not fitted
    ii: float = 1.0
    busy: float = 0.0  # cycles a streaming layer needs for one event


def gently(slowness: float) -> float:
    """Registers of logic that always has some: fewer at a slow clock, more at a fast one, within bounds."""
    return min(2.0, max(0.4, slowness))


def count_stream(layer: Layer, setting: Setting, built: Built, channels: int) -> None:
    """One FIFO and one handshake per streaming layer."""
    if not setting.stream:
        return
    words = channels * layer.input.width / WORD
    built.lut[Lut.STREAM_LAYER] += 1
    built.lut[Lut.STREAM_FIFO] += words
    built.ff[Ff.STREAM_LAYER] += 1
    built.ff[Ff.STREAM_FIFO] += words
    if layer.positions > 1024 and channels > 1:
        built.bram18 += channels * layer.input.width / 36
    built.cycles[Cycles.STREAM_LAYER] += 1
