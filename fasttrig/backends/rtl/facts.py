"""What is known about a design before synthesis: of one pipeline, or of all parts of a design with loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fasttrig.backends.rtl.pipelining import Pipeline


@dataclass(frozen=True, slots=True)
class Stream:
    """What passes the ports of a streamed design: positions of an event in and out, and the words of each FIFO."""

    in_positions: int
    out_positions: int
    fifo_depths: dict[str, int]


@dataclass(frozen=True, slots=True)
class DesignFacts:
    """Timing and size.

    Attributes
    ----------
    latency_cycles : int
        From the clock edge that takes an input to the edge after which its output stands.
    ii_cycles : int
        Clocks from one event to the next at least.
    stages : int
        Pipeline stages in hardware; those of a loop's body count once.
    longest_stage_ns, budget_ns : float
        By the delay model.
    cost : float
        alkaid's estimate of the LUTs.
    has_loops : bool
        The top module then has a port ``in_ready``.
    stream : Stream or None
        Of a streamed design: its top module has the ports ``in_ready`` and ``out_ready``.
    """

    latency_cycles: int
    ii_cycles: int
    stages: int
    longest_stage_ns: float
    budget_ns: float
    cost: float
    register_bits: int
    bram18: int
    has_loops: bool = False
    stream: Stream | None = None

    @property
    def has_in_ready(self) -> bool:
        return self.has_loops or self.stream is not None


def facts_of(
    pipelines: Sequence[Pipeline],
    latency_cycles: int,
    *,
    ii_cycles: int = 1,
    register_bits: int = 0,
    has_loops: bool = False,
    stream: Stream | None = None,
) -> DesignFacts:
    """Facts of a design of these pipelines; `register_bits` are those outside them."""
    return DesignFacts(
        latency_cycles,
        ii_cycles,
        sum(pipeline.n_stages for pipeline in pipelines),
        max(pipeline.longest_stage_ns for pipeline in pipelines),
        max(pipeline.budget_ns for pipeline in pipelines),
        sum(pipeline.cost for pipeline in pipelines),
        register_bits + sum(pipeline.register_bits for pipeline in pipelines),
        sum(pipeline.bram18 for pipeline in pipelines),
        has_loops,
        stream,
    )
