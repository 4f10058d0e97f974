"""README and docs/ are true: tables match the code, links lead to files, every command runs."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "ci"))
import readme  # noqa: E402

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts and "generated" not in page.parts]
BLOCK = re.compile(r"^```(?:sh|bash)\n(.*?)^```", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
TOML = re.compile(r"^```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<!`)`((?:make|fasttrig|python|pip|vitis_hls|source) [^`]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")

BY_CI = {
    "make build": "ci/check.sh: `fasttrig build --target fpga`, the recipe of the target",
    "make test": "this run is it: the target calls ci/check.sh",
    "make docs": "ci/check.sh: make docs",
}
"""Too slow or too wide to run inside a test: the CI step that runs it."""

BY_TESTS = {
    "fasttrig prove build/jet_bdt": "tests/ladder/test_proof.py::test_the_copy_needs_no_fasttrig",
    "python build/jet_bdt/proof/check.py": "tests/ladder/test_proof.py::test_the_copy_needs_no_fasttrig",
    "make csim": "tests/ladder/test_csim_tool.py::test_make_csim_needs_no_fasttrig",
    "make verilator": "tests/ladder/test_rtlsim.py::test_the_projects_own_bench",
    "make iverilog": "tests/ladder/test_rtlsim.py::test_the_projects_own_bench",
    "make fit": "tests/unit/estimate/test_fit.py::test_constants_are_those_of_the_reports",
    "fasttrig train jet_bdt": "tests/unit/training/test_regression.py::test_from_a_sample_to_a_report (smaller)",
    "fasttrig build my_tagger": "tests/project/test_init.py::test_it_builds_as_it_stands",
    "fasttrig init my_trees --kind bdt": "tests/project/test_init.py::test_it_builds_as_it_stands",
    "fasttrig init my_cascade --kind cascade": "tests/project/test_init.py::test_it_builds_as_it_stands",
    "fasttrig train network": "tests/project/test_cascade.py::test_taggers_are_trained_alone",
    "fasttrig build network": "tests/project/test_init.py::test_it_builds_as_it_stands",
    "fasttrig compare-data build/jet_mlp recorded.parquet": "tests/project/test_recorded.py::test_equal_words",
    "fasttrig rate jet_mlp minbias.parquet --khz 10": "tests/project/test_rates.py::test_seeds_have_rates_and_overlaps",
    "fasttrig build --rtl-schedule iterated": "tests/ladder/test_loops.py::test_several_loops",
    "fasttrig read firmware/": "tests/ladder/test_hls4ml_projects.py::test_read_says_what_is_in_it",
    "fasttrig models": "tests/cli/test_models.py::test_the_command_shows_them",
    "fasttrig train .": "tests/docs/test_readme.py::test_block (on jet_mlp)",
    "python ci/readme.py": "tests/docs/test_readme.py::test_the_tables_are_the_codes_own",
    "fasttrig quantise models/jet_mlp -o jet_small": "tests/unit/quantise/test_quantise.py::test_the_command (smaller)",
    "fasttrig quantise jet_float.h5 --data jets5 --classes g,q,W,Z,t --max-auc-loss 0.003 -o jet_tagger": (
        "tests/unit/quantise/test_quantise.py::test_the_command (smaller)"
    ),
    "fasttrig build jet_tagger": "tests/unit/quantise/test_quantise.py::test_the_folder_is_equal_to_qkeras",
    "fasttrig build build/x": "tests/ladder/test_build_of_a_build.py::test_on_the_command_line_in_its_own_place",
}
"""Run by another test, where it is cheaper."""

BY_HAND = {
    "make hgq": "installs HGQ2 into an environment of its own",
    "make bench": "benchmarks take an otherwise idle machine",
    "python benchmarks/": "part of `make bench`",
    "vitis_hls -f build_prj.tcl": "needs AMD's tool and its licence",
    "pip install .": "the wheel is built and installed by hand before a release",
    "source .venv/bin/activate": "the tests' own environment is active",
    "python ci/regold.py": "tests compare its golden files one by one",
}
"""Run by nobody automatically, and why."""

ELSEWHERE = {*BY_CI, *BY_TESTS, *BY_HAND}


def commands(block: str) -> list[str]:
    """The lines of a shell block, without their comments."""
    return [line for line in (re.sub(r"\s+# .*", "", line).strip() for line in block.splitlines()) if line]


BLOCKS = {
    f"{page.relative_to(ROOT).as_posix()}-{number}": commands(block)
    for page in PAGES
    for number, block in enumerate(BLOCK.findall(page.read_text()), start=1)
}


def having(kind: re.Pattern) -> list[Path]:
    return [page for page in PAGES if kind.search(page.read_text())]


def run(command: str, cwd: Path, timeout_s: float = 600) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture
def workplace(tmp_path) -> Path:
    """A folder as the user's: our models, and what `make build` has built of them."""
    shutil.copytree(ROOT / "models", tmp_path / "models")
    for name in ("jet_mlp", "jet_bdt"):
        if not (ROOT / "build" / name).is_dir():  # in CI they are there
            assert run(f"fasttrig build {name} --out {ROOT / 'build'}", ROOT).returncode == 0
        shutil.copytree(ROOT / "build" / name, tmp_path / "build" / name)
    return tmp_path


