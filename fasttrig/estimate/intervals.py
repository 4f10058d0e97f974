"""The 80 % intervals: log ratios of measured over predicted that hold four of five reports, wider where few are near.

Quantiles come from `residuals.py`; nothing is fitted here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from fasttrig.estimate.cost_model import pool_of

ANY_STAGE = ("dsp", "latency_cycles", "ii_cycles", "uram")
"""Logic synthesis does not change these: the reports of both stages give one interval."""
_SPREAD_PER_DISTANCE = 0.2
"""Set by the LUTs of networks in repositories left out: their median |log ratio| is 0.10 below a distance of 1, 0.15
from 2 to 4 and 0.31 above 4. FF, DSP and cycles show no such growth; they are widened the same way, to be safe."""
_ONE_REPOSITORY = 1.5  # chosen, not measured: the table has no second repository of these designs to compare with
_NOTHING_KNOWN = math.log(3.0)


@dataclass(frozen=True, slots=True)
class ErrorInterval:
    """Log of measured over predicted, low and high, at distance zero, from `n` reports of `repositories`."""

    low: float
    high: float
    n: int
    repositories: int

    @classmethod
    def from_dict(cls, content: Mapping[str, float]) -> ErrorInterval:
        return cls(content["low"], content["high"], int(content["n"]), int(content["repositories"]))

    def to_dict(self) -> dict[str, float]:
        """Plain JSON content."""
        return asdict(self)

    def at(self, distance: float) -> tuple[float, float]:
        """Low and high for a design at `distance` from the table."""
        factor = spread(distance) * (_ONE_REPOSITORY if self.repositories == 1 else 1.0)
        return self.low * factor, self.high * factor


NOTHING_KNOWN = ErrorInterval(-_NOTHING_KNOWN, _NOTHING_KNOWN, 0, 0)
"""A factor of three and more, for designs without any report."""


def spread(distance: float) -> float:
    """Factor by which an interval at `distance` from the table is wider than inside the table."""
    return 1.0 + _SPREAD_PER_DISTANCE * distance


def key_of(stage: str, regime: str, quantity: str) -> str:
    """Key of an interval in `constants.json`."""
    return f"{'any' if quantity in ANY_STAGE else stage}/{regime}/{quantity}"


def find_interval(
    known: Mapping[str, ErrorInterval], stage: str, regime: str, quantity: str
) -> tuple[ErrorInterval, str]:
    """The interval of the design's own kind, else that of its pool; and a note where its own has too few reports."""
    own = known.get(key_of(stage, regime, quantity))
    if own:
        return own, ""
    if quantity in ("ii_cycles", "uram") and regime.startswith("forest"):
        return ErrorInterval(0.0, 0.0, 0, 0), ""  # conifer's forests take an event every cycle and no memory
    lent = known.get(key_of(stage, pool_of(regime), quantity))
    few = f"too few repositories report {regime.replace('_', ' ')} at {stage}"
    if lent:
        return lent, f"{few}: interval of all {pool_of(regime).replace('_', ' ')}"
    return NOTHING_KNOWN, f"{few}: interval of a factor of three"
