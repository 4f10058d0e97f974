"""Seconds to compile the C-simulation of a 16-64-32-32-5 network with 6-bit weights: fasttrig against hls4ml.

Both compile the same ModelGraph: hls4ml by its own `compile()` (write, `build_lib.sh`), fasttrig by `emit` and
`compile_project`. Alternating rounds in one process, medians; then the rate of the simulation itself.

    python benchmarks/csim_compile.py [rounds]
"""

from __future__ import annotations

import itertools
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fasttrig.backends.hls4ml import emit
from fasttrig.backends.hls4ml.layer_list import plan
from fasttrig.backends.hls4ml.model_graph import build
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.csim import compile_project, csim
from fasttrig.toolchain.programs import scratch_folder

SIZES = (16, 64, 32, 32, 5)
N_EVENTS = 20_000


def network() -> Graph:
    rng = np.random.default_rng(0)
    b = GraphBuilder("jet")
    value = b.input("x", (SIZES[0],), FixedType(8, 3))
    for index, (n_in, n_out) in enumerate(itertools.pairwise(SIZES)):
        weight = Const(f"w{index}", FixedType(6, 1), rng.integers(-32, 32, (n_in, n_out)))
        value = b.matmul(f"fc{index}", value, weight, Const(f"b{index}", FixedType(6, 1), rng.integers(-32, 32, n_out)))
        if n_out != SIZES[-1]:
            value = b.cast(
                f"act{index}", b.relu(f"relu{index}", value), FixedType(6, 2, False), Rounding.RND_CONV, Overflow.SAT
            )
    return b.graph(value)


def ours(graph: Graph, target: TargetSettings, folder: Path) -> tuple[float, float]:
    """Seconds of emit and of the compilers."""
    start = time.perf_counter()
    for name, text in emit(graph, target).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    written = time.perf_counter()
    with scratch_folder("benchmark") as compiled:  # not `simulation_program`, which keeps programs
        compile_project(folder, compiled)
    return written - start, time.perf_counter() - written


def theirs(graph: Graph, target: TargetSettings, folder: Path) -> tuple[float, float]:
    """Seconds of building the graph, and of `ModelGraph.compile` (which writes and compiles)."""
    start = time.perf_counter()
    model = build(plan(graph, target.io_type), graph.name, target.model_copy(update={"namespace": "jet_v1"}), folder)
    model.config.config["WriterConfig"]["WriteWeightsTxt"] = True  # hls4ml's default, made to compile faster
    built = time.perf_counter()
    model.write()
    model.config.backend.compile(model)
    return built - start, time.perf_counter() - built


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    graph, target = network(), TargetSettings()
    seconds: dict[str, list[tuple[float, float]]] = {"hls4ml": [], "fasttrig": []}
    with tempfile.TemporaryDirectory(prefix="fasttrig-benchmark-") as temporary:
        for number in range(rounds + 1):  # the first round imports Keras and fills the disk's cache: not counted
            for name, measure in (("hls4ml", theirs), ("fasttrig", ours)):
                folder = Path(temporary) / f"{name}{number}"
                folder.mkdir()
                taken = measure(graph, target, folder)
                seconds[name] += [taken] if number else []
                if name == "hls4ml" or number < rounds:
                    shutil.rmtree(folder)
        raw = np.random.default_rng(1).integers(-128, 128, (N_EVENTS, SIZES[0]))
        rate = N_EVENTS / csim(Path(temporary) / f"fasttrig{rounds}", [raw]).run_seconds
    for name, rows in seconds.items():
        before, compiling = (statistics.median(row[part] for row in rows) for part in (0, 1))
        spread = f"{min(row[1] for row in rows):.2f} to {max(row[1] for row in rows):.2f}"
        sys.stdout.write(f"{name:<9} before {before:.2f} s, compile {compiling:.2f} s (median of {rounds}, {spread})\n")
    ratio = statistics.median(r[1] for r in seconds["fasttrig"]) / statistics.median(r[1] for r in seconds["hls4ml"])
    sys.stdout.write(f"ratio     {ratio:.2f}\ncsim      {rate:.0f} events/s\n")


if __name__ == "__main__":
    main()
