"""A small design and files of events for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fasttrig.base.fixed import FixedType
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.data.table import ColumnTable
from fasttrig.design import Design, built_files
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Postprocessor
from fasttrig.ir.ops import Const
from fasttrig.streaming.writers import writing

N_EVENTS = 1000


def small_design() -> Design:
    """Two features, two classes, and the best class as a second output."""
    kind = FixedType(8, 4)
    b = GraphBuilder("small")
    w, bias = Const("w", kind, np.array([[16, -16], [8, 24]])), Const("b", kind, np.array([1, -2]))
    logits = b.matmul("logits", b.input("x", (2,), kind), w, bias)
    graph = b.graph(logits, b.argmax("best", logits), postprocessor=Postprocessor.SOFTMAX)
    features = (FeatureMap("pt", "GeV", 32.0, 3, kind), FeatureMap("n", "", 0.0, 2, FixedType(6, 4)))
    return Design(graph, "a test", InputMap(features, kind), classes=("sig", "bkg"))


def built(folder: Path) -> Path:
    """A build folder of `small_design`."""
    for name, text in built_files(small_design()).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def columns(n_events: int = N_EVENTS) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "event": np.arange(n_events),
        "pt": rng.exponential(30.0, n_events).astype(np.float32),
        "n": rng.integers(0, 50, n_events).astype(np.int16),
        "cells": rng.normal(size=(n_events, 3)).astype(np.float32),
    }


def write(path: Path, data: dict[str, np.ndarray]) -> Path:
    """`data` as Parquet, ROOT, HDF5, NumPy or CSV (then without lists)."""
    if path.suffix == ".npz":
        np.savez(path, **data)
    elif path.suffix == ".csv":
        plain = {name: column for name, column in data.items() if column.ndim == 1}
        rows = zip(*(column.tolist() for column in plain.values()), strict=True)
        path.write_text("\n".join([",".join(plain), *(",".join(map(repr, row)) for row in rows)]) + "\n")
    else:
        last = list(data)[-1]
        with writing(path, "events", None) as put:
            put({name: column for name, column in data.items() if name != last}, {last: data[last]})
    return path


def expected(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns that emulation adds, from the emulator on whole arrays."""
    design = small_design()
    made = design.emulate(np.stack([data["pt"], data["n"]], axis=1).astype(np.float64), compiled=False)
    logits, best = made.raw["logits"], made.raw["best"].reshape(-1)
    return {
        "small_score_sig": made.scores[:, 0],
        "small_score_bkg": made.scores[:, 1],
        "small_raw_sig": logits[:, 0],
        "small_raw_bkg": logits[:, 1],
        "small_raw_best": best,
        "small_value_best": made.values["best"].reshape(-1),
    }


def assert_holds(table: ColumnTable, want: dict[str, np.ndarray]) -> None:
    """The table has just these columns, and every bit of them."""
    assert set(table.names) == set(want)
    for name, column in want.items():
        assert np.array_equal(table[name], column), name
