"""Builds a graph op by op; result types follow from the operands' types, so that every new op is exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.graph import Graph, Postprocessor
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import (
    Add,
    ArgMax,
    Cast,
    Compare,
    Concat,
    Const,
    ElementCast,
    Forest,
    Gather,
    GatherBy,
    Input,
    MatMul,
    Multiply,
    Op,
    Reduce,
    Reduction,
    Relu,
    Reshape,
    Scale,
    Scan,
    Select,
    Shape,
    Softmax,
    Table,
    TopK,
    Transpose,
    Value,
    Window,
)
from fasttrig.ir.verify import verify

_ONE_BIT = FixedType(1, 1)


class GraphBuilder:
    """Collects ops; each method returns the value it made.

    Values are named by the caller (unique, ``[A-Za-z_][A-Za-z0-9_]*``: they become C++ names). `origin` is the path
    back to the model. Types of exact ops are the narrowest that hold every result the operands' *types* allow; the
    pass ``narrow-types`` later uses the ranges that really reach them.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.ops: list[Op] = []

    def input(
        self,
        name: str,
        shape: Shape,
        fixed_type: FixedType,
        *,
        channel_types: tuple[FixedType, ...] = (),
        origin: str = "",
    ) -> Value:
        return self._append(Input(result=Value(name, shape, fixed_type), channel_types=channel_types, origin=origin))

    def matmul(self, name: str, operand: Value, weight: Const, bias: Const, *, origin: str = "") -> Value:
        """Shapes: operand (..., n_in), weight (n_in, n_out), bias (n_out,) -> (..., n_out)."""
        shape = (*operand.shape[:-1], weight.shape[1])
        return self._exact(MatMul(result=_draft(name, shape), operand=operand, weight=weight, bias=bias, origin=origin))

    def scale(self, name: str, operand: Value, scale: Const, offset: Const, *, origin: str = "") -> Value:
        result = _draft(name, operand.shape)
        return self._exact(Scale(result=result, operand=operand, scale=scale, offset=offset, origin=origin))

    def cast(
        self,
        name: str,
        operand: Value,
        fixed_type: FixedType,
        rounding: Rounding,
        overflow: Overflow,
        *,
        origin: str = "",
    ) -> Value:
        result = Value(name, operand.shape, fixed_type)
        return self._append(Cast(result=result, operand=operand, rounding=rounding, overflow=overflow, origin=origin))

    def element_cast(
        self,
        name: str,
        operand: Value,
        types: Sequence[FixedType],
        rounding: Rounding,
        overflow: Overflow,
        *,
        origin: str = "",
    ) -> Value:
        """`types`: one for each entry of the last axis, or one for each element."""
        result = Value(name, operand.shape, covering_type(types))
        op = ElementCast(
            result=result, operand=operand, types=tuple(types), rounding=rounding, overflow=overflow, origin=origin
        )
        return self._append(op)

    def relu(
        self,
        name: str,
        operand: Value,
        *,
        limit_raw: int | None = None,
        negative_shift: int | None = None,
        origin: str = "",
    ) -> Value:
        """`limit_raw` counts at the result's fraction bits: the operand's plus `negative_shift`."""
        result = _draft(name, operand.shape)
        return self._exact(
            Relu(result=result, operand=operand, limit_raw=limit_raw, negative_shift=negative_shift, origin=origin)
        )

    def add(self, name: str, left: Value, right: Value, *, origin: str = "") -> Value:
        return self._exact(Add(result=_draft(name, left.shape), left=left, right=right, origin=origin))

    def multiply(self, name: str, left: Value, right: Value, *, origin: str = "") -> Value:
        return self._exact(Multiply(result=_draft(name, left.shape), left=left, right=right, origin=origin))

    def reduce(self, name: str, operand: Value, axis: int, reduction: Reduction, *, origin: str = "") -> Value:
        """`axis` counts without the event axis; it is stored non-negative."""
        axis = axis % len(operand.shape)
        return self._shaped(
            Reduce(result=_draft(name, ()), operand=operand, axis=axis, reduction=reduction, origin=origin)
        )

    def compare(self, name: str, left: Value, right: Value, *, origin: str = "") -> Value:
        """1 where left < right."""
        return self._exact(Compare(result=_draft(name, left.shape), left=left, right=right, origin=origin))

    def select(self, name: str, condition: Value, if_one: Value, if_zero: Value, *, origin: str = "") -> Value:
        result = _draft(name, if_one.shape)
        return self._exact(Select(result=result, condition=condition, if_one=if_one, if_zero=if_zero, origin=origin))

    def transpose(self, name: str, operand: Value, order: tuple[int, ...], *, origin: str = "") -> Value:
        """Axis ``i`` of the result is axis ``order[i]`` of the operand."""
        return self._shaped(Transpose(result=_draft(name, ()), operand=operand, order=order, origin=origin))

    def gather(
        self, name: str, operand: Value, axis: int, index: Sequence[int], *, pad_raw: int = 0, origin: str = ""
    ) -> Value:
        """Entries of `axis` by `index`; -1 puts a pad."""
        axis, places = axis % len(operand.shape), tuple(map(int, index))
        result = _draft(name, ())
        return self._shaped(
            Gather(result=result, operand=operand, axis=axis, index=places, pad_raw=pad_raw, origin=origin)
        )

    def window(
        self,
        name: str,
        operand: Value,
        kernel: tuple[int, ...],
        *,
        stride: tuple[int, ...],
        dilation: tuple[int, ...],
        before: tuple[int, ...],
        after: tuple[int, ...],
        pad_raw: int = 0,
        origin: str = "",
    ) -> Value:
        """Shapes: (*spatial, channels) -> (*positions, elements of the kernel, channels)."""
        op = Window(
            result=_draft(name, ()),
            operand=operand,
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            before=before,
            after=after,
            pad_raw=pad_raw,
            origin=origin,
        )
        return self._shaped(op)

    def concat(self, name: str, parts: tuple[Value, ...], *, axis: int = -1, origin: str = "") -> Value:
        """`axis` counts without the event axis; it is stored non-negative."""
        axis = axis % len(parts[0].shape)
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        return self._exact(Concat(result=_draft(name, tuple(shape)), parts=parts, axis=axis, origin=origin))

    def reshape(self, name: str, operand: Value, shape: Shape, *, origin: str = "") -> Value:
        return self._append(Reshape(result=Value(name, shape, operand.type), operand=operand, origin=origin))

    def table(self, name: str, operand: Value, table: Const, function: str, *, origin: str = "") -> Value:
        """`table` has ``2**operand.type.width`` entries, the first for ``operand.type.min_raw``."""
        result = Value(name, operand.shape, table.type)
        return self._append(Table(result=result, operand=operand, table=table, function=function, origin=origin))

    def softmax(
        self,
        name: str,
        operand: Value,
        fixed_type: FixedType,
        *,
        index_type: FixedType,
        exp_table: Const,
        inverse_index_type: FixedType,
        inverse_table: Const,
        origin: str = "",
    ) -> Value:
        result = Value(name, operand.shape, fixed_type)
        op = Softmax(
            result=result,
            operand=operand,
            index_type=index_type,
            exp_table=exp_table,
            inverse_index_type=inverse_index_type,
            inverse_table=inverse_table,
            origin=origin,
        )
        return self._append(op)

    def argmax(self, name: str, operand: Value, *, origin: str = "") -> Value:
        fixed_type = FixedType.covering(0, operand.shape[-1] - 1, 0)
        result = Value(name, (*operand.shape[:-1], 1), fixed_type)
        return self._append(ArgMax(result=result, operand=operand, origin=origin))

    def top_k(self, name: str, operand: Value, k: int, *, origin: str = "") -> Value:
        """Indices of the `k` greatest entries of the last axis."""
        result = Value(name, (*operand.shape[:-1], k), FixedType.covering(0, operand.shape[-1] - 1, 0))
        return self._append(TopK(result=result, operand=operand, k=k, origin=origin))

    def gather_by(self, name: str, operand: Value, index: Value, *, origin: str = "") -> Value:
        """Entries of the operand's first axis: (n, *rest) and (*m) -> (*m, *rest)."""
        return self._shaped(GatherBy(result=_draft(name, ()), operand=operand, index=index, origin=origin))

    def scan(
        self, name: str, sequences: Sequence[Value], body: Graph, *, stacked: bool = False, origin: str = ""
    ) -> Value:
        """Shapes: sequences (steps, ...) -> that of the body's last output, after (steps,) if `stacked`."""
        result = replace(_draft(name, ()), type=body.outputs[-1].type)
        return self._shaped(Scan(result=result, sequences=tuple(sequences), body=body, stacked=stacked, origin=origin))

    def forest(self, name: str, operand: Value, tables: Mapping[str, Const], *, origin: str = "") -> Value:
        """`tables` are the constants of `Forest` by field name; operand (n_features,) -> (n_outputs,)."""
        result = _draft(name, tables["base_margin"].shape)
        return self._exact(Forest(result=result, operand=operand, origin=origin, **tables))

    def graph(self, *outputs: Value, postprocessor: Postprocessor = Postprocessor.NONE) -> Graph:
        """The verified graph of everything built so far."""
        graph = Graph(self.name, tuple(self.ops), outputs, postprocessor)
        verify(graph, after="reading the model")
        return graph

    def _append(self, op: Op) -> Value:
        self.ops.append(op)
        return op.result

    def _shaped(self, draft: Op) -> Value:
        """`_exact` for an op whose shape follows from its fields, once they are known to fit."""
        fault = draft.fault()
        if fault is not None:
            raise GraphError(fault.what, where=draft.where, got=fault.got, want=fault.want)
        shaped = replace(draft, result=replace(draft.result, shape=draft.result_shape()))
        return self._exact(shaped) if shaped.exact else self._append(shaped)

    def _exact(self, draft: Op) -> Value:
        return self._append(exactly_typed(draft, [Interval.of_type(v.type, v.shape) for v in draft.operands]))


def covering_type(types: Sequence[FixedType]) -> FixedType:
    """The narrowest type that holds every number of `types`."""
    bits = max(kind.fraction_bits for kind in types)
    low = min(kind.min_raw << bits - kind.fraction_bits for kind in types)
    high = max(kind.max_raw << bits - kind.fraction_bits for kind in types)
    return FixedType.covering(low, high, bits)


def exactly_typed(op: Op, operands: list[Interval]) -> Op:
    """`op` with the narrowest result type in which it is exact on operands inside the given intervals."""
    return replace(op, result=replace(op.result, type=op.exact_type(operands)))


def _draft(name: str, shape: Shape) -> Value:
    return Value(name, shape, _ONE_BIT)
