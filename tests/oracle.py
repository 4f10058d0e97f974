"""A second emulator, written from ir/SPEC.md alone: fractions, one event and one element at a time, no NumPy.

It shares no code with fasttrig.emulator or fasttrig.base.fixed beyond the type's three numbers. Slow on purpose.
"""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import product
from typing import Any

Tensor = dict[tuple[int, ...], Fraction]
RawTensor = dict[tuple[int, ...], int]
HALF = Fraction(1, 2)


def sign(number: Fraction) -> int:
    return -1 if number < 0 else 1


ROUND = {
    "TRN": math.floor,
    "TRN_ZERO": math.trunc,
    "RND": lambda v: math.floor(v + HALF),
    "RND_ZERO": lambda v: sign(v) * math.ceil(abs(v) - HALF),
    "RND_INF": lambda v: sign(v) * math.floor(abs(v) + HALF),
    "RND_MIN_INF": lambda v: math.ceil(v - HALF),
    "RND_CONV": round,
}


def limits(kind: Any) -> tuple[int, int]:
    if not kind.signed:
        return 0, 2**kind.width - 1
    return -(2 ** (kind.width - 1)), 2 ** (kind.width - 1) - 1


def step_of(kind: Any) -> Fraction:
    return Fraction(2) ** (kind.integer_bits - kind.width)


def overflowed(raw: int, kind: Any, mode: str) -> int:
    low, high = limits(kind)
    if mode == "WRAP":
        return (raw - low) % 2**kind.width + low
    if mode == "SAT_SYM" and kind.signed and kind.width > 1:
        low = -high
    if low <= raw <= high:
        return raw
    if mode == "SAT_ZERO":
        return 0
    return low if raw < low else high


def rounded(value: Fraction, kind: Any, mode: str) -> int:
    return ROUND[mode](value / step_of(kind))


def cast(value: Fraction, kind: Any, rounding: str, overflow: str) -> Fraction:
    return overflowed(rounded(value, kind, rounding), kind, overflow) * step_of(kind)


def constant(const: Any) -> Tensor:
    return {index: int(const.raw[index]) * step_of(const.type) for index in indices(const.raw.shape)}


