"""Caches on machines where nothing can be kept: one line says so, and everything works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fasttrig.base.cache import cache_folder

PROGRAM = """
import numpy as np
import fasttrig
from fasttrig.base.cache import cache_folder
from fasttrig.toolchain.emulator_library import load

design = fasttrig.read("models/jet_bdt")
x = np.zeros((3, design.graph.inputs[0].result.size), dtype=int)
print(load(design.graph)(x)["margin"].shape, design.emulate(x).scores.shape, cache_folder("a") != cache_folder("b"))
"""


def test_the_user_chooses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("synth") == tmp_path / "fasttrig" / "synth"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder("synth") == tmp_path / ".cache" / "fasttrig" / "synth"


def test_a_home_that_does_not_exist(tmp_path: Path) -> None:
    """As on a batch node: the compiled emulator works, one line of notice, nothing left behind."""
    environment = {key: value for key, value in os.environ.items() if key != "XDG_CACHE_HOME"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment | {"HOME": "/proc/nope", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["(3,", "5)", "(3,", "5)", "True"]
    (notice,) = done.stderr.splitlines()
    assert "/proc/nope/.cache/fasttrig cannot be written (set XDG_CACHE_HOME)" in notice
    assert not list(tmp_path.iterdir())
