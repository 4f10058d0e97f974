"""Run the rungs of the ladder, lowest first; a rung that cannot run gives the reason."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fasttrig.backends.rtl import declared_ii_cycles, declared_latency_cycles
from fasttrig.backends.table import BACKENDS
from fasttrig.base.built_project import HLS, RTL, VHDL
from fasttrig.base.errors import CheckFailed
from fasttrig.base.fixed import IntArray
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ladder.checks import Work
from fasttrig.ladder.rungs import Mismatch, Rung, Status, climb, not_run

N_VHDL = 2_000
"""Events of the VHDL simulation: GHDL runs a few hundred a second."""
SIMULATED = ("vitis", "vivado")
"""HLS tools whose C++ headers come with hls4ml."""

NO_MODEL_FILE = "a build folder keeps no model file: build from the model itself, and its framework is run"
ELSEWHERE = "HGQ2 runs in its own environment (it replaces the package qkeras); `make hgq` compares random networks"
NO_GHDL = "GHDL is not installed (Debian's package ghdl)"
_VENDOR_TOOLS = ("vitis_hls", "vitis-run", "vivado_hls")


@dataclass(frozen=True, slots=True)
class RungRow:
    """One rung of every ladder.

    Attributes
    ----------
    doing : the work in words, for progress
    run : the comparison
    why_not : why the rung cannot run on this machine or for these settings; empty when it can. Cheap: it is asked
        before every build.
    """

    name: str
    against: str
    doing: str
    run: Callable[[Work], Rung]
    why_not: Callable[[Work], str] = lambda work: ""


def _framework(work: Work) -> Rung:
    """The emulator against the framework; types narrowed by hand are the emulator's alone."""
    from fasttrig.ladder import framework_rung as frameworks

    design, inputs = work.design, work.inputs
    graph = design.as_read()
    want = work.evaluation.outputs
    if design.narrowed or design.has_link_in_firmware:
        found = evaluate(graph, inputs).outputs
        want = {out.name: found[read.name] for out, read in zip(design.graph.outputs, graph.outputs, strict=True)}
    rung = climb(
        "emulate",
        "framework",
        lambda: frameworks.raw_outputs(design, graph, inputs),
        want,
        lambda mismatch: frameworks.explain(design, graph, event_of(inputs, mismatch)),
    )
    if rung.status is not Status.EQUAL:
        return rung
    narrowed = f"; before the types narrowed by hand: {', '.join(design.narrowed)}" if design.narrowed else ""
    link = "; before the link that the firmware takes from tables" if design.has_link_in_firmware else ""
    return replace(rung, reason=frameworks.domain(design, graph) + narrowed + link)


def _no_framework(work: Work) -> str:
    if work.design.built_folder is not None:
        return NO_MODEL_FILE
    return ELSEWHERE if work.design.runs_elsewhere else ""


def event_of(inputs: dict[str, IntArray], mismatch: Mismatch) -> dict[str, IntArray]:
    """The one event of a mismatch."""
    return {name: array[mismatch.event : mismatch.event + 1] for name, array in inputs.items()}


def _compiled(work: Work) -> Rung:
    """The generated C++ emulator against the NumPy reference; only a compiler is needed."""
    from fasttrig.toolchain.emulator_library import emulate_compiled

    want = work.evaluation.outputs
    return climb("emulate_compiled", "emulate", lambda: emulate_compiled(work.design.graph, work.inputs), want)


def _csim(work: Work) -> Rung:
    from fasttrig.toolchain.csim import csim
    from fasttrig.toolchain.csim_trace import first_difference

    graph = work.design.graph

    def explain(mismatch: Mismatch) -> str:
        found = first_difference(graph, work.settings, event_of(work.inputs, mismatch))
        return f"first differing op: {found}" if found else "no op differs when every op is an output: look at hls/"

    run = lambda: csim(work.folder / HLS, work.given).outputs  # noqa: E731
    return climb("csim", "emulate", run, work.evaluation.outputs, explain)


def _no_headers(work: Work) -> str:
    tool = work.settings.backend
    if tool in SIMULATED:
        return ""
    return f"the headers of {tool} do not come with hls4ml; want one of {', '.join(SIMULATED)}"


