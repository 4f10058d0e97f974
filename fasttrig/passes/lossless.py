"""When a cast provably keeps every number: shared by the passes that remove casts."""

from __future__ import annotations

from fasttrig.base.fixed import Overflow
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Cast


def changes_no_number(op: Cast, operand: Interval) -> bool:
    """Whether no fraction bit is dropped and every number of the proven range fits the cast's type."""
    target = op.result.type
    shift = target.fraction_bits - op.operand.type.fraction_bits
    if shift < 0:
        return False
    low, high = operand.bounds
    least = target.min_sym_raw if op.overflow is Overflow.SAT_SYM else target.min_raw
    return least <= low << shift and high << shift <= target.max_raw
