"""Estimates in the report: one row a stage, intervals around values, and a budget that can be exceeded."""

import pytest
from pydantic import ValidationError

import fasttrig
from fasttrig.project import BudgetSettings, TargetSettings
from fasttrig.report.assemble import _limit
from fasttrig.report.estimates import estimates, latency_row, resource_row


@pytest.fixture(scope="module", params=["jet_mlp", "jet_bdt"])
def found(request):
    return estimates(fasttrig.read(f"models/{request.param}"), TargetSettings())


def test_one_row_a_stage_with_intervals(found):
    assert [latency_row(estimate)["stage"] for estimate in found] == ["estimate of csynth", "estimate of synth"]
    for estimate in found:
        row = resource_row(estimate)
        for name in ("lut", "ff", "dsp", "bram18", "uram"):
            assert row[name]["low"] <= row[name]["value"] <= row[name]["high"]
        assert 0 < row["shares"]["lut"] < 1 and row["part"]


def test_logic_synthesis_needs_fewer_luts_than_hls_says(found):
    assert found[1].lut.value < found[0].lut.value


def test_a_backend_without_reports_has_no_estimate():
    assert estimates(fasttrig.read("models/jet_mlp"), TargetSettings(backend="oneapi")) == ()


def test_a_budget_is_exceeded_or_met(found):
    cycles = found[0].latency_ns
    assert _limit("latency_ns", cycles - 1, cycles, False).status == "exceeded"
    assert _limit("latency_ns", cycles, cycles, False).status == "met"
    with pytest.raises(ValidationError):
        BudgetSettings(max_lut_share=-1)
