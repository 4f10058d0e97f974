"""Which schedule of the RTL meets a budget: each is emitted, and what it declares is held against the limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from fasttrig.backends.rtl import DESIGN_FILE, emit_rtl
from fasttrig.base.errors import RefusalError, UnsupportedError
from fasttrig.estimate.devices import device_of
from fasttrig.ir.graph import Graph
from fasttrig.report.budget import BUNCH_CROSSING_NS, Found, limit_row
from fasttrig.report.document import BudgetRow
from fasttrig.settings import BudgetSettings, TargetSettings
from fasttrig.settings.tables import RtlSchedule


@dataclass(frozen=True, slots=True)
class ScheduleTrial:
    """One schedule: its numbers by their names, and a row for each limit that they can be held against; or why not.

    Numbers: ``latency_cycles``, ``latency_ns``, ``ii_cycles``, ``bram18``, and ``lut``, alkaid's estimate before
    synthesis.
    """

    schedule: RtlSchedule
    numbers: dict[str, float]
    budget: list[BudgetRow]
    refused: str = ""

    @property
    def meets(self) -> bool:
        """Whether it can be emitted and no limit is exceeded."""
        return not self.refused and all(row.status == "met" for row in self.budget)


def try_schedules(graph: Graph, target: TargetSettings, limits: BudgetSettings) -> list[ScheduleTrial]:
    """Every schedule of the whole design, in the order of `RtlSchedule`; the language of the RTL is Verilog.

    Raises
    ------
    MissingPackageError
        When alkaid is not installed.
    """
    trials = []
    for schedule in get_args(RtlSchedule):
        settings = target.model_copy(update={"rtl_schedule": schedule})
        try:
            facts = json.loads(emit_rtl(graph, settings, "verilog")[DESIGN_FILE])
        except (UnsupportedError, RefusalError) as error:
            trials.append(ScheduleTrial(schedule, {}, [], error.what))
            continue
        numbers = {
            "latency_cycles": facts["latency_cycles"],
            "latency_ns": facts["latency_cycles"] * target.clock_period_ns,
            "ii_cycles": facts["ii_cycles"],
            "lut": facts["alkaid_cost"],
            "bram18": facts["bram18"],
        }
        trials.append(ScheduleTrial(schedule, numbers, _rows(numbers, target, limits)))
    return trials


def best_trial(trials: Sequence[ScheduleTrial]) -> ScheduleTrial | None:
    """Of those that meet every limit the one with the fewest LUTs; None if none does."""
    return min((trial for trial in trials if trial.meets), key=lambda trial: trial.numbers["lut"], default=None)


def _rows(numbers: dict[str, float], target: TargetSettings, limits: BudgetSettings) -> list[BudgetRow]:
    device = device_of(target.model_dump())
    found = {key: numbers[key] for key in ("latency_ns", "ii_cycles")}
    found["latency_bunch_crossings"] = numbers["latency_ns"] / BUNCH_CROSSING_NS
    for name in ("lut", "bram18"):
        found[f"max_{name}"] = numbers[name]
        if device is not None:
            found[f"max_{name}_share"] = numbers[name] / getattr(device, name)
    given = {key: getattr(limits, key) for key in found}
    return [limit_row(key, limit, Found(found[key], "")) for key, limit in given.items() if limit is not None]
