"""Cross-validated residuals, and the 80 % intervals made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.estimate.cost_model import POOLED, Design, pool_of

LEVEL = 0.80
MIN_POINTS = 10
_ROUNDING = 5e-4  # the intervals are kept to three decimals


@dataclass(frozen=True, slots=True)
class Residual:
    """One quantity of one design, predicted without its family."""

    family: str
    stage: str
    regime: str
    strategy: str
    tool: str
    kinds: str
    quantity: str
    measured: float
    predicted: float

    @property
    def log_ratio(self) -> float:
        """log of (predicted + 1) over (measured + 1): counts of zero stay finite."""
        return math.log((max(self.predicted, 0.0) + 1) / (self.measured + 1))


def residual_of(record: Mapping[str, Any], design: Design, stage: str, name: str, predicted: float) -> Residual:
    kinds = {layer.kind for layer in design.layers} - {"activation", "padding", "wiring"}
    return Residual(
        record["family"],
        stage,
        design.regime,
        record["strategy"],
        design.family,
        "+".join(sorted(kinds)),
        name,
        float(record[name]),
        float(max(0, math.floor(predicted + 0.5))),
    )


def intervals(residuals: Sequence[Residual]) -> dict[str, dict[str, Any]]:
    """Key ``stage/regime/quantity`` -> quantiles of the log of measured over predicted, and what they rest on."""
    groups: dict[str, list[Residual]] = {}
    for residual in residuals:
        lends = residual.regime.startswith(POOLED)
        for regime in (residual.regime, *([pool_of(residual.regime)] if lends else [])):
            groups.setdefault(f"{residual.stage}/{regime}/{residual.quantity}", []).append(residual)
    return {key: _quantiles(found) for key, found in sorted(groups.items()) if len(found) >= MIN_POINTS}


def _quantiles(found: Sequence[Residual]) -> dict[str, Any]:
    low, high = bounds([-r.log_ratio for r in found])
    return {"low": round(low, 3), "high": round(high, 3), "n": len(found), "families": len({r.family for r in found})}


def bounds(log_ratios: Iterable[float]) -> tuple[float, float]:
    """The central `LEVEL` of log ratios, as of one more drawn with them; it always holds 0."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.array(list(log_ratios)), [tail, 1 - tail], method="weibull")
    return min(0.0, float(low)), max(0.0, float(high))


def covered(residuals: Sequence[Residual], known: Mapping[str, Mapping[str, Any]]) -> list[tuple[Residual, bool]]:
    """Whether each residual lies inside the interval of its kind; residuals without an interval are left out."""
    found = []
    for residual in residuals:
        limits = known.get(f"{residual.stage}/{residual.regime}/{residual.quantity}")
        if limits:
            inside = limits["low"] - _ROUNDING <= -residual.log_ratio <= limits["high"] + _ROUNDING
            found.append((residual, inside))
    return found


def uncertain(limits: Mapping[str, Any]) -> bool:
    """An interval that is one: where four of five designs are counted exactly, it is a point and covers more."""
    return bool(limits["low"] < 0 < limits["high"])


def coverage(residuals: Sequence[Residual]) -> dict[str, float]:
    """Share of points inside, over intervals that are no points: of all, and of families left out of the interval."""
    known = intervals(residuals)
    seen = [inside for r, inside in covered(residuals, known) if uncertain(known[f"{r.stage}/{r.regime}/{r.quantity}"])]
    unseen: list[bool] = []
    groups: dict[str, list[Residual]] = {}
    for residual in residuals:
        groups.setdefault(f"{residual.stage}/{residual.regime}/{residual.quantity}", []).append(residual)
    for key, found in sorted(groups.items()):
        if key in known and uncertain(known[key]):
            unseen += _unseen(found)
    return {"all": round(float(np.mean(seen)), 3), "unseen_family": round(float(np.mean(unseen)), 3)}


def _unseen(found: Sequence[Residual]) -> list[bool]:
    inside: list[bool] = []
    families = sorted({r.family for r in found})
    for family in families if len(families) > 2 else []:
        others = [-r.log_ratio for r in found if r.family != family]
        if len(others) < MIN_POINTS:
            continue
        low, high = bounds(others)
        inside += [low <= -r.log_ratio <= high for r in found if r.family == family]
    return inside
