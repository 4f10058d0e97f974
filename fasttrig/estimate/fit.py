"""Fits the constants of the estimator to its table of reports: ``python -m fasttrig.estimate.fit`` (``make fit``).

LUT, FF and cycles: robust least squares of the log ratio (soft L1), all constants positive and drawn to what the
hardware should cost (`terms.py`); a factor per tool, drawn to one. DSP and II are counted, not fitted. Sources weigh as
the square root of their number of designs, so that no repository and no scan rules. Everything is deterministic.

Residuals come from cross-validation that leaves out a whole repository at a time (of the scan of single layers, one
repository, one shape at a time). The intervals are quantiles of these residuals, see `residuals.py`. Their coverage is
measured on repositories that neither the constants nor the intervals have seen, and printed.

The terms, their start values, the three delays of `structure.py` and the refusals of `records.py` were chosen looking
at all records. So the errors are those of the fit, not of that choice: for terms that one repository alone holds
(recurrent layers, saturating sums) they flatter.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Sequence
from typing import Any

from fasttrig.estimate.cost_model import CONSTANTS, QUANTITIES, predict
from fasttrig.estimate.coverage import Coverage, coverage_rows, print_coverage
from fasttrig.estimate.distance import Point, covering, nearest, point_of
from fasttrig.estimate.errors_table import coverage_table, error_table, write_errors
from fasttrig.estimate.fitting import CalibrationSample, fit_constants, read_samples
from fasttrig.estimate.records import load_records
from fasttrig.estimate.residuals import Residual, intervals, is_scan, residual_of


class Validation:
    """Leave-outs of one table of samples; `points` are the places of each repository's designs, thinned out."""

    def __init__(self, samples: Sequence[CalibrationSample]) -> None:
        self.samples = samples
        self.repositories = sorted({s.repository for s in samples})
        self.places = {id(s): point_of(s.design) for s in samples}
        self.points = {
            one: covering(self.places[id(s)] for s in samples if s.repository == one) for one in self.repositories
        }

    def by_family(self) -> list[Residual]:
        """Residuals of every record without its family: its repository, or its shape of the scan."""
        found: list[Residual] = []
        for family in sorted({s.record["family"] for s in self.samples}):
            left = [s for s in self.samples if s.record["family"] == family]
            others = [s for s in self.samples if s.record["family"] != family]
            seen = self._seen({left[0].repository})
            if is_scan(family):
                seen += covering(self.places[id(s)] for s in others if s.repository == left[0].repository)
            found += self._residuals(left, fit_constants(others), seen)
        return found

    def coverage(self) -> list[Coverage]:
        """Coverage on repositories left out of the constants, of the intervals and of the table of distances."""
        alone: dict[str, list[Residual]] = {}
        pairs: dict[tuple[str, str], list[Residual]] = {}  # (left out too, of this repository)
        for one in self.repositories:
            alone[one] = self._left_out({one})[one]
        for one, other in itertools.combinations(self.repositories, 2):
            found = self._left_out({one, other})
            pairs[other, one], pairs[one, other] = found[one], found[other]
        known = {
            one: intervals([r for (out, _), found in pairs.items() if out == one for r in found])
            for one in self.repositories
        }
        return coverage_rows(alone, known)

    def _left_out(self, names: set[str]) -> dict[str, list[Residual]]:
        constants = fit_constants([s for s in self.samples if s.repository not in names])
        seen = self._seen(names)
        return {
            one: self._residuals([s for s in self.samples if s.repository == one], constants, seen) for one in names
        }

    def _seen(self, without: set[str]) -> list[Point]:
        return [point for one in self.repositories if one not in without for point in self.points[one]]

    def _residuals(
        self, left: Sequence[CalibrationSample], constants: dict[str, Any], seen: Sequence[Point]
    ) -> list[Residual]:
        found: list[Residual] = []
        for sample in left:
            if sample.design.regime.startswith("forest") and not constants["forest"]:
                continue  # no other repository has a forest
            stage = "csynth" if sample.record["stage"] == "csynth" else "synth"
            numbers = predict(sample.design, constants, stage)
            distance = nearest(self.places[id(sample)], seen)
            found += [
                residual_of(sample.record, sample.design, stage, name, numbers[name], distance)
                for name in QUANTITIES
                if name in sample.record and not (stage == "synth" and name == "ii_cycles")
            ]
        return found


def regenerate() -> tuple[dict[str, Any], list[Residual], list[Coverage]]:
    """Everything that `constants.json` holds, and what `errors.csv` sums up: residuals and coverage."""
    samples = read_samples(load_records())
    validation = Validation(samples)
    residuals = validation.by_family()
    constants = fit_constants(samples)
    constants["intervals"] = {key: found.to_dict() for key, found in intervals(residuals).items()}
    constants["records"] = len(samples)
    constants["seen"] = [point.to_list() for point in covering(validation.places[id(s)] for s in samples)]
    return constants, residuals, validation.coverage()


def main() -> None:
    """Rewrite `data/constants.json` and `errors.csv`, and print the coverage of the intervals."""
    constants, residuals, coverage = regenerate()
    CONSTANTS.write_text(json.dumps(constants, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    write_errors([*error_table(residuals), *coverage_table(coverage)])
    sys.stdout.write(print_coverage(coverage))


if __name__ == "__main__":
    main()
