"""Dense layers on packed integers: the fast path of MatMul, with what follows it done on the sums in registers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.base.fixed import IntArray
from fasttrig.emulator.compiled import cpp
from fasttrig.emulator.compiled.epilogue import Epilogue, epilogue_of
from fasttrig.emulator.compiled.integers import INT8, INT16, INT32
from fasttrig.emulator.compiled.row_steps import rounding_line
from fasttrig.emulator.compiled.weight_packing import (
    Group,
    Packing,
    groups_in_16_bits,
    largest_sum,
    packing_of,
)
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import MatMul, Value
from fasttrig.ir.ranges import Ranges

SPARSE_BELOW = 0.6
"""Share of groups with a weight in them below which a list of those groups is faster than all (measured)."""


@dataclass(frozen=True, slots=True)
class Dense:
    """A MatMul for the dense kernels.

    Attributes
    ----------
    packing : how the operand is read
    epilogue : operations on the sums; its `result` is the value that the layer writes
    """

    op: MatMul
    packing: Packing
    epilogue: Epilogue

    @property
    def result(self) -> Value:
        return self.epilogue.result


def dense_of(graph: Graph, op: MatMul, ranges: Ranges) -> Dense | None:
    """The plan of a dense layer; none where `op` does not fit the kernels."""
    packing = packing_of(op, ranges[op.operand])
    if packing is None:
        return None
    weight, bias = op.aligned()
    bound = largest_sum(weight, bias, *ranges[op.operand].bounds, packing.offset)
    epilogue = epilogue_of(graph, op.result, ranges)
    dropped = epilogue.dropped_bits
    moved = bound + (1 << dropped) if dropped > 0 else bound << -dropped
    if not INT32.holds(0, moved) or dropped > 30:
        epilogue = Epilogue(op.result)
    return Dense(op, packing, epilogue)


def dense_lines(dense: Dense, ranges: Ranges, written: Packing | None, n_apart: int | None) -> tuple[str, ...]:
    """The struct of constants.

    `written` is the packing of the result, none where it is plain; `n_apart` the number of neighbouring inputs that are
    packed apart from the next ones, none where a row is packed as a whole.
    """
    op, packing, epilogue = dense.op, dense.packing, dense.epilogue
    weight, bias = op.aligned()
    n_rows = op.operand.size // len(weight)
    weight = weight if n_apart is None else _apart(weight, n_apart, packing.group.size)
    groups = as_groups(weight, packing.group.size)
    low, high = _limits(epilogue)
    used = (groups != 0).any(axis=1)
    sparse = bool(used.mean() < SPARSE_BELOW)
    return (
        cpp.sizes(rows=n_rows, n_in=len(weight), n_out=len(bias)),
        rounding_line(epilogue.rounding),
        cpp.constant("int", "dropped_bits", epilogue.dropped_bits),
        cpp.switch("clamps_below", epilogue.low is not None),
        cpp.switch("clamps_above", epilogue.high is not None),
        f"    static constexpr std::int32_t low = {low}, high = {high}, offset = {written.offset if written else 0};",
        cpp.switch("packs", written is not None),
        *_in_16_bits(dense, groups, ranges),
        cpp.switch("sparse", sparse),
        *cpp.table("bias", bias + packing.offset * weight.sum(axis=0), INT32.name),
        *cpp.rows("weight", groups.reshape(-1, groups.shape[2]).T, _weight_type(packing)),
        *(_sparse_lines(groups, used, packing) if sparse else ()),
    )


def _apart(weight: IntArray, n: int, group: int) -> IntArray:
    """Weights of shape (n_in, n_out) with zeros after each `n` inputs, up to whole groups."""
    runs = weight.reshape(-1, n, weight.shape[1])
    return np.pad(runs, ((0, 0), (0, -n % group), (0, 0))).reshape(-1, weight.shape[1])


def as_groups(weight: IntArray, group: int) -> IntArray:
    """Weights of shape (n_in, n_out) as int64 (n_groups, group, n_out), zeros filled in at the end."""
    padded = -(-len(weight) // group) * group
    filled = np.zeros((padded, weight.shape[1]), dtype=np.int64)
    filled[: len(weight)] = weight
    return filled.reshape(-1, group, weight.shape[1])


def _limits(epilogue: Epilogue) -> tuple[int, int]:
    """The clamp as int32; a limit that is not there, or beyond, cannot be reached."""
    least, largest = -(1 << 31), (1 << 31) - 1
    low = least if epilogue.low is None else epilogue.low
    high = largest if epilogue.high is None else epilogue.high
    return min(max(low, least), largest), min(max(high, least), largest)


def _in_16_bits(dense: Dense, groups: IntArray, ranges: Ranges) -> tuple[str, ...]:
    """Number of groups that 16 bits hold: sums of quads, products of pairs."""
    low, high = ranges[dense.op.operand].bounds
    if dense.packing.group is Group.QUADS:
        count = groups_in_16_bits(groups, high - dense.packing.offset)
    else:
        largest = max(abs(low), abs(high)) * int(abs(groups).max())
        count = int(INT16.holds(-largest, largest))
    return (cpp.sizes(groups_in_16_bits=count),)


def _weight_type(packing: Packing) -> str:
    return INT8.name if packing.group is Group.QUADS else INT16.name


def _sparse_lines(groups: IntArray, used: IntArray, packing: Packing) -> list[str]:
    """For each output the groups with a weight in them: where its list begins, the groups' places, their weights."""
    counts = used.sum(axis=0)
    begin = np.concatenate([[0], np.cumsum(counts)])
    places = [np.flatnonzero(column) for column in used.T]
    entries = [groups[place, :, out] for out, at in enumerate(places) for place in at] or [groups[0, :, 0] * 0]
    flat = [int(place) for column in places for place in column] or [0]
    index = "std::uint32_t"
    return [
        *cpp.table("begin", begin, index),
        *cpp.table("at", flat, index),
        *cpp.rows("entries", entries, _weight_type(packing)),
    ]
