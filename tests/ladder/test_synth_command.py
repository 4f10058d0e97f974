"""Synthesis of a built project: counts in its report, budget and verdict with them, a manifest that stays true."""

import json

import pytest
from typer.testing import CliRunner

import fasttrig
from fasttrig.base.errors import InputError, ToolTimeoutError
from fasttrig.build import synthesis
from fasttrig.cli import app
from fasttrig.report.document import BudgetRow, Report
from fasttrig.report.hardware import ReportStage
from fasttrig.toolchain import yosys

pytestmark = pytest.mark.skipif(not yosys.has_yosys(), reason="Yosys' wheel (extra rtl) is not installed")


@pytest.fixture(scope="module")
def project(tiny_h5, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield fasttrig.build(fasttrig.read(tiny_h5, input_type="fixed<6,3>"), out=tmp_path_factory.mktemp("build"))


def stored(project) -> Report:
    return Report.model_validate_json((project.folder / "report" / "report.json").read_text())


def finished(project) -> Report | None:
    again = fasttrig.build(project.design, out=project.folder.parent)
    return None if again.fresh else again.report


def run(*arguments):
    return CliRunner().invoke(app, ["synth", *map(str, arguments)], catch_exceptions=False)


def test_before_synthesis_the_report_has_the_tracers_cost(project):
    rtl = project.report.rtl
    assert rtl is not None and project.report.synthesis is None
    design = json.loads((project.folder / "rtl" / "design.json").read_text())
    assert (rtl.alkaid_cost, rtl.latency_cycles) == (design["alkaid_cost"], design["latency_cycles"])
    assert rtl.expected_routed_lut.value == round(1.06 * rtl.alkaid_cost)


def test_what_is_missing_is_said_and_counts_as_nothing(project, monkeypatch):
    """`build --synth` without Yosys, and with a limit that is too short; the verdict is the ladder's."""
    monkeypatch.setattr(yosys, "has_yosys", lambda: False)
    again = fasttrig.build(project.design, out=project.folder.parent, synth=True)
    assert not again.fresh and again.report.good
    assert (again.report.synthesis.status, again.report.synthesis.reason) == (
        "not run",
        "Yosys is not installed: no package 'pyosys'",
    )
    assert all(row.stage is not ReportStage.SYNTH for row in again.report.resources)
    assert finished(project) == stored(project) == again.report
    monkeypatch.undo()
    with pytest.raises(ToolTimeoutError):
        synthesis.synthesise_project(project.folder, mode="flat", time_limit_s=0.1)
    assert stored(project) == again.report


def test_counts_come_into_the_report_and_the_project_stays_finished(project):
    shown = run(project.folder)
    assert shown.exit_code == 0 and "LUTs by size" in shown.stdout and "flat" in shown.stdout
    report = stored(project)
    (row,) = [row for row in report.resources if row.stage is ReportStage.SYNTH]
    assert row.tool == yosys.tool_name() and row.mode == "flat" and row.family == "xcup"
    assert 10 < row.lut.value == row.lut.low == row.lut.high == sum(row.lut_by_size.values())
    assert row.ff.value >= report.rtl.register_bits / 2 and row.logic_levels > 1
    assert row.lut_per_cost == round(row.lut.value / report.rtl.alkaid_cost, 3)
    assert report.synthesis.status == "done" and report.verdict == project.report.verdict
    assert finished(project) == report
    again = fasttrig.build(project.design, out=project.folder.parent, synth=True)
    assert not again.fresh and again.report == report


def test_a_budget_takes_the_counted_number(project):
    """A limit that only the counted LUTs exceed: exit code 1, in the report too."""
    report = stored(project)
    row = BudgetRow(key="max_lut_share", limit=1e-9, measured=None, status="not run")
    synthesis.write_report(project.folder, report.model_copy(update={"budget": [row]}))
    shown = run(project.folder, "--json")
    said = json.loads(shown.stdout)
    assert shown.exit_code == 1 and said["mode"] == "flat" and said["seconds"] == 0
    assert said["budget"][0]["status"] == "exceeded" and "measured: synth of rtl/" in said["budget"][0]["reason"]
    assert stored(project).verdict_reason == "over budget: max_lut_share"
    synthesis.write_report(project.folder, report)


def test_what_is_no_project_is_refused(project, tmp_path):
    with pytest.raises(InputError, match="not a project"):
        synthesis.synthesise_project(tmp_path)
    (tmp_path / "report").mkdir()
    for text in ("{}", "[", '{"schema_version": 1}'):
        (tmp_path / "report" / "report.json").write_text(text)
        with pytest.raises(InputError, match="not a project"):
            synthesis.synthesise_project(tmp_path)
    (tmp_path / "report" / "report.json").write_text(stored(project).model_dump_json())
    with pytest.raises(InputError, match="has no RTL"):
        synthesis.synthesise_project(tmp_path)
