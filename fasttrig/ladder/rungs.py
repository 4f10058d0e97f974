"""The agreement ladder: each rung compared with the emulator in raw integers, with zero tolerance."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from fasttrig.base.errors import FasttrigError, MissingPackageError
from fasttrig.base.fixed import IntArray

RawOutputs = Mapping[str, IntArray]


class Status(Enum):
    """`NOT_RUN` is never a pass; the rung's reason says why."""

    EQUAL = "equal"
    DIFFERS = "differs"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Rung:
    """One comparison. `against` is the rung it is compared with; `n_mismatches` counts events with any wrong bit.

    `latency_cycles` and `ii_cycles` are what a simulation by cycles observed, with `tool`.
    """

    rung: str
    against: str
    status: Status
    n_events: int = 0
    n_mismatches: int = 0
    seconds: float = 0.0
    reason: str = ""
    tool: str = ""
    latency_cycles: int | None = None
    ii_cycles: int | None = None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first event and element that differ."""

    event: int
    output: str
    element: int
    got: int
    want: int

    def __str__(self) -> str:
        return f"event {self.event}, output '{self.output}', element {self.element}: got {self.got}, want {self.want}"


def climb(
    rung: str,
    against: str,
    run: Callable[[], RawOutputs],
    want: RawOutputs,
    explain: Callable[[Mismatch], str] | None = None,
) -> Rung:
    """Run one rung and compare every bit.

    Parameters
    ----------
    run : callable
        Gives raw integers per output; a `MissingPackageError` makes the rung `not run`.
    want : mapping
        What the rung below computed.
    explain : callable, optional
        Says where the first mismatch arises (first differing op); used only when there is one.
    """
    start = time.perf_counter()
    try:
        got = run()
    except MissingPackageError as error:
        return Rung(rung, against, Status.NOT_RUN, reason=f"{error.what}: {error.got}")
    seconds = time.perf_counter() - start
    n_events = len(next(iter(want.values())))
    wrong, first = differences(got, want)
    if first is None:
        return Rung(rung, against, Status.EQUAL, n_events, 0, seconds)
    reason = str(first)
    if explain is not None:
        reason += "\n" + _explained(explain, first)
    return Rung(rung, against, Status.DIFFERS, n_events, wrong, seconds, reason)


def not_run(rung: str, against: str, reason: str) -> Rung:
    """A rung whose tool is not there."""
    return Rung(rung, against, Status.NOT_RUN, reason=reason)


def rung_of(content: Mapping[str, Any]) -> Rung:
    """A rung from its fields, with the status as text."""
    return Rung(**{**content, "status": Status(content["status"])})


def differences(got: RawOutputs, want: RawOutputs) -> tuple[int, Mismatch | None]:
    """Number of events with a wrong bit, and the first of them. Missing or misshapen outputs are all wrong."""
    n_events = len(next(iter(want.values())))
    wrong = np.zeros(n_events, dtype=bool)
    first: Mismatch | None = None
    for name, expected in want.items():
        found = got.get(name)
        if found is None or found.shape != expected.shape:
            return n_events, Mismatch(0, name, 0, 0 if found is None else found.size, expected.size)
        unequal = (found != expected).reshape(n_events, -1)
        wrong |= unequal.any(axis=1)
        if first is None and unequal.any():
            event, element = (int(i) for i in np.argwhere(unequal)[0])
            got_raw, want_raw = found.reshape(n_events, -1), expected.reshape(n_events, -1)
            first = Mismatch(event, name, element, int(got_raw[event, element]), int(want_raw[event, element]))
    return int(wrong.sum()), first


def _explained(explain: Callable[[Mismatch], str], first: Mismatch) -> str:
    """The explanation, or why there is none: a failing explanation must not hide the mismatch."""
    try:
        return explain(first)
    except FasttrigError as error:
        return f"(the first differing op could not be found: {error.what})"
