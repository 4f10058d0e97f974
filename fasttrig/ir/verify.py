"""What must hold in every graph; run after reading and after each pass."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType
from fasttrig.ir.forest import forest_fault, partial_sum_bounds
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import (
    Add,
    ArgMax,
    Cast,
    Concat,
    Forest,
    Input,
    MatMul,
    Op,
    Relu,
    Reshape,
    Scale,
    Shape,
    Softmax,
    Table,
    Value,
    require_rows,
)
from fasttrig.ir.ranges import Interval, Ranges, accumulator_interval, exact_fraction_bits, interval_of

NAME = re.compile(r"[A-Za-z_][\w./-]*")
"""What the text form can hold as a name; a backend may want less."""

MAX_ELEMENTS = 1 << 20
"""Elements of one tensor; more is a damaged file."""

MAX_SHIFT = 256


def verify(graph: Graph, after: str = "") -> Ranges:
    """Check names, order, shapes, types and that nothing but a cast can lose a bit.

    Parameters
    ----------
    after : str
        What made the graph (``pass narrow-types``); named in the error.

    Returns
    -------
    dict[Value, Interval]
        The proven range of every value, so that a caller need not infer it again.

    Raises
    ------
    GraphError
        At the first op that is not well formed.
    """
    where = f"graph '{graph.name}'"
    if not NAME.fullmatch(graph.name):
        raise GraphError(_after("a name that the text form cannot hold", after), where=where)
    made: Ranges = {}
    names: set[str] = set()
    for op in graph.ops:
        if op.name in names:
            raise _fault(op, "a value name is used twice", after, got=repr(op.name), want="unique names")
        names.add(op.name)
        for value in op.operands:
            if value not in made:
                want = next((_show(known) for known in made if known.name == value.name), "")
                raise _fault(op, "an operand is not made before it is used", after, got=_show(value), want=want)
        _check_op(op, [made[value] for value in op.operands], after)
        made[op.result] = interval_of(op, [made[value] for value in op.operands])
        _check_range(op, made[op.result], after)
    for value in graph.outputs:
        if value not in made:
            raise GraphError(_after("an output is made by no op", after), where=where, got=_show(value))
    if not graph.outputs or not graph.inputs:
        raise GraphError(_after("a graph needs at least one input and one output", after), where=where)
    _check_constants(graph, after)
    return made


def _check_op(op: Op, operands: list[Interval], after: str) -> None:
    _check_names(op, after)
    _check_size(op, after)
    check = _EXTRA.get(type(op))
    if check is not None:
        check(op, after)
    kind = type(op).__name__
    want_shape = _SHAPES[type(op)](op)
    if op.result.shape != want_shape:
        got, want = str(op.result.shape), str(want_shape)
        raise _fault(op, f"result shape of {kind} does not follow from its operands", after, got, want)
    want_bits = exact_fraction_bits(op)
    if op.result.type.fraction_bits != want_bits:
        got = f"{op.result.type} ({op.result.type.fraction_bits} fraction bits)"
        raise _fault(
            op, f"result type of {kind} does not follow from its operands", after, got, f"{want_bits} fraction bits"
        )
    if isinstance(op, MatMul) and not op.narrowed:
        _check_accumulator(op, accumulator_interval(op, operands[0]), after, signed=True)
    if isinstance(op, Forest):
        _check_accumulator(op, partial_sum_bounds(op, operands[0].low, operands[0].high), after)


def _check_names(op: Op, after: str) -> None:
    for name in (op.name, *(const.name for const in op.constants)):
        if not NAME.fullmatch(name):
            raise _fault(op, "a name that the text form cannot hold", after, repr(name), "letters, digits and _ . / -")


def _check_size(op: Op, after: str) -> None:
    shape = op.result.shape
    if not shape or min(shape) < 1 or op.result.size > MAX_ELEMENTS:
        raise _fault(
            op,
            "a shape that no firmware has",
            after,
            str(shape),
            f"at least one axis, sizes of at least 1, at most {MAX_ELEMENTS} elements",
        )


def _check_accumulator(op: Op, partial_sums: tuple[int, int], after: str, *, signed: bool | None = None) -> None:
    accum_type = op.result.type
    if not accum_type.holds(*partial_sums):
        want = str(FixedType.covering(*partial_sums, accum_type.fraction_bits, signed=signed))
        raise _fault(op, "an accumulator is too narrow for its sum", after, str(accum_type), f"at least {want}")


def _check_range(op: Op, interval: Interval, after: str) -> None:
    low, high = interval.bounds
    if not op.result.type.holds(low, high):
        raise _fault(
            op,
            f"result type of {type(op).__name__} does not hold its range",
            after,
            got=str(op.result.type),
            want=f"at least {FixedType.covering(low, high, op.result.type.fraction_bits)}",
        )


def _check_constants(graph: Graph, after: str) -> None:
    names: dict[str, object] = {}
    for const in graph.constants:
        if names.setdefault(const.name, const) != const:
            raise GraphError(
                _after("two constants share a name", after), where=f"graph '{graph.name}'", got=repr(const.name)
            )


def _fault(op: Op, what: str, after: str, got: str = "", want: str = "") -> GraphError:
    return GraphError(
        _after(what.replace("its operands", "its operand") if len(op.operands) == 1 else what, after),
        where=f"op '{op.name}'" + (f" ({op.origin})" if op.origin else ""),
        got=got,
        want=want,
    )


def _after(what: str, after: str) -> str:
    return f"{what}   (after {after})" if after else what


def _show(value: Value) -> str:
    return f"'{value.name}' of shape {value.shape}, {value.type}"


def _last_axis(op: Any) -> Shape:
    return (*op.operand.shape[:-1], op.weight.shape[1])


def _concat_shape(op: Concat) -> Shape:
    shape = list(op.parts[0].shape)
    shape[op.axis] = sum(part.shape[op.axis] for part in op.parts)
    return tuple(shape)


_SHAPES: dict[type[Op], Callable[[Any], Shape]] = {
    Input: lambda op: op.result.shape,
    MatMul: _last_axis,
    Scale: lambda op: op.operand.shape,
    Cast: lambda op: op.operand.shape,
    Relu: lambda op: op.operand.shape,
    Add: lambda op: op.left.shape,
    Concat: _concat_shape,
    Reshape: lambda op: op.result.shape,
    Table: lambda op: op.operand.shape,
    Softmax: lambda op: op.operand.shape,
    ArgMax: lambda op: (*op.operand.shape[:-1], 1),
    Forest: lambda op: op.base_margin.shape,
}
require_rows(_SHAPES, "shapes")


def _check_input(op: Input, after: str) -> None:
    if not op.channel_types:
        return
    if len(op.channel_types) != op.result.shape[-1]:
        raise _fault(
            op, "one channel type per feature is needed", after, str(len(op.channel_types)), str(op.result.shape[-1])
        )
    for fixed_type in op.channel_types:
        if fixed_type.fraction_bits > op.result.type.fraction_bits:
            raise _fault(
                op,
                "a channel's grid is finer than the input's",
                after,
                str(fixed_type),
                f"at most {op.result.type.fraction_bits} fraction bits",
            )


def _check_matmul(op: MatMul, after: str) -> None:
    n_in = op.operand.shape[-1]
    fits = len(op.weight.shape) == 2 and op.weight.shape[0] == n_in and op.bias.shape == op.weight.shape[1:]
    if not fits:
        raise _fault(
            op,
            "weight and bias do not fit the operand",
            after,
            got=f"weight {op.weight.shape}, bias {op.bias.shape}",
            want=f"weight ({n_in}, n_out), bias (n_out,)",
        )


def _check_scale(op: Scale, after: str) -> None:
    want = (op.operand.shape[-1],)
    if op.scale.shape != want or op.offset.shape != want:
        got = f"scale {op.scale.shape}, offset {op.offset.shape}"
        raise _fault(op, "scale and offset do not fit the operand", after, got, f"{want} each")


def _check_add(op: Add, after: str) -> None:
    if op.left.shape != op.right.shape:
        raise _fault(op, "operands of Add differ in shape", after, f"{op.left.shape} and {op.right.shape}", "equal")


def _check_concat(op: Concat, after: str) -> None:
    if not op.parts or not 0 <= op.axis < len(op.parts[0].shape):
        got = f"axis {op.axis}, parts " + ", ".join(str(part.shape) for part in op.parts)
        raise _fault(op, "Concat has no such axis", after, got, "at least one part, and an axis of it")
    ranks = {len(part.shape) for part in op.parts}
    others = {part.shape[: op.axis] + part.shape[op.axis + 1 :] for part in op.parts}
    if len(ranks) != 1 or len(others) != 1:
        got = ", ".join(str(part.shape) for part in op.parts)
        raise _fault(op, "parts of Concat do not fit together", after, got, f"equal shapes but for axis {op.axis}")


def _check_reshape(op: Reshape, after: str) -> None:
    if op.operand.size != op.result.size:
        raise _fault(op, "Reshape changes the number of elements", after, str(op.result.shape), str(op.operand.shape))
    if op.result.type != op.operand.type:
        raise _fault(op, "Reshape changes the type", after, str(op.result.type), str(op.operand.type))


def _check_relu(op: Relu, after: str) -> None:
    if op.negative_shift is not None and not 0 <= op.negative_shift <= MAX_SHIFT:
        raise _fault(
            op,
            "a leaky slope above one, or below any use",
            after,
            f"negative_shift={op.negative_shift}",
            f"0 to {MAX_SHIFT}",
        )


def _check_table(op: Table, after: str) -> None:
    want = 1 << op.operand.type.width
    if op.table.shape != (want,):
        raise _fault(op, "the table does not cover its operand's type", after, str(op.table.shape), str((want,)))


def _check_softmax(op: Softmax, after: str) -> None:
    for index, table in ((op.index_type, op.exp_table), (op.inverse_index_type, op.inverse_table)):
        if index.signed or table.shape != (1 << index.width,):
            raise _fault(
                op,
                f"table '{table.name}' does not cover its index",
                after,
                str(table.shape),
                f"unsigned index, {1 << index.width} entries",
            )


def _check_forest(op: Forest, after: str) -> None:
    fault = forest_fault(op)
    if fault is not None:
        raise _fault(op, fault.what, after, fault.got, fault.want)


_EXTRA: dict[type[Op], Callable[[Any, str], None]] = {
    Input: _check_input,
    MatMul: _check_matmul,
    Scale: _check_scale,
    Add: _check_add,
    Concat: _check_concat,
    Reshape: _check_reshape,
    Relu: _check_relu,
    Table: _check_table,
    Softmax: _check_softmax,
    Forest: _check_forest,
}
