"""Schedules held against a budget: what each declares, which is chosen, and what is missing."""

from __future__ import annotations

import json

import pytest
from streamed_graphs import Network

from fasttrig.backends.rtl import DESIGN_FILE, emit_rtl
from fasttrig.ir.graph import Graph
from fasttrig.report.schedules import best_trial, try_schedules
from fasttrig.settings import BudgetSettings, TargetSettings

pytest.importorskip("alkaid", reason="the extra rtl is not installed")


def image() -> Graph:
    network = Network(1, (6, 6, 2))
    network.conv(3, (3, 3))
    network.reshape((48,))
    network.dense(3, None)
    return network.graph()


def test_the_smallest_that_meets_every_limit() -> None:
    graph, target = image(), TargetSettings()
    trials = {trial.schedule: trial for trial in try_schedules(graph, target, BudgetSettings())}
    assert trials["iterated"].refused.startswith("only a loop can be iterated")
    for name in ("parallel", "streamed"):
        declared = json.loads(emit_rtl(graph, target.model_copy(update={"rtl_schedule": name}))[DESIGN_FILE])
        numbers = trials[name].numbers
        assert (numbers["latency_cycles"], numbers["ii_cycles"]) == (declared["latency_cycles"], declared["ii_cycles"])
    assert best_trial([*trials.values()]) is trials["streamed"]
    assert trials["streamed"].numbers["lut"] < trials["parallel"].numbers["lut"]

    fast = try_schedules(graph, target, BudgetSettings(ii_cycles=1, max_lut_share=1.0))
    assert best_trial(fast).schedule == "parallel"
    streamed = next(trial for trial in fast if trial.schedule == "streamed")
    assert [(row.key, row.status) for row in streamed.budget] == [("ii_cycles", "exceeded"), ("max_lut_share", "met")]
    assert best_trial(try_schedules(graph, target, BudgetSettings(latency_ns=1, max_lut=1))) is None
