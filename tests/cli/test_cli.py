"""The commands as a user meets them: exit codes, messages, no traceback for a user's mistake."""

import json
import os
import subprocess
import sys

import pytest
import typer

from fasttrig.report.document import Report
from tests.commandline import fasttrig

MODEL = """
[model]
name = "tiny"
file = "tiny.h5"
[data]
classes = ["a", "b", "c"]
[inputs]
type = "fixed<6,3>"
"""


def test_help_names_the_commands():
    done = fasttrig("--help")
    assert done.returncode == 0
    for command in ("build", "train", "data", "doctor"):
        assert command in done.stdout


def test_version():
    import fasttrig as package

    assert fasttrig("--version").stdout.strip() == f"fasttrig {package.__version__}"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("build", "nothing_here"), 2, "no such model"),
        (("build", "--backend", "vits", "jet_mlp"), 2, "backend"),
        (("build", "--target", "asic", "jet_mlp"), 2, "no such target"),
        (("biuld",), 2, "did you mean 'build'?"),
        (("build", "--forse"), 2, "did you mean '--force'?"),
        (("build", "jet_mpl"), 2, "did you mean 'jet_mlp'"),
        (("build", "--clock-period-ns", "0", "jet_mlp"), 2, "clock_period_ns"),
        (("build", "--clock-period-ns", "fast"), 2, "clock-period-ns"),
        (("estimate",), 2, "fasttrig estimate --help"),
        (("data", "mak"), 2, "did you mean 'make'?"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(arguments, code, told):
    done = fasttrig(*arguments)
    assert done.returncode == code
    assert told in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("line", [("--debug", "build", "nothing_here"), ("build", "nothing_here", "--debug")])
def test_debug_shows_the_traceback_wherever_it_stands(line):
    done = fasttrig(*line)
    assert done.returncode == 1 and "Traceback" in done.stderr and "no such model" in done.stderr


def _commands():
    from typer.main import get_command

    from fasttrig.cli import app

    def walk(command, words):
        yield words, command
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, (*words, name))

    return dict(walk(get_command(app), ()))


def test_every_command_explains_itself_with_examples_and_prints_json(capsys):
    from fasttrig.cli import app
    from fasttrig.commands.shell import run_app

    commands = _commands()
    for words, command in commands.items():
        assert run_app(app, [*words, "--help"]) == 0
        shown = capsys.readouterr().out
        assert all(part in shown for part in ("Usage: fasttrig", *(["Examples:"] if words else ()))), words
        examples = [line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith("fasttrig")]
        assert examples, words
        for example in examples:
            named = tuple(example.split()[1:])
            assert any(named[: len(known)] == known for known in commands if known), example
        if not hasattr(command, "commands"):
            assert "--json" in shown, words


