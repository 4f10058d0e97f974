"""Registers between the steps of alkaid's program, so that each stage fits the clock.

The delay model is alkaid's own, in nanoseconds: an adder costs 1.09 plus 0.025 per carry bit, a three-input adder
1.31 + 0.041 per bit, a multiplexer or a bitwise step 0.5, a table by its address bits, everything else nothing. A stage
may take the clock period less its uncertainty. Steps are placed as early as that allows, then later ones where that
saves registers; a step that alone takes longer gets a stage of its own, and the design's file says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from alkaid.trace.passes import add_surrogate, dead_code_elimin
from alkaid.types import CombLogic

from fasttrig.backends.rtl.fusion import delay_ns, fuse_additions
from fasttrig.backends.rtl.origins import followed
from fasttrig.backends.rtl.steps import CONSTANT, INPUT
from fasttrig.backends.rtl.tables import bram18, is_block_rom
from fasttrig.base.errors import UnsupportedError

PORT_REGISTERS = 1
"""Registers in front of the first stage; each stage has one after it."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A program, the stage of each of its steps, and what is known about the design before synthesis.

    Attributes
    ----------
    program : CombLogic
        With additions of three, which took in other additions.
    steps : tuple of int or None, one per step of `program`
        The step of the program given to `pipelined`.
    stage_of : tuple of int, one per step of `program`
        From 0. Inputs and constants have none: theirs says nothing.
    n_stages : int
    latency_cycles : int
        From the clock edge that takes an input to the edge after which its output stands.
    longest_stage_ns, budget_ns : float
        By the delay model.
    cost : float
        alkaid's estimate of the LUTs.
    register_bits : int
    bram18 : int
        RAMB18 of the tables in block RAM; `cost` and `longest_stage_ns` leave those tables out.
    port_registers : int
        Registers in front of the first stage.
    """

    program: CombLogic
    steps: tuple[int | None, ...]
    stage_of: tuple[int, ...]
    n_stages: int
    latency_cycles: int
    longest_stage_ns: float
    budget_ns: float
    cost: float
    register_bits: int
    bram18: int
    port_registers: int = PORT_REGISTERS

    def made_in(self, step: int) -> int:
        """The stage that makes a step; for an input -1 with a register before the first stage, 0 without one."""
        return -self.port_registers if self.program.ops[step].opcode == INPUT else self.stage_of[step]


SEARCH_STEPS = 24
"""Halvings of the interval in which the shortest stage is looked for."""


def pipelined(
    program: CombLogic,
    clock_period_ns: float,
    clock_uncertainty_percent: float,
    *,
    max_stage_ns: float | None = None,
    latency_cycles: int | None = None,
    port_registers: int = PORT_REGISTERS,
    taken_ns: float = 0.0,
) -> Pipeline:
    """`program` with three-input adders fused, cut into stages; one input a cycle.

    Parameters
    ----------
    max_stage_ns : float, optional
        Bound on a stage by the delay model, where it is below that of the clock.
    latency_cycles : int, optional
        Most cycles that the design may take. Stages become as short as these cycles allow.
    port_registers : int
        0 for a program whose inputs come from registers.
    taken_ns : float
        Delay of what lies between those registers and the first stage.

    Raises
    ------
    UnsupportedError
        When the design needs more than `latency_cycles`.
    """
    budget_ns = clock_period_ns * (1.0 - clock_uncertainty_percent / 100.0) - taken_ns
    budget_ns = budget_ns if max_stage_ns is None else min(budget_ns, max_stage_ns)
    fused, steps = _with_additions_of_three(program)
    if latency_cycles is not None:
        budget_ns = _shortest_budget(fused, budget_ns, latency_cycles)
    earliest = _as_early_as_possible(fused, budget_ns)
    stage_of = _with_fewer_registers(fused, budget_ns, earliest)
    n_stages = max(stage_of) + 1
    return Pipeline(
        fused,
        tuple(steps),
        tuple(stage_of),
        n_stages,
        n_stages + port_registers,
        _longest_path(fused, stage_of),
        budget_ns,
        fused.cost - sum(op.cost for index, op in enumerate(fused.ops) if is_block_rom(fused, index)),
        _register_bits(fused, stage_of, n_stages, port_registers),
        bram18(fused),
        port_registers,
    )


def _register_bits(program: CombLogic, stage_of: Sequence[int], n_stages: int, port_registers: int) -> int:
    """Bits of the registers that carry each step from the stage that makes it to the last one that reads it."""
    last = [-1] * len(program.ops)
    for index, op in enumerate(program.ops):
        for i in op.input_ids:
            last[i] = max(last[i], stage_of[index])
    for i in program.out_idxs:
        last[i] = n_stages
    made = [-port_registers if op.opcode == INPUT else stage for op, stage in zip(program.ops, stage_of, strict=True)]
    return sum(
        sum(op.qint.kif) * max(0, use - stage)
        for op, use, stage in zip(program.ops, last, made, strict=True)
        if op.opcode != CONSTANT
    )


def _shortest_budget(program: CombLogic, longest_ns: float, latency_cycles: int) -> float:
    """The smallest budget of a stage, up to `longest_ns`, with which `program` takes at most `latency_cycles`."""

    def cycles(budget_ns: float) -> int:
        return max(_as_early_as_possible(program, budget_ns).stage_of) + 1 + PORT_REGISTERS

    needed = cycles(longest_ns)
    if needed > latency_cycles:
        raise UnsupportedError(
            "the RTL cannot be that fast at this clock",
            where="[target] latency_cycles",
            got=f"{needed} cycles, with stages of up to {longest_ns:.4g} ns",
            want=f"at most {latency_cycles}",
            try_="a slower clock, a larger max_stage_ns, or fewer bits",
        )
    low, high = 0.0, longest_ns
    for _ in range(SEARCH_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if cycles(middle) <= latency_cycles else (middle, high)
    return high


def _with_additions_of_three(program: CombLogic) -> tuple[CombLogic, list[int | None]]:
    """Latencies and costs by alkaid's model, before and after; and the step that each step was."""
    timed = add_surrogate(program, _skip_op8_cost=True)
    fused, steps = followed(timed, fuse_additions, dead_code_elimin)
    return add_surrogate(fused, _skip_op8_cost=True), steps


