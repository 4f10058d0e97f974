"""Descriptions as data, text and plots, and the commands around them."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from fasttrig.base.errors import InputError
from fasttrig.commands.data import app
from fasttrig.data import samples
from fasttrig.data.columns import CLASS_NAMES
from fasttrig.data.describe import describe, plot_observables, render

RUNNER = CliRunner()


def test_the_embedded_sample_is_described() -> None:
    description = describe(samples.path("jets5"))
    assert description.classes == dict.fromkeys(CLASS_NAMES, 16_640)
    assert description.splits == {"train": 49_920, "validation": 12_480, "test": 20_800}
    mass = next(column for column in description.columns if column.name == "mass_mmdt")
    assert (mass.unit, mass.n_missing) == ("GeV", 0)
    assert mass.minimum >= 0
    assert 60 < mass.mean < 140
    text = render(description)
    assert "constituent_pt[16]" in text
    assert "mass of the groomed jet" in text
    assert max(map(len, text.splitlines()[1:])) <= 110


def test_missing_values_and_text_are_counted(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,kind\n1.5,a\nnan,b\n2.5,\n")
    x, kind = describe(path).columns
    assert (x.minimum, x.maximum, x.mean, x.n_missing) == (1.5, 2.5, 2.0, 1)
    assert (kind.minimum, kind.n_missing) == (None, 1)


@pytest.mark.parametrize(("image_format", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_plots_are_written_and_repeatable(image_format: str, start: bytes, tmp_path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "s.npz", label=rng.integers(0, 3, 200), mass=rng.normal(80, 5, 200), n=rng.integers(0, 9, 200))
    drawn = [
        plot_observables(tmp_path / "s.npz", tmp_path / folder, ("mass", "n"), image_format) for folder in ("a", "b")
    ]
    assert [path.name for path in drawn[0]] == [f"mass.{image_format}", f"n.{image_format}"]
    for first, second in zip(*drawn, strict=True):
        assert first.read_bytes().startswith(start)
        assert first.read_bytes() == second.read_bytes()


def test_plots_want_classes_and_a_known_format(tmp_path) -> None:
    np.savez(tmp_path / "s.npz", mass=np.arange(5.0))
    with pytest.raises(InputError, match="classes"):
        plot_observables(tmp_path / "s.npz", tmp_path, ("mass",))
    with pytest.raises(InputError, match="format"):
        plot_observables(tmp_path / "s.npz", tmp_path, ("mass",), "gif")


def test_describe_command_prints_text_and_json(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("x,label\n1,0\n2,1\n")
    text = RUNNER.invoke(app, ["describe", str(tmp_path / "a.csv")])
    assert text.exit_code == 0
    assert "classes: 0 1, 1 1" in text.stdout
    out = RUNNER.invoke(app, ["describe", str(tmp_path / "a.csv"), "--json"])
    assert json.loads(out.stdout)["n_rows"] == 2


def test_make_command_writes_a_sample(tmp_path) -> None:
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    path = tmp_path / "jets.parquet"
    result = RUNNER.invoke(app, ["make", "jets5", "--events", "5", "--seed", "2", "-o", str(path), "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "5 jets" in result.stdout
    assert describe(path).n_rows == 5


def test_commands_and_package_load_nothing_heavy() -> None:
    code = (
        "import sys, fasttrig.data, fasttrig.data.jets5, fasttrig.data.samples, fasttrig.commands.data;"
        "sys.exit(','.join({'numpy', 'pyarrow', 'pythia8mc', 'fastjet', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr.strip() == ""