def indices(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    return list(product(*(range(size) for size in shape)))


def run_event(graph: Any, raw_inputs: dict[str, Any], overflows: dict[str, int]) -> dict[str, RawTensor]:
    """Raw integers of every value, for one event; `overflows` is added to."""
    values: dict[str, Tensor] = {}
    for op in graph.ops:
        kind = type(op).__name__
        if kind == "Input":
            array, unit = raw_inputs[op.name], step_of(op.result.type)
            values[op.name] = {index: int(array[index]) * unit for index in indices(op.result.shape)}
        else:
            operands = [values[operand.name] for operand in op.operands]
            values[op.name] = OPS[kind](op, overflows, *operands)
    return {name: to_raw(graph.op(name).result.type, tensor) for name, tensor in values.items()}


def to_raw(kind: Any, tensor: Tensor) -> RawTensor:
    found = {}
    for index, value in tensor.items():
        raw = value / step_of(kind)
        assert raw.denominator == 1, "a value is off its grid"
        low, high = limits(kind)
        assert low <= raw <= high, "a value is outside its type"
        found[index] = int(raw)
    return found


def matmul(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    w, b = constant(op.weight), constant(op.bias)
    n_in, n_out = op.weight.raw.shape
    made = {}
    for index in indices(op.result.shape):
        terms = [b[(index[-1],)], *(x[(*index[:-1], i)] * w[i, index[-1]] for i in range(n_in))]
        made[index] = narrowed_sum(op, overflows, terms) if op.narrowed else sum(terms, Fraction(0))
    assert n_out == op.result.shape[-1]
    return made


def narrowed_sum(op: Any, overflows: dict[str, int], terms: list[Fraction]) -> Fraction:
    kind, rounding, overflow = op.result.type, op.accum_rounding.name, op.accum_overflow.name
    whole = [rounded(term, kind, rounding) for term in terms]
    total = overflowed(whole[0], kind, overflow)
    for term in whole[1:]:
        total = overflowed(total + overflowed(term, kind, overflow), kind, overflow)
    if total != sum(whole):
        overflows[op.name] = overflows.get(op.name, 0) + 1
    return total * step_of(kind)


def scale(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    s, o = constant(op.scale), constant(op.offset)
    return {index: value * s[index[-1:]] + o[index[-1:]] for index, value in x.items()}


def cast_op(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    made, kind = {}, op.result.type
    for index, value in x.items():
        whole = rounded(value, kind, op.rounding.name)
        raw = overflowed(whole, kind, op.overflow.name)
        if raw != whole:
            overflows[op.name] = overflows.get(op.name, 0) + 1
        made[index] = raw * step_of(kind)
    return made


def element_cast(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    made = {}
    for number, (index, value) in enumerate(x.items()):
        kind = op.types[number % len(op.types)]
        whole = rounded(value, kind, op.rounding.name)
        raw = overflowed(whole, kind, op.overflow.name)
        if raw != whole:
            overflows[op.name] = overflows.get(op.name, 0) + 1
        made[index] = raw * step_of(kind)
    return made


def relu(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    made = {}
    for index, value in x.items():
        if value < 0:
            value = value / 2**op.negative_shift if op.negative_shift is not None else Fraction(0)
        if op.limit_raw is not None:
            value = min(value, op.limit_raw * step_of(op.result.type))
        made[index] = value
    return made


def add(op: Any, overflows: dict[str, int], left: Tensor, right: Tensor) -> Tensor:
    return {index: left[index] + right[index] for index in left}


def concat(op: Any, overflows: dict[str, int], *parts: Tensor) -> Tensor:
    made, start = {}, 0
    for part, value in zip(parts, op.parts, strict=True):
        for index, number in part.items():
            made[(*index[: op.axis], index[op.axis] + start, *index[op.axis + 1 :])] = number
        start += value.shape[op.axis]
    return made


def reshape(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    flat = [x[index] for index in indices(op.operand.shape)]
    return dict(zip(indices(op.result.shape), flat, strict=True))


def table(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    entries, kind = constant(op.table), op.operand.type
    low, _ = limits(kind)
    return {index: entries[(int(value / step_of(kind)) - low,)] for index, value in x.items()}


def softmax(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    exponentials, inverses = constant(op.exp_table), constant(op.inverse_table)
    made: Tensor = {}
    for head in indices(op.operand.shape[:-1]):
        row = [x[(*head, i)] for i in range(op.operand.shape[-1])]
        reached = [cast(max(row) - value, op.index_type, "TRN", "SAT") for value in row]
        e = [exponentials[(int(p / step_of(op.index_type)),)] for p in reached]
        q = cast(sum(e, Fraction(0)), op.inverse_index_type, "TRN", "SAT")
        v = inverses[(int(q / step_of(op.inverse_index_type)),)]
        for i, term in enumerate(e):
            made[(*head, i)] = cast(term * v, op.result.type, op.rounding.name, op.overflow.name)
    return made


def argmax(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    made: Tensor = {}
    for head in indices(op.operand.shape[:-1]):
        row = [x[(*head, i)] for i in range(op.operand.shape[-1])]
        made[(*head, 0)] = Fraction(row.index(max(row)))
    return made


def forest(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    """Each tree is walked from its root; child indices below the number of splits are splits, the others leaves."""
    leaves, unit = constant(op.leaf), step_of(op.operand.type)
    n_nodes, n_targets = len(op.feature.raw), op.leaf.raw.shape[1]
    made = constant(op.base_margin)
    for root, output in zip(op.tree_root.raw, op.tree_output.raw, strict=True):
        child = int(root)
        while child < n_nodes:
            goes_left = x[(int(op.feature.raw[child]),)] < int(op.threshold.raw[child]) * unit
            child = int((op.left if goes_left else op.right).raw[child])
        for target in range(n_targets):
            made[(int(output) + target,)] += leaves[child - n_nodes, target]
    return made


def multiply(op: Any, overflows: dict[str, int], left: Tensor, right: Tensor) -> Tensor:
    return {index: left[index] * right[index] for index in left}


def reduce(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    groups: dict[tuple[int, ...], list[Fraction]] = {}
    for index, value in x.items():
        groups.setdefault((index[: op.axis] + index[op.axis + 1 :]) or (0,), []).append(value)
    function = {"SUM": sum, "MAX": max, "MIN": min}[op.reduction.name]
    return {index: Fraction(function(group)) for index, group in groups.items()}


def compare(op: Any, overflows: dict[str, int], left: Tensor, right: Tensor) -> Tensor:
    return {index: Fraction(left[index] < right[index]) for index in left}


def select(op: Any, overflows: dict[str, int], bit: Tensor, one: Tensor, zero: Tensor) -> Tensor:
    return {index: one[index] if bit[index] == 1 else zero[index] for index in bit}


def top_k(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    made, n = {}, op.operand.shape[-1]
    for index in indices(op.operand.shape[:-1]):
        order = sorted(range(n), key=lambda place, head=index: (-x[(*head, place)], place))
        made |= {(*index, rank): Fraction(place) for rank, place in enumerate(order[: op.k])}
    return made


def gather_by(op: Any, overflows: dict[str, int], x: Tensor, index: Tensor) -> Tensor:
    made, last = {}, op.operand.shape[0] - 1
    for place, wanted in index.items():
        for rest in indices(op.operand.shape[1:]):
            made[(*place, *rest)] = x[(min(int(wanted), last), *rest)]
    return made


def transpose(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    return {tuple(index[axis] for axis in op.order): value for index, value in x.items()}


def gather(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    pad, made = op.pad_raw * step_of(op.operand.type), {}
    for index in indices(op.result.shape):
        place = op.index[index[op.axis]]
        made[index] = pad if place == -1 else x[(*index[: op.axis], place, *index[op.axis + 1 :])]
    return made


def window(op: Any, overflows: dict[str, int], x: Tensor) -> Tensor:
    pad, made, rank = op.pad_raw * step_of(op.operand.type), {}, len(op.kernel)
    elements = indices(op.kernel)
    for index in indices(op.result.shape):
        position, element, channel = index[:rank], elements[index[rank]], index[rank + 1]
        place = tuple(
            position[axis] * op.stride[axis] + element[axis] * op.dilation[axis] - op.before[axis]
            for axis in range(rank)
        )
        made[index] = x.get((*place, channel), pad)
    return made


def scan(op: Any, overflows: dict[str, int], *sequences: Tensor) -> Tensor:
    inputs = [inner for inner in op.body.ops if type(inner).__name__ == "Input"]
    n_states, counted, rows = len(op.body.outputs) - 1, Counter[str](), list[RawTensor]()
    states = [dict.fromkeys(indices(state.result.shape), 0) for state in inputs[:n_states]]
    for step in range(op.sequences[0].shape[0]):
        entries = [
            to_raw(value.type, {index[1:]: number for index, number in whole.items() if index[0] == step})
            for value, whole in zip(op.sequences, sequences, strict=True)
        ]
        given = dict(zip((inner.name for inner in inputs), [*states, *entries], strict=True))
        made = run_event(op.body, given, counted)
        states = [made[value.name] for value in op.body.outputs[:-1]]
        rows.append(made[op.body.outputs[-1].name])
    if counted:
        overflows[op.name] = overflows.get(op.name, 0) + counted.total()
    unit = step_of(op.result.type)
    if not op.stacked:
        return {index: raw * unit for index, raw in rows[-1].items()}
    return {(step, *index): raw * unit for step, row in enumerate(rows) for index, raw in row.items()}


OPS = {
    "MatMul": matmul,
    "Scale": scale,
    "Cast": cast_op,
    "ElementCast": element_cast,
    "Relu": relu,
    "Add": add,
    "Concat": concat,
    "Reshape": reshape,
    "Table": table,
    "Softmax": softmax,
    "ArgMax": argmax,
    "Forest": forest,
    "Multiply": multiply,
    "Reduce": reduce,
    "Compare": compare,
    "Select": select,
    "TopK": top_k,
    "GatherBy": gather_by,
    "Transpose": transpose,
    "Gather": gather,
    "Window": window,
    "Scan": scan,
}
