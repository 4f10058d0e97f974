"""`fasttrig compare`: the numbers are the reports', the best stage first; plots and tables; clear refusals."""

import csv
import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from fasttrig.base.errors import InputError
from fasttrig.report.compare import compare, read_report, to_csv
from fasttrig.report.document import Report
from fasttrig.report.hardware import CountRow
from fasttrig.report.html.plots.comparison import comparison_plots
from tests.commandline import fasttrig
from tests.report.builds import yosys_row


@pytest.fixture
def both(started):
    return started["network"].built, started["bdt"].built


def rewritten(folder: Path, target: Path, **changes) -> Path:
    """A copy of a build's report alone, with keys replaced."""
    content = json.loads((folder / "report" / "report.json").read_text()) | changes
    (target / "report").mkdir(parents=True)
    (target / "report" / "report.json").write_text(json.dumps(content))
    return target


def test_the_numbers_are_the_reports(both):
    builds = compare(both)
    assert [(build.label, build.design) for build in builds] == [
        (name, design) for name in ("my_tagger", "my_trees") for design in ("RTL", "HLS")
    ]
    for build, folder in zip(builds, [folder for folder in both for _ in range(2)], strict=True):
        report = Report.model_validate_json((folder / "report" / "report.json").read_text())
        assert build.quality("accuracy").value == report.agreement.accuracy_quantised
        aucs = report.agreement.auc_quantised.values()
        assert build.quality("mean AUC").value == pytest.approx(sum(aucs) / len(aucs), abs=1e-15)
        assert build.quality("accuracy").error == pytest.approx(0.0033, abs=2e-4)  # 20,800 events at 0.67
        rows = {row.stage: row.lut for row in report.resources}
        rows["expected after routing"] = report.rtl.expected_routed_lut
        taken = build.costs["lut"]
        if taken is None:
            assert (build.label, build.design) == ("my_trees", "RTL")  # nobody has counted it
            continue
        assert CountRow(value=taken.value, low=taken.low, high=taken.high) == rows[taken.stage]


def test_a_measured_number_goes_before_an_estimate(both, tmp_path):
    """rtlsim's latency was observed; a synthesis appended to the report takes the place of the estimates."""
    content = json.loads((both[1] / "report" / "report.json").read_text())
    counted = yosys_row(123).model_dump(mode="json")
    resources = [row for row in content["resources"] if row["stage"].startswith("estimate")]
    with_synth = rewritten(both[1], tmp_path / "a", resources=[counted, *resources])
    without = rewritten(both[1], tmp_path / "b", resources=resources)
    nothing = rewritten(both[1], tmp_path / "c", resources=[], latency=[], rtl=None)
    measured, estimated = compare([with_synth])
    assert measured.costs["latency_ns"].stage == "rtlsim" and measured.costs["latency_ns"].stage.is_measured
    assert (measured.costs["lut"].value, measured.costs["lut"].stage) == (123, "synth")
    assert estimated.costs["lut"].stage == "estimate of synth" and not estimated.costs["lut"].stage.is_measured
    assert estimated.costs["latency_ns"].stage == "estimate of synth"  # of the same design as its LUTs
    not_counted, _ = compare([without])
    assert (not_counted.design, not_counted.costs["lut"]) == ("RTL", None)
    (absent,) = compare([nothing])
    assert absent.design == "" and absent.costs["lut"] is None and absent.costs["latency_ns"] is None
    (named,) = compare([with_synth], stage="estimate of csynth")
    assert {named.costs["lut"].stage, named.costs["latency_ns"].stage} == {"estimate of csynth"}
    with pytest.raises(InputError, match="no build has numbers of this stage"):
        compare([with_synth], stage="route")


def test_a_regression_beside_classes(both, tmp_path):
    quality = {"rms": 0.25, "bias": 0.0, "resolution": 0.2, "turn_on": {}}
    regression = {
        "n_events": 100,
        "target": "pt",
        "unit": "GeV",
        "quality_float": quality,
        "quality_quantised": quality,
        "rms_difference": 0.01,
        "rms_growth": 0.02,
    }
    other = rewritten(both[1], tmp_path / "muons", agreement=None, regression=regression)
    builds = compare([both[0], other])
    assert builds[-1].quality("RMS error").value == 0.25 and builds[-1].quality("accuracy") is None
    names = {plot.name for plot in comparison_plots(builds)}
    assert {"accuracy_latency", "mean_auc_lut", "rms_error_dsp"} <= names and len(names) == 9
    rows = list(csv.DictReader(to_csv(builds).splitlines()))
    assert rows[0]["RMS_error"] == "" and float(rows[-1]["RMS_error"]) == 0.25
    neither = rewritten(both[1], tmp_path / "bare", agreement=None, regression=None)
    assert compare([neither])[0].qualities == () and comparison_plots(compare([neither])) == []


def test_the_command_writes_plots_and_tables(both, tmp_path):
    done = fasttrig("compare", *both, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("my_tagger", "my_trees", "mean AUC", "DSP", "rtlsim"))
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"compare.csv", "compare.json", "accuracy_latency.svg", "mean_auc_lut.svg", "accuracy_dsp.svg"} <= files
    for path in (tmp_path / "out").glob("*.svg"):
        text = "".join(ET.parse(path).getroot().itertext())
        assert "my_tagger" in text and "my_trees" in text, path.name
    stored = json.loads((tmp_path / "out" / "compare.json").read_text())
    again = json.loads(fasttrig("compare", *both, "--json").stdout)
    assert stored == again and [row["label"] for row in again[::2]] == ["my_tagger", "my_trees"]
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_a_folder_of_builds_stands_for_all_of_them(both, tmp_path):
    for folder in both:
        rewritten(folder, tmp_path / folder.name)
    (tmp_path / "index.html").write_text("")
    assert [build.label for build in compare([tmp_path])[::2]] == ["my_tagger", "my_trees"]
    assert [build.label for build in compare(sorted(tmp_path.iterdir()))[::2]] == ["my_tagger", "my_trees"]
    twins = compare([both[0], tmp_path / "my_tagger"])
    assert len({build.label for build in twins}) == 2  # two of one name are told apart by their paths


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schema_version": 99}, "another version of fasttrig"),
        ({"ladder": [{"rung": 1}]}, "does not have the form"),
        ({"unheard_of": 1}, "does not have the form"),
    ],
)
def test_a_report_of_another_version(both, tmp_path, changes, told):
    with pytest.raises(InputError, match=told):
        read_report(rewritten(both[0], tmp_path / "x", **changes))


@pytest.mark.parametrize("content", ["{", "[]", "{}", "\x00"])
def test_what_is_no_report(tmp_path, content):
    (tmp_path / "x" / "report").mkdir(parents=True)
    (tmp_path / "x" / "report" / "report.json").write_text(content)
    done = fasttrig("compare", tmp_path / "x")
    assert done.returncode == 2 and "report.json" in done.stderr and "Traceback" not in done.stderr


def test_a_folder_that_cannot_take_the_plots(both, tmp_path):
    (tmp_path / "file").write_text("")
    done = fasttrig("compare", both[0], "-o", tmp_path / "file" / "out")
    assert done.returncode == 2 and "cannot write" in done.stderr
    shutil.rmtree(tmp_path)
