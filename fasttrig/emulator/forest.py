"""Trees on raw integers, vectorised over events and trees; exact.

Two plans, chosen by the number of leaves alone. A tree with up to 64 leaves has one bit per leaf, from left to right:
each comparison that goes right clears the bits of the leaves on its left, and the lowest bit that is left over is the
exit leaf. All comparisons of one feature are one look-up, by the interval of thresholds that holds the feature, of a
row with the bits of all trees side by side. (The idea is that of QuickScorer, Lucchese et al., SIGIR 2015.) Larger
trees are walked, one level of all trees at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fasttrig.base.fixed import INT64_BITS, IntArray
from fasttrig.ir.forest import path_counts, tree_depths
from fasttrig.ir.ops import Forest

MASK_LEAVES = 64
"""Largest tree of a mask plan: one bit per leaf in a 64-bit word."""

TABLE_BYTES = 1 << 19
"""Size of a block's tables: they should stay in the second-level cache."""

BLOCK_EVENTS = 2048
"""Events worked on at a time."""

_WORDS = ((8, np.uint8), (16, np.uint16), (32, np.uint32), (64, np.uint64))
# Float types that hold a single bit of the word exactly, the integers of the same size, the position of the exponent.
_EXPONENTS: dict[int, tuple[Any, Any, int, int]] = {
    1: (np.float32, np.int32, 23, 127),
    2: (np.float32, np.int32, 23, 127),
    4: (np.float64, np.int64, 52, 1023),
    8: (np.float64, np.int64, 52, 1023),
}

ExitFunction: TypeAlias = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
"""Features, int64 of shape (n_features, n_events), to exit leaves, shape (n_events, n_trees of the block)."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Trees evaluated together.

    Attributes
    ----------
    trees : tuple of int
        Their numbers in the forest.
    exits : callable
        Features (n_features, n_events) to places in the block's own list of leaves, (n_events, len(trees)).
    leaf : int array, shape (n_places,)
        The forest's leaf at each place.
    """

    trees: tuple[int, ...]
    exits: ExitFunction
    leaf: IntArray


def emulate_forest(op: Forest, operand: npt.NDArray[Any]) -> IntArray:
    """The op's formula. `operand` holds whole numbers in any format that is exact for them.

    Shapes: operand (n_events, n_features) -> (n_events, n_outputs), int64 (Python integers beyond 62 bits).
    """
    dtype: Any = np.int64 if op.result.type.width <= INT64_BITS else object
    result = np.empty((len(operand), op.n_outputs), dtype=dtype)
    sums = _sums(op)
    for rows in _slices(len(operand)):
        columns = _columns(op, operand[rows])
        total = np.tile(op.base_margin.raw.astype(dtype), (columns.shape[1], 1))
        for block, add in sums:
            add(total, block.exits(columns))
        result[rows] = total
    return result


def leaf_indices(op: Forest, operand: npt.NDArray[Any]) -> IntArray:
    """The exit leaf (row of ``op.leaf``) of each tree. Shapes: (n_events, n_features) -> (n_events, n_trees)."""
    result = np.empty((len(operand), op.n_trees), dtype=np.int64)
    for rows in _slices(len(operand)):
        columns = _columns(op, operand[rows])
        for block in _blocks(op):
            result[rows, block.trees] = block.leaf[block.exits(columns)]
    return result


