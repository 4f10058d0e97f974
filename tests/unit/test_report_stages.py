"""Stages of the report's rows: the facts of each, and rows whose JSON keeps the texts of earlier versions."""

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from fasttrig.report.document import SynthesisRow
from fasttrig.report.hardware import CountRow, LatencyRow, ReportedResources, ReportStage, StageOrigin, last_measured
from fasttrig.report.rtl import counted_row
from fasttrig.toolchain.synth import Mode, SynthResult
from tests.report.builds import yosys_row

RESOURCES = TypeAdapter(list[ReportedResources])
EXACT = {"value": 3, "low": 3, "high": 3}
COMMON = {"part": "xcvu13p", "shares": {"lut": 0.1}, "crosses_slr": False, "notes": []}
ROWS = [
    {"stage": "estimate of synth", "tool": "Vitis HLS", "calibration": {"n": 3}, "layers": [], "lut": EXACT, **COMMON},
    {"stage": "vendor route", "tool": "Vivado", "file": "a.rpt", "wns_ns": None, "lut": EXACT, "dsp": EXACT, **COMMON},
    yosys_row(3).model_dump(mode="json"),
]


def latency(stage: ReportStage) -> LatencyRow:
    cycles = CountRow.exact(3)
    return LatencyRow(stage=stage, tool="", latency_cycles=cycles, ii_cycles=cycles, latency_ns=7.5)


def test_the_facts_of_each_stage():
    assert {stage.value for stage in ReportStage if stage.is_estimate} == {"estimate of csynth", "estimate of synth"}
    assert {stage.value for stage in ReportStage if not stage.is_measured} == {
        "estimate of csynth",
        "estimate of synth",
        "expected after routing",
    }
    assert {stage.value for stage in ReportStage if stage.design == "RTL"} == {
        "rtlsim",
        "synth",
        "declared",
        "expected after routing",
    }
    vendor = [stage for stage in ReportStage if stage.origin is StageOrigin.VENDOR_TOOL]
    assert sorted(vendor, key=lambda stage: stage.place) == ["vendor route", "vendor synth", "vendor csynth"]
    assert [ReportStage.of(StageOrigin.VENDOR_TOOL, stage.step) for stage in vendor] == vendor
    assert f"{ReportStage.RTLSIM}" == "rtlsim"


def test_rows_are_read_and_written_as_they_were():
    rows = RESOURCES.validate_python(ROWS)
    assert [type(row).__name__ for row in rows] == ["EstimatedResources", "VendorResources", "SynthesisedResources"]
    assert RESOURCES.dump_python(rows, mode="json") == ROWS
    assert list(rows[1].counts) == ["lut", "dsp"]
    assert RESOURCES.validate_json(RESOURCES.dump_json(rows)) == rows
    assert "file" not in latency(ReportStage.RTLSIM).model_dump()


@pytest.mark.parametrize("change", [{"stage": "placed"}, {"stage": "vendor route"}, {"lut": {"value": 3}}, {"x": 1}])
def test_other_rows_are_refused(change):
    with pytest.raises(ValidationError):
        RESOURCES.validate_python([ROWS[0] | change])


@pytest.mark.parametrize("mode", [mode for mode in get_args(Mode) if mode != "auto"])
def test_every_mode_of_synthesis_makes_a_row(mode):
    row = counted_row(SynthResult("Yosys", "xcup", mode, {"LUT6": 3}, 2, 1.0), {"part": "xcvu13p-flga2577-2-e"}, 0.0)
    assert (row.mode, row.lut, row.lut_per_cost) == (mode, CountRow.exact(3), None)
    assert SynthesisRow(status="done", mode=mode).mode == mode


def test_the_last_measured_row():
    estimated, simulated = latency(ReportStage.ESTIMATED_SYNTH), latency(ReportStage.RTLSIM)
    assert last_measured([simulated, estimated]) is simulated and last_measured([estimated]) is None
