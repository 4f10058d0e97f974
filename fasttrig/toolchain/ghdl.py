"""Simulation of conifer's VHDL project with GHDL (Debian's package ``ghdl``), raw integers in and out."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np

from fasttrig.errors import DataError, MissingPackageError
from fasttrig.fixed import IntArray
from fasttrig.toolchain.csim import CsimResult, read_ports
from fasttrig.toolchain.run import run

COMPILE_TIMEOUT_S, RUN_TIMEOUT_S = 1800.0, 3600.0
TOP = ("--std=08", "--work=xil_defaultlib", "testbench")


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
        raise MissingPackageError("GHDL is not installed", where="PATH", got="no program 'ghdl'",
                                  try_="apt-get install ghdl")  # fmt: skip
    ports = read_ports(project_dir)
    source, result = ports.inputs[0], ports.outputs[0]
    x_raw = np.asarray(x_raw)
    if x_raw.shape[1:] != source.shape or not len(x_raw):
        raise DataError("wrong input shape", where=f"input '{source.name}'", got=str(x_raw.shape),
                        want=f"(n_events, {source.shape[0]}), at least one event")  # fmt: skip
    start = time.monotonic()
    run(["sh", "ghdl.sh"], cwd=project_dir, timeout_s=COMPILE_TIMEOUT_S, log=project_dir / "ghdl_compile.log")
    compile_seconds = time.monotonic() - start
    np.savetxt(project_dir / "SimulationInput.txt", x_raw, fmt="%d")
    output = project_dir / "SimulationOutput.txt"
    output.unlink(missing_ok=True)
    done = run(["ghdl", "-r", *TOP], cwd=project_dir, timeout_s=timeout_s, log=project_dir / "ghdl.log")
    y_raw = np.loadtxt(output, dtype=np.int64, ndmin=2) if output.is_file() else np.empty((0, 0), dtype=np.int64)
    if y_raw.shape != (len(x_raw), *result.shape):
        raise DataError("the simulation gave another number of results", where=str(output), got=str(y_raw.shape),
                        want=str((len(x_raw), *result.shape)))  # fmt: skip
    return CsimResult({result.name: y_raw}, len(x_raw), compile_seconds, done.seconds)