def test_the_help_loads_nothing_heavy():
    """That keeps it at 0.1 s; measured in modules, for seconds depend on what else the machine does."""
    heavy = ("numpy", "rich", "tensorflow", "matplotlib", "pyarrow", "h5py")
    probe = f"""import sys
from fasttrig.cli import app
from fasttrig.commands.shell import run_app
assert run_app(app, ['--help']) == 0
assert run_app(app, ['build', '--help']) == 0
print('loaded:', [name for name in {heavy!r} if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("loaded: []")


def test_a_fault_of_our_own_is_called_a_bug(capsys):
    from fasttrig.commands.shell import EXIT_BUG, CommandGroup, add_command, run_app

    app = typer.Typer(cls=CommandGroup, rich_markup_mode=None)

    def broken() -> None:
        raise KeyError("inner detail")

    add_command(app, broken, "Panel", ())
    app.callback()(lambda: None)
    assert run_app(app, ["broken"]) == EXIT_BUG
    told = capsys.readouterr().err
    assert "bug in fasttrig" in told and "inner detail" in told and "--debug" in told and "Traceback" not in told
    with pytest.raises(KeyError):
        run_app(app, ["broken", "--debug"])


def test_a_reader_that_leaves_ends_the_command_quietly():
    line = f"{sys.executable} -m fasttrig.cli data describe jets5 --json | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 141) and done.stderr == ""  # 0: it had written all before the reader left


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("fasttrig bui", "build"),
        ("fasttrig build jet_m", "jet_mlp"),
        ("fasttrig patterns b", "build/there"),
        ("fasttrig estimate b", "build/there"),
        ("fasttrig train my", "mytagger"),
    ],
)
def test_a_shell_completes_commands_models_and_builds(tmp_path, typed, offered):
    for name in ("build/there/design.ir", "mytagger/model.toml"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    words = {"_FASTTRIG_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    command = [sys.executable, "-c", "import sys; sys.argv[0] = 'fasttrig'; from fasttrig.cli import main; main()"]
    environment = {**os.environ, **words}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60)
    assert offered in done.stdout.split(), done.stderr


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


HOSTILE = {
    "empty": b"",
    "no text": b"\x00\xff",
    "cut": b"[model\n",
    "deep": b"a = " + b"[" * 5000 + b"]" * 5000,
    "wrong": b'[model]\nname = "a b"\nfile = 3\n[data]\nclasses = ["x"]\n[inputs]\ntype = "fixed<0,0>"\nnope = 1\n',
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_model_toml(tmp_path, capsys, name):
    from fasttrig.cli import app
    from fasttrig.commands.shell import run_app

    (tmp_path / "model.toml").write_bytes(HOSTILE[name])
    assert run_app(app, ["estimate", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "model.toml" in told and "Traceback" not in told and "is a bug" not in told
    if name == "wrong":
        assert all(key in told for key in ("model.name", "model.file", "data", "inputs.type", "inputs.nope"))


def test_a_folder_without_a_model(tmp_path, monkeypatch, capsys):
    """Nothing is trained or built that nobody named: above all not the models inside the package."""
    from fasttrig.cli import app
    from fasttrig.commands.shell import run_app

    monkeypatch.chdir(tmp_path)
    assert run_app(app, ["train"]) == 2 and "no model to train in this folder" in capsys.readouterr().err
    assert run_app(app, ["estimate", "."]) == 2 and "no model in this folder" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_told_before_the_work(capsys):
    from fasttrig.cli import app
    from fasttrig.commands.shell import run_app

    for path in ("/proc/x.parquet", "/nowhere/x.parquet"):
        assert run_app(app, ["data", "make", "muons", "--events", "1000000000", "-o", path]) == 2
        assert path in capsys.readouterr().err


def test_what_the_system_refuses_is_no_bug(capsys):
    from fasttrig.commands.shell import CommandGroup, add_command, run_app

    app = typer.Typer(cls=CommandGroup, rich_markup_mode=None)

    def broken() -> None:
        raise PermissionError(13, "Permission denied", "/some/file")

    add_command(app, broken, "Panel", ())
    app.callback()(lambda: None)
    assert run_app(app, ["broken"]) == 2
    told = capsys.readouterr().err
    assert "Permission denied" in told and "/some/file" in told and "is a bug" not in told


def test_a_stage_is_expected_to_take_what_it_took(tmp_path, monkeypatch):
    """The time left of a build comes from the last one on this machine; a damaged record is none."""
    from fasttrig.commands.timing import StageTimes

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert StageTimes.load("jet").left_s("emulating") is None
    StageTimes.load("jet").save({"emulating": 2.0, "csim": 5.0, "drawing": 3.0})
    StageTimes.load("other").save({"emulating": 9.0})
    times = StageTimes.load("jet")
    assert [times.left_s(stage) for stage in ("emulating", "csim", "drawing", "new")] == [10.0, 8.0, 3.0, None]
    assert times.left_s("emulating", ["emulating", "new", "drawing"]) == 5.0
    times.save({"drawing": 1.0})  # the other stages were kept, and their times are
    assert StageTimes.load("jet").left_s("emulating") == 8.0
    (tmp_path / "fasttrig" / "times" / "stages.json").write_text("{")
    assert StageTimes.load("jet").left_s("emulating") is None
