"""Peak memory and events per second of `fasttrig emulate` over a file of ten million events, on all cores.

The file is the embedded jets5 sample over and over, with all its columns (or, with --features, the sixteen that the
model reads). The command runs in a process of its own, which says its peak resident memory (VmHWM) at its end.

    python benchmarks/emulate_file.py [million events] [parquet | root | h5] [--features]
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from fasttrig.data import samples
from fasttrig.data.columns import SIXTEEN
from fasttrig.data.readers import iter_table
from fasttrig.design import built_files, open_design
from fasttrig.streaming.writers import writing

BAR_BYTES = 1e9
ROW_GROUP = 1_000_000
MEASURED = """
import atexit, pathlib, runpy, sys
sys.argv[1:1] = ["emulate"]
atexit.register(lambda: print(pathlib.Path("/proc/self/status").read_text()))
runpy.run_module("fasttrig.cli", run_name="__main__")
"""
MODEL = Path(__file__).resolve().parent.parent / "models" / "jet_mlp"


def parquet_file(path: Path, n_events: int, columns: list[str] | None) -> None:
    """Row groups of a million rows: larger than any chunk."""
    sample = pq.read_table(samples.path("jets5"), columns=columns)
    with pq.ParquetWriter(path, sample.schema, compression="zstd") as writer:
        import pyarrow as pa

        group = pa.concat_tables([sample] * (-(-ROW_GROUP // len(sample)))).slice(0, ROW_GROUP)
        for start in range(0, n_events, ROW_GROUP):
            writer.write_table(group.slice(0, min(ROW_GROUP, n_events - start)), row_group_size=ROW_GROUP)


def other_file(path: Path, n_events: int, columns: list[str] | None) -> None:
    """ROOT or HDF5, the values in their units."""
    tables = list(iter_table(samples.path("jets5"), columns))
    with writing(path, "events", None) as write:
        done = 0
        for chunk in _over_and_over([dict(table.columns) for table in tables]):
            kept = {name: column[: n_events - done] for name, column in chunk.items()}
            label = kept.pop("zlogz")
            write(kept, {"zlogz": label})
            done += len(label)
            if done >= n_events:
                return


def _over_and_over(chunks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    while True:
        yield from chunks


def main() -> None:
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    n_events = int(1e6 * float(next((word for word in words if word[0].isdigit()), "10")))
    kind = next((word for word in words if word in ("parquet", "root", "h5")), "parquet")
    columns = list(SIXTEEN) if "--features" in sys.argv else None
    with tempfile.TemporaryDirectory(prefix="fasttrig-benchmark-") as name:
        folder = Path(name)
        for file, text in built_files(open_design(str(MODEL))).items():
            (folder / file).write_text(text, encoding="utf-8")
        path, output = folder / f"events.{kind}", folder / f"scores.{kind}"
        (parquet_file if kind == "parquet" else other_file)(path, n_events, columns)
        command = [sys.executable, "-c", MEASURED, name, str(path), "-o", str(output)]
        start = time.perf_counter()
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        seconds = time.perf_counter() - start
        peak = 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", told)[0])
        print(told.partition("Name:")[0].rstrip())
        print(
            f"{kind}, {n_events:,} events, {path.stat().st_size / 1e6:,.0f} MB in, "
            f"{output.stat().st_size / 1e6:,.0f} MB out"
        )
        print(
            f"{seconds:.1f} s with the start of Python and the compiler, {n_events / seconds:,.0f} events/s on "
            f"{os.cpu_count()} cores"
        )
        print(f"peak memory {peak / 1e6:,.0f} MB (the bar: {BAR_BYTES / 1e6:,.0f} MB)")
    raise SystemExit(peak > BAR_BYTES)


if __name__ == "__main__":
    main()