def test_the_tables_are_the_codes_own():
    found = []
    for page in PAGES:
        text = page.read_text()
        assert readme.filled(text) == text, f"{page.name}: run ci/readme.py"
        found += readme.tables(text)
    assert sorted(found) == sorted(readme.TABLES)
    assert {page for page in PAGES if readme.tables(page.read_text())} <= {*readme.PAGES}


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_the_readme_has_the_section_that_errors_name():
    settings = (ROOT / "fasttrig" / "settings" / "files.py").read_text()
    assert "keys as in the README, section 'model.toml'" in settings
    assert "\n## model.toml\n" in (ROOT / "README.md").read_text()


def test_no_system_waits_for_a_layer_that_is_read():
    from fasttrig.frontends.keras.layers import LAYERS

    for system in tomllib.loads(readme.SYSTEMS.read_text())["system"]:
        for form, needs in system.get("forms", {}).items():
            read = [need for need in needs if need in LAYERS and LAYERS[need].becomes]
            assert not read, f"{system['id']} {form}: {read} is read now; update docs/systems.toml"


@pytest.mark.parametrize("block", [name for name, lines in BLOCKS.items() if not set(lines) <= ELSEWHERE])
def test_block(block, workplace):
    """Each command as written, in order. Training runs for one epoch, in a copy; everything else is the real thing."""
    for command in BLOCKS[block]:
        if command in ELSEWHERE:
            continue
        done = run(command, one_epoch(workplace) if command.startswith("fasttrig train") else workplace)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def one_epoch(workplace: Path) -> Path:
    folder = workplace / "training"
    shutil.copytree(workplace / "models", folder / "models", dirs_exist_ok=True)
    settings = folder / "models" / "jet_mlp" / "model.toml"
    text, n = re.subn(r"^epochs = \d+", "epochs = 1", settings.read_text(), flags=re.MULTILINE)
    assert n == 1
    settings.write_text(text)
    return folder


def test_ci_runs_the_rest():
    """Each command that no test runs is a step of ci/check.sh."""
    script, makefile = (ROOT / "ci" / "check.sh").read_text(), (ROOT / "Makefile").read_text()
    assert "\nfasttrig build --target fpga\n" in script and "/fasttrig build --target fpga\n" in makefile
    assert "make docs" in script and "bash ci/check.sh" in makefile
    assert "ci/check.sh" in (ROOT / ".ci" / "run").read_text()


@cache
def functions(path: str) -> set[str]:
    return set(re.findall(r"^def (\w+)", (ROOT / path).read_text(), re.MULTILINE))


def test_commands_in_sentences_are_accounted_for():
    """Each is part of a command that some block holds, or is listed above with who runs it."""
    known = [*(line for lines in BLOCKS.values() for line in lines), *BY_CI, *BY_HAND, *BY_TESTS]
    for page in PAGES:
        for command in INLINE.findall(page.read_text()):
            said = {*command.split()}
            assert any(command.startswith(line) or said <= {*line.split()} for line in known), f"{page.name}: {command}"
    for place in BY_TESTS.values():
        path, _, name = place.partition("::")
        assert name.split()[0] in functions(path), f"there is no {place}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if "://" not in target and not target.startswith("generated/"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", having(PYTHON), ids=lambda page: page.stem)
def test_python(page, tiny_h5, workplace, monkeypatch):
    """Every Python block runs; what it builds is good."""
    shutil.copy(tiny_h5, workplace / "my_tagger.h5")
    monkeypatch.chdir(workplace)
    names = {"x": np.random.default_rng(1).normal(size=(100, 4))}
    for block in PYTHON.findall(page.read_text()):
        exec(compile(block, str(page), "exec"), names)
    assert "project" not in names or names["project"].report.good


@pytest.mark.parametrize("page", having(TOML), ids=lambda page: page.stem)
def test_settings(page):
    """Every TOML block is a valid model.toml, or valid tables of one."""
    from fasttrig.settings import ModelProject

    whole = tomllib.loads((ROOT / "models" / "jet_mlp" / "model.toml").read_text())
    combined = {"model": {"name": "combined"}, "taggers": {"trees": "trees"}, "data": whole["data"]}
    for block in TOML.findall(page.read_text()):
        tables = tomllib.loads(block)
        base = combined if {"words", "preparation", "decision"} & set(tables) else whole
        ModelProject.model_validate(tables if "model" in tables else base | tables)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"^\| \[(\S+?)\]", readme.op_rows(), re.MULTILINE))))
def test_an_op_without_a_row_fails_at_import(path):
    """The page on adding an op: the error for a forgotten table names the table and the op."""
    module = path.removesuffix(".py").replace("/", ".")
    probe = (
        "import fasttrig.ir.ops as ops\nclass MyOp: pass\nops.OPS += (MyOp,)\nops.PLAIN_OPS += (MyOp,)\n"
        "from fasttrig.base.errors import GraphError\nimport importlib\n"
        f"try: importlib.import_module({module!r})\nexcept GraphError as error: print(error)"
    )
    done = run(f'{sys.executable} -c "{probe}"', ROOT)
    assert "has no row for MyOp" in done.stdout, done.stderr[-500:]
