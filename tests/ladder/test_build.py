"""A build, end to end on a small network: equal where it must be, failed where a bit is wrong, whole or not at all."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import DataError, FasttrigError, InputError, ProjectError
from fasttrig.build import build as workflow
from fasttrig.report.document import Report
from fasttrig.settings import BudgetSettings

INPUT = "fixed<6,3>"


@pytest.fixture(scope="module")
def design(tiny_h5):
    return fasttrig.read(tiny_h5, input_type=INPUT)


@pytest.fixture(scope="module")
def project(design, tmp_path_factory):
    return fasttrig.build(design, out=tmp_path_factory.mktemp("with space and ü"))


def everything(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def untimed(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files without what a clock decides: the rungs' seconds, the hash of the report."""
    report = json.loads(files["report/report.json"])
    manifest = json.loads(files["manifest.json"])
    rungs = [stage["rung"] for stage in manifest["stages"].values() if stage["rung"] is not None]
    for row in (*report["ladder"], *rungs):
        row["seconds"] = 0
    manifest["files"].pop("report/report.json")
    return {**files, "report/report.json": json.dumps(report).encode(), "manifest.json": json.dumps(manifest).encode()}


def test_every_rung_that_ran_is_equal(project):
    status = {row.rung: row for row in project.report.ladder}
    assert project.report.verdict == "good"
    for rung in ("emulate", "emulate_compiled", "csim", "rtlsim"):
        assert status[rung].status == "equal" and status[rung].n_events > 20_000 and status[rung].n_mismatches == 0
    assert status["cosim"].status == "not run" and status["cosim"].reason


def test_the_layout_of_a_project(project):
    names = set(everything(project.folder))
    wanted = {
        "design.ir",
        "manifest.json",
        "report/report.json",
        "report/measured.json",
        "vectors/inputs.hex",
        "vectors/outputs.hex",
        "vectors/vectors.npz",
        "hls/Makefile",
        "hls/build_prj.tcl",
        "rtl/Makefile",
        "rtl/wrapper/tiny_emp.v",
        "rtl/wrapper/tiny_axi_stream.v",
        "report/report.html",
        "report/design.svg",
    }
    assert wanted <= names


def test_csim_and_emulator_take_values_and_raw_integers(project):
    rng = np.random.default_rng(3)
    raw = rng.integers(-32, 32, (50, 4))
    by_raw, by_value = project.csim(raw, raw=True), project.csim(raw / 8.0)
    emulated = project.design.emulate(raw / 8.0)
    assert (by_raw.given, by_value.given) == ("raw", "values")
    for name, want in emulated.raw.items():
        assert np.array_equal(by_raw.raw[name], want) and np.array_equal(by_value.raw[name], want)
    assert np.allclose(emulated.scores.sum(axis=1), 1.0)


def test_nothing_changed_nothing_done(project):
    again = fasttrig.build(project.design, out=project.folder.parent)
    assert not again.fresh and again.report == project.report


def test_an_edited_or_missing_file_is_built_again(design, tmp_path):
    folder = fasttrig.build(design, out=tmp_path).folder
    (folder / "vectors" / "inputs.hex").write_text("00 00 00 00\n")
    assert fasttrig.build(design, out=tmp_path).fresh
    assert len((folder / "vectors" / "inputs.hex").read_text().splitlines()) > 20_000


def test_the_same_bytes_in_two_folders(project, design, tmp_path):
    other = fasttrig.build(design, out=tmp_path / "elsewhere")
    mine, theirs = untimed(everything(project.folder)), untimed(everything(other.folder))
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if mine[name] != theirs[name]] == []
    assert str(tmp_path).encode() not in b"".join(theirs.values())


def test_a_wrong_bit_in_the_firmware_fails_the_build_and_names_the_op(design, tmp_path, monkeypatch):
    from fasttrig.backends import hls4ml
    from fasttrig.toolchain import csim_trace

    written = hls4ml.emit

    def sabotaged(graph, target):
        files = written(graph, target)
        weights = next(name for name in files if name.endswith("weights/w2.h"))
        values = files[weights].rindex("{") if "static const" not in files[weights] else files[weights].rindex("= {")
        changed, n = re.subn(
            r"-?\d+\.\d+", lambda m: "0.5" if m[0].startswith("-") else "-0.5", files[weights][values:], count=3
        )
        assert n == 3
        return {**files, weights: files[weights][:values] + changed}

    monkeypatch.setattr(hls4ml, "emit", sabotaged)
    monkeypatch.setattr(csim_trace, "emit", sabotaged)
    report = fasttrig.build(design, out=tmp_path).report
    csim = next(row for row in report.ladder if row.rung == "csim")
    assert report.verdict == "failed" and csim.status == "differs" and csim.n_mismatches > 0
    assert "first differing op" in csim.reason and "op 'relu1'" in csim.reason and "emulated" in csim.reason


def test_an_interrupted_build_leaves_what_was_there(design, tmp_path):
    before = everything(fasttrig.build(design, out=tmp_path).folder)

    def interrupt(stage):
        if "C-simulation" in stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fasttrig.build(design, out=tmp_path, force=True, notify=interrupt)
    assert {path.name for path in tmp_path.iterdir()} == {design.graph.name, "index.html"}
    assert everything(tmp_path / design.graph.name) == before


