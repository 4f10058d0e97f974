"""Durations of each stage in the last run on this machine, for the estimate of the time left."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fasttrig.base.cache import cache_folder

KEPT = 100
"""Names remembered; the oldest go first."""


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Seconds per stage of the last run called `name`, in order; empty if there was none."""

    name: str
    seconds: dict[str, float]

    @classmethod
    def load(cls, name: str) -> StageTimes:
        found = _read().get(name, {})
        return cls(name, {str(stage): float(took) for stage, took in found.items()})

    def left_s(self, stage: str, planned: Sequence[str] = ()) -> float | None:
        """Seconds from the beginning of `stage` to the end; None for a stage that has never run.

        `planned` are the stages of this run, in their order; by default those of the last one.
        """
        names = list(planned or self.seconds)
        if stage not in self.seconds or stage not in names:
            return None
        return sum(self.seconds.get(name, 0.0) for name in names[names.index(stage) :])

    def save(self, seconds: dict[str, float]) -> None:
        """Remember a run that ended well, and earlier times of stages that it kept; ignore an unwritable cache."""
        known = _read()
        known.pop(self.name, None)
        known[self.name] = self.seconds | seconds
        kept = dict(list(known.items())[-KEPT:])
        path = _path()
        with contextlib.suppress(OSError):
            stage = path.with_name(f"{path.name}.{os.getpid()}")
            stage.write_text(json.dumps(kept), encoding="utf-8")
            stage.replace(path)


def _path() -> Path:
    return cache_folder("times") / "stages.json"


def _read() -> dict[str, dict[str, float]]:
    try:
        content = json.loads(_path().read_text(encoding="utf-8"))
        return {str(name): dict(times) for name, times in content.items()}
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError):
        return {}  # no record, or a damaged one
