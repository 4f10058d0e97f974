"""Pairs of additions become additions of three, chosen for the earliest result, then for the fewest LUTs.

An addition whose result is used once, by another addition, can be done together with that one. alkaid's own pass takes
as many and as wide pairs as it can, whatever that does to the depth of a sum; here each tree of such additions is
planned from its leaves up, and of every addition the plans are kept that no other one beats in both time and cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from alkaid.trace.passes import add_surrogate
from alkaid.trace.passes.surrogate import cost_lat_add, cost_lat_ternary_add
from alkaid.types import CombLogic, Op

ADD, SUBTRACT, ADD_THREE = 0, 1, 11
"""alkaid's codes."""

MOST_PLANS = 6
"""Plans kept of one addition."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to make one number: `child` is the addition done together with it; `below` are the plans of its operands."""

    done_ns: float
    cost: float
    index: int
    child: int | None = None
    below: tuple[_Plan, ...] = ()

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Every addition that takes another one in, and that other one."""
        stack = [self]
        while stack:
            plan = stack.pop()
            if plan.child is not None:
                yield plan.index, plan.child
            stack.extend(plan.below)


def fuse_additions(program: CombLogic) -> CombLogic:
    """`program`, with latencies by alkaid's model, with additions of three; what was taken in is no longer used.

    First every sum is made as early as it can be; then again, each as cheaply as the first pass leaves it time for.
    """
    earliest = _planned(program, None)
    return _planned(program, _latest(earliest))


def _planned(program: CombLogic, latest_ns: Sequence[float] | None) -> CombLogic:
    """One pass. `latest_ns` says when each number must be there; None: as early as possible."""
    ops = program.ops
    inner = _used_once_by_an_addition(program)
    plans: list[list[_Plan]] = []
    pairs: dict[int, int] = {}
    for index, op in enumerate(ops):
        if op.opcode not in (ADD, SUBTRACT):
            done = max((plans[i][0].done_ns for i in op.input_ids), default=0.0)
            plans.append([_Plan(done + delay_ns(program, index), 0.0, index)])
            continue
        mine = _undominated(_plans_of(ops, index, plans, inner, program))
        if index not in inner:
            limit = mine[0].done_ns if latest_ns is None else latest_ns[index]
            chosen = [plan for plan in mine if plan.done_ns <= limit] or mine[:1]
            pairs |= dict(chosen[-1].pairs())
            mine = [_Plan(chosen[-1].done_ns, 0.0, index)]
        plans.append(mine)
    made = [_fused(ops, index, pairs[index]) if index in pairs else op for index, op in enumerate(ops)]
    return program._replace(ops=made)


def _latest(program: CombLogic) -> list[float]:
    """When each number must be there so that the last one is not later than it is, shape (n_ops,)."""
    timed = add_surrogate(program, _skip_op8_cost=True)
    latest = [max(op.latency for op in timed.ops)] * len(timed.ops)
    for index in range(len(timed.ops) - 1, -1, -1):
        start = latest[index] - delay_ns(timed, index)
        for i in timed.ops[index].input_ids:
            latest[i] = min(latest[i], start)
    return latest


def delay_ns(program: CombLogic, index: int) -> float:
    """What one step adds to the latest of its operands."""
    op = program.ops[index]
    return max(0.0, op.latency - max((program.ops[i].latency for i in op.input_ids), default=0.0))


def _used_once_by_an_addition(program: CombLogic) -> set[int]:
    counts = program.ref_count
    used = {i for op in program.ops if op.opcode in (ADD, SUBTRACT) for i in op.addr}
    return {i for i in used if counts[i] == 1 and program.ops[i].opcode in (ADD, SUBTRACT)}


def _plans_of(
    ops: Sequence[Op], index: int, plans: Sequence[Sequence[_Plan]], inner: set[int], program: CombLogic
) -> Iterator[_Plan]:
    """Alone, or together with either operand that is an addition used here only."""
    op = ops[index]
    first, second = (ops[i].qint for i in op.addr)
    cost, delay = cost_lat_add(first, second, op.data[0], program.adder_size, program.carry_size, op.opcode == SUBTRACT)
    yield from _combined(index, None, cost, delay, [plans[i] for i in op.addr])
    for child in set(op.addr) & inner:
        taken = _fused(ops, index, child)
        few = [*(ops[i] for i in taken.addr), taken._replace(addr=(0, 1, 2))]
        cost, delay = cost_lat_ternary_add(3, few, program.carry_size)
        yield from _combined(index, child, cost, delay, [plans[i] for i in taken.addr])


def _combined(
    index: int, child: int | None, cost: float, delay: float, operands: Sequence[Sequence[_Plan]]
) -> Iterator[_Plan]:
    for below in product(*operands):
        done = max(plan.done_ns for plan in below) + delay
        yield _Plan(done, cost + sum(plan.cost for plan in below), index, child, below)


def _undominated(plans: Iterable[_Plan]) -> list[_Plan]:
    """Earliest first; each later one costs less."""
    kept: list[_Plan] = []
    for plan in sorted(plans, key=lambda plan: (plan.done_ns, plan.cost)):
        if not kept or plan.cost < kept[-1].cost:
            kept.append(plan)
    return kept[:MOST_PLANS]


def _terms(op: Op) -> list[tuple[int, int, int]]:
    """Operand, sign (1 or 0) and shift of both operands of an addition."""
    return [(op.addr[0], 1, 0), (op.addr[1], int(op.opcode == ADD), op.data[0])]


def _fused(ops: Sequence[Op], index: int, child: int) -> Op:
    """The addition `index` with its operand `child` written out."""
    terms: list[tuple[int, int, int]] = []
    for operand, plus, shift in _terms(ops[index]):
        if operand != child:
            terms.append((operand, plus, shift))
        else:
            terms += [(deep, int(sign == plus), shift + more) for deep, sign, more in _terms(ops[child])]
    addresses = tuple(operand for operand, _, _ in terms)
    return ops[index]._replace(addr=addresses, opcode=ADD_THREE, data=tuple(x for term in terms for x in term[1:]))
