"""Execution plan of a graph, made once: each op, the format it computes in, and the arrays it may overwrite."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from fasttrig.emulator.carriers import CarriedArray, Carrier, OpSite, Run, Tally, convert, magnitude
from fasttrig.emulator.steps import bound_of, prepare
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Op, Value
from fasttrig.ir.ranges import Ranges
from fasttrig.ir.verify import verify


@dataclass(frozen=True, slots=True)
class Step:
    """One op, ready to run.

    Attributes
    ----------
    frees : tuple of Value
        Values that no later step reads.
    owns : bool
        Whether the first operand's memory is read by nothing else and may be overwritten.
    """

    op: Op
    compute: Carrier
    result: Carrier
    run: Run
    frees: tuple[Value, ...]
    owns: bool


@lru_cache(maxsize=32)
def plan(graph: Graph) -> tuple[Step, ...]:
    """The steps of `graph`, in its order.

    Raises
    ------
    GraphError
        If the graph is not well formed: the carriers' proof needs one that is.
    """
    ranges = verify(graph)
    roots = _memory_roots(graph)
    last_read = {value: index for index, op in enumerate(graph.ops) for value in op.operands}
    last_touch: dict[Value, int] = {}
    for value, index in last_read.items():
        last_touch[roots[value]] = max(index, last_touch.get(roots[value], 0))
    owned_by_caller = {op.result for op in graph.inputs}
    steps = []
    for index, op in enumerate(graph.ops):
        operands = tuple(ranges[value] for value in op.operands)
        compute = _compute_carrier(op, ranges, bound_of(op, operands, ranges[op.result]))
        first = roots[op.operands[0]] if op.operands else None
        owns = first is not None and first not in owned_by_caller and last_touch[first] == index
        frees = tuple(value for value in dict.fromkeys(op.operands) if last_read[value] == index)
        run = prepare(OpSite(op, operands, ranges[op.result], compute))
        steps.append(Step(op, compute, Carrier.for_bound(magnitude(ranges[op.result])), run, frees, owns))
    return tuple(steps)


def run_steps(
    steps: tuple[Step, ...], given: Mapping[str, CarriedArray], wanted: Collection[Value], tally: Tally
) -> dict[Value, CarriedArray]:
    """Run a plan on the arrays of its inputs, by name; returns the `wanted` values, each in memory of its own."""
    alive: dict[Value, CarriedArray] = {}
    found: dict[Value, CarriedArray] = {}
    for step in steps:
        op = step.op
        stored = [alive[value] for value in op.operands] or [given[op.name]]
        operands = [convert(array, step.compute.dtype) for array in stored]
        owns = step.owns or operands[0] is not stored[0]
        made = convert(step.run(tally, owns, operands), step.result.dtype)
        alive[op.result] = made
        if op.result in wanted:
            found[op.result] = made.copy()
        for value in step.frees:
            del alive[value]
    return found


def _compute_carrier(op: Op, ranges: Ranges, bound: int) -> Carrier:
    parts = [magnitude(ranges[value]) for value in (*op.operands, op.result)]
    return Carrier.for_bound(max(bound, *parts))


def _memory_roots(graph: Graph) -> dict[Value, Value]:
    """The value whose memory each value may share: an op that same_integers passes on its operand's memory."""
    roots: dict[Value, Value] = {}
    for op in graph.ops:
        roots[op.result] = roots[op.operands[0]] if op.same_integers else op.result
    return roots
