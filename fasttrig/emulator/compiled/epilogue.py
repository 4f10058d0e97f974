"""Ops after a dense layer that run on its sums in registers: relu, rounding, saturation.

Each of them is monotone, so a clamp before the rounding is a clamp at the rounded limits after it, and any chain with
one rounding becomes: divide by a power of two, round, clamp.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding, round_raw
from fasttrig.ir.graph import Graph
from fasttrig.ir.op_table import OpTable
from fasttrig.ir.ops import Cast, Op, Relu, Value
from fasttrig.ir.ranges import Ranges


@dataclass(frozen=True, slots=True)
class Epilogue:
    """y = clamp(round(x / 2**dropped_bits), low, high); `fused`: the ops it replaces, `result`: their value."""

    result: Value
    fused: tuple[Op, ...] = ()
    dropped_bits: int = 0
    rounding: Rounding = Rounding.TRN
    low: int | None = None
    high: int | None = None

    def clamped(self, low: int | None, high: int | None) -> Epilogue:
        """The same epilogue followed by one more clamp."""
        return replace(self, low=_clamp(self.low, low, high, low), high=_clamp(self.high, low, high, high))


_LONGER: OpTable[[Epilogue, Ranges], Epilogue | None] = OpTable("ops in an epilogue")
"""The epilogue with the op as its last step, by the ops that can be one; None where this op does not fit."""


def epilogue_of(graph: Graph, value: Value, ranges: Ranges) -> Epilogue:
    """The longest chain after `value` that one epilogue can do; every value on the way has one reader."""
    found = Epilogue(value)
    while True:
        user = graph.only_user(found.result)
        if user is None or user not in _LONGER:
            return found
        longer = _LONGER(user, found, ranges)
        if longer is None:
            return found
        found = replace(longer, result=user.result, fused=(*found.fused, user))


@_LONGER.row(Relu)
def _with_relu(op: Relu, epilogue: Epilogue, ranges: Ranges) -> Epilogue | None:
    return epilogue.clamped(0, None).clamped(None, op.limit_raw) if op.negative_shift is None else None


@_LONGER.row(Cast)
def _with_cast(op: Cast, epilogue: Epilogue, ranges: Ranges) -> Epilogue | None:
    source, target = op.operand.type, op.result.type
    dropped = op.dropped_bits
    if dropped != 0 and epilogue.dropped_bits != 0:
        return None
    below, above = op.overflows(ranges[op.operand])
    if (below or above) and op.overflow in (Overflow.WRAP, Overflow.SAT_ZERO):
        return None
    made = epilogue
    if dropped != 0:
        low, high = (_rounded(limit, source, target, op.rounding) for limit in (epilogue.low, epilogue.high))
        made = replace(epilogue, dropped_bits=dropped, rounding=op.rounding, low=low, high=high)
    least, greatest = op.limits
    return made.clamped(least if below else None, greatest if above else None)


def _rounded(limit: int | None, source: FixedType, target: FixedType, rounding: Rounding) -> int | None:
    if limit is None:
        return None
    alone: IntArray = np.array([limit], dtype=object)
    return int(round_raw(alone, source, target.fraction_bits, rounding)[0])


def _clamp(limit: int | None, low: int | None, high: int | None, unlimited: int | None) -> int | None:
    """`limit` itself clamped; where there was none, the new one."""
    if limit is None:
        return unlimited
    if low is not None and limit < low:
        return low
    return high if high is not None and limit > high else limit
