"""The compiled emulator on forests, every kernel as it is compiled for use: equal to the NumPy emulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.toolchain.emulator_library import load
from tests.ladder.forest_cases import events_for, forest_graph, random_tables


@pytest.mark.parametrize(
    ("splits", "targets", "span", "width"),
    [
        ([15] * 20, 1, 500, 12),
        ([0, 40, 3, 200], 2, 2**40, 30),
        ([], 1, 9, 8),
        ([0, 0], 2, 9, 40),
    ],
)
def test_compiled_equals_numpy(splits: list[int], targets: int, span: int, width: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(len(splits))
    x_type = FixedType(width, 4)
    tables = random_tables(rng, x_type, 4, splits, coarse=False, shared=False)
    n_leaves = len(tables.pop("leaf_slots"))
    tables |= {
        "leaf": rng.integers(-span, span, (n_leaves, targets)),
        "base_margin": [5, -5, 7],
        "tree_output": rng.integers(0, 4 - targets, len(splits)),
    }
    graph = forest_graph(tables, x_type, 4, 6)
    x_raw = events_for(graph, rng, n_events=1300)
    compiled, want = load(graph, cache_dir=tmp_path), evaluate(graph, x_raw).outputs["margin"]
    for kernel in compiled.kernels:
        assert np.array_equal(compiled(x_raw, kernel=kernel)["margin"], want), kernel