def _columns(op: Forest, operand: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Features as integers, one row each."""
    dtype: Any = np.int64 if op.operand.type.width <= INT64_BITS else object
    return np.ascontiguousarray(operand.T).astype(dtype, copy=False)


def _slices(n_events: int) -> list[slice]:
    return [slice(start, min(start + BLOCK_EVENTS, n_events)) for start in range(0, n_events, BLOCK_EVENTS)]


@lru_cache(maxsize=16)
def _blocks(op: Forest) -> tuple[Block, ...]:
    """All trees, grouped by the plan and the word that suits their number of leaves."""
    counts = path_counts(op)
    leaves = [counts[root] for root in op.tree_root.raw.tolist()]
    blocks: list[Block] = []
    for low, (high, word) in zip((0, 8, 16, 32), _WORDS, strict=True):
        trees = [tree for tree, count in enumerate(leaves) if low < count <= high]
        blocks += [_mask_block(op, part, word) for part in _parts(trees, _block_trees(high, np.dtype(word).itemsize))]
    large = [tree for tree, count in enumerate(leaves) if count > MASK_LEAVES]
    return (*blocks, _walk_block(op, large)) if large else tuple(blocks)


def _block_trees(n_leaves: int, word_bytes: int) -> int:
    """Trees whose tables, one row per node of the block and one word per tree, fill `TABLE_BYTES`."""
    return max(8, int((TABLE_BYTES / (n_leaves * word_bytes)) ** 0.5))


def _parts(trees: list[int], size: int) -> list[list[int]]:
    """As few parts as possible of at most `size` trees, of equal length up to one."""
    n_parts = -(-len(trees) // size)
    bounds = [len(trees) * part // n_parts for part in range(n_parts + 1)] if n_parts else []
    return [trees[start:stop] for start, stop in pairwise(bounds)]


def _mask_block(op: Forest, trees: Sequence[int], word: Any) -> Block:
    places: list[int] = []
    first_place: list[int] = []
    nodes: list[tuple[int, int, int, int]] = []
    for column, tree in enumerate(trees):
        order, splits = _in_order(op, int(op.tree_root.raw[tree]))
        first_place.append(len(places))
        places += order
        nodes += [(node, column, first, stop) for node, first, stop in splits]
    tables = _mask_tables(op, nodes, len(trees), word)
    return Block(tuple(trees), _mask_exits(tables, np.array(first_place), word), np.array(places, dtype=np.int64))


def _in_order(op: Forest, root: int) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Leaves from left to right, and per split node the range [first, stop) of leaves on its left."""
    left, right, n_nodes = op.left.raw, op.right.raw, op.n_nodes
    order: list[int] = []
    splits: list[tuple[int, int, int]] = []
    stack: list[tuple[int, int | None]] = [(root, None)]
    while stack:
        index, first = stack.pop()
        if index >= n_nodes:
            order.append(index - n_nodes)
        elif first is None:
            stack += [(int(right[index]), None), (index, len(order)), (int(left[index]), None)]
        else:
            splits.append((index, first, len(order)))
    return order, splits


def _mask_tables(
    op: Forest, nodes: Sequence[tuple[int, int, int, int]], n_trees: int, word: Any
) -> list[tuple[int, IntArray, npt.NDArray[Any]]]:
    """Per feature in use: its number, its thresholds in order, and per interval between them the bits that stay."""
    by_feature: dict[int, list[tuple[int, int, int, int]]] = {}
    for entry in nodes:
        by_feature.setdefault(int(op.feature.raw[entry[0]]), []).append(entry)
    tables = []
    for feature, entries in sorted(by_feature.items()):
        thresholds = np.unique(op.threshold.raw[[node for node, *_ in entries]])
        bits = np.full((len(thresholds) + 1, n_trees), np.iinfo(word).max, dtype=word)
        row = np.searchsorted(thresholds, op.threshold.raw[[node for node, *_ in entries]]) + 1
        for place, (_, column, first, stop) in zip(row.tolist(), entries, strict=True):
            cleared = ((1 << (stop - first)) - 1) << first
            bits[place, column] &= word(int(np.iinfo(word).max) & ~cleared)
        tables.append((feature, thresholds, np.bitwise_and.accumulate(bits, axis=0)))
    return tables


def _mask_exits(tables: list[tuple[int, IntArray, npt.NDArray[Any]]], first_place: IntArray, word: Any) -> ExitFunction:
    n_trees = len(first_place)
    floating, integer, mantissa_bits, bias = _EXPONENTS[np.dtype(word).itemsize]
    offset = (first_place - bias).astype(integer)

    def exits(columns: npt.NDArray[Any]) -> npt.NDArray[Any]:
        n_events = columns.shape[1]
        alive = np.full((n_events, n_trees), np.iinfo(word).max, dtype=word)
        row = np.empty_like(alive)
        for feature, thresholds, bits in tables:
            interval = np.searchsorted(thresholds, columns[feature], side="right")
            alive &= np.take(bits, interval, axis=0, out=row, mode="clip")
        np.negative(alive, out=row)
        alive &= row  # Keep the lowest set bit only: a power of two, whose logarithm is the exponent of a float.
        exponent = alive.astype(floating).view(integer)
        exponent >>= mantissa_bits
        return exponent + offset

    return exits


def _walk_block(op: Forest, trees: Sequence[int]) -> Block:
    """Leaves become nodes that lead to themselves, so that every tree takes the same number of steps."""
    n_nodes, n_leaves = op.n_nodes, op.n_leaves
    own = np.arange(n_nodes, n_nodes + n_leaves)
    feature = np.concatenate([op.feature.raw, np.zeros(n_leaves, dtype=np.int64)])
    threshold = np.concatenate([op.threshold.raw, np.zeros(n_leaves, dtype=np.int64)])
    children = np.stack([np.concatenate([op.left.raw, own]), np.concatenate([op.right.raw, own])], axis=1).ravel()
    roots, depth = op.tree_root.raw[list(trees)], int(tree_depths(op)[list(trees)].max())

    def exits(columns: npt.NDArray[Any]) -> npt.NDArray[Any]:
        n_events = columns.shape[1]
        at = np.tile(roots, n_events)
        event = np.repeat(np.arange(n_events), len(roots))
        flat, active = columns.ravel(), np.arange(len(at))
        for _ in range(depth):
            here = at[active]
            goes_right = flat[feature[here] * n_events + event[active]] >= threshold[here]
            here = children[2 * here + goes_right]
            at[active] = here
            active = active[here < n_nodes]
        return at.reshape(n_events, len(roots)) - n_nodes

    return Block(tuple(trees), exits, np.arange(n_leaves))


@lru_cache(maxsize=16)
def _sums(op: Forest) -> tuple[tuple[Block, Callable[[IntArray, npt.NDArray[Any]], None]], ...]:
    return tuple((block, _adder(op, block)) for block in _blocks(op))


def _adder(op: Forest, block: Block) -> Callable[[IntArray, npt.NDArray[Any]], None]:
    """Adds the leaves at the block's exits to the outputs; a product with ones and zeros where floats are exact."""
    outputs = op.tree_output.raw[list(block.trees)]
    bound = int(np.abs(op.leaf.raw.astype(object)).max()) * len(block.trees)
    if op.n_targets == 1 and bound < 1 << 53:
        dtype = np.float32 if bound < 1 << 24 else np.float64
        values = op.leaf.raw[block.leaf, 0].astype(dtype)
        belongs = (outputs[:, None] == np.arange(op.n_outputs)).astype(dtype)

        def add_product(total: IntArray, exits: npt.NDArray[Any]) -> None:
            total += (values[exits] @ belongs).astype(np.int64)

        return add_product
    rows = op.leaf.raw[block.leaf].astype(np.int64 if bound < 1 << INT64_BITS else object)
    groups = [(int(output), np.flatnonzero(outputs == output)) for output in np.unique(outputs)]

    def add_rows(total: IntArray, exits: npt.NDArray[Any]) -> None:
        for output, columns in groups:
            total[:, output : output + op.n_targets] += rows[exits[:, columns]].sum(axis=1)

    return add_rows
