"""A forest in hardware: every distinct comparison once, leaf tables, multiplexers above them, balanced exact sums.

A subtree that at most six bits decide is a table of its leaves. The bits are, for each feature, its comparisons or the
feature itself, whichever is narrower. Above the tables multiplexers go up to the root. Leaves are counted from the
least one of their tree, so that no tree needs a sign; what that takes away goes into the leaves of one tree of each
output.
Sums are trees of three-input additions, the narrowest numbers first, each as wide as its own range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from alkaid.trace import FVariable

from fasttrig.backends.rtl.arithmetic import (
    add,
    add_constant,
    constant,
    fraction_bits,
    is_constant,
    multiply_constant,
    pick,
    take_bits,
)
from fasttrig.backends.rtl.comparisons import LUT_INPUTS, Comparisons, bits_of, is_exact, joined, tabulate
from fasttrig.base.fixed import to_value
from fasttrig.ir.ops import Forest

Splits: TypeAlias = frozenset[tuple[int, float]]
"""Comparisons: feature and threshold."""


def trace_forest(op: Forest, features: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Margins of the forest, shape (n_outputs,), from its features, shape (n_features,): arrays of alkaid's numbers."""
    trees = _Trees(op, features)
    roots: list[list[tuple[int, int]]] = [[] for _ in op.base_margin.raw]
    for root, output in zip(op.tree_root.raw.tolist(), op.tree_output.raw.tolist(), strict=True):
        for target in range(op.n_targets):
            roots[output + target].append((root, target))
    base = to_value(op.base_margin.raw, op.result.type).tolist()
    result = np.empty(len(base), dtype=object)
    result[:] = [trees.total(mine, start) for mine, start in zip(roots, base, strict=True)]
    return result


@dataclass(frozen=True, slots=True)
class _Field:
    """A part of a table's address: comparisons of one feature, or that feature itself.

    `number` is an unsigned integer; `splits` are those it decides, for each integer the ones that are true.
    """

    number: FVariable
    splits: tuple[tuple[int, float], ...]
    itself: tuple[float, int] | None
    """Step of the feature, and the integer from which on it is negative; None for comparisons, one a bit."""

    def true_splits(self, integer: int) -> Iterator[tuple[int, float]]:
        for place, (feature, threshold) in enumerate(self.splits):
            if self.itself is None:
                true = bool(integer >> place & 1)
            else:
                step, negative = self.itself
                value = integer - (2 * negative if integer >= negative else 0)
                true = value * step < threshold
            if true:
                yield feature, threshold


