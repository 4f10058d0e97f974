"""The stored samples of jets are what their generators make: by day a few jets, by night a whole chunk of each."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from fasttrig.data import samples
from fasttrig.data.hbb.measure import HBB
from fasttrig.data.jets5.measure import JETS5
from fasttrig.data.simulation.chunk import run_chunk
from fasttrig.data.simulation.make import SHUFFLE_STREAM, make_jets, plan
from fasttrig.data.top.measure import TOP


@pytest.mark.parametrize("sample", [HBB, TOP], ids=lambda sample: sample.name)
def test_a_few_jets_are_written_with_all_columns(sample, tmp_path):
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    path = make_jets(sample, 6, 3, tmp_path / "jets.parquet", workers=1)
    table = pq.read_table(path)
    assert table.column_names == [column.name for column in sample.stored]
    assert sorted(table["label"].to_pylist()) == [0, 0, 0, 1, 1, 1]


@pytest.mark.nightly
@pytest.mark.parametrize("sample", [JETS5, HBB, TOP], ids=lambda sample: sample.name)
def test_a_chunk_of_the_stored_sample_is_generated_again(sample):
    """Its last class, its first chunk: the bits of every column."""
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    table = pq.read_table(samples.path(sample.name))
    tasks = plan(sample, table.num_rows, 1, sample.settings)
    first = next(k for k, task in enumerate(tasks) if task.label == len(sample.classes) - 1)
    start = sum(task.n_jets for task in tasks[:first])
    order = np.argsort(np.random.default_rng([1, SHUFFLE_STREAM]).permutation(table.num_rows))
    rows = order[start : start + tasks[first].n_jets]
    made = run_chunk(tasks[first])
    for column in sample.columns:
        stored = np.array(table[column.name].to_pylist())[rows]
        np.testing.assert_array_equal(stored, np.ldexp(made[column.name].astype(float), column.lsb_log2), column.name)
