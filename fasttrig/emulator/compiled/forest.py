"""Forests as logic on bits: one bit of every event of a block is a plane, and all there is are choices between planes.

A comparison of a feature with a threshold is a chain of choices over the feature's bits; bit k of a tree's leaf is a
choice at each node between the two subtrees' bits k; the leaves are added bit by bit. No event is looked at alone, so
the same plain C++ runs at the full width of any vector unit. Equal choices are made once, constant ones never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise

import numpy as np

from fasttrig.base.fixed import IntArray
from fasttrig.emulator.compiled import cpp
from fasttrig.emulator.compiled.integers import CType, compute_type
from fasttrig.ir.forest import Reach, reach
from fasttrig.ir.interval import Interval
from fasttrig.ir.ops import Forest

ZEROS, ONES = 0, 1
"""The constant planes."""

Bits = tuple[int, ...]
"""Planes of the bits of a number, the lowest first."""


BATCH_STEPS = 256
"""Steps of a batch: enough to separate dependent steps, few enough for the nearest cache."""


@dataclass(frozen=True, slots=True)
class FeaturePlanes:
    """A feature from its least value on: ``(x - low) >> dropped_bits`` has `bits` bits, in planes from `plane` on."""

    low: int
    dropped_bits: int
    bits: int
    plane: int


@dataclass(frozen=True, slots=True)
class TreePlanes:
    """The bits of a tree's leaf, less its least one, go to an output."""

    output: int
    leaf: Bits


@dataclass(frozen=True, slots=True)
class Batch:
    """Steps before `end`, then trees whose leaves they made."""

    end: int
    trees: tuple[TreePlanes, ...]


@dataclass(slots=True)
class Logic:
    """Steps ``plane = condition ? yes : no``; each makes a new plane, numbered on from `first`."""

    first: int
    steps: list[tuple[int, int, int]] = field(default_factory=list)
    _made: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def choose(self, condition: int, yes: int, no: int) -> int:
        """The plane of a choice; no step where it is one of the planes already there."""
        if yes == no:
            return yes
        if (yes, no) == (ONES, ZEROS):
            return condition
        step = condition, yes, no
        if step not in self._made:
            self._made[step] = self.first + len(self.steps)
            self.steps.append(step)
        return self._made[step]

    def less(self, inverted: Bits, limit: int) -> int:
        """The plane of ``x < limit``, given the inverted bits of x; 0 < limit < 2**bits."""
        found = ZEROS
        for bit, plane in enumerate(inverted):
            found = self.choose(plane, ONES, found) if limit >> bit & 1 else self.choose(plane, found, ZEROS)
        return found


def forest_lines(op: Forest, x: Interval) -> tuple[CType, int, list[str]]:
    """The type of sums, the number of planes, and the struct of constants."""
    sides = reach(op, x.low, x.high)
    features = _features(op, x)
    logic = Logic(2 + sum(feature.bits for feature in features))
    pieces: list[Batch] = []
    goes_left = _comparisons(op, features, logic, np.flatnonzero(sides.left != sides.right), pieces)
    base_margin = op.base_margin.raw.astype(object)
    for root, output in zip(op.tree_root.raw.tolist(), op.tree_output.raw.tolist(), strict=True):
        for target in range(op.n_targets):
            least = int(sides.low[root, target])
            base_margin[output + target] += least
            bits = (int(sides.high[root, target]) - least).bit_length()
            if bits:
                leaf = _leaf(op, sides, goes_left, logic, root, op.leaf.raw[:, target] - least, bits)
                pieces.append(Batch(len(logic.steps), (TreePlanes(output + target, leaf),)))
    return _lines(op, features, logic, _together(pieces), base_margin)


def _features(op: Forest, x: Interval) -> list[FeaturePlanes]:
    """Bits below the lowest one that any threshold has decide nothing."""
    found, plane = [], 2
    for number, (low, high) in enumerate(zip(x.low.tolist(), x.high.tolist(), strict=True)):
        limits = [limit - low for limit in op.threshold.raw[op.feature.raw == number].tolist() if low < limit <= high]
        dropped = min(((limit & -limit).bit_length() - 1 for limit in limits), default=0)
        bits = ((high - low) >> dropped).bit_length() if limits else 0
        found.append(FeaturePlanes(low, dropped, bits, plane))
        plane += bits
    return found


def _comparisons(
    op: Forest, features: Sequence[FeaturePlanes], logic: Logic, nodes: IntArray, pieces: list[Batch]
) -> dict[int, int]:
    """The plane of ``x < threshold`` of each node; a piece per feature."""
    found = {}
    for number, feature in enumerate(features):
        inverted = tuple(range(feature.plane, feature.plane + feature.bits))
        for node in nodes[op.feature.raw[nodes] == number].tolist():
            found[node] = logic.less(inverted, (int(op.threshold.raw[node]) - feature.low) >> feature.dropped_bits)
        pieces.append(Batch(len(logic.steps), ()))
    return found


