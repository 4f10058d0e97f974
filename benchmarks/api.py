"""Events per second of `design.emulate` over those of its own compiled kernel, on one thread, for jet_mlp and jet_bdt.

The events are those of the embedded sample. The kernel gets raw integers in rows of int32 and returns raw integers;
`design.emulate` gets numbers in the features' units (or raw integers), quantises them and computes the scores. All take
turns in the same run, and are first compared with the NumPy emulator, bit for bit.

    python benchmarks/api.py [rounds]
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from turns import check, measure, one_thread, rounds, show

import fasttrig
from fasttrig.data.readers import load_jets5
from fasttrig.design import Design
from fasttrig.emulator.emulation import Emulation
from fasttrig.toolchain.emulator_library import load

MODELS = Path(__file__).resolve().parent.parent / "models"
N_TIMES, N_COMPARED = 8, 20_000
BAR = 0.5
"""Of issue 12, for `COLUMNS`."""

COLUMNS = "emulate, float32 columns"


def named(x: Any, names: tuple[str, ...], dtype: str) -> dict[str, Any]:
    """Columns by name, each contiguous."""
    return {name: np.ascontiguousarray(x[:, number].astype(dtype)) for number, name in enumerate(names)}


def inputs(design: Design) -> dict[str, tuple[Any, bool]]:
    """What a user may hand over, and whether it is raw."""
    assert design.inputs is not None
    x = np.tile(load_jets5()[0], (N_TIMES, 1)).astype(np.float32)
    raw = design.inputs.to_raw(x.astype(np.float64))
    return {
        COLUMNS: (named(x, design.feature_names, "f4"), False),
        "emulate, float32 rows": (x, False),
        "emulate, float64 rows": (x.astype(np.float64), False),
        "emulate, int32 columns (values)": (named(np.rint(x), design.feature_names, "i4"), False),
        "emulate_raw, int64 rows": (raw, True),
        "emulate_raw, int16 columns": (named(raw, design.feature_names, "i2"), True),
    }


def require_equal(design: Design, x: Any, raw: bool) -> None:
    part = {name: column[:N_COMPARED] for name, column in x.items()} if isinstance(x, dict) else x[:N_COMPARED]
    got, want = (design.emulate(part, raw=raw, compiled=compiled) for compiled in (True, False))
    same = got.scores.tobytes() == want.scores.tobytes()
    for name, array in want.raw.items():
        same &= np.array_equal(got.raw[name], array) and got.values[name].tobytes() == want.values[name].tobytes()
    if not same:
        raise SystemExit("the compiled emulator and NumPy's differ: nothing to compare")


def emulated(design: Design, x: Any, raw: bool) -> Callable[[], Emulation]:
    def run() -> Emulation:
        made = design.emulate(x, raw=raw, threads=1, compiled=True)
        assert len(made.scores)
        return made

    return run


def reached(model: str, n_rounds: int) -> bool:
    """Measure one model; whether it reaches the bar."""
    design = fasttrig.read(MODELS / model)
    given = inputs(design)
    rows = np.ascontiguousarray(given["emulate_raw, int64 rows"][0].astype(np.int32))
    library, n_events = load(design.graph, columns=True), len(rows)
    runs: dict[str, tuple[Callable[[], object], int]] = {"kernel": (lambda: library.predict_rows(rows), n_events)}
    for label, (x, raw) in given.items():
        require_equal(design, x, raw)
        runs[label] = emulated(design, x, raw), n_events
    whole = emulated(design, *given[COLUMNS])

    def all_three() -> object:
        made = whole()
        return made.raw, made.values

    runs["the same, raw and values too"] = all_three, n_events
    print(f"{model}, {n_events:,} events")
    rates = measure(runs, n_rounds)
    show(rates)
    pairs = {label: zip(rates[label], rates["kernel"], strict=True) for label in list(runs)[1:]}
    ratios = {label: statistics.median(ours / kernel for ours, kernel in found) for label, found in pairs.items()}
    for label, ratio in ratios.items():
        print(f"{label} over kernel, median of the rounds: {ratio:.2f}")
    return ratios[COLUMNS] >= BAR


def main() -> None:
    one_thread()
    missed = [f"{model}: {COLUMNS}" for model in ("jet_mlp", "jet_bdt") if not reached(model, rounds(9))]
    check({}, (), missed)


if __name__ == "__main__":
    main()
