"""`fasttrig init`: the folder builds as it stands, says what every setting means, and its scripts and CI jobs work."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import fasttrig as package
from fasttrig.base.errors import InputError
from fasttrig.base.names import check_model_name
from fasttrig.report.document import Report
from fasttrig.scaffold import KINDS, create
from fasttrig.settings import load_project
from tests.commandline import fasttrig


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_it_builds_as_it_stands(started, kind):
    project = started[kind]
    report = Report.model_validate_json((project.built / "report" / "report.json").read_text())
    ladder = {row.rung: row.status for row in report.ladder}
    assert project.code == 0, project.said
    assert report.verdict == "good" and ladder["csim"] == "equal" and ladder["emulate"] == "equal"
    assert report.agreement.accuracy_quantised > 0.6  # trained: chance is 0.2


def test_the_ci_jobs_run_the_build(started):
    folder = started["network"].folder
    github = yaml.safe_load((folder / ".github/workflows/firmware.yml").read_text())
    gitlab = yaml.safe_load((folder / ".gitlab-ci.yml").read_text())
    lines = {
        "github": [step["run"] for step in github["jobs"]["build"]["steps"] if "run" in step],
        "gitlab": gitlab["firmware"]["script"],
    }
    for said in lines.values():
        assert said == ['python -m pip install "$FASTTRIG"', "fasttrig doctor", "fasttrig build"]
    assert github["env"]["FASTTRIG"] == gitlab["firmware"]["variables"]["FASTTRIG"] == "fasttrig[rtl]"
    extras = tomllib.loads((Path(package.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert "rtl" in extras["optional-dependencies"]
    assert github["jobs"]["build"]["steps"][-1]["with"]["path"] == "build/my_tagger"


@pytest.mark.parametrize(("kind", "option"), [("network", "--epochs"), ("bdt", "--rounds")])
def test_the_training_script_writes_what_the_build_reads(started, kind, option, tmp_path):
    folder = shutil.copytree(started[kind].folder, tmp_path / "copy", ignore=shutil.ignore_patterns("build"))
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    done = subprocess.run([sys.executable, "train.py", option, "1"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    changed = {path.name for path in folder.iterdir() if path.is_file() and before.get(path.name) != path.read_bytes()}
    model = load_project(folder).model
    assert {model.file, model.float_file} <= changed
    assert package.read(folder).graph.outputs[0].shape == (5,)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("my-tagger",), "--name 'my_tagger'"),
        (("class",), "class_tagger"),
        (("3jets",), "tagger_3jets"),
        (("ünïcode",), "--name 'unicode'"),
        (("x", "--kind", "bdtt"), "did you mean 'bdt'"),
        (("module",), "module_tagger"),
    ],
)
def test_a_name_or_kind_that_cannot_be(tmp_path, arguments, told):
    done = fasttrig("init", *arguments, cwd=tmp_path)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(InputError, match="is not empty"):
        create(tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_an_empty_folder_and_a_fresh_repository_are_filled(tmp_path):
    (tmp_path / "mine" / ".git").mkdir(parents=True)
    files = create(tmp_path / "mine", "bdt", name="other")
    assert all(path.is_file() for path in files) and (tmp_path / "mine" / "other.json").is_file()
    assert not [path for path in tmp_path.iterdir() if path.name != "mine"]


def test_names_that_can_be():
    assert [check_model_name(name) for name in ("a", "jet_mlp", "Tau2")] == ["a", "jet_mlp", "Tau2"]
