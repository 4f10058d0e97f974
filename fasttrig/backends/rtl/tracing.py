"""From the graph to alkaid's program: each op as symbolic arithmetic on its elements, types as the graph has them.

One row per op class. Nothing here rounds or saturates but what `Cast` asks for: alkaid's intervals grow with every
sum, and `confine` only drops bits that the graph's own type shows to be copies of the sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from alkaid.trace import FVariable, FVArray, HWConfig

from fasttrig.backends.rtl.arithmetic import (
    CONSTANT_BITS,
    add,
    add_constant,
    bring_into_range,
    cast,
    confine,
    constant,
    is_constant,
    least_of,
    multiply_constant,
    pick,
)
from fasttrig.backends.rtl.choices import (
    entry_by_index,
    index_of_largest,
    indices_of_largest,
    is_less,
    larger,
    smaller,
)
from fasttrig.backends.rtl.forest import trace_forest
from fasttrig.backends.rtl.origins import Numbers, Traced, traced
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, Overflow, Rounding, to_value
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import (
    PAD,
    PLAIN_OPS,
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
    Rewiring,
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

HARDWARE = HWConfig(1, 1, -1)
"""Adder and carry size of one, as alkaid's own flow has them: costs are counted in bits."""

SOLVER: dict[str, Any] = {"hard_dc": 2, "binary_lut": False}
"""How far the solver of constant matrices may exceed the least adder depth; its tables for operands of one bit take
the address for unsigned even where the bit is a sign."""

MAX_WIDTH = 48
"""Widest number that alkaid's doubles carry with room for the bits of a sum."""

MAX_TABLE_BITS = 18
"""Widest address of a table; those of more than `block_rom.MOST_LUT_BITS` become block RAM."""


def trace_graph(graph: Graph) -> Traced:
    """alkaid's program that computes every output element of `graph` from every input element.

    Raises
    ------
    UnsupportedError
        For an op that cannot be made exactly; the place is named.
    """
    made = trace_values(graph)
    if all(is_constant(number) for value in graph.outputs for number in made[value].ravel()):
        raise UnsupportedError(
            "no output depends on an input", where=f"graph '{graph.name}'", want="something to build"
        )
    return traced(graph, made)


def trace_values(graph: Graph) -> dict[Value, Numbers]:
    """alkaid's number for every element of every value of `graph`; raises as `trace_graph` does."""
    made: dict[Value, Numbers] = {}
    for op in graph.ops:
        _check_width(op)
        try:
            numbers = _ROWS[type(op)](op, *(made[value] for value in op.operands))
        except UnsupportedError as error:
            raise UnsupportedError(
                error.what, where=op.where, got=error.got, want=error.want, try_=error.try_
            ) from None
        made[op.result] = _map(partial(confine, target=op.result.type), numbers)
    return made


def _map(function: Callable[[FVariable], FVariable], numbers: Numbers) -> Numbers:
    mapped = np.empty(numbers.size, dtype=object)
    mapped[:] = [function(number) for number in numbers.ravel()]
    return mapped.reshape(numbers.shape)


def _array(numbers: list[FVariable], shape: tuple[int, ...]) -> Numbers:
    array = np.empty(len(numbers), dtype=object)
    array[:] = numbers
    return array.reshape(shape)


def _check_width(op: Op) -> None:
    if op.result.type.width > MAX_WIDTH:
        raise UnsupportedError(
            "a number is too wide for alkaid, which carries doubles",
            where=op.where,
            got=str(op.result.type),
            want=f"at most {MAX_WIDTH} bits",
            try_="quantise to fewer bits",
        )


def _input(op: Input) -> Numbers:
    numbers = [_variable(kind) for kind in op.tensor_type.each]
    return _array(numbers, op.result.shape)


def _variable(kind: FixedType) -> FVariable:
    return FVariable(kind.min_raw * kind.lsb, kind.max_raw * kind.lsb, kind.lsb, hwconf=HARDWARE, latency=0.0)


def _matmul(op: MatMul, operand: Numbers) -> Numbers:
    rows = [_product(op, row) for row in operand.reshape(-1, operand.shape[-1])]
    return _array([number for row in rows for number in row], op.result.shape)


def _product(op: MatMul, row: Numbers) -> list[FVariable]:
    if op.narrowed and not op.wraps_once:
        return _ordered_product(op, row)
    sums = _distributed(row, _values(op.weight), _values(op.bias))
    return [bring_into_range(number, op.accum_type, Overflow.WRAP) for number in sums] if op.narrowed else sums