def _leaf(
    op: Forest, sides: Reach, goes_left: dict[int, int], logic: Logic, root: int, leaf: IntArray, bits: int
) -> Bits:
    """The planes of the bits of the leaf that each event comes to."""
    planes: dict[int, Bits] = {}
    for index in _below(op, sides, root):
        if index >= op.n_nodes:
            raw = int(leaf[index - op.n_nodes])
            planes[index] = tuple(ONES if raw >> bit & 1 else ZEROS for bit in range(bits))
            continue
        left, right = planes[int(sides.left[index])], planes[int(sides.right[index])]
        planes[index] = (
            left
            if index not in goes_left
            else tuple(logic.choose(goes_left[index], yes, no) for yes, no in zip(left, right, strict=True))
        )
    return planes[root]


def _below(op: Forest, sides: Reach, root: int) -> list[int]:
    """The nodes and leaves that can be reached from `root`, children before parents: their indices are higher."""
    found, open_ = {root}, [root]
    while open_:
        index = open_.pop()
        new = {int(sides.left[index]), int(sides.right[index])} - found if index < op.n_nodes else set()
        found |= new
        open_ += new
    return sorted(found, reverse=True)


def _together(pieces: Iterable[Batch]) -> list[Batch]:
    """The pieces in batches of `BATCH_STEPS` or a little more."""
    made: list[Batch] = []
    begin = 0
    trees: tuple[TreePlanes, ...] = ()
    for piece in pieces:
        trees += piece.trees
        if piece.end - begin >= BATCH_STEPS:
            made.append(Batch(piece.end, trees))
            begin, trees = piece.end, ()
        last = piece.end
    return [*made, Batch(last, trees)]


def _order(logic: Logic, batches: Sequence[Batch]) -> list[int]:
    """The steps of each batch, those first that need the fewest others one after the other."""
    level = [0] * (logic.first + len(logic.steps))
    for number, step in enumerate(logic.steps):
        level[logic.first + number] = 1 + max(level[plane] for plane in step)
    order: list[int] = []
    for begin, end in pairwise([0, *(batch.end for batch in batches)]):
        order += sorted(range(begin, end), key=lambda number: level[logic.first + number])
    return order


def _places(logic: Logic, order: Sequence[int], batches: Sequence[Batch]) -> tuple[dict[int, int], int]:
    """The place of each plane, and the number of places. A place is reused after the last read of its plane."""
    last = {plane: place for place, number in enumerate(order) for plane in logic.steps[number]}
    for batch in batches:
        last.update({plane: max(batch.end, last.get(plane, 0)) for tree in batch.trees for plane in tree.leaf})
    found = {plane: plane for plane in range(logic.first)}
    n_places, free = logic.first, []  # type: tuple[int, list[int]]
    ending: dict[int, list[int]] = {}
    for position, number in enumerate(order):
        for plane in ending.pop(position, []):
            heappush(free, found[plane])
        made = logic.first + number
        found[made] = heappop(free) if free else n_places
        n_places = max(n_places, found[made] + 1)
        ending.setdefault(last.get(made, position) + 1, []).append(made)
    return found, n_places


def _lines(
    op: Forest, features: Sequence[FeaturePlanes], logic: Logic, batches: Sequence[Batch], base_margin: IntArray
) -> tuple[CType, int, list[str]]:
    trees = [tree for batch in batches for tree in batch.trees]
    leaf_bits = max((len(tree.leaf) for tree in trees), default=1)
    largest = [sum((1 << len(tree.leaf)) - 1 for tree in trees if tree.output == out) for out in range(op.n_outputs)]
    sum_bits = max(1, max(largest).bit_length())
    order = _order(logic, batches)
    place, n_planes = _places(logic, order, batches)
    n_planes = max(n_planes, logic.first + 8)  # The code writes the bit planes of eight features at a time.
    leaves = [[place[plane] for plane in tree.leaf] + [ZEROS] * (leaf_bits - len(tree.leaf)) for tree in trees]
    steps = [(logic.first + number, *logic.steps[number]) for number in order]
    index = "std::uint16_t" if n_planes <= 1 << 16 else "std::uint32_t"
    kind = compute_type((1 << sum_bits) + max(map(abs, base_margin)), op)
    return (
        kind,
        n_planes,
        [
            cpp.sizes(
                n_features=len(features),
                n_out=op.n_outputs,
                n_batches=len(batches),
                leaf_bits=leaf_bits,
                sum_bits=sum_bits,
            ),
            *cpp.table("base_margin", base_margin),
            *cpp.table("low", [feature.low for feature in features]),
            *cpp.table("dropped_bits", [feature.dropped_bits for feature in features], "std::uint8_t"),
            *cpp.table("bits", [feature.bits for feature in features], "std::uint8_t"),
            *cpp.table("plane", [feature.plane for feature in features], index),
            "    // Batches of steps (plane, condition, yes, no), then of trees (output, planes of the leaf's bits).",
            *cpp.table("step_end", [batch.end for batch in batches], "std::uint32_t"),
            *cpp.table("tree_end", np.cumsum([len(batch.trees) for batch in batches]), "std::uint32_t"),
            *cpp.tuples("steps", [[place[plane] for plane in step] for step in steps] or [[0] * 4], index),
            *cpp.table("output", [tree.output for tree in trees] or [0], index),
            *cpp.tuples("leaf", leaves or [[0]], index),
        ],
    )
