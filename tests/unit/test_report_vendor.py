"""`fasttrig report`: a built project's report again, vendor reports beside the estimates, the budget held to them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import fasttrig
from fasttrig.base.errors import InputError
from fasttrig.cli import app
from fasttrig.report.budget import hardware_rows
from fasttrig.report.document import LadderRow, ModelRow, Report, RtlRow
from fasttrig.report.estimates import estimates, latency_row, resource_row
from fasttrig.report.hardware import ReportStage
from fasttrig.report.vendor_rows import with_vendor_reports
from fasttrig.settings import TargetSettings
from tests.unit.estimate.test_vendor import CSYNTH, TIMING, UTILISATION

LIMITS = {"latency_ns": 60.0, "max_lut_share": 0.03}


@pytest.fixture(scope="module")
def report() -> Report:
    """Of jet_mlp, as far as estimates go; the ladder is what a build without a compiler says."""
    settings = TargetSettings(clock_period_ns=5.0)
    found = estimates(fasttrig.read("models/jet_mlp"), settings)
    latency, resources = [latency_row(row) for row in found], [resource_row(row) for row in found]
    model = ModelRow(name="jet_mlp", version=1, description="", file="", postprocessor="none", namespace="jet_mlp")
    csim = LadderRow(rung="csim", against="emulate", status="equal", n_events=10, n_mismatches=0, seconds=0, reason="")
    rtl = RtlRow(
        tool="alkaid 0",
        language="verilog",
        stages=3,
        latency_cycles=3,
        ii_cycles=1,
        register_bits=100,
        stage_budget_ns=4.0,
        longest_stage_ns=3.0,
        alkaid_cost=1000.0,
        expected_routed_lut=None,
    )
    return Report(
        model=model,
        rtl=rtl,
        target=settings.model_dump(mode="json"),
        verdict="good",
        verdict_reason="",
        ladder=[csim],
        agreement=None,
        inputs=[],
        ops=[],
        budget=hardware_rows(LIMITS, latency, resources),
        latency=latency,
        resources=resources,
        manifest={},
    )


@pytest.fixture
def project(report, tmp_path) -> Path:
    (tmp_path / "jet_mlp" / "report").mkdir(parents=True)
    (tmp_path / "jet_mlp" / "report" / "report.json").write_text(report.model_dump_json())
    return tmp_path / "jet_mlp"


@pytest.fixture
def vendor(tmp_path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "csynth.xml").write_text(CSYNTH)
    (folder / "dense_latency_csynth.xml").write_text(CSYNTH.replace("84942", "99999"))
    (folder / "vivado_synth.rpt").write_text(UTILISATION)
    (folder / "top_timing_summary_synth.rpt").write_text(TIMING.replace("Routed", "Synthesized"))
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)], catch_exceptions=False)


def test_vendor_counts_stand_beside_the_estimates_and_hold_the_budget(report, vendor):
    """The module of one layer beside the top is left out; logic synthesis goes before HLS in the budget."""
    found = with_vendor_reports(report, vendor)
    rows = {row.stage: row for row in found.resources}
    assert list(rows) == ["estimate of csynth", "estimate of synth", "vendor csynth", "vendor synth"]
    assert (rows["vendor csynth"].lut.value, rows["vendor synth"].lut.value) == (84942, 45805)
    budget = {row.key: row for row in found.budget}
    assert budget["latency_ns"].measured == 13 * 5.0
    assert budget["max_lut_share"].measured == pytest.approx(45805 / 1728000)
    assert budget["max_lut_share"].reason.endswith("vivado_synth.rpt, Vivado 2020.1")
    assert found.verdict == "failed" and found.verdict_reason == "over budget: latency_ns"
    assert rows["vendor synth"].notes == ["clock missed by 0.627 ns"]
    assert report.verdict == "good"


def test_another_part_or_clock_is_said(report, vendor):
    """Numbers of another part are shown, and nobody is to take them for this build's."""
    text = CSYNTH.replace("xcvu13p-flga2577-2-e", "xcu250-figd2104-2L-e").replace("5.00", "2.80")
    (vendor / "csynth.xml").write_text(text.replace("xcu250-figd2104-2L-e", "xcku15p-ffve1517-1-i"))
    row = next(row for row in with_vendor_reports(report, vendor).resources if row.stage is ReportStage.VENDOR_CSYNTH)
    assert any("xcku15p" in note for note in row.notes) and any("2.8 ns" in note for note in row.notes)


def test_the_command_prints_both_and_its_exit_code_is_the_verdict(project, vendor):
    before = (project / "report" / "report.json").read_bytes()
    plain = run(project)
    assert plain.exit_code == 0 and "jet_mlp" in plain.output and "84,942" not in plain.output
    shown = run(project, "--vendor", vendor)
    assert shown.exit_code == 1 and "84,942" in shown.output and "inside" in shown.output
    content = json.loads(run(project, "--vendor", vendor, "--json").output)
    assert content["resources"][-1]["stage"] == "vendor synth" and content["resources"][-1]["wns_ns"] == -0.627
    assert (project / "report" / "report.json").read_bytes() == before


def test_reports_made_in_the_project_are_found_without_being_named(project, vendor):
    vendor.rename(project / "hls")
    assert "84,942" in run(project).output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("{project}", "--vendor", "{project}"), "no vendor report with counts"),
        (("{project}", "--vendor", "{project}/missing"), "no such folder of vendor reports"),
        (("{project}/report",), "not a project that fasttrig built"),
    ],
)
def test_refusals(project, arguments, words):
    with pytest.raises(InputError, match=words):
        run(*(text.format(project=project) for text in arguments))
