"""Loops on carried integers: the steps of the body's own plan, once for each entry."""

from __future__ import annotations

import numpy as np

from fasttrig.emulator.arithmetic_steps import BOUNDS, PREPARE
from fasttrig.emulator.carriers import CarriedArray, OpSite, Run, Tally
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Scan


@BOUNDS.row(Scan)
def _scan_bound(op: Scan, operands: tuple[Interval, ...], result: Interval) -> int:
    """Numbers inside the body have carriers of their own."""
    return 0


@PREPARE.row(Scan)
def _prepare_scan(op: Scan, site: OpSite) -> Run:
    from fasttrig.emulator.plan import plan, run_steps  # They import this table.

    steps, wanted = plan(op.body), dict.fromkeys(op.body.outputs)

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        n_events = len(operands[0])
        counted: Tally = {inner.name: 0 for inner in op.body.ops if inner.counts_overflows}
        states = [np.zeros((n_events, *state.shape), dtype=np.int64) for state in op.states]
        outputs = []
        for number in range(op.n_steps):
            given = dict(zip((value.name for value in op.states), states, strict=True))
            given |= {entry.name: whole[:, number] for entry, whole in zip(op.entries, operands, strict=True)}
            made = run_steps(steps, given, wanted, counted)
            states = [made[value] for value in op.next_states]
            outputs.append(made[op.step_output])
        if op.counts_overflows:
            tally[op.name] += sum(counted.values())
        return np.stack(outputs, axis=1) if op.stacked else outputs[-1]

    return run
