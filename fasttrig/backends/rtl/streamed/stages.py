"""A graph as a row of stages: each reads positions one after the other, and its body computes one of them.

A value is known by its positions (its leading axes, in raster order) and by what it is at one of them. An op that
treats all positions alike goes into the body of the stage; one that looks at several begins the next stage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

from fasttrig.backends.rtl.streamed.fronts import Accumulator, Front, GridPair, LineBuffer
from fasttrig.base.errors import RefusalError, UnsupportedError
from fasttrig.base.names import identifier
from fasttrig.ir.graph import Graph, with_operands
from fasttrig.ir.ops import (
    PLAIN_OPS,
    Add,
    ArgMax,
    Cast,
    Compare,
    Concat,
    ElementCast,
    Forest,
    Gather,
    GatherBy,
    Input,
    MatMul,
    Multiply,
    Op,
    Reduce,
    Relu,
    Reshape,
    Scale,
    Select,
    Softmax,
    Table,
    TopK,
    Transpose,
    Value,
    Window,
    require_rows,
)
from fasttrig.ir.ops.base import Shape


@dataclass(frozen=True, slots=True)
class StreamStage:
    """One stage: its front, and the graph of one position behind it. `body.outputs` go to the next stage."""

    front: Front
    body: Graph

    @property
    def name(self) -> str:
        return self.body.name


@dataclass(frozen=True, slots=True)
class _InBody:
    """An op that treats positions alike: the positions of its result, and the fields that differ at one of them."""

    spatial: Shape
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Opening:
    """An op at which a stage begins; `mixed`: the elements that the front takes may have different types."""

    make: Callable[..., Front]
    mixed: bool = True


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value lives: the stage, its positions, and the value at one of them."""

    stage: int
    spatial: Shape
    value: Value


@dataclass(frozen=True, slots=True)
class _Draft:
    front: Front
    ops: list[Op]


def stages_of(graph: Graph) -> tuple[StreamStage, ...]:
    """The stages of `graph`, the first one at the input.

    Raises
    ------
    RefusalError
        With every reason why the graph cannot be streamed.
    """
    return _Planner(graph).stages()


