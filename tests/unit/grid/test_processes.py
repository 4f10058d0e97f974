"""Designs in threads, in forked processes and in fresh ones: the same bits."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from fasttrig.design import Design
from tests.unit.streaming.cases import small_design

N_EVENTS = 20_000


def x_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(N_EVENTS, 2)) * [60, 10]


def emulated(design: Design, seed: int) -> tuple[np.ndarray, np.ndarray]:
    made = design.emulate(x_of(seed), compiled=True, threads=2)
    return made.raw["logits"], made.scores


POOLS: dict[str, Callable[[], Executor]] = {
    "threads": lambda: ThreadPoolExecutor(8),
    "fork": lambda: ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")),
    "spawn": lambda: ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")),
}


@pytest.mark.parametrize("kind", POOLS)
def test_the_same_bits_wherever_it_runs(kind: str) -> None:
    design = small_design()
    emulated(design, 0)  # its library is loaded and its threads have run before the fork
    with POOLS[kind]() as pool:
        found = [pool.submit(emulated, design, seed) for seed in range(16)]
        for seed, future in enumerate(found):
            want = design.emulate(x_of(seed), compiled=False)
            raw, scores = future.result(timeout=120)
            assert np.array_equal(raw, want.raw["logits"]) and np.array_equal(scores, want.scores)


def test_a_pickle_is_the_same_every_time() -> None:
    """The emulator that was loaded is no part of it."""
    design = small_design()
    before = pickle.dumps(design)
    design.emulate(x_of(0), compiled=True)
    assert pickle.dumps(design) == before and pickle.loads(before).graph == design.graph