def _distributed(row: Numbers, weight: npt.NDArray[np.float64], bias: npt.NDArray[np.float64]) -> list[FVariable]:
    """bias + row @ weight by distributed arithmetic; elements that are constants go into the bias."""
    varies = np.array([not is_constant(number) for number in row])
    fixed = np.array([0.0 if vary else number.low for number, vary in zip(row, varies, strict=True)])
    bias = bias + fixed @ weight
    if not varies.any() or not weight[varies].any():
        return [constant(float(value), row[0]) for value in bias]
    sums = np.asarray(FVArray(row[varies], SOLVER) @ weight[varies])
    terms = [term if isinstance(term, FVariable) else constant(float(term), row[0]) for term in sums]
    return [add_constant(term, float(value)) if value else term for term, value in zip(terms, bias, strict=True)]


def _ordered_product(op: MatMul, row: Numbers) -> list[FVariable]:
    """The firmware's own order: bias, then each product cast to the accumulator before it is added."""
    accum, rounding, overflow = op.accum_type, op.accum_rounding, op.accum_overflow
    weight, bias = _values(op.weight), _values(op.bias)

    def column(j: int) -> FVariable:
        total = cast(constant(float(bias[j]), row[0]), accum, rounding, overflow)
        for number, factor in zip(row, weight[:, j], strict=True):
            term = cast(multiply_constant(number, float(factor)), accum, rounding, overflow)
            total = cast(add(total, term), accum, Rounding.TRN, overflow)
        return total

    return [column(j) for j in range(len(bias))]


def _values(const: Const) -> npt.NDArray[np.float64]:
    largest = int(np.abs(const.raw.astype(object)).max()) if const.raw.size else 0
    if largest.bit_length() > CONSTANT_BITS:
        raise UnsupportedError(
            "a constant is too wide for alkaid, which keeps single-precision numbers",
            got=f"'{const.name}' of {const.type}",
            want=f"at most {CONSTANT_BITS} bits",
            try_="quantise weights and biases to fewer bits",
        )
    return to_value(const.raw, const.type)


def _scale(op: Scale, operand: Numbers) -> Numbers:
    scale, offset = (np.broadcast_to(_values(c), operand.shape).ravel() for c in (op.scale, op.offset))
    numbers = [
        add_constant(multiply_constant(number, float(s)), float(o))
        for number, s, o in zip(operand.ravel(), scale, offset, strict=True)
    ]
    return _array(numbers, op.result.shape)


def _cast(op: Cast, operand: Numbers) -> Numbers:
    return _map(lambda number: cast(number, op.result.type, op.rounding, op.overflow), operand)


def _element_cast(op: ElementCast, operand: Numbers) -> Numbers:
    pairs = zip(operand.ravel(), op.tensor_type.each, strict=True)
    return _array([cast(number, kind, op.rounding, op.overflow) for number, kind in pairs], op.result.shape)


def _relu(op: Relu, operand: Numbers) -> Numbers:
    limit = None if op.limit_raw is None else op.limit_raw * op.result.type.lsb

    def rectified(number: FVariable) -> FVariable:
        bent = _bent(number, op.negative_shift)
        return bent if limit is None else least_of(bent, limit)

    return _map(rectified, operand)


def _bent(number: FVariable, negative_shift: int | None) -> FVariable:
    """max(x, 0), plus x * 2**-shift below zero where a shift is given."""
    if is_constant(number):
        below = 0.0 if negative_shift is None else min(number.low, 0.0) * 2.0**-negative_shift
        return constant(max(number.low, 0.0) + below, number)
    if number.low >= 0 or negative_shift == 0:
        return number
    if negative_shift is None:
        return number.relu()
    lower = multiply_constant(number, 2.0**-negative_shift)
    span = (lower.low, max(number.high, lower.high), lower.step)
    negative = number.is_negative()
    return lower if is_constant(negative) else negative.msb_mux(lower, number, span)


def _add(op: Add, left: Numbers, right: Numbers) -> Numbers:
    pairs = zip(left.ravel(), right.ravel(), strict=True)
    return _array([add(a, b) for a, b in pairs], op.result.shape)


def _concat(op: Concat, *parts: Numbers) -> Numbers:
    return np.concatenate(parts, axis=op.axis)


def _reshape(op: Reshape, operand: Numbers) -> Numbers:
    return operand.reshape(op.result.shape)


def _table(op: Table, operand: Numbers) -> Numbers:
    return _map(lambda number: _look_up(number, op.operand.type, op.table), operand)


def _look_up(number: FVariable, kind: FixedType, table: Const) -> FVariable:
    """The entry of `number`, a number of `kind`; only entries that its interval reaches are kept."""
    if kind.width > MAX_TABLE_BITS:
        raise UnsupportedError(
            "a table is too large for hardware",
            got=f"an address of {kind.width} bits",
            want=f"at most {MAX_TABLE_BITS}",
            try_="narrow the type of its operand",
        )
    first, last = (round(bound / kind.lsb) - kind.min_raw for bound in (number.low, number.high))
    stride = 1 if is_constant(number) else round(number.step / kind.lsb)
    entries = _values(table)[first : last + 1 : stride]
    if len(np.unique(entries)) == 1:
        return constant(float(entries[0]), number)
    return number.lookup(entries)


