"""When what happens in a streamed design: its control, clock by clock, without the numbers.

A stage makes at most one step of its front in a clock: it needs a position where the front takes one, and a place in
the FIFO behind it where the front emits one. A result can be taken `STEP_TO_STEP` clocks plus the stages of the body
later. Depths are the most places that are ever taken while every position comes as early as it can; therefore no stage
waits for a place unless the design downstream is not ready.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from fasttrig.backends.rtl.streamed.fronts import Front
from fasttrig.base.errors import FasttrigError

STEP_TO_STEP = 2
"""Clocks from a step to the step that takes its result, with a body of no stage: the front's register, and the FIFO."""
EVENTS = 6
"""Back to back, beyond those that are in the design at once, until the interval stays the same."""


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """Timing of a streamed design.

    Attributes
    ----------
    latency_cycles : int
        From the edge that takes the first position of an event to the edge that can take its last result, when neither
        side waits and the event before has left the design.
    ii_cycles : int
        From event to event, back to back.
    depths : tuple of int
        Words of the FIFO of each stage.
    """

    latency_cycles: int
    ii_cycles: int
    depths: tuple[int, ...]


def timing_of(fronts: Sequence[Front], stages: Sequence[int]) -> StreamTiming:
    """The timing of these fronts, each with a body of so many pipeline stages."""
    longest = max(len(front.takes) for front in fronts)
    free = _Control(fronts, stages, None)
    latency_cycles = free.latency_cycles()
    n_events = EVENTS + latency_cycles // longest
    free.run(n_events, longest)
    depths = tuple(free.most)
    control = _Control(fronts, stages, depths)
    latency_cycles = control.latency_cycles()
    ends = [end for _, end in control.run(n_events)]
    intervals = {after - before for before, after in zip(ends[-3:], ends[-2:], strict=False)}
    if len(intervals) != 1:
        raise FasttrigError("the interval of a streamed design does not settle", got=str(ends))
    return StreamTiming(latency_cycles, intervals.pop(), depths)


class _Control:
    """The control of all stages; `depths` None for FIFOs without an end.

    Attributes
    ----------
    clock : int
    most : list of int
        For each FIFO the most places that were taken at once.
    """

    def __init__(self, fronts: Sequence[Front], stages: Sequence[int], depths: Sequence[int] | None) -> None:
        self.takes = [front.takes.tolist() for front in fronts]
        self.emits = [front.emits.tolist() for front in fronts]
        self.delays = [n + STEP_TO_STEP for n in stages]
        self.depths = [1 << 60] * len(fronts) if depths is None else depths
        self.places = [0] * len(fronts)
        self.ready = [deque[int]() for _ in fronts]  # for each place taken: the clock from which its word can leave
        self.most = [1] * len(fronts)
        self.clock = 0

    def _edge(self, offers: bool) -> tuple[bool, bool, bool]:
        """Whether a position entered, whether a result left, and whether anything moved."""
        entered = moved = False
        for k, (place, mine) in enumerate(zip(self.places, self.ready, strict=True)):
            source = self.ready[k - 1]
            takes, emits = self.takes[k][place], self.emits[k][place]
            if takes and not (offers if k == 0 else source and source[0] <= self.clock):
                continue
            if emits and len(mine) >= self.depths[k]:
                continue
            if takes and k:
                source.popleft()
            entered = entered or (takes and k == 0)
            if emits:
                mine.append(self.clock + self.delays[k])
                self.most[k] = max(self.most[k], len(mine))
            self.places[k] = (place + 1) % len(self.takes[k])
            moved = True
        last = self.ready[-1]
        left = bool(last) and last[0] <= self.clock
        if left:
            last.popleft()
        self.clock += 1
        return entered, left, moved or left or any(self.ready)

    def rest(self) -> None:
        """Until nothing moves without a new position: pads have been walked over."""
        while self._edge(False)[2]:
            pass

    def latency_cycles(self) -> int:
        """Of an event that comes alone."""
        self.rest()
        ((first, last),) = self.run(1)
        self.rest()
        return last - first

    def run(self, n_events: int, distance: int = 0) -> list[tuple[int, int]]:
        """Events, each from its clock or as soon as it can enter: clocks of first position and last result."""
        n_in, n_out = sum(self.takes[0]), sum(self.emits[-1])
        start, starts, ends, entered, left = self.clock, list[int](), list[int](), 0, 0
        while len(ends) < n_events:
            event = entered // n_in
            offers = event < n_events and (entered % n_in > 0 or self.clock >= start + event * distance)
            came, went, _ = self._edge(offers)
            if came and entered % n_in == 0:
                starts.append(self.clock - 1)
            entered, left = entered + came, left + went
            if went and left % n_out == 0:
                ends.append(self.clock - 1)
        return list(zip(starts, ends, strict=False))
