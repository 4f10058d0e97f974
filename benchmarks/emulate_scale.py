"""Many files: `fasttrig emulate --workers` against the plain command, and two workers against one.

Parquet files of very uneven sizes hold the sixteen features of jets5. Each run is a process of its own. Prints events
per second, the share of the time in the reader (its time alone, on the same files), and the peak memory of a worker
(VmHWM). The bars: workers 1 costs at most 10 % over the plain command on one thread, workers 2 is at least 1.7 times
workers 1, on a machine that is otherwise idle.

    python benchmarks/emulate_scale.py [million events] [files]
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from emulate_file import MODEL, parquet_file

from fasttrig.data.columns import SIXTEEN
from fasttrig.design import built_files, load_built, open_design
from fasttrig.streaming.chunks import Events

CHUNK_ROWS = 65_536


def uneven(folder: Path, n_events: int, n_files: int) -> list[Path]:
    """Files whose sizes fall off like 1/k."""
    shares = 1.0 / np.arange(1, n_files + 1)
    files = []
    for k, size in enumerate(np.maximum(1, n_events * shares / shares.sum()).astype(int)):
        files.append(folder / f"events{k:04}.parquet")
        parquet_file(files[-1], int(size), list(SIXTEEN))
    return files


def measured(command: list[str]) -> tuple[float, int]:
    """Seconds of a command, and the largest peak memory of its workers (or its own) in bytes."""
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            for number in children or [str(process.pid)]:
                found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{number}/status").read_text())
                peak = max(peak, 1024 * int(found[1]) if found else 0)
        time.sleep(0.05)
    assert process.returncode == 0
    return time.perf_counter() - start, peak


def reader_seconds(folder: Path, files: list[Path]) -> float:
    design, start = load_built(folder), time.perf_counter()
    for file in files:
        for _ in Events.open(file, design, None, as_stored=True).parts(CHUNK_ROWS):
            pass
    return time.perf_counter() - start


def main() -> None:
    n_events = int(1e6 * float(sys.argv[1] if len(sys.argv) > 1 else 20))
    n_files = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory(prefix="fasttrig-benchmark-") as name:
        folder = Path(name)
        (folder / "in").mkdir()
        for file, text in built_files(open_design(str(MODEL))).items():
            (folder / file).write_text(text, encoding="utf-8")
        files = uneven(folder / "in", n_events, n_files)
        print(f"{n_files} files, {n_events:,} events; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        load_built(folder).compiled_emulator()  # compiled before anything is timed
        command = [sys.executable, "-m", "fasttrig.cli", "emulate", name, *map(str, files), "-o"]
        seconds = {}
        for label, options in {
            "plain, one thread": ["--threads", "1"],
            "workers 1": ["--workers", "1"],
            "workers 2": ["--workers", "2"],
        }.items():
            seconds[label], peak = measured([*command, str(folder / label), *options])
            rate = n_events / seconds[label]
            print(f"{label:18} {seconds[label]:6.1f} s {rate:12,.0f} events/s, peak {peak / 1e6:,.0f} MB a process")
        sums = {json.loads((folder / f"workers {k}" / "emulated.json").read_text())["checksum"] for k in (1, 2)}
        assert len(sums) == 1
        one, two = seconds["workers 1"], seconds["workers 2"]
        print(f"reader alone: {reader_seconds(folder, files) / one:.0%} of the time of workers 1")
        print(f"workers 1 over plain: {one / seconds['plain, one thread'] - 1:+.0%} (bar +10 %)")
        print(f"workers 2 over workers 1: {one / two:.2f} times (bar 1.7); checksum {sums.pop()}")


if __name__ == "__main__":
    main()
