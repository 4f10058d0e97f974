"""Events per second of the NumPy and the compiled forest emulators on 20 rounds x 5 classes, depth 4, one thread.

Run: python benchmarks/forest_emulator.py. XGBoost's own `inplace_predict` on the same trees and events is the peer.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xgboost

import fasttrig
from fasttrig.emulator.evaluate import evaluate
from fasttrig.fixed import to_value
from fasttrig.toolchain.emulator_library import load

ROUNDS, N_EVENTS = 5, 100_000


def main() -> None:
    root = Path(__file__).resolve().parent.parent
    design = fasttrig.read(root / "models" / "jet_bdt")
    (op,) = design.graph.inputs
    kind = op.result.type
    steps = [1 << (kind.fraction_bits - t.fraction_bits) for t in op.channel_types] or [1]
    raw = np.random.default_rng(1).integers(kind.min_raw, kind.max_raw, (N_EVENTS, *op.result.shape))
    raw = (raw // steps) * np.array(steps)
    values = to_value(raw, kind).astype(np.float32)
    booster = xgboost.Booster(model_file=str(design.source))
    booster.set_param({"nthread": 1})
    compiled = load(design.graph)
    rows = raw.astype(np.int32)
    contenders: dict[str, Callable[[], object]] = {
        "XGBoost inplace_predict": lambda: booster.inplace_predict(values, predict_type="margin"),
        "NumPy emulator": lambda: evaluate(design.graph, raw),
        "compiled emulator": lambda: compiled.predict_rows(rows),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            rates[name].append(N_EVENTS / (time.perf_counter() - start))
    peer = statistics.median(rates["XGBoost inplace_predict"])
    for name, found in rates.items():
        median = statistics.median(found)
        print(f"{name:24} {median / 1e6:7.3f} million events/s ({min(found) / 1e6:.3f} to {max(found) / 1e6:.3f}), "
              f"{median / peer:6.2f} x XGBoost")  # fmt: skip


if __name__ == "__main__":
    main()