class _Trees:
    """The nodes of a forest and what they become."""

    def __init__(self, op: Forest, features: npt.NDArray[Any]) -> None:
        self.features = features.tolist()
        self.comparisons = Comparisons(self.features)
        self.n_nodes = op.n_nodes
        self.left, self.right = op.left.raw.tolist(), op.right.raw.tolist()
        thresholds = to_value(op.threshold.raw, op.operand.type).tolist()
        self.split = list(zip(op.feature.raw.tolist(), thresholds, strict=True))
        self.bit = [self.comparisons.less(*split) for split in self.split]
        self.leaves = to_value(op.leaf.raw, op.result.type)
        self.splits = self._all_splits()

    def _all_splits(self) -> list[Splits | None]:
        """The comparisons below each child index; None where they are too many for a table."""
        found: list[Splits | None] = [frozenset()] * (self.n_nodes + len(self.leaves))
        for node in range(self.n_nodes - 1, -1, -1):
            bit, below = self.bit[node], (found[self.left[node]], found[self.right[node]])
            if is_constant(bit):
                found[node] = below[0] if bit.low else below[1]
            elif below[0] is None or below[1] is None:
                found[node] = None
            else:
                splits = below[0] | below[1] | {self.split[node]}
                found[node] = splits if self._address_bits(splits) <= LUT_INPUTS else None
        return found

    def total(self, roots: Sequence[tuple[int, int]], start: float) -> FVariable:
        """`start` plus the leaves of trees, given as root and target."""
        ranges = [self._range(root, target) for root, target in roots]
        start += sum(low for low, high in ranges if low == high)
        live = [(place, *bounds) for place, bounds in zip(roots, ranges, strict=True) if bounds[0] < bounds[1]]
        if not live:
            return constant(start, self.features[0])
        start += sum(low for _, low, _ in live)
        live.sort(key=lambda tree: tree[2] - tree[1])
        offsets = [low for _, low, _ in live]
        offsets[-1] -= start
        if all(self._fits(root, target, offset) for ((root, target), _, _), offset in zip(live, offsets, strict=True)):
            return _sum([self._tree(*place, offset) for (place, _, _), offset in zip(live, offsets, strict=True)])
        start -= sum(low for _, low, _ in live)
        return add_constant(_sum([self._tree(*place, 0.0) for place, _, _ in live]), start)

    def _reached(self, root: int) -> list[int]:
        """Child indices below `root`, itself included, parents first."""
        seen, stack = {root}, [root]
        while stack:
            node = stack.pop()
            for child in self._children(node):
                if child not in seen:
                    seen.add(child)
                    stack.append(child)
        return sorted(seen)

    def _children(self, node: int) -> tuple[int, ...]:
        if node >= self.n_nodes:
            return ()
        bit = self.bit[node]
        if is_constant(bit):
            return (self.left[node] if bit.low else self.right[node],)
        return (self.left[node], self.right[node])

    def _range(self, root: int, target: int) -> tuple[float, float]:
        values = [self.leaves[index - self.n_nodes, target] for index in self._reached(root) if index >= self.n_nodes]
        return float(min(values)), float(max(values))

    def _fits(self, root: int, target: int, offset: float) -> bool:
        """Whether alkaid keeps the leaves of a tree, counted from `offset`."""
        return is_exact([self._leaf(index, target, offset) for index in self._reached(root) if index >= self.n_nodes])

    def _leaf(self, index: int, target: int, offset: float) -> float:
        return float(self.leaves[index - self.n_nodes, target]) - offset

    def _tree(self, root: int, target: int, offset: float) -> FVariable:
        """The leaf that a tree comes to, less `offset`: tables at the bottom, multiplexers above."""
        tables = self._fits(root, target, offset)
        wanted, order = {root}, self._reached(root)
        for node in order:
            if node in wanted and not (tables and self.splits[node] is not None):
                wanted.update(self._children(node))
        found: dict[int, FVariable] = {}
        for node in reversed(order):
            if node in wanted:
                found[node] = self._node(node, target, offset, found, tables)
        return found[root]

    def _node(self, node: int, target: int, offset: float, found: dict[int, FVariable], tables: bool) -> FVariable:
        splits = self.splits[node]
        if node >= self.n_nodes:
            return constant(self._leaf(node, target, offset), self.features[0])
        if tables and splits is not None:
            return self._table(node, splits, target, offset)
        below = [found[child] for child in self._children(node)]
        same = len(below) == 1 or (all(map(is_constant, below)) and below[0].low == below[1].low)
        return below[0] if same else pick(self.bit[node], below[0], below[1])

    def _table(self, root: int, splits: Splits, target: int, offset: float) -> FVariable:
        """A subtree as one table."""
        fields = self._fields(splits)
        if not fields:
            return constant(self._leaf(self._exit(root, frozenset()), target, offset), self.features[0])

        def entry(address: float) -> float:
            rest, true = int(address), list[tuple[int, float]]()
            for field in fields:
                rest, integer = divmod(rest, 1 << bits_of(field.number))
                true += field.true_splits(integer)
            return self._leaf(self._exit(root, frozenset(true)), target, offset)

        return tabulate(joined([field.number for field in fields]), entry)

    def _exit(self, root: int, true: Splits) -> int:
        """The leaf's index when these comparisons hold and no others."""
        node = root
        while node < self.n_nodes:
            children = self._children(node)
            node = children[0] if len(children) == 1 or self.split[node] in true else children[1]
        return node

    def _address_bits(self, splits: Splits) -> int:
        return sum(min(len(mine), bits_of(self.features[feature])) for feature, mine in _by_feature(splits))

    def _fields(self, splits: Splits) -> list[_Field]:
        fields = []
        for feature, mine in _by_feature(splits):
            number = self.features[feature]
            if len(mine) <= bits_of(number):
                bits = [self.comparisons.less(*split) for split in mine]
                fields.append(_Field(joined(bits), tuple(mine), None))
                continue
            width, fraction = bits_of(number), fraction_bits(number)
            plain = multiply_constant(take_bits(number, False, width - fraction, fraction), 2.0**fraction)
            negative = 1 << (width - 1) if number.low < 0 else 1 << width
            fields.append(_Field(plain, tuple(mine), (2.0**-fraction, negative)))
        return fields


def _by_feature(splits: Iterable[tuple[int, float]]) -> list[tuple[int, list[tuple[int, float]]]]:
    """Splits in the order of their features and thresholds."""
    groups: dict[int, list[tuple[int, float]]] = {}
    for split in sorted(splits):
        groups.setdefault(split[0], []).append(split)
    return list(groups.items())


def _sum(numbers: Sequence[FVariable]) -> FVariable:
    """A balanced tree of additions of three; on each level the narrowest numbers come together.

    A group that is not full takes the narrowest: then alkaid, which looks for pairs of additions to fuse and would
    rather fuse wide ones, finds just these groups, and the tree keeps its depth.
    """
    terms = list(numbers)
    while len(terms) > 1:
        terms.sort(key=lambda number: number.high - number.low)
        first = len(terms) % 3 or 3
        groups = [terms[:first]] + [terms[place : place + 3] for place in range(first, len(terms), 3)]
        terms = [reduce(add, group) for group in groups]
    return terms[0]
