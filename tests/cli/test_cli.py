"""The commands as a user meets them: exit codes, messages, no traceback for a user's mistake."""

import json
import subprocess
import sys

import pytest

from fasttrig.report.model import Report

MODEL = """
[model]
name = "tiny"
file = "tiny.h5"
[data]
classes = ["a", "b", "c"]
[inputs]
type = "fixed<6,3>"
"""


def fasttrig(*arguments, cwd=None):
    command = [sys.executable, "-m", "fasttrig.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300)


def test_help_names_the_commands():
    done = fasttrig("--help")
    assert done.returncode == 0
    for command in ("build", "train", "data", "doctor"):
        assert command in done.stdout


def test_version():
    import fasttrig as package

    assert fasttrig("--version").stdout.strip() == f"fasttrig {package.__version__}"


@pytest.mark.parametrize(("arguments", "code", "told"), [
    (("build", "nothing_here"), 2, "no such model"),
    (("build", "--backend", "vits", "jet_mlp"), 2, "backend"),
    (("build", "--target", "asic", "jet_mlp"), 2, "no such target"),
    (("biuld",), 2, "biuld"),
    (("build", "--no-such-option"), 2, "--no-such-option"),
])  # fmt: skip
def test_a_mistake_is_told_without_a_traceback(arguments, code, told):
    done = fasttrig(*arguments)
    assert done.returncode == code
    assert told in done.stderr and "Traceback" not in done.stderr


def test_a_truncated_model_file(tmp_path, tiny_h5):
    (tmp_path / "model.toml").write_text(MODEL)
    (tmp_path / "tiny.h5").write_bytes(tiny_h5.read_bytes()[:3000])
    (tmp_path / "inputs.json").write_text('{"format": "fasttrig-inputs 1", "type": "fixed<6,3>", "features": []}')
    done = fasttrig("build", tmp_path)
    assert done.returncode == 2 and "tiny.h5" in done.stderr and "Traceback" not in done.stderr


def test_doctor_says_what_is_there():
    done = fasttrig("doctor", "--json")
    found = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 0
    assert found["numpy"]["version"] and found["C++ compiler"]["version"]
    assert all(row["needed_for"] and row["get"] for row in found.values())


def test_the_schema_in_the_package_is_the_reports_own():
    from pathlib import Path

    import fasttrig as package

    stored = json.loads((Path(package.__file__).parent / "report" / "schema.json").read_text())
    assert stored == Report.model_json_schema(), "run ci/regold.py"
