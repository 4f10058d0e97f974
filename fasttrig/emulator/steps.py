"""Each op on carried integers: how large anything on the way gets, and the function that runs it."""

from __future__ import annotations

from fasttrig.emulator import loop_steps, structure_steps  # noqa: F401 - they register their rows
from fasttrig.emulator.arithmetic_steps import BOUNDS, PREPARE
from fasttrig.emulator.carriers import OpSite, Run
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Op

BOUNDS.complete()
PREPARE.complete()


def bound_of(op: Op, operands: tuple[Interval, ...], result: Interval) -> int:
    """A number that no constant and no intermediate of `op` exceeds in magnitude."""
    return BOUNDS(op, operands, result)


def prepare(site: OpSite) -> Run:
    """The function that runs the op of `site`, its constants already in the carrier."""
    return PREPARE(site.op, site)