def earliest_stages(program: CombLogic, budget_ns: float) -> list[int]:
    """For each output of `program`: the first stage (from 0) after which it can stand."""
    fused, _ = _with_additions_of_three(program)
    stage_of = _as_early_as_possible(fused, budget_ns).stage_of
    return [stage_of[index] if index >= 0 else 0 for index in fused.out_idxs]


@dataclass(frozen=True, slots=True)
class _Schedule:
    """The stage of each step, and when it is done inside that stage."""

    stage_of: list[int]
    done_ns: list[float]


def _delay_ns(program: CombLogic, index: int) -> float:
    """A table in block RAM fills its stage: nothing with a delay may come before or after it there."""
    return math.inf if is_block_rom(program, index) else delay_ns(program, index)


def _fits(time_ns: float, budget_ns: float) -> bool:
    return time_ns <= budget_ns or math.isclose(time_ns, budget_ns)


def _as_early_as_possible(program: CombLogic, budget_ns: float) -> _Schedule:
    stage_of: list[int] = []
    done_ns: list[float] = []
    for index, op in enumerate(program.ops):
        delay = _delay_ns(program, index)
        stage = max((stage_of[i] for i in op.input_ids), default=0)
        start = max((done_ns[i] for i in op.input_ids if stage_of[i] == stage), default=0.0)
        if start > 0 and not _fits(start + delay, budget_ns):
            stage, start = stage + 1, 0.0
        stage_of.append(stage)
        done_ns.append(start + delay)
    return _Schedule(stage_of, done_ns)


def _with_fewer_registers(program: CombLogic, budget_ns: float, earliest: _Schedule) -> list[int]:
    """Stages, from the last step to the first: each as late as costs the fewest register bits.

    A step waits for its readers only. Behind its earliest stage any stage is good in which its own delay and that of
    its readers there fit; in the earliest one the path up to it counts too.
    """
    n_stages = max(earliest.stage_of) + 1
    widths = [sum(op.qint.kif) for op in program.ops]
    readers: list[list[int]] = [[] for _ in program.ops]
    for index, op in enumerate(program.ops):
        for i in set(op.input_ids):
            readers[i].append(index)
    outputs = set(program.out_idxs)
    last_use = [max([earliest.stage_of[r] for r in users], default=0) for users in readers]
    last_use = [n_stages if i in outputs else use for i, use in enumerate(last_use)]
    stage_of = list(earliest.stage_of)
    tail_ns = [0.0] * len(program.ops)
    for index in range(len(program.ops) - 1, -1, -1):
        op = program.ops[index]
        first, last = earliest.stage_of[index], min([stage_of[r] for r in readers[index]], default=n_stages - 1)
        sources = [i for i in set(op.input_ids) if program.ops[i].opcode != CONSTANT]
        if op.opcode in (INPUT, CONSTANT) or (not sources and not readers[index]):
            continue

        def tail(stage: int, index: int = index) -> float:
            here = (r for r in readers[index] if stage_of[r] == stage)
            return max((tail_ns[r] + _delay_ns(program, r) for r in here), default=0.0)

        def cost(stage: int, index: int = index, sources: list[int] = sources) -> int:
            grown = sum(widths[i] * max(0, stage - last_use[i]) for i in sources)
            return grown - widths[index] * stage

        delay = _delay_ns(program, index)
        good = [t for t in range(first + 1, last + 1) if _fits(delay + tail(t), budget_ns)]
        stage = min([first, *good], key=lambda t: (cost(t), t))
        stage_of[index], tail_ns[index] = stage, tail(stage)
        for i in sources:
            last_use[i] = max(last_use[i], stage)
    return stage_of


def _longest_path(program: CombLogic, stage_of: list[int]) -> float:
    """The longest path inside one stage."""
    done: list[float] = []
    for index, op in enumerate(program.ops):
        start = max((done[i] for i in op.input_ids if stage_of[i] == stage_of[index]), default=0.0)
        done.append(start + (0.0 if is_block_rom(program, index) else delay_ns(program, index)))
    return max(done)
