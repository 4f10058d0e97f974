"""Cross-validated residuals, and the quantiles that make the 80 % intervals.

Each residual is divided by `spread` of the distance of its design to the rest of the table before quantiles are taken,
so that the interval of a design can be multiplied by its own `spread`. A repository weighs as the square root of its
number of reports: forty similar designs say little more about the next repository than ten.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fasttrig.estimate.cost_model import FITTED, NETWORKS, CountedDesign, pool_of
from fasttrig.estimate.intervals import ANY_STAGE, ErrorInterval, key_of, spread
from fasttrig.estimate.records import Record, repository

MIN_POINTS = 10
MIN_REPOSITORIES = 4
_TAIL_COUNTED, _TAIL_FITTED = 0.10, 0.08
"""Share left out at either side, of counted quantities and of those with fitted constants (LUT, FF).

The fitted ones leave out less: their constants have an error of their own in a repository that they have not seen.
With 0.10 for both, `make fit` measured 71 % for FF (mean over repositories); with 0.08 for both, 93 % for cycles."""


@dataclass(frozen=True, slots=True)
class Residual:
    """One quantity of one design, predicted without its family."""

    family: str
    repository: str
    design: str
    stage: str
    regime: str
    strategy: str
    tool: str
    kinds: str
    quantity: str
    measured: float
    predicted: float
    distance: float

    @property
    def log_ratio(self) -> float:
        """log of (predicted + 1) over (measured + 1): counts of zero stay finite."""
        return math.log((max(self.predicted, 0.0) + 1) / (self.measured + 1))


def is_scan(family: str) -> bool:
    """Whether a family is one shape of the scan of single layers."""
    return family.startswith("dense1")


def residual_of(
    record: Record, design: CountedDesign, stage: str, name: str, predicted: float, distance: float
) -> Residual:
    kinds = {layer.kind for layer in design.layers} - {"activation", "padding", "wiring"}
    return Residual(
        record["family"],
        repository(record["source"]),
        f"{record['source']} {record['model']}",
        stage,
        design.regime,
        record["strategy"],
        design.family,
        "+".join(sorted(kinds)),
        name,
        float(record[name]),
        float(max(0, math.floor(predicted + 0.5))),
        distance,
    )


def intervals(residuals: Iterable[Residual]) -> dict[str, ErrorInterval]:
    """An interval per stage, kind of design and quantity; for networks only where several repositories have the kind.

    All networks together make the interval of every other kind of network, and of a kind that is not in the table.
    """
    known = list(residuals)
    reported = {(r.design, r.quantity) for r in known if r.stage == "csynth"}
    groups: dict[tuple[str, str, str], list[Residual]] = {}
    for residual in known:
        twin = residual.stage != "csynth" and (residual.design, residual.quantity) in reported
        if twin and residual.quantity in ANY_STAGE:
            continue  # a project with both reports counts once
        regimes = {residual.regime}
        if residual.regime.startswith(NETWORKS):
            regimes.add(pool_of(residual.regime))
        for regime in regimes:
            stage = "any" if residual.quantity in ANY_STAGE else residual.stage
            groups.setdefault((stage, regime, residual.quantity), []).append(residual)
    return {
        key_of(*group): _interval(found)
        for group, found in sorted(groups.items())
        if len(found) >= MIN_POINTS and _is_shared(group[1], found)
    }


def _is_shared(regime: str, found: Sequence[Residual]) -> bool:
    """Whether the interval of a kind of network comes from enough repositories."""
    return not regime.startswith(NETWORKS) or len({r.repository for r in found}) >= MIN_REPOSITORIES


def _interval(found: Sequence[Residual]) -> ErrorInterval:
    reports = Counter(r.repository for r in found)
    low, high = bounds(
        [-r.log_ratio / spread(r.distance) for r in found],
        [reports[r.repository] ** -0.5 for r in found],
        _TAIL_FITTED if found[0].quantity in FITTED else _TAIL_COUNTED,
    )
    return ErrorInterval(round(low, 3), round(high, 3), len(found), len(reports))


def bounds(values: Sequence[float], weights: Sequence[float], tail: float) -> tuple[float, float]:
    """Weighted quantiles that leave out `tail` of the weight at either side; the interval always holds 0."""
    order = np.argsort(values, kind="stable")
    ordered, weight = np.asarray(values)[order], np.asarray(weights)[order]
    below, above = np.cumsum(weight), np.cumsum(weight[::-1])
    low = ordered[np.searchsorted(below, tail * below[-1])]
    high = ordered[::-1][np.searchsorted(above, tail * above[-1])]
    return min(0.0, float(low)), max(0.0, float(high))
