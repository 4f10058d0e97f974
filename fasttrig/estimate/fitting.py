"""The fit of the constants: robust least squares of the log ratio, per quantity, and the medians of the forests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.fixed import FloatArray
from fasttrig.estimate.cost_model import FITTED, CountedDesign, applies_factor, count
from fasttrig.estimate.layer_costs import read_layers
from fasttrig.estimate.records import Record, repository
from fasttrig.estimate.terms import PRIORS, SYNTH, synth_class
from fasttrig.estimate.tools import FAMILIES
from fasttrig.estimate.types import is_stream

_PRIOR_PULL = 0.5
_KEPT_PULL = 0.6
_TOOL_PULL = {"lut": 1.5, "ff": 0.6, "cycles": 0.6}
_SCAN_WEIGHT = 0.38
_OFFSET = {"lut": 0.0, "ff": 0.0, "cycles": 2.0}


@dataclass(frozen=True, slots=True)
class CalibrationSample:
    """A record and the design counted from it."""

    record: Record
    design: CountedDesign
    weight: float

    @property
    def repository(self) -> str:
        return repository(self.record["source"])


def read_samples(records: Sequence[Record]) -> list[CalibrationSample]:
    """Count every record's design; weights by family."""
    sizes: dict[str, int] = {}
    for record in records:
        sizes[record["family"]] = sizes.get(record["family"], 0) + 1
    return [
        CalibrationSample(r, design_of(r), _SCAN_WEIGHT if "dense1" in r["family"] else sizes[r["family"]] ** -0.5)
        for r in records
    ]


def design_of(record: Record) -> CountedDesign:
    layers = read_layers(
        record["layers"], strategy=record["strategy"], reuse_factor=record["reuse_factor"], input_t=record["input_t"]
    )
    return count(
        layers,
        part=record["part"],
        clock_period_ns=record["clock_period_ns"],
        tool=record["tool"],
        stream=is_stream(record["input_t"]),
    )


def fit_constants(samples: Sequence[CalibrationSample]) -> dict[str, Any]:
    """Constants of every term, factor of every tool, ratios of synth to csynth, constants of forests."""
    hls = [s for s in samples if s.record["stage"] == "csynth" and not s.design.regime.startswith("forest")]
    constants: dict[str, Any] = {"tool": {family: {} for family in FAMILIES}}
    for quantity in FITTED:
        terms, factors = _fit_terms(hls, quantity)
        constants[quantity] = terms
        for family, factor in factors.items():
            constants["tool"][family][quantity] = factor
    forests = [s for s in samples if s.design.regime == "forest_hls"]
    constants["forest"] = _fit_forests(forests) if forests else {}
    constants["synth"] = _fit_synth(samples, constants)
    return constants


def _fit_terms(samples: Sequence[CalibrationSample], quantity: str) -> tuple[dict[str, float], dict[str, float]]:
    from scipy.optimize import least_squares

    key = "latency_cycles" if quantity == "cycles" else quantity
    used = [s for s in samples if s.record.get(key, 0) > 0 or (quantity == "cycles" and key in s.record)]
    counted = [s.design.terms(quantity) for s in used]
    names = sorted({name for terms in counted for name in terms})
    matrix = np.array([[terms.get(name, 0.0) for name in names] for terms in counted])
    offset = np.array([_OFFSET[quantity] + (s.design.fixed_cycles if quantity == "cycles" else 0.0) for s in used])
    target = np.log(np.array([s.record[key] for s in used]) + _OFFSET[quantity])
    tools = np.array([[float(applies_factor(s.design) and s.design.family == f) for f in FAMILIES] for s in used])
    weight = np.sqrt([s.weight for s in used])
    n, start = len(names), np.log([PRIORS[quantity][name] for name in names])

    def residuals(x: FloatArray) -> FloatArray:
        weighed = (matrix @ np.exp(x[:n])) * np.exp(tools @ x[n:])
        found = np.log(np.maximum(offset + weighed, 1e-9)) - target
        return np.concatenate([weight * found, _PRIOR_PULL * (x[:n] - start), _TOOL_PULL[quantity] * x[n:]])

    def jacobian(x: FloatArray) -> FloatArray:
        factor = np.exp(tools @ x[n:])
        weighed = (matrix @ np.exp(x[:n])) * factor
        total = np.maximum(offset + weighed, 1e-9)
        rows = np.zeros((len(used) + len(x), len(x)))
        rows[: len(used), :n] = (weight * factor / total)[:, None] * matrix * np.exp(x[:n])
        rows[: len(used), n:] = (weight * weighed / total)[:, None] * tools
        rows[len(used) :, :] = np.diag([_PRIOR_PULL] * n + [_TOOL_PULL[quantity]] * len(FAMILIES))
        return rows

    found = least_squares(
        residuals,
        np.concatenate([start, np.zeros(len(FAMILIES))]),
        jac=jacobian,
        bounds=(-12, 12),
        loss="soft_l1",
        f_scale=0.1,
        max_nfev=120,
    ).x
    constants = dict(PRIORS[quantity]) | {name: _digits(math.exp(x)) for name, x in zip(names, found[:n], strict=True)}
    return constants, {name: _digits(math.exp(x)) for name, x in zip(FAMILIES, found[n:], strict=True)}


