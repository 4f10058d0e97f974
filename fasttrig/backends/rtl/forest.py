"""A forest in hardware: every distinct comparison once, multiplexers up each tree, balanced sums of exact width."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from alkaid.trace import FVariable

from fasttrig.backends.rtl.arithmetic import add, add_constant, constant, is_constant, pick
from fasttrig.fixed import to_value
from fasttrig.ir.ops import Forest


def trace_forest(op: Forest, features: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Margins of the forest, shape (n_outputs,), from its features, shape (n_features,): arrays of alkaid's numbers."""
    thresholds = to_value(op.threshold.raw, op.operand.type)
    comparisons: dict[tuple[int, float], FVariable] = {}
    bits = []
    for feature, threshold in zip(op.feature.raw.tolist(), thresholds.tolist(), strict=True):
        key = (feature, threshold)
        if key not in comparisons:
            comparisons[key] = _less(features[feature], threshold)
        bits.append(comparisons[key])
    values = [_exits(op, target, bits, features[0]) for target in range(op.n_targets)]
    terms: list[list[FVariable]] = [[] for _ in op.base_margin.raw]
    for root, output in zip(op.tree_root.raw.tolist(), op.tree_output.raw.tolist(), strict=True):
        for target in range(op.n_targets):
            terms[output + target].append(values[target][root])
    base = to_value(op.base_margin.raw, op.result.type).tolist()
    result = np.empty(len(terms), dtype=object)
    result[:] = [_sum(numbers, start, features[0]) for numbers, start in zip(terms, base, strict=True)]
    return result


def _less(feature: FVariable, threshold: float) -> FVariable:
    """1 where feature < threshold."""
    difference = add_constant(feature, -threshold)
    if difference.high < 0 or difference.low >= 0:
        return constant(float(difference.high < 0), feature)
    return difference.is_negative()


def _exits(op: Forest, target: int, bits: list[FVariable], like: FVariable) -> list[FVariable]:
    """What each child index comes to; children stand behind their parents, so the last node goes first."""
    leaves = to_value(op.leaf.raw[:, target], op.result.type).tolist()
    found = [constant(0.0, like)] * op.n_nodes + [constant(leaf, like) for leaf in leaves]
    left, right = op.left.raw.tolist(), op.right.raw.tolist()
    for node in range(op.n_nodes - 1, -1, -1):
        if_less, if_not = found[left[node]], found[right[node]]
        same = is_constant(if_less) and is_constant(if_not) and if_less.low == if_not.low
        found[node] = if_less if same else pick(bits[node], if_less, if_not)
    return found


def _sum(numbers: list[FVariable], start: float, like: FVariable) -> FVariable:
    """A balanced tree of additions; constants are added to the start."""
    start += sum(number.low for number in numbers if is_constant(number))
    terms = [number for number in numbers if not is_constant(number)]
    if not terms:
        return constant(start, like)
    while len(terms) > 1:
        sums = [add(left, right) for left, right in zip(terms[::2], terms[1::2], strict=False)]
        terms = sums + terms[len(sums) * 2 :]
    return add_constant(terms[0], start)
