"""Verilator on the RTL of jet_mlp and jet_bdt: seconds to translate and compile, and for 20 thousand events.

Every output must be the emulator's, the latency and the interval on the valid bits those that the project declares,
with random waits between the events; else the benchmark fails. The bar is 60 s for jet_mlp, compile and run together.
The first number compiles Verilator's own library too, which is then kept for the user. On a machine that does other
things look at the CPU time: two compilers run at once.

    python benchmarks/rtlsim.py [jet_mlp | jet_bdt]
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import fasttrig
from fasttrig.backends.rtl import declared_latency_cycles, emit_rtl
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ladder.corners import corner_inputs
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.rtlsim import rtlsim

MODELS = Path(__file__).resolve().parents[1] / "models"
N_EVENTS, LIMIT_S = 20_000, 60.0


def measure(name: str, folder: Path) -> float:
    """Seconds of compile and run, all checks held."""
    graph = fasttrig.read(MODELS / name).graph
    start = time.perf_counter()
    for path, text in emit_rtl(graph, TargetSettings()).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    emitted = time.perf_counter() - start
    inputs = {key: raw[-N_EVENTS:] for key, raw in corner_inputs(graph, n_random=N_EVENTS).items()}
    want = evaluate(graph, inputs).outputs
    before = cpu_seconds()
    found = rtlsim(folder, graph, inputs)
    used = cpu_seconds() - before
    if any((found.outputs[key] != raw).any() for key, raw in want.items()):
        sys.exit(f"{name}: outputs differ from the emulator's")
    if (found.latency_cycles, found.ii_cycles) != (declared_latency_cycles(folder), 1):
        sys.exit(f"{name}: latency {found.latency_cycles}, interval {found.ii_cycles} are not what is declared")
    print(
        f"{name}: {found.tool}, emit {emitted:.1f} s, compile {found.compile_seconds:.1f} s, {N_EVENTS:,} events "
        f"{found.run_seconds:.1f} s, CPU {used:.1f} s, latency {found.latency_cycles} cycles, interval "
        f"{found.ii_cycles}"
    )
    return found.compile_seconds + found.run_seconds


def cpu_seconds() -> float:
    """Of every program that ran and ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    wanted, slow = sys.argv[1:] or ["jet_bdt", "jet_mlp"], False
    with tempfile.TemporaryDirectory(prefix="fasttrig-benchmark-") as temporary:
        os.environ["XDG_CACHE_HOME"] = str(Path(temporary) / "cache")
        for name in wanted:
            slow |= measure(name, Path(temporary) / name) > LIMIT_S
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
