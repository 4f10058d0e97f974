"""An unknown part is refused with near names; a budget that nothing measured fails; what doctor advises."""

import pytest

from fasttrig.base.errors import ProjectError
from fasttrig.estimate.devices import device_of, require_known_part
from fasttrig.report.budget import hardware_rows, limit_row, verdict
from fasttrig.report.document import LadderRow
from fasttrig.settings import TargetSettings
from tests.commandline import fasttrig
from tests.report.builds import yosys_row

EQUAL = [LadderRow(rung="csim", against="emulate", status="equal", n_events=9, n_mismatches=0, seconds=0, reason="")]


def test_a_limit_that_nothing_measured_fails_by_its_name():
    rows = hardware_rows({"max_lut_share": 1e-4}, [], [yosys_row(1)])
    word, reason = verdict(EQUAL, rows)
    assert word == "failed" and "max_lut_share" in reason and "nothing measured it" in reason
    assert verdict(EQUAL, [limit_row("min_auc", 0.9, None, at_least=True)])[0] == "failed"
    assert verdict(EQUAL, [])[0] == "good"


def test_a_part_that_nobody_knows_is_refused_before_the_work(tmp_path):
    assert fasttrig("init", "tt", "--kind", "bdt", cwd=tmp_path).returncode == 0
    for line in (("build", "tt", "--part", "xc7banana"), ("estimate", "tt", "--part", "xc7banana")):
        done = fasttrig(*line, cwd=tmp_path)
        assert done.returncode == 2 and "no such part" in done.stderr and "XC7A200T" in done.stderr, done.stdout
        assert "[target.device]" in done.stderr
    assert not (tmp_path / "build").exists()


def test_the_sizes_of_a_part_can_be_stated():
    sizes = {"lut": 1000, "ff": 2000, "dsp": 10, "bram18": 4}
    with pytest.raises(ProjectError, match="no such part"):
        require_known_part(TargetSettings(part="xcku5p-ffvb676-2-e"))
    settings = TargetSettings.model_validate({"part": "xcku5p-ffvb676-2-e", "device": sizes})
    require_known_part(settings)
    device = device_of(settings.model_dump(mode="json"))
    assert device is not None and device.shares({"lut": 100.0})["lut"] == 0.1


def test_doctor_names_the_extras(capsys):
    from rich.console import Console

    from fasttrig.doctor import Finding, render

    Console(width=200).print(render([Finding("alkaid", None, "RTL", "pip install 'fasttrig[rtl]'", False)]))
    assert "pip install 'fasttrig[rtl]'" in capsys.readouterr().out


@pytest.mark.parametrize("line", [("emulate", "a", "b", "-o", "c.h5", "--threads", "-1"), ("trace", "a", "-e", "-1")])
def test_a_negative_number_is_refused(line):
    done = fasttrig(*line)
    assert done.returncode == 2 and "Traceback" not in done.stderr and "greater than or equal to 0" in done.stderr


@pytest.mark.parametrize("number", ["1e5000", "-1", "1e300", "true", "99999999999999999999999999"])
def test_a_version_that_is_no_version(tmp_path, number):
    assert fasttrig("init", "tt", "--kind", "bdt", cwd=tmp_path).returncode == 0
    text = (tmp_path / "tt" / "model.toml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("version")]
    at = lines.index("[model]") + 1
    (tmp_path / "tt" / "model.toml").write_text("\n".join([*lines[:at], f"version = {number}", *lines[at:]]))
    done = fasttrig("build", cwd=tmp_path / "tt")
    assert done.returncode == 2 and "model.version" in done.stderr, done.stderr


@pytest.mark.parametrize("option", ["--clock-period-ns", "--reuse-factor"])
@pytest.mark.parametrize("number", ["nan", "inf", "-1", "0", "1e5000"])
def test_an_option_that_is_no_number_of_its_kind(tmp_path, option, number):
    assert fasttrig("init", "tt", "--kind", "bdt", cwd=tmp_path).returncode == 0
    done = fasttrig("build", "tt", option, number, cwd=tmp_path)
    assert done.returncode == 2 and not (tmp_path / "build").exists(), done.stderr
