"""How each value lies in the workspace: its integers as they are, packed for dense layers, or not at all."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from fasttrig.emulator.compiled.dense import Dense, dense_of
from fasttrig.emulator.compiled.integers import stored_type
from fasttrig.emulator.compiled.weight_packing import Packing
from fasttrig.ir.graph import Graph
from fasttrig.ir.op_table import OpTable
from fasttrig.ir.ops import MatMul, Op, Reduce, Value, Window
from fasttrig.ir.ranges import Ranges

_NEAR: OpTable[[bool], bool] = OpTable("readers of neighbourhoods")
"""Whether an op reads neighbourhoods one at a time, given whether each is joined to one row."""

_PACKED: OpTable[[Packing, Ranges], bool] = OpTable("ops on packed bytes")
"""Whether an op makes packed bytes of packed bytes, by the ops that can."""


@_NEAR.row(MatMul)
def _row_by_row(op: MatMul, joined: bool) -> bool:
    return joined


@_NEAR.row(Reduce)
def _element_by_element(op: Reduce, joined: bool) -> bool:
    return not joined and op.axis == len(op.operand.shape) - 2


@_PACKED.row(Reduce)
def _cell_by_cell(op: Reduce, packing: Packing, ranges: Ranges) -> bool:
    """The greatest or the least of numbers is that of their cells, where a row is not itself reduced."""
    return not op.is_sum and op.axis < len(op.operand.shape) - 1 and packing.holds(*ranges[op.operand].bounds)


@dataclass(slots=True)
class MemoryLayout:
    """Assignment of ops, and the layout in which each value is read.

    Attributes
    ----------
    dense : layers for the dense kernels, by the name of their MatMul
    fused : ops inside an epilogue
    windows : neighbourhoods that are never written: their readers go to the operand
    pooled : packing in which a Reduce reads and writes, by its name
    plain : values that an op, or the caller, reads as they are
    packed : packings in which a value is read
    same : values that are another's packed bytes
    """

    dense: dict[str, Dense]
    fused: frozenset[Op]
    windows: dict[Value, Window]
    pooled: dict[str, Packing]
    plain: set[Value]
    packed: dict[Value, dict[Packing, None]]
    same: dict[Value, Value]

    def source(self, value: Value) -> Value:
        """The value that is written where `value` is read."""
        return self.windows[value].operand if value in self.windows else value

    def packings(self, value: Value) -> tuple[Packing, ...]:
        return tuple(self.packed.get(value, ()))

    def direct(self, value: Value) -> Packing | None:
        """The packing of a value that is read in this one alone."""
        packings = self.packings(value)
        return packings[0] if len(packings) == 1 and value not in self.plain else None

    def packed_name(self, value: Value, packing: Packing) -> str:
        """The array of the packed value."""
        while value in self.same:
            value = self.same[value]
        return f"{value.name}_{packing.group.label}"


def layout_of(graph: Graph, ranges: Ranges) -> MemoryLayout:
    """The layout of a graph of nothing but live ops."""
    found = (dense_of(graph, op, ranges) for op in graph.ops_of(MatMul))
    dense = {layer.op.name: layer for layer in found if layer is not None}
    fused = frozenset(op for layer in dense.values() for op in layer.epilogue.fused)
    layout = MemoryLayout(dense, fused, _unwritten(graph, ranges), {}, set(graph.outputs), {}, {})
    kernels_write = {layer.result for layer in dense.values()}
    for op in reversed(graph.ops):  # All readers of an op's result come before the op.
        if op.operands and op not in fused and op.result not in layout.windows:
            _demand(layout, op, ranges, kernels_write)
    return layout


def _demand(layout: MemoryLayout, op: Op, ranges: Ranges, kernels_write: Iterable[Value]) -> None:
    """What `op` reads, and how."""
    sources = [layout.source(operand) for operand in op.operands]
    layer = layout.dense.get(op.name)
    if layer is not None:
        layout.packed.setdefault(sources[0], {})[layer.packing] = None
        return
    packing = layout.direct(op.result)
    if packing is None:
        layout.plain.update(sources)
    elif _keeps_packing(op, packing):
        layout.packed.setdefault(sources[0], {})[packing] = None
        layout.same[op.result] = sources[0]
        del layout.packed[op.result]
    elif sources[0] in kernels_write and op in _PACKED and _PACKED(op, packing, ranges):
        layout.packed.setdefault(sources[0], {})[packing] = None
        layout.pooled[op.name] = packing
    else:
        layout.plain.update(sources)


def _keeps_packing(op: Op, packing: Packing) -> bool:
    """Whether the packed bytes of the result are those of the operand."""
    if not op.same_integers:
        return False
    ends = (op.operands[0].shape[-1], op.result.shape[-1])
    return ends[0] == ends[1] or all(size % packing.group.size == 0 for size in ends)


def _unwritten(graph: Graph, ranges: Ranges) -> dict[Value, Window]:
    """The neighbourhoods, also with their last axes joined, whose readers can all go to the operand."""
    windows: dict[Value, Window] = {}
    for op in graph.ops_of(Window):
        pad_fits = stored_type(ranges[op.operand], op).holds(op.pad, op.pad)
        joined = {user.result for user in graph.users(op.result) if _joins(user)}
        near = {op.result, *joined}
        readers = [
            (user, value in joined) for value in near for user in graph.users(value) if user.result not in joined
        ]
        one_by_one = all(user in _NEAR and _NEAR(user, is_joined) for user, is_joined in readers)
        if pad_fits and one_by_one and near.isdisjoint(graph.outputs):
            windows |= dict.fromkeys(near, op)
    return windows


def _joins(op: Op) -> bool:
    """Whether `op` makes each neighbourhood one row."""
    return op.same_integers and op.result.shape[-1] == math.prod(op.operands[0].shape[-2:])
