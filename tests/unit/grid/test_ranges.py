"""Ranges of rows: what each format reads of a range is that range of the whole file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fasttrig.data.readers import open_source
from tests.unit.streaming.cases import columns, write

RANGES = [(0, 1000), (0, 1), (999, 1000), (250, 500), (249, 501), (300, None), (0, None)]


@pytest.mark.parametrize("kind", ["grouped.parquet", "one.parquet", "x.root", "x.h5", "x.npz"])
@pytest.mark.parametrize("rows", RANGES)
def test_a_range_is_that_of_the_whole(kind: str, rows: tuple[int, int | None], tmp_path: Path) -> None:
    data = columns(1000)
    if kind == "grouped.parquet":
        plain = {name: column for name, column in data.items() if column.ndim == 1}
        pq.write_table(pa.table(plain), tmp_path / kind, row_group_size=250)
    else:
        write(tmp_path / kind, data)
    source = open_source(tmp_path / kind)
    parts = list(source.chunks(("event", "pt"), 90, rows))
    assert max(len(part["pt"]) for part in parts) <= 90
    for name in ("event", "pt"):
        assert np.array_equal(np.concatenate([part[name] for part in parts]), data[name][slice(*rows)])
