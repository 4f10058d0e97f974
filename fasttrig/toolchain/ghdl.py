"""Simulation with GHDL (Debian's package ``ghdl``): conifer's VHDL project, and fasttrig's RTL in VHDL."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fasttrig.base.errors import DataError, MissingPackageError, ToolError
from fasttrig.base.fixed import IntArray
from fasttrig.toolchain.csim import CsimResult, read_ports
from fasttrig.toolchain.run import run
from fasttrig.toolchain.vectors import copy_some_vectors

COMPILE_TIMEOUT_S, RUN_TIMEOUT_S = 1800.0, 3600.0
TOP = ("--std=08", "--work=xil_defaultlib", "testbench")


_PASSED = re.compile(r"PASS: (\d+) events, latency (\d+) cycles")
_FAILED = re.compile(r"\(assertion failure\): (.*)")


@dataclass(frozen=True, slots=True)
class BenchResult:
    """Result of a project's own test bench: `fault` is its first message, empty if every bit is equal."""

    n_events: int
    latency_cycles: int | None
    fault: str
    tool: str
    seconds: float


def has_ghdl() -> bool:
    """Whether GHDL is installed."""
    return shutil.which("ghdl") is not None


def vhdlsim(project_dir: Path, x_raw: IntArray, *, timeout_s: float = RUN_TIMEOUT_S) -> CsimResult:
    """Analyse, elaborate and run the project's own test bench, one event a clock.

    Parameters
    ----------
    x_raw : int array, shape (n_events, n_features)
        Raw integers of the features; at least one event.

    Raises
    ------
    MissingPackageError
        When GHDL is not installed.
    ToolError
        When it fails; its log is kept and quoted.
    DataError
        When the inputs do not fit the project's port.
    """
    if not has_ghdl():
        raise MissingPackageError(
            "GHDL is not installed", where="PATH", got="no program 'ghdl'", try_="apt-get install ghdl"
        )
    ports = read_ports(project_dir)
    source, result = ports.inputs[0], ports.outputs[0]
    x_raw = np.asarray(x_raw)
    if x_raw.shape[1:] != source.shape or not len(x_raw):
        raise DataError(
            "wrong input shape",
            where=f"input '{source.name}'",
            got=str(x_raw.shape),
            want=f"(n_events, {source.shape[0]}), at least one event",
        )
    start = time.monotonic()
    run(["sh", "ghdl.sh"], cwd=project_dir, timeout_s=COMPILE_TIMEOUT_S, log=project_dir / "ghdl_compile.log")
    compile_seconds = time.monotonic() - start
    np.savetxt(project_dir / "SimulationInput.txt", x_raw, fmt="%d")
    output = project_dir / "SimulationOutput.txt"
    output.unlink(missing_ok=True)
    done = run(["ghdl", "-r", *TOP], cwd=project_dir, timeout_s=timeout_s, log=project_dir / "ghdl.log")
    y_raw = np.loadtxt(output, dtype=np.int64, ndmin=2) if output.is_file() else np.empty((0, 0), dtype=np.int64)
    if y_raw.shape != (len(x_raw), *result.shape):
        raise DataError(
            "the simulation returned an unexpected number of results",
            where=str(output),
            got=str(y_raw.shape),
            want=str((len(x_raw), *result.shape)),
        )
    return CsimResult({result.name: y_raw}, len(x_raw), compile_seconds, done.seconds)


def run_bench(project: Path, most_events: int, *, timeout_s: float = RUN_TIMEOUT_S) -> BenchResult:
    """``make ghdl`` of an RTL project in VHDL, in a copy, on vectors spread evenly over the project's own.

    Raises
    ------
    ToolError
        When GHDL fails otherwise than by what the bench checks.
    """
    with tempfile.TemporaryDirectory(prefix="fasttrig-ghdl-") as temporary:
        copy = Path(temporary) / "rtl"
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns("simulation", "synthesis"))
        n_events = copy_some_vectors(project.parent / "vectors", copy / "vectors", most_events)
        done = run(["make", "ghdl"], cwd=copy, timeout_s=timeout_s, good_codes=(0, 2))
        version = run(["ghdl", "--version"], cwd=copy, timeout_s=60).stdout
    said = done.stdout + done.stderr
    tool = " ".join(version.split()[:2])
    passed, failed = _PASSED.search(said), _FAILED.search(said)
    if passed and done.returncode == 0 and int(passed[1]) == n_events:
        return BenchResult(n_events, int(passed[2]), "", tool, done.seconds)
    if failed is None:
        raise ToolError(
            "GHDL could not run the test bench",
            where=str(project),
            got=said[-2000:],
            want="PASS",
            try_="make ghdl in the project's folder",
        )
    return BenchResult(n_events, None, failed[1], tool, done.seconds)
