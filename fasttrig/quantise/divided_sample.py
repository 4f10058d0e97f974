"""A sample with the columns that fasttrig needs: `label` under that name, and `split` where the file has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fasttrig.base.errors import DataError, near_names
from fasttrig.data.labelled import LABEL, SPLIT, SPLITS
from fasttrig.data.readers import column_names

SEED = 1
SAMPLE_FILE = "sample.parquet"
_SHARES = {"train": 0.5, "validation": 0.25}
"""Of the events; the rest is for the test."""


def needs_copy(path: Path, labels: str) -> bool:
    """Whether the file must be copied to get its columns `split` and `label`."""
    return SPLIT not in column_names(path) or labels not in ("", LABEL)


def write_divided(path: Path, labels: str, copy: Path) -> None:
    """Copy a Parquet file; events are divided by a seeded permutation if it has no column `split`.

    Raises
    ------
    DataError
        If the file is not Parquet, or lacks the column `labels`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() not in (".parquet", ".pq"):
        raise DataError(
            "this sample lacks a column that fasttrig adds to Parquet files only",
            where=str(path),
            got=f"columns {', '.join(column_names(path)[:12])}",
            want=f"columns {SPLIT} and {LABEL}",
            try_="convert it to Parquet, or add the columns",
        )
    table = pq.read_table(path)
    if labels not in ("", LABEL):
        if labels not in table.column_names:
            raise DataError(
                "no such column", where=str(path), got=labels, try_=near_names(labels, map(str, table.column_names))
            )
        others = [name for name in table.column_names if name != LABEL]
        table = table.select(others).append_column(LABEL, table.column(labels))
    if SPLIT not in table.column_names:
        table = table.append_column(SPLIT, pa.array(_split(table.num_rows)))
    pq.write_table(table, copy)


def _split(n_events: int) -> np.ndarray:
    order = np.random.default_rng(SEED).permutation(n_events)
    ends = np.cumsum([int(share * n_events) for share in _SHARES.values()])
    split = np.full(n_events, SPLITS["test"], dtype=np.int8)
    split[order[: ends[0]]] = SPLITS["train"]
    split[order[ends[0] : ends[1]]] = SPLITS["validation"]
    return split
