"""Structure ops on carried integers: products, reductions, choices, rewiring, casts by element."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fasttrig.emulator.arithmetic_steps import BOUNDS, PREPARE, cast_bound, prepare_cast, shifted
from fasttrig.emulator.carriers import CarriedArray, OpSite, Run, Tally, magnitude
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import (
    PAD,
    Cast,
    Compare,
    ElementCast,
    Gather,
    GatherBy,
    Multiply,
    Op,
    Reduce,
    Reduction,
    Rewiring,
    Select,
    TopK,
    Transpose,
    Window,
)


@BOUNDS.row(Multiply)
def _multiply_bound(op: Multiply, operands: tuple[Interval, ...], result: Interval) -> int:
    return max(1, magnitude(operands[0])) * max(1, magnitude(operands[1]))


@PREPARE.row(Multiply)
def _prepare_multiply(op: Multiply, site: OpSite) -> Run:
    return lambda tally, owns, operands: operands[0] * operands[1]


@BOUNDS.row(Reduce)
def _reduce_bound(op: Reduce, operands: tuple[Interval, ...], result: Interval) -> int:
    return magnitude(operands[0]) * (op.runs[1] if op.is_sum else 1)


@PREPARE.row(Reduce)
def _prepare_reduce(op: Reduce, site: OpSite) -> Run:
    axis, shape = op.axis + 1, op.result.shape
    function = {Reduction.SUM: np.add, Reduction.MAX: np.maximum, Reduction.MIN: np.minimum}[op.reduction]

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        return np.asarray(function.reduce(operands[0], axis=axis)).reshape(len(operands[0]), *shape)

    return run


@BOUNDS.row(Compare)
def _compare_bound(op: Compare, operands: tuple[Interval, ...], result: Interval) -> int:
    return max(max(1, magnitude(part)) << shift for part, shift in zip(operands, op.shifts, strict=True))


@PREPARE.row(Compare)
def _prepare_compare(op: Compare, site: OpSite) -> Run:

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        left, right = shifted(operands, op.shifts)
        return (left < right).astype(site.compute.dtype)

    return run


@BOUNDS.row(Select)
def _select_bound(op: Select, operands: tuple[Interval, ...], result: Interval) -> int:
    return max(max(1, magnitude(part)) << shift for part, shift in zip(operands[1:], op.shifts, strict=True))


@PREPARE.row(Select)
def _prepare_select(op: Select, site: OpSite) -> Run:

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        if_one, if_zero = shifted(operands[1:], op.shifts)
        return np.where(operands[0] == 1, if_one, if_zero)

    return run


@BOUNDS.row(Transpose, Gather, Window)
def _rewiring_bound(op: Rewiring, operands: tuple[Interval, ...], result: Interval) -> int:
    return abs(op.pad)


@PREPARE.row(Transpose, Gather, Window)
def _prepare_rewiring(op: Rewiring, site: OpSite) -> Run:
    sources, shape = op.sources.ravel(), op.result.shape
    pads = np.flatnonzero(sources == PAD)
    taken = np.maximum(sources, 0)

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        made = operands[0].reshape(len(operands[0]), -1)[:, taken]
        if len(pads):
            made[:, pads] = op.pad
        return made.reshape(-1, *shape)

    return run


@BOUNDS.row(TopK, GatherBy)
def _choice_bound(op: Op, operands: tuple[Interval, ...], result: Interval) -> int:
    return 0


@PREPARE.row(TopK)
def _prepare_top_k(op: TopK, site: OpSite) -> Run:
    return lambda tally, owns, operands: np.argsort(-operands[0], axis=-1, kind="stable")[..., : op.k]


@PREPARE.row(GatherBy)
def _prepare_gather_by(op: GatherBy, site: OpSite) -> Run:
    last = op.operand.shape[0] - 1

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        index = np.minimum(operands[1].astype(np.intp), last)
        events = np.arange(len(index)).reshape(-1, *(1,) * (index.ndim - 1))
        return operands[0][events, index]

    return run


@BOUNDS.row(ElementCast)
def _element_cast_bound(op: ElementCast, operands: tuple[Interval, ...], result: Interval) -> int:
    bounds = [cast_bound(cast, (part,), part) << shift for cast, part, shift in _cast_groups(op, operands[0])]
    return max(bounds)


def _cast_groups(op: ElementCast, operand: Interval) -> list[tuple[Cast, Interval, int]]:
    low, high = operand.low.ravel(), operand.high.ravel()
    return [(cast, Interval(low[places], high[places]), shift) for cast, places, shift in op.groups]


@PREPARE.row(ElementCast)
def _prepare_element_cast(op: ElementCast, site: OpSite) -> Run:
    """The cast of each distinct type on its own columns."""
    parts = [
        (prepare_cast(cast, replace(site, op=cast, operands=(part,), result=part)), places, shift)
        for (cast, part, shift), (_, places, _) in zip(_cast_groups(op, site.operands[0]), op.groups, strict=True)
    ]

    def run(tally: Tally, owns: bool, operands: list[CarriedArray]) -> CarriedArray:
        columns = operands[0].reshape(len(operands[0]), -1)
        made = np.empty_like(columns)
        for cast, places, shift in parts:
            counted: Tally = dict.fromkeys((group.name for group, _, _ in op.groups), 0)
            made[:, places] = cast(counted, True, [columns[:, places]]) * (1 << shift)
            tally[op.name] += sum(counted.values())
        return made.reshape(operands[0].shape)

    return run
