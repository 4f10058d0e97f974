"""C-simulation of a forest, fasttrig against conifer's own xilinxhls backend: seconds to compile, events per second.

Both get the same ensemble (by default 20 rounds of 5 classes, depth 4, 16 features of 10 bits), made from the same
graph, and the same features; the scores of both must be the emulator's, bit for bit, or the benchmark fails. conifer
compiles once, with its own flags (minutes). fasttrig compiles twice: without and with its precompiled header of the
vendor's types, which is made once per machine and not counted.

    python benchmarks/conifer_csim.py [rounds [classes [depth]]]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from fasttrig.backends.conifer import emit
from fasttrig.backends.conifer.parameters import ensemble, precisions
from fasttrig.backends.conifer.parts import read_parts
from fasttrig.backends.conifer.wheels import package
from fasttrig.base.fixed import FixedType, IntArray, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import exactly_typed
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Forest, Input, Value
from fasttrig.settings import TargetSettings
from fasttrig.toolchain.csim import compile_project, csim
from fasttrig.toolchain.programs import scratch_folder

N_FEATURES, X, LEAF_BITS = 16, FixedType(10, 4), 10
N_EVENTS, N_EVENTS_CONIFER = 50_000, 5_000


def forest(rounds: int, classes: int, depth: int) -> Graph:
    """Full trees with thresholds and leaves drawn at random."""
    rng = np.random.default_rng(0)
    per_tree, n_trees = 2**depth - 1, rounds * classes
    n_nodes = per_tree * n_trees
    tree, node = np.divmod(np.arange(n_nodes), per_tree)
    left, right = (
        np.where(child < per_tree, tree * per_tree + child, n_nodes + tree * 2**depth + child - per_tree)
        for child in (2 * node + 1, 2 * node + 2)
    )
    tables = {
        "tree_root": np.arange(n_trees) * per_tree,
        "tree_output": np.arange(n_trees) % classes,
        "feature": rng.integers(0, N_FEATURES, n_nodes),
        "left": left,
        "right": right,
        "threshold": rng.integers(X.min_raw + 1, X.max_raw, n_nodes, endpoint=True),
        "leaf": rng.integers(-500, 500, (n_trees * 2**depth, 1)),
        "base_margin": rng.integers(-100, 100, classes),
    }
    grids = {"threshold": X.fraction_bits, "leaf": LEAF_BITS, "base_margin": LEAF_BITS}
    consts = {name: Const.covering(name, raw, grids.get(name, 0)) for name, raw in tables.items()}
    source = Input(result=Value("x", (N_FEATURES,), X))
    draft = Forest(result=Value("margin", (classes,), FixedType(40, 20)), operand=source.result, **consts)
    op = exactly_typed(draft, [source.interval()])
    return Graph("forest", (source, op), (op.result,))


def ours(graph: Graph, folder: Path, raw: IntArray, *, precompiled: bool) -> tuple[float, float, IntArray]:
    """Seconds of emit and the compilers, events per second, scores."""
    start = time.perf_counter()
    for name, text in emit(graph, TargetSettings()).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    plain = mock.patch("fasttrig.toolchain.csim.include_flags", return_value=())
    with scratch_folder("benchmark") as compiled, mock.MagicMock() if precompiled else plain:
        compile_project(folder, compiled)
    seconds = time.perf_counter() - start
    result = csim(folder, [raw])
    return seconds, len(raw) / result.run_seconds, result.outputs["margin"]


def conifer_model(graph: Graph, folder: Path) -> Any:
    """conifer's model of `graph`, for its `compile()` and `decision_function`."""
    from conifer.backends.xilinxhls.writer import XilinxHLSModel

    os.environ["XILINX_AP_INCLUDE"] = str(package("hls4ml") / "templates" / "vivado" / "ap_types")
    config = {
        "output_dir": str(folder),
        "project_name": "forest",
        "backend": "xilinxhls",
        "unroll": True,
        "xilinx_part": "xcvu13p-flga2577-2-e",
        "clock_period": 2.5,
        **precisions(read_parts(graph)),
    }
    return XilinxHLSModel(ensemble(graph), config)


def theirs(graph: Graph, folder: Path, raw: IntArray) -> tuple[float, float, IntArray]:
    """The same of conifer: its `compile()` writes and compiles, its `decision_function` runs."""
    model = conifer_model(graph, folder)
    start = time.perf_counter()
    model.compile()
    seconds = time.perf_counter() - start
    x = to_value(raw, X)
    start = time.perf_counter()
    scores = model.decision_function(x)
    rate = len(raw) / (time.perf_counter() - start)
    return seconds, rate, np.ldexp(scores, LEAF_BITS).astype(np.int64).reshape(len(raw), -1)


def main() -> None:
    rounds, classes, depth = [*map(int, sys.argv[1:]), *(20, 5, 4)[len(sys.argv) - 1 :]]
    graph = forest(rounds, classes, depth)
    raw = np.random.default_rng(1).integers(X.min_raw, X.max_raw, (N_EVENTS, N_FEATURES), endpoint=True)
    want = evaluate(graph, raw).outputs["margin"]
    with tempfile.TemporaryDirectory(prefix="fasttrig-benchmark-") as temporary:
        folders = [Path(temporary) / name for name in ("first", "plain", "precompiled", "conifer")]
        for folder in folders:
            folder.mkdir()
        ours(graph, folders[0], raw, precompiled=True)  # makes the precompiled header
        rows = {
            "fasttrig": ours(graph, folders[1], raw, precompiled=False),
            "fasttrig, precompiled header": ours(graph, folders[2], raw, precompiled=True),
            "conifer": theirs(graph, folders[3], raw[:N_EVENTS_CONIFER]),
        }
    for name, (seconds, rate, scores) in rows.items():
        if not np.array_equal(scores, want[: len(scores)]):
            sys.exit(f"{name}: scores differ from the emulator's")
        sys.stdout.write(f"{name:<29} compile {seconds:7.2f} s, {rate:9.0f} events/s\n")
    plain, cached, other = rows.values()
    sys.stdout.write(
        f"compile time, ours / conifer's  {plain[0] / other[0]:.4f} ({cached[0] / other[0]:.4f} with the "
        f"precompiled header)\nevents/s, ours / conifer's      {cached[1] / other[1]:.1f}\n"
    )


if __name__ == "__main__":
    main()