def _fit_synth(samples: Sequence[CalibrationSample], constants: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Fraction of each class of terms that remains after logic synthesis, from projects with both reports."""
    pairs = {(s.record["source"], s.record["model"]): s.record for s in samples if s.record["stage"] == "csynth"}
    placed = [
        (s, pairs[key])
        for s in samples
        if (key := (s.record["source"], s.record["model"])) in pairs
        and s.record["stage"] != "csynth"
        and not s.design.regime.startswith("forest")
    ]
    return {quantity: _fit_kept(placed, constants, quantity) for quantity in SYNTH}


def _fit_kept(
    placed: Sequence[tuple[CalibrationSample, Record]], constants: dict[str, Any], quantity: str
) -> dict[str, float]:
    """Robust least squares of the log of the real ratio, drawn to the start values."""
    from scipy.optimize import least_squares

    names = list(SYNTH[quantity])
    used = [(s, csynth) for s, csynth in placed if s.record.get(quantity, 0) > 0 and csynth.get(quantity, 0) > 0]
    shares = np.array([_shares(s.design, constants, quantity, names) for s, _ in used]).reshape(-1, len(names))
    target = np.log([s.record[quantity] / csynth[quantity] for s, csynth in used])
    weight = np.sqrt([s.weight for s, _ in used])
    start = np.log([SYNTH[quantity][name] for name in names])

    def residuals(x: FloatArray) -> FloatArray:
        return np.concatenate([weight * (np.log(shares @ np.exp(x)) - target), _KEPT_PULL * (x - start)])

    found = least_squares(residuals, start, loss="soft_l1", f_scale=0.1).x
    return {name: _digits(math.exp(x)) for name, x in zip(names, found, strict=True)}


def _shares(design: CountedDesign, constants: dict[str, Any], quantity: str, names: Sequence[str]) -> list[float]:
    """Share of each class in what HLS reports."""
    parts = dict.fromkeys(names, 0.0)
    for name, amount in design.terms(quantity).items():
        parts[synth_class(quantity, name)] += constants[quantity][name] * amount
    return [part / max(sum(parts.values()), 1e-9) for part in parts.values()]


def _fit_forests(samples: Sequence[CalibrationSample]) -> dict[str, float]:
    """Medians of LUT per node, FF per node and stage, cycles per level."""
    from fasttrig.estimate.forest_costs import forest_counts

    counted = [
        (forest_counts(s.design.layers[0].forest, s.design.setting), s.record)
        for s in samples
        if s.design.layers[0].forest
    ]
    placed = [(c, r) for c, r in counted if r["stage"] != "csynth"]
    reported = [(c, r) for c, r in counted if r["stage"] == "csynth"]
    lut = float(np.median([(r["lut"] - c.comparison_lut) / c.nodes for c, r in placed]))
    ff = float(np.median([r["ff"] / c.registered_words for c, r in placed]))
    levels = np.array([[1.0, c.paced_levels] for c, _ in counted])
    cycles = np.array([float(r["latency_cycles"]) for _, r in counted])
    slope = np.linalg.lstsq(levels, cycles, rcond=None)[0]
    csynth_lut = [r["lut"] / (lut * c.nodes + c.comparison_lut) for c, r in reported]
    csynth_ff = [r["ff"] / (ff * c.registered_words) for c, r in reported]
    return {
        "lut_node": _digits(lut),
        "ff_pace": _digits(ff),
        "cycles": _digits(float(slope[0])),
        "cycles_paced": _digits(float(slope[1])),
        "csynth_lut": _digits(float(np.median(csynth_lut or [20.0]))),
        "csynth_ff": _digits(float(np.median(csynth_ff or [5.0]))),
    }


def _digits(number: float) -> float:
    """Four significant digits: what the data carry, and the same on every machine."""
    return float(f"{number:.4g}")
