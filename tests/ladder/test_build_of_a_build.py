"""A build folder is a model too: in Python and on the command line, with the same bits, and in its own place."""

import json

import numpy as np
import pytest

import fasttrig
from fasttrig.base import firmware_files
from fasttrig.design import load_built
from tests.commandline import fasttrig as command


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    (folder / "design.ir").write_text((firmware_files.root() / "golden" / "tiny.ir").read_text())
    return fasttrig.build(load_built(folder), out=folder / "build", options={"clock_period_ns": 7.5})


def test_it_is_built_and_proved_again(built, tmp_path):
    assert built.report.good
    again = fasttrig.build(load_built(built.folder), out=tmp_path)
    assert again.report.good and again.report.target["clock_period_ns"] == 7.5
    rung = next(row for row in again.report.ladder if row.rung == "emulate")
    assert rung.status == "not run" and "model file" in rung.reason
    for name in ("design.ir", "vectors/inputs.hex", "vectors/outputs.hex"):
        assert (again.folder / name).read_bytes() == (built.folder / name).read_bytes()


def test_on_the_command_line_in_its_own_place(built):
    done = command("build", built.folder, "--out", built.folder.parent, "--target", "rtl", "--force", "--json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)
    assert report["model"]["name"] == built.folder.name and report["target"]["clock_period_ns"] == 7.5
    stages = {row["stage"]: row for row in report["stages"]}
    assert stages["rtlsim"]["state"] == "done" and stages["rtlsim"]["seconds"] > 0
    assert stages["emulate"]["state"] == "not run" and "model file" in stages["emulate"]["reason"]
    assert np.load(built.folder / "vectors" / "vectors.npz").files