def test_a_killed_run_is_cleaned_up_by_the_next(design, tmp_path):
    killed = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    leftover = tmp_path / f".{design.graph.name}.{killed.stdout.strip()}.abc"
    (leftover / "half").mkdir(parents=True)
    (leftover / ".fasttrig-stage").touch()
    own = tmp_path / leftover.name.replace("abc", "mine")  # a user's folder whose name only looks like it
    (own / "notes").mkdir(parents=True)
    fasttrig.build(design, out=tmp_path)
    assert not leftover.exists() and (own / "notes").is_dir()


def test_options_are_checked(design, tmp_path):
    with pytest.raises(ProjectError, match="did you mean 'clock_period_ns'"):
        fasttrig.build(design, out=tmp_path, options={"clock_period": 5})
    with pytest.raises(ProjectError, match="reuse_factor"):
        fasttrig.build(design, out=tmp_path, options={"reuse_factor": 0})
    with pytest.raises(InputError, match="no such target"):
        fasttrig.build(design, target="asic", out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_option_reaches_the_project(design):
    assert workflow.target_settings(design, {"part": "xcvu9p-flga2104-2-e"}).part == "xcvu9p-flga2104-2-e"


def test_a_folder_that_cannot_be_written(design, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write the project"):
        fasttrig.build(design, out=tmp_path / "file")


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (np.full((2, 4), np.nan), "finite"),
        (np.zeros((2, 3)), "shape"),
        (np.full((2, 4), 99, dtype=complex), "complex"),
    ],
)
def test_bad_events_are_refused(design, x, told):
    with pytest.raises((DataError, FasttrigError), match=told):
        design.emulate(x)


def test_the_report_round_trips(project):
    text = (project.folder / "report" / "report.json").read_text()
    assert Report.model_validate_json(text) == project.report


def test_a_forest_is_built_and_proved(tmp_path):
    """jet_bdt: XGBoost's own leaves, the emulators and the firmware give the same bits, thresholds +- 1 included."""
    project = fasttrig.build(Path(__file__).parents[2] / "models" / "jet_bdt", out=tmp_path)
    rows = {row.rung: row for row in project.report.ladder}
    for rung in ("emulate", "emulate_compiled", "csim", "rtlsim"):
        assert rows[rung].status == "equal" and rows[rung].n_events > 20_800 + 3 * 100
    assert {"jet_bdt.h", "jet_bdt.cpp", "conifer.json", "input_map.h"} == {
        p.name for p in (project.folder / "emulator").iterdir()
    }
    simulated = project.csim(np.zeros((3, 16), dtype=np.int64), raw=True)
    emulated = project.design.emulate_raw(np.zeros((3, 16), np.int64))
    assert np.array_equal(simulated.raw["margin"], emulated.raw["margin"])


def states(project) -> dict[str, str]:
    return {stage.name: stage.state for stage in project.stages}


def done(project) -> set[str]:
    return {name for name, state in states(project).items() if state == "done"}


def test_a_changed_budget_measures_nothing_again(tmp_path):
    """The limits alone decide: verdict, page and manifest follow, and no rung runs a second time."""
    project = fasttrig.build(fasttrig.read("models/muon_pt_bdt"), target="rtl", out=tmp_path)
    before = everything(project.folder)

    def with_limits(**limits):
        settings = project.design.project.model_copy(update={"budget": BudgetSettings(**limits)})
        return fasttrig.build(replace(project.design, project=settings), target="rtl", out=tmp_path)

    tight = with_limits(max_rms_growth=1e-9)
    assert done(tight) == {"verdict"}
    assert tight.report.verdict == "failed" and tight.report.verdict_reason == "over budget: max_rms_growth"
    assert Report.model_validate_json((project.folder / "report/report.json").read_text()) == tight.report
    assert "over budget" in (project.folder / "report/report.html").read_text()
    fasttrig.build(project.design, target="rtl", out=tmp_path)
    assert everything(project.folder) == before


def test_a_stage_is_redone_only_when_its_inputs_changed(design, tmp_path, monkeypatch):
    """Calls counted: another clock needs new HLS and RTL; the framework and the compiled emulator do not run again, and
    the measurements are those that the build folder keeps."""
    from fasttrig.build import stages

    calls: list[str] = []

    def counted(row):
        return replace(row, run=lambda work: calls.append(row.name) or row.run(work))

    monkeypatch.setattr(stages, "RUNGS", tuple(counted(row) for row in stages.RUNGS))
    first = fasttrig.build(design, out=tmp_path)
    assert calls == ["emulate", "emulate_compiled", "csim", "rtlsim"] and "kept" not in states(first).values()
    calls.clear()
    assert not fasttrig.build(design, out=tmp_path).fresh and calls == []
    slower = fasttrig.build(design, out=tmp_path, options={"clock_period_ns": 5.0})
    assert calls == ["csim", "rtlsim"] and slower.report.good
    kept = {"design", "emulator", "emulate", "emulate_compiled", "comparison", "sensitivity", "measurements"}
    assert {name for name, state in states(slower).items() if state == "kept"} == kept
    whole = fasttrig.build(design, out=tmp_path / "whole", options={"clock_period_ns": 5.0})
    mine, other = untimed(everything(slower.folder)), untimed(everything(whole.folder))
    assert [name for name in mine | other if mine.get(name) != other.get(name)] == []
    calls.clear()
    fewer = fasttrig.build(design, "rtl", tmp_path, options={"clock_period_ns": 5.0})
    assert calls == [] and not (fewer.folder / "hls").exists() and fewer.report.good


