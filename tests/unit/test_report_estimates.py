"""Estimates in the report: one row a stage, intervals around values, and a budget that can be exceeded."""

import pytest
from pydantic import ValidationError

import fasttrig
from fasttrig.ladder.rungs import Rung, Status
from fasttrig.report.budget import Found, hardware_rows, limit_row, renewed
from fasttrig.report.estimates import estimates, latency_row, resource_row, simulated_latency_row
from fasttrig.settings import BudgetSettings, TargetSettings
from tests.report.builds import yosys_row


@pytest.fixture(scope="module", params=["jet_mlp", "jet_bdt"])
def found(request):
    return estimates(fasttrig.read(f"models/{request.param}"), TargetSettings())


def test_one_row_a_stage_with_intervals(found):
    assert [latency_row(estimate).stage for estimate in found] == ["estimate of csynth", "estimate of synth"]
    for estimate in found:
        row = resource_row(estimate)
        for name in ("lut", "ff", "dsp", "bram18", "uram"):
            assert row.counts[name].low <= row.counts[name].value <= row.counts[name].high
        assert 0 < row.shares["lut"] < 1 and row.part


def test_logic_synthesis_needs_fewer_luts_than_hls_says(found):
    assert found[1].lut.value < found[0].lut.value


def test_a_backend_without_reports_has_no_estimate():
    assert estimates(fasttrig.read("models/jet_mlp"), TargetSettings(backend="oneapi")) == ()


def test_a_budget_is_exceeded_or_met(found):
    cycles = found[0].latency_ns
    for limit, status in ((cycles - 1, "exceeded"), (cycles, "met")):
        assert limit_row("latency_ns", limit, Found(cycles, "")).status == status
    assert limit_row("min_auc", 0.9, Found(0.8, ""), at_least=True).status == "exceeded"
    assert limit_row("min_auc", 0.9, None).status == "not run"
    with pytest.raises(ValidationError):
        BudgetSettings(max_lut_share=-1)


def test_a_measured_number_goes_before_an_estimated_one(found):
    """Of each kind on its own, and the row says where its number is from."""
    limits = {"latency_ns": 50.0, "ii_cycles": 1.0, "max_lut_share": 0.001}
    latency, resources = [latency_row(row) for row in found], [resource_row(row) for row in found]
    estimated = {row.key: row for row in hardware_rows(limits, latency, resources)}
    assert estimated["latency_ns"].measured == found[0].latency_ns and estimated["max_lut_share"].status == "exceeded"
    tool = found[0].tool
    assert estimated["latency_ns"].reason == estimated["ii_cycles"].reason == f"estimated: csynth of hls/, {tool}"
    assert estimated["max_lut_share"].reason == f"estimated: synth of hls/, {tool}"  # what the device has to hold
    rung = Rung("rtlsim", "emulate", Status.EQUAL, 1, 0, tool="Verilator 5", latency_cycles=30, ii_cycles=1)
    simulated = simulated_latency_row(rung, 2.5)
    counted = yosys_row(9).model_copy(update={"shares": {"lut": 0.0005}})
    rows = [limit_row("min_auc", 0.9, Found(0.95, "")), *estimated.values()]
    fresh = {row.key: row for row in renewed(rows, [*latency, simulated], [*resources, counted])}
    assert list(fresh) == ["min_auc", "latency_ns", "ii_cycles", "max_lut_share"] and fresh["min_auc"] == rows[0]
    assert (fresh["latency_ns"].measured, fresh["latency_ns"].status) == (75.0, "exceeded")
    assert (fresh["max_lut_share"].measured, fresh["max_lut_share"].status) == (0.0005, "met")
    assert fresh["latency_ns"].reason == "measured: rtlsim of rtl/, Verilator 5"
    assert fresh["max_lut_share"].reason == "measured: synth of rtl/, Yosys"


def test_a_budget_in_bunch_crossings_and_counts(found):
    """A bunch crossing is 25 ns; counts are held as shares are."""
    limits = {"latency_bunch_crossings": 1e-3, "max_lut": 10.0, "max_uram": 0.0}
    latency, resources = [latency_row(row) for row in found], [resource_row(row) for row in found]
    rows = {row.key: row for row in hardware_rows(limits, latency, resources)}
    assert rows["latency_bunch_crossings"].measured == pytest.approx(found[0].latency_ns / 25.0)
    assert (rows["max_lut"].measured, rows["max_lut"].status) == (found[1].lut.value, "exceeded")
    assert rows["max_uram"].status == "met"
    assert BudgetSettings(latency_bunch_crossings=4, max_lut=1000, min_rejection=50).max_lut == 1000