def _rtlsim(work: Work) -> Rung:
    """The RTL project cycle by cycle, with random waits between events; it must keep the latency it declares."""
    from fasttrig.toolchain.rtlsim import RtlsimResult, rtlsim

    project, inputs = work.folder / RTL, work.inputs
    if work.settings.rtl_language == "vhdl":
        return _vhdl_bench(project)
    found: list[RtlsimResult] = []

    def simulate() -> dict[str, IntArray]:
        found.append(rtlsim(project, work.design.graph, inputs))
        return found[0].outputs

    try:
        rung = climb("rtlsim", "emulate", simulate, work.evaluation.outputs)
    except CheckFailed as error:
        n_events = len(next(iter(inputs.values())))
        return Rung("rtlsim", "emulate", Status.DIFFERS, n_events, n_events, reason=f"{error.what}: {error.got}")
    if rung.status is not Status.EQUAL:
        return rung
    (result,), declared, interval = found, declared_latency_cycles(project), declared_ii_cycles(project)
    if (result.latency_cycles, result.ii_cycles or interval) != (declared, interval):
        return replace(
            rung,
            status=Status.DIFFERS,
            reason=f"latency {result.latency_cycles} cycles, declared "
            f"{declared}; initiation interval {result.ii_cycles}, declared {interval}",
        )
    rung = replace(rung, tool=result.tool, latency_cycles=result.latency_cycles, ii_cycles=result.ii_cycles)
    return replace(
        rung,
        reason=f"{result.tool}; observed latency {result.latency_cycles} cycles, initiation interval "
        f"{result.ii_cycles}",
    )


def _no_rtl_simulator(work: Work) -> str:
    return _no_ghdl(work) if work.settings.rtl_language == "vhdl" else ""


def _vhdl_bench(project: Path) -> Rung:
    """RTL written in VHDL: its own self-checking bench in GHDL, on vectors spread evenly over all of them."""
    from fasttrig.toolchain.ghdl import run_bench

    result = run_bench(project, N_VHDL)
    if result.fault:
        return Rung("rtlsim", "emulate", Status.DIFFERS, result.n_events, result.n_events, result.seconds, result.fault)
    reason = f"{result.tool}; the project's own bench, on {result.n_events:,} events; observed latency "
    return Rung(
        "rtlsim",
        "emulate",
        Status.EQUAL,
        result.n_events,
        0,
        result.seconds,
        f"{reason}{result.latency_cycles} cycles",
        result.tool,
        result.latency_cycles,
        1,
    )


def _vhdlsim(work: Work) -> Rung:
    """conifer's VHDL entities, on events spread evenly over all of them."""
    from fasttrig.toolchain.ghdl import vhdlsim

    (raw,) = work.given
    chosen = np.unique(np.linspace(0, len(raw) - 1, min(N_VHDL, len(raw))).astype(np.int64))
    want = {name: outputs[chosen] for name, outputs in work.evaluation.outputs.items()}
    with tempfile.TemporaryDirectory(prefix="fasttrig-ghdl-") as scratch:  # GHDL leaves its work next to the sources
        copy = Path(shutil.copytree(work.folder / VHDL, Path(scratch) / VHDL))
        rung = climb("vhdlsim", "emulate", lambda: vhdlsim(copy, raw[chosen]).outputs, want)
    reason = f"conifer's VHDL in GHDL, on {len(chosen):,} events spread over the {len(raw):,}"
    return replace(rung, reason=rung.reason or reason)


def _no_ghdl(work: Work) -> str:
    from fasttrig.toolchain.ghdl import has_ghdl

    return "" if has_ghdl() else NO_GHDL


def _vendor_tool() -> str | None:
    return next((name for name in _VENDOR_TOOLS if shutil.which(name)), None)


def _cosim(work: Work) -> Rung:
    return not_run("cosim", "csim", f"{_vendor_tool()} is there: `make cosim` in hls/ runs it")


def _no_vendor_tool(work: Work) -> str:
    return "" if _vendor_tool() else f"no vendor tool on PATH ({', '.join(_VENDOR_TOOLS)})"


RUNGS: tuple[RungRow, ...] = (
    RungRow("emulate", "framework", "running the framework", _framework, _no_framework),
    RungRow("emulate_compiled", "emulate", "compiling and running the emulator in C++", _compiled),
    RungRow("csim", "emulate", "compiling and running the C-simulation", _csim, _no_headers),
    RungRow("rtlsim", "emulate", "compiling and running the RTL simulation", _rtlsim, _no_rtl_simulator),
    RungRow("vhdlsim", "emulate", "simulating the VHDL project", _vhdlsim, _no_ghdl),
    RungRow("cosim", "csim", "looking for a vendor tool", _cosim, _no_vendor_tool),
)
"""Rungs in the order of the ladder. Each rung after the first runs the files of the backend that names the rung."""

for _backend in BACKENDS:
    for _rung in _backend.rungs:
        assert any(_row.name == _rung for _row in RUNGS), f"backend '{_backend.name}': no row for its rung '{_rung}'"
