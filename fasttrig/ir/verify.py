"""Conditions that hold in every graph; checked after reading and after each pass."""

from __future__ import annotations

import re

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType
from fasttrig.ir.graph import Graph
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Op, Value
from fasttrig.ir.ranges import Ranges

NAME = re.compile(r"[A-Za-z_][\w./-]*")
"""Names that the text form can hold; a backend may be more restrictive."""

MAX_ELEMENTS = 1 << 20
"""Elements of one tensor; more is a damaged file."""


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
        raise GraphError(_after("invalid name for the text form", after), where=where)
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
        for body in op.bodies:
            _verify_body(op, body, after)
        _check_op(op, [made[value] for value in op.operands], after)
        made[op.result] = op.interval(*(made[value] for value in op.operands))
        _check_range(op, made[op.result], after)
    for value in graph.outputs:
        if value not in made:
            raise GraphError(_after("no op produces this output", after), where=where, got=_show(value))
    if not graph.outputs or not graph.inputs:
        raise GraphError(_after("a graph needs at least one input and one output", after), where=where)
    _check_constants(graph, after)
    return made


def _verify_body(op: Op, body: Graph, after: str) -> None:
    try:
        verify(body, after)
    except GraphError as error:
        raise GraphError(error.what, where=f"{op.where} > {error.where}", got=error.got, want=error.want) from None


def _check_op(op: Op, operands: list[Interval], after: str) -> None:
    _check_names(op, after)
    _check_size(op, after)
    fault = op.fault()
    if fault is not None:
        raise _fault(op, fault.what, after, fault.got, fault.want)
    kind = type(op).__name__
    want_shape = op.result_shape()
    if op.result.shape != want_shape:
        got, want = str(op.result.shape), str(want_shape)
        raise _fault(op, f"result shape of {kind} does not follow from its operands", after, got, want)
    want_bits = op.fraction_bits
    if op.result.type.fraction_bits != want_bits:
        got = f"{op.result.type} ({op.result.type.fraction_bits} fraction bits)"
        raise _fault(
            op, f"result type of {kind} does not follow from its operands", after, got, f"{want_bits} fraction bits"
        )
    if op.exact and (sums := op.partial_sums(*operands)) is not None:
        _check_accumulator(op, sums, op.exact_type(operands), after)


def _check_names(op: Op, after: str) -> None:
    for name in (op.name, *(const.name for const in op.constants)):
        if not NAME.fullmatch(name):
            raise _fault(op, "invalid name for the text form", after, repr(name), "letters, digits and _ . / -")


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


def _check_accumulator(op: Op, partial_sums: tuple[int, int], exact: FixedType, after: str) -> None:
    accum_type = op.result.type
    if not accum_type.holds(*partial_sums):
        raise _fault(op, "an accumulator is too narrow for its sum", after, str(accum_type), f"at least {exact}")


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
        where=op.where,
        got=got,
        want=want,
    )


def _after(what: str, after: str) -> str:
    return f"{what}   (after {after})" if after else what


def _show(value: Value) -> str:
    return f"'{value.name}' of shape {value.shape}, {value.type}"