def test_a_damaged_output_redoes_its_stage_and_those_that_read_it(design, tmp_path):
    project = fasttrig.build(design, "rtl", tmp_path)
    top = project.folder / "rtl" / "src" / "tiny.v"
    text = top.read_text()
    top.write_text(text + "// edited\n")
    again = fasttrig.build(design, "rtl", tmp_path)
    assert top.read_text() == text and {"rtl", "wrappers", "rtlsim", "vectors", "report"} <= done(again)
    assert not {"emulator", "emulate", "emulate_compiled"} & done(again)


def test_a_refused_rtl_is_emitted_once(design, tmp_path, monkeypatch):
    """The stage says why, the rung and the wrappers that need it repeat the reason, and the next build asks no more."""
    from fasttrig.backends import rtl
    from fasttrig.base.errors import UnsupportedError

    calls = []

    def refuse(graph, settings):
        calls.append(graph.name)
        raise UnsupportedError("no logic for this", got="an op")

    monkeypatch.setattr(rtl, "emit_rtl", refuse)
    for times in (1, 1):
        project = fasttrig.build(design, out=tmp_path)
        assert len(calls) == times
        (row,) = (row for row in project.report.ladder if row.rung == "rtlsim")
        assert (row.status, row.reason) == ("not run", "no logic for this: an op")
        reasons = {stage.name: stage.reason for stage in project.stages}
        assert reasons["rtl"] == reasons["wrappers"] == reasons["rtlsim"] == row.reason
    with pytest.raises(UnsupportedError, match="no logic"):
        fasttrig.build(design, "rtl", tmp_path)


def test_types_narrowed_by_hand_are_emulated_counted_and_budgeted(tmp_path):
    """A narrow accumulator, a saturating result: firmware and emulator still agree, and the loss breaks the budget."""
    folder = tmp_path / "model"
    shutil.copytree(Path(__file__).parents[2] / "models" / "jet_mlp", folder)
    with (folder / "model.toml").open("a") as stream:
        stream.write('\n[types.fc1]\naccum = "fixed<9,3>"\n[types.logits]\nresult = "fixed<8,6>"\noverflow = "SAT"\n')
    report = fasttrig.build(folder, out=tmp_path / "build").report
    rows = {row.rung: row for row in report.ladder}
    assert all(rows[rung].status == "equal" for rung in ("emulate", "emulate_compiled", "csim"))
    assert "before the types narrowed by hand: fc1, logits" in rows["emulate"].reason
    ops = {row.name: row for row in report.ops}
    assert ops["fc1"].type == "fixed<9,3>" and ops["fc1"].overflows > 0
    assert report.verdict == "failed" and report.verdict_reason == "over budget: max_auc_loss"


def test_a_build_folder_holds_no_objects_and_no_programs(project):
    """Compilers and simulators work elsewhere: 9 MB of their files stood in a project that is handed over."""
    for name, content in everything(project.folder).items():
        assert not name.endswith((".o", ".gch", ".a", ".bin", ".d")), name
        assert not content.startswith((b"\x7fELF", b"!<arch>")), name


@pytest.mark.parametrize("part, target", [("hls", "csim"), ("rtl", "verilator"), ("rtl", "iverilog")])
def test_a_part_of_the_project_runs_anywhere_on_its_own(project, tmp_path, part, target):
    """`hls/` and `rtl/` carry golden vectors: nothing beside them is read, and `make clean` leaves what was copied."""
    if target == "iverilog" and shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed")
    alone = Path(shutil.copytree(project.folder / part, tmp_path / "alone"))
    before = everything(alone)
    run = ["make", target, f"VERILATOR={sys.executable} -m verilator"]
    done = subprocess.run(run, cwd=alone, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2000 events" in done.stdout
    subprocess.run(["make", "clean"], cwd=alone, check=True, capture_output=True)
    assert everything(alone) == before


def test_the_page_names_the_commit_of_the_model(tmp_path):
    """The commit that is checked out where the model lies; none outside Git, and none of it decides the build."""
    shutil.copytree("models/jet_bdt", tmp_path / "jet_bdt")
    design = fasttrig.read(tmp_path / "jet_bdt")

    def manifest():
        return workflow.manifest_of(design, design.project.target, "fpga")

    before = manifest()
    assert before["commit"] == ""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "model"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    after = manifest()
    assert after["commit"] == head.stdout.strip() and after["key"] == before["key"]