class _Planner:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.refusals: list[UnsupportedError] = []
        self.places: dict[Value, _Place] = {}
        self.drafts: list[_Draft] = []
        self.handed: dict[int, Value] = {}

    def stages(self) -> tuple[StreamStage, ...]:
        if len(self.graph.inputs) != 1:
            names = ", ".join(op.name for op in self.graph.inputs)
            self._refuse(self.graph.inputs[-1], "a streamed design has one input", got=names)
        self._begin(self.graph.inputs[0])
        for op in self.graph.live_ops:
            if op.operands and all(value in self.places for value in op.operands):
                self._place(op)
        self._check_outputs()
        if self.refusals:
            raise RefusalError(self.refusals)
        return tuple(self._finished())

    def _refuse(self, op: Op, what: str, got: str = "", want: str = "") -> None:
        try_ = 'rtl_schedule = "parallel"'
        self.refusals.append(UnsupportedError(what, where=op.where, got=got, want=want, try_=try_))

    def _begin(self, op: Input) -> None:
        """The first stage hands each position of the input on."""
        spatial, value = op.result.shape[:-1], replace(op.result, shape=op.result.shape[-1:])
        each = op.tensor_type.each
        kinds = each[: value.size]
        if kinds * (op.result.size // value.size) != each:
            self._refuse(op, "the types of a streamed input are the same at every position")
        front = LineBuffer(op=op, result=value, spatial=spatial, kinds=kinds, grid=(1, math.prod(spatial)))
        self.drafts.append(_Draft(front, []))
        self.places[op.result] = _Place(0, spatial, value)

    def _place(self, op: Op) -> None:
        places = [self.places[value] for value in op.operands]
        if len({place.stage for place in places}) > 1:
            self._refuse(op, "paths of different length meet in a streamed design", want="operands of one stage")
            return
        if len({place.spatial for place in places}) > 1:
            self._refuse(op, "operands with different positions meet", got=str([place.spatial for place in places]))
            return
        try:
            made = _ROWS[type(op)](op, places[0])
        except _NotStreamedError as reason:
            self._refuse(op, f"{type(op).__name__} cannot be streamed: {reason}")
            return
        if isinstance(made, _InBody):
            self._add(op, made, places[0].stage)
        else:
            self._open(op, made, places[0].stage)

    def _add(self, op: Op, made: _InBody, stage: int) -> None:
        shape = op.result.shape[len(made.spatial) :]
        known = {value: self.places[value].value for value in op.operands}
        one = replace(with_operands(op, known), **made.changes, result=replace(op.result, shape=shape))
        if not shape or one.result_shape() != shape:
            self._refuse(op, "an op has no meaning at a single position", got=str(shape), want="at least one axis")
            return
        self.drafts[stage].ops.append(one)
        self.places[op.result] = _Place(stage, made.spatial, one.result)

    def _open(self, op: Op, opening: _Opening, stage: int) -> None:
        """The next stage, which begins at `op`."""
        (source,) = op.operands
        if stage + 1 < len(self.drafts):
            self._refuse(op, "a streamed design does not branch", want="one op that looks at several positions")
            return
        value, draft = self.places[source].value, self.drafts[stage]
        at_port = stage == 0 and not draft.ops and opening.mixed
        front = opening.make(op=op, kinds=draft.front.kinds if at_port else (value.type,) * value.size)
        self.handed[stage] = source
        self.drafts.append(_Draft(front, []))
        self.places[op.result] = _Place(stage + 1, front.spatial, front.result)

    def _check_outputs(self) -> None:
        last = len(self.drafts) - 1
        found = [self.places[value] for value in self.graph.outputs if value in self.places]
        early = [
            value.name for value in self.graph.outputs if value in self.places and self.places[value].stage != last
        ]
        if early and not self.refusals:
            self._refuse(self.graph.ops[-1], "an output ends before the last stage", got=", ".join(early))
        if len(found) > 1 and any(place.spatial for place in found):
            self._refuse(
                self.graph.ops[-1], "outputs with positions are streamed one by one", got=f"{len(found)} outputs"
            )

    def _finished(self) -> Iterator[StreamStage]:
        taken = {self.graph.name.casefold()}
        for number, draft in enumerate(self.drafts):
            if self._is_idle(number):
                continue
            wanted = label = f"{self.graph.name}_{identifier(draft.front.op.name)}"
            while label.casefold() in taken:
                label = f"{wanted}_{len(taken)}"
            taken.add(label.casefold())
            outputs = (self.handed[number],) if number in self.handed else self.graph.outputs
            values = tuple(self.places[value].value for value in outputs)
            yield StreamStage(draft.front, Graph(label, (_source(draft.front), *draft.ops), values))

    def _is_idle(self, number: int) -> bool:
        """Whether a stage hands its port on, so that the next one can read the port itself."""
        if number or self.drafts[0].ops or len(self.drafts) == 1:
            return False
        return self.drafts[1].front.kinds == self.drafts[0].front.kinds


def _source(front: Front) -> Input:
    """The input of a body."""
    kinds = front.made_kinds
    types = () if set(kinds) == {front.result.type} else kinds
    return Input(result=front.result, channel_types=types, origin=front.op.origin)


class _NotStreamedError(Exception):
    """Why an op cannot be streamed."""


_Made: TypeAlias = "_InBody | _Opening"


def _alike(op: Op, place: _Place) -> _Made:
    """All positions alike."""
    return _InBody(place.spatial)


def _whole(op: Op, place: _Place) -> _Made:
    if place.spatial:
        raise _NotStreamedError("it looks at all positions at once")
    return _InBody(place.spatial)


def _scale(op: Scale, place: _Place) -> _Made:
    if max(op.scale.raw.ndim, op.offset.raw.ndim) > len(place.value.shape):
        raise _NotStreamedError("its factors differ from position to position")
    return _InBody(place.spatial)


def _element_cast(op: ElementCast, place: _Place) -> _Made:
    kinds = op.types if len(op.types) < place.value.size else op.types[: place.value.size]
    if kinds * (len(op.types) // len(kinds)) != op.types:
        raise _NotStreamedError("its types differ from position to position")
    return _InBody(place.spatial, {"types": kinds})


def _along_axis(op: Concat | Gather, place: _Place) -> _Made:
    rank = len(place.spatial)
    if op.axis < rank:
        raise _NotStreamedError("it acts along the positions")
    return _InBody(place.spatial, {"axis": op.axis - rank})


def _transpose(op: Transpose, place: _Place) -> _Made:
    rank = len(place.spatial)
    if op.order[:rank] != tuple(range(rank)):
        raise _NotStreamedError("it changes the order of the positions")
    return _InBody(place.spatial, {"order": tuple(axis - rank for axis in op.order[rank:])})


def _reduce(op: Reduce, place: _Place) -> _Made:
    rank = len(place.spatial)
    if op.axis >= rank:
        return _InBody(place.spatial, {"axis": op.axis - rank})
    if rank > 1:
        raise _NotStreamedError("it reduces one axis of the positions, not all")
    result = replace(op.result, shape=place.value.shape)
    make = partial(Accumulator, result=result, spatial=(), positions=place.spatial[0])
    return _Opening(make, mixed=False)


def _reshape(op: Reshape, place: _Place) -> _Made:
    """The same positions, those in another grid, or all of an event together."""
    shape, n_positions = op.result.shape, math.prod(place.spatial)
    if shape[: len(place.spatial)] == place.spatial and len(shape) > len(place.spatial):
        return _InBody(place.spatial)
    for rank in range(len(shape)):
        if math.prod(shape[:rank]) == n_positions:
            return _InBody(shape[:rank])
    grid = (1, n_positions)
    return _Opening(partial(LineBuffer, result=op.result, spatial=(), grid=grid, kernel=grid))


def _window(op: Window, place: _Place) -> _Made:
    if not place.spatial:
        return _InBody(())
    if len(place.spatial) != len(op.kernel) or len(op.kernel) > 2:
        raise _NotStreamedError(f"a line buffer has one or two axes, this window {len(op.kernel)}")
    rank = len(op.kernel)
    extents = [d * (k - 1) + 1 for k, d in zip(op.kernel, op.dilation, strict=True)]
    if any(before >= extent for before, extent in zip(op.before, extents, strict=True)):
        raise _NotStreamedError("its first windows hold pads alone")
    result = replace(op.result, shape=op.result.shape[rank:])

    def pair(numbers: Shape, missing: int) -> GridPair:
        return (missing, numbers[0]) if rank == 1 else (numbers[0], numbers[1])

    make = partial(
        LineBuffer,
        result=result,
        spatial=op.result.shape[:rank],
        grid=pair(place.spatial, 1),
        kernel=pair(op.kernel, 1),
        stride=pair(op.stride, 1),
        dilation=pair(op.dilation, 1),
        before=pair(op.before, 0),
        after=pair(op.after, 0),
        pad_raw=op.pad_raw,
    )
    return _Opening(make)


_ROWS: Mapping[type[Op], Callable[..., _Made]] = {
    **dict.fromkeys((Input, MatMul, Cast, Relu, Add, Table, Softmax, ArgMax, TopK), _alike),
    **dict.fromkeys((Multiply, Compare, Select), _alike),
    **dict.fromkeys((Forest, GatherBy), _whole),
    Scale: _scale,
    ElementCast: _element_cast,
    Concat: _along_axis,
    Gather: _along_axis,
    Transpose: _transpose,
    Reduce: _reduce,
    Reshape: _reshape,
    Window: _window,
}
require_rows(_ROWS, "streamed rows", PLAIN_OPS)