def _softmax(op: Softmax, operand: Numbers) -> Numbers:
    rows = [_softmax_row(op, list(row)) for row in operand.reshape(-1, operand.shape[-1])]
    return _array([number for row in rows for number in row], op.result.shape)


def _softmax_row(op: Softmax, row: list[FVariable]) -> list[FVariable]:
    source = op.operand.type
    distance = FixedType(source.width, source.integer_bits, signed=False)
    largest = reduce(larger, row)
    exponentials = []
    for number in row:
        behind = confine(add(largest, multiply_constant(number, -1.0)), distance)
        index = cast(behind, op.index_type, Rounding.TRN, Overflow.SAT)
        exponentials.append(_look_up(index, op.index_type, op.exp_table))
    total = cast(reduce(add, exponentials), op.inverse_index_type, Rounding.TRN, Overflow.SAT)
    inverse = _look_up(total, op.inverse_index_type, op.inverse_table)
    return [cast(_multiply(number, inverse), op.result.type, op.rounding, op.overflow) for number in exponentials]


def _multiply(left: FVariable, right: FVariable) -> FVariable:
    if is_constant(left):
        return multiply_constant(right, left.low)
    return multiply_constant(left, right.low) if is_constant(right) else left * right


def _argmax(op: ArgMax, operand: Numbers) -> Numbers:
    rows = operand.reshape(-1, operand.shape[-1])
    return _array([index_of_largest(list(row)) for row in rows], op.result.shape)


def _multiplied(op: Multiply, left: Numbers, right: Numbers) -> Numbers:
    pairs = zip(left.ravel(), right.ravel(), strict=True)
    return _array([_multiply(a, b) for a, b in pairs], op.result.shape)


def _reduce(op: Reduce, operand: Numbers) -> Numbers:
    function = {Reduction.SUM: add, Reduction.MAX: larger, Reduction.MIN: smaller}[op.reduction]
    rows = np.moveaxis(operand, op.axis, -1).reshape(-1, operand.shape[op.axis])
    return _array([_balanced(function, list(row)) for row in rows], op.result.shape)


def _balanced(function: Callable[[FVariable, FVariable], FVariable], numbers: list[FVariable]) -> FVariable:
    """All numbers joined by a tree of `function`, of the least depth."""
    while len(numbers) > 1:
        pairs = zip(numbers[::2], numbers[1::2], strict=False)
        joined = [function(left, right) for left, right in pairs]
        numbers = joined + numbers[len(joined) * 2 :]
    return numbers[0]


def _compare(op: Compare, left: Numbers, right: Numbers) -> Numbers:
    pairs = zip(left.ravel(), right.ravel(), strict=True)
    return _array([is_less(a, b) for a, b in pairs], op.result.shape)


def _select(op: Select, condition: Numbers, if_one: Numbers, if_zero: Numbers) -> Numbers:
    rows = zip(condition.ravel(), if_one.ravel(), if_zero.ravel(), strict=True)
    return _array([pick(bit, one, zero) for bit, one, zero in rows], op.result.shape)


def _rewiring(op: Rewiring, operand: Numbers) -> Numbers:
    numbers, lsb = operand.ravel(), op.operand.type.lsb
    moved = [constant(op.pad * lsb, numbers[0]) if place == PAD else numbers[place] for place in op.sources.ravel()]
    return _array(moved, op.result.shape)


def _top_k(op: TopK, operand: Numbers) -> Numbers:
    rows = operand.reshape(-1, operand.shape[-1])
    return _array([index for row in rows for index in indices_of_largest(list(row), op.k)], op.result.shape)


def _gather_by(op: GatherBy, operand: Numbers, index: Numbers) -> Numbers:
    entries = operand.reshape(operand.shape[0], -1)
    found = [entry_by_index(list(column), place) for place in index.ravel() for column in entries.T]
    return _array(found, op.result.shape)


def _forest(op: Forest, operand: Numbers) -> Numbers:
    return trace_forest(op, operand)


_ROWS: Mapping[type[Op], Callable[..., Numbers]] = {
    Input: _input,
    MatMul: _matmul,
    Scale: _scale,
    Cast: _cast,
    Relu: _relu,
    Add: _add,
    Concat: _concat,
    Reshape: _reshape,
    Table: _table,
    Softmax: _softmax,
    ArgMax: _argmax,
    Forest: _forest,
    Multiply: _multiplied,
    Reduce: _reduce,
    Compare: _compare,
    Select: _select,
    Transpose: _rewiring,
    Gather: _rewiring,
    Window: _rewiring,
    ElementCast: _element_cast,
    TopK: _top_k,
    GatherBy: _gather_by,
}
require_rows(_ROWS, "RTL rows", PLAIN_OPS)
