"""Events per second of the emulator on a 16-64-32-32-5 network (6-bit weights, 6-bit activations), on one thread.

Beside it, in the same run: the bare float32 matrix products of NumPy, and hls4ml's own compiled `predict` of the same
graph (with hls4ml installed; its outputs are compared raw integer by raw integer before anything is timed).

    python benchmarks/emulator.py [rounds] [--no-hls4ml]
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.fixed import FixedType, Overflow, Rounding, to_value
from fasttrig.emulator.evaluate import CHUNK_EVENTS, evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, MatMul
from fasttrig.passes.pipeline import compile_graph

SIZES = (16, 64, 32, 32, 5)
N_EVENTS, N_EVENTS_HLS4ML = 200_000, 10_000
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def network() -> Graph:
    """Random weights of the full 6-bit range, half of the sums above zero, some of them saturated."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("jet")
    value = builder.input("x", (SIZES[0],), FixedType(16, 6))
    for index, (n_in, n_out) in enumerate(pairwise(SIZES)):
        weight = Const(f"w{index}", FixedType(6, 1), rng.integers(-32, 32, (n_in, n_out)))
        bias = Const(f"b{index}", FixedType(6, 1), rng.integers(-32, 32, n_out))
        value = builder.matmul(f"fc{index}", value, weight, bias)
        if n_out != SIZES[-1]:
            relu = builder.relu(f"relu{index}", value)
            value = builder.cast(f"q{index}", relu, FixedType(6, 3, signed=False), Rounding.RND_CONV, Overflow.SAT)
    return compile_graph(builder.graph(value))


def rates(run: Callable[[], object], n_events: int, rounds: int) -> list[float]:
    """Events per second of each round, after one round that is not counted."""
    run()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        found.append(n_events / (time.perf_counter() - start))
    return found


def float_products(graph: Graph, x: Any) -> Callable[[], object]:
    weights = [op.weight.raw.astype(np.float32) for op in graph.ops if isinstance(op, MatMul)]

    def run() -> None:
        for start in range(0, len(x), CHUNK_EVENTS):
            values = x[start : start + CHUNK_EVENTS]
            for weight in weights:
                values = values @ weight

    return run


def hls4ml_predict(graph: Graph, raw: Any, folder: Path) -> Callable[[], object]:
    """hls4ml's compiled model of `graph`, checked against the emulator on `raw`."""
    from fasttrig.backends.hls4ml.layer_list import plan
    from fasttrig.backends.hls4ml.model_graph import build
    from fasttrig.settings import TargetSettings

    target = TargetSettings(namespace="jet_v1")
    model = build(plan(graph, target.io_type), graph.name, target, folder)
    model.compile()
    x = np.ascontiguousarray(to_value(raw, graph.inputs[0].result.type), dtype=np.float32)
    output = graph.outputs[0]
    ours = to_value(evaluate(graph, raw).outputs[output.name], output.type)
    if not np.array_equal(np.asarray(model.predict(x), dtype=np.float64), ours):
        raise SystemExit("hls4ml's C-simulation and the emulator differ: nothing to compare")
    return lambda: model.predict(x)


def report(label: str, found: list[float], unit: float) -> float:
    median = statistics.median(found)
    spread = f"{min(found) / 1e6:.3f} to {max(found) / 1e6:.3f}"
    print(f"{label:<34} {median / 1e6:8.3f} million events/s   ({spread})   {unit / median:9.2f}")
    return median


def main() -> None:
    if any(os.environ.get(name) != number for name, number in ONE_THREAD.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})  # read when BLAS loads
    rounds = int(next((word for word in sys.argv[1:] if word.isdigit()), "7"))
    graph = network()
    kind = graph.inputs[0].result.type
    raw = np.random.default_rng(1).integers(kind.min_raw, kind.max_raw, (N_EVENTS, SIZES[0]), endpoint=True)
    overflows = evaluate(graph, raw).overflows
    print(f"{N_EVENTS} events, {rounds} rounds, median (range); last column: emulator's rate over this one")
    print(f"saturated: {', '.join(f'{name} {count / N_EVENTS:.2f}/event' for name, count in overflows.items())}")
    ours = statistics.median(found := rates(lambda: evaluate(graph, raw), N_EVENTS, rounds))
    report("fasttrig emulator", found, ours)
    report("NumPy float32 products alone", rates(float_products(graph, raw.astype(np.float32)), N_EVENTS, rounds), ours)
    if "--no-hls4ml" in sys.argv or importlib.util.find_spec("hls4ml") is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        few = raw[:N_EVENTS_HLS4ML]
        predict = hls4ml_predict(graph, few, Path(folder))
        report("hls4ml compiled predict", rates(predict, len(few), max(3, rounds // 2)), ours)


if __name__ == "__main__":
    main()
