"""A stopwatch with laps: how much of the time is Pythia and FastJet."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent in each stage, and events generated."""

    seconds: dict[str, float] = field(default_factory=dict)
    n_events: int = 0
    _last: float = field(default_factory=perf_counter)

    def lap(self, stage: str) -> None:
        """Book the time since the last call under `stage`."""
        now = perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now
