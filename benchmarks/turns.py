"""What the benchmarks of the compiled emulator share: one thread, peers turn by turn, the bars, other machines."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.fixed import IntArray
from fasttrig.emulator.compiled.library import CompiledEmulator
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.graph import Graph
from fasttrig.toolchain.emulator_library import FLAGS, load

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

MACHINES = ("x86-64-v3", "x86-64")
"""Compiled for these too, without intrinsics: AVX2 at most, SSE2 at most."""

Runs = dict[str, tuple[Callable[[], object], int]]
"""Label -> what to time, and its number of events."""

Bars = Iterable[tuple[str, str, float]]
"""Ours, a peer, the least ratio of their rates; "" is the fastest kernel."""


def one_thread() -> None:
    """Start again with one thread per library; they read these when they are loaded."""
    if any(os.environ.get(name) != number for name, number in ONE_THREAD.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})


def rounds(default: int) -> int:
    """The number among the arguments."""
    return int(next((word for word in sys.argv[1:] if word.isdigit()), str(default)))


def compiled(graph: Graph, raw: IntArray, folder: Path, bar_s: float) -> tuple[Runs, list[str]]:
    """Each kernel, and what other machines would run; each is first compared with the NumPy emulator.

    Also returns the time to compile, if it is over `bar_s`.
    """
    rows = raw.astype(np.int32)
    want = next(iter(evaluate(graph, raw[:8192]).outputs.values()))
    used = _seconds(lambda: load(graph, cache_dir=folder))
    print(f"written, compiled and loaded in {used[0]:.2f} s, of which the compiler computes {used[1]:.2f} s")
    emulator = load(graph, cache_dir=folder)
    runs = {kernel: (_rows(emulator, rows, kernel, want), len(rows)) for kernel in emulator.kernels}
    for number, march in enumerate(MACHINES, start=2):
        flags = (*FLAGS, f"-march={march}", "-DFASTTRIG_NO_X86")
        plain = load(graph, cache_dir=folder, version=number, flags=flags)
        runs[march] = _rows(plain, rows, plain.kernels[0], want), len(rows)
    return runs, [f"compiled in {bar_s:g} s"] if used[1] > bar_s else []


def _seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Of the clock, and of the processors in child processes."""
    before, start = os.times(), time.perf_counter()
    work()
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, busy


def _rows(emulator: CompiledEmulator, rows: IntArray, kernel: str, want: IntArray) -> Callable[[], object]:
    if not np.array_equal(emulator.predict_rows(rows[: len(want)], kernel=kernel), want):
        raise SystemExit(f"kernel {kernel} differs from the emulator: nothing to compare")
    return lambda: emulator.predict_rows(rows, kernel=kernel)


def measure(runs: Runs, n_rounds: int) -> dict[str, list[float]]:
    """Events per second of every round; each round runs all of them once, after one round that is not counted."""
    found: dict[str, list[float]] = {label: [] for label in runs}
    for number in range(n_rounds + 1):
        for label, (call, n_events) in runs.items():
            start = time.perf_counter()
            call()
            if number:
                found[label].append(n_events / (time.perf_counter() - start))
    return found


def show(rates: dict[str, list[float]]) -> dict[str, float]:
    """Print medians and ranges, and the fastest kernel's rate over each; the medians."""
    medians = {label: statistics.median(found) for label, found in rates.items()}
    fastest = next(iter(medians.values()))
    n_rounds = len(next(iter(rates.values())))
    print(f"{n_rounds} rounds on one thread; million events/s, median (range); the fastest kernel's rate over this one")
    for label, found in rates.items():
        spread = f"({min(found) / 1e6:.4f} to {max(found) / 1e6:.4f})"
        print(f"{label:<34} {medians[label] / 1e6:10.4f}  {spread:<24} {fastest / medians[label]:10.1f}")
    return medians


def check(medians: dict[str, float], bars: Bars, missed: list[str]) -> None:
    """Print each bar with what was reached; ends the process, with 1 where one was missed."""
    missed = list(missed)
    for ours, peer, least in bars:
        ours = ours or next(iter(medians))
        if ours not in medians or peer not in medians:
            print(f"not measured: {ours} over {peer}")
            continue
        ratio = medians[ours] / medians[peer]
        print(f"{ours} over {peer}: {ratio:.1f} (bar {least:g})")
        if ratio < least:
            missed.append(f"{ours} over {peer}")
    print(f"missed: {', '.join(missed)}" if missed else "every bar that was measured is reached")
    raise SystemExit(bool(missed))
