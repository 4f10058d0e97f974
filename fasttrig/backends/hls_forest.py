"""A forest as C++ constants: what the tree projects of our own and the forest layer of a network are filled with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray
from fasttrig.ir.forest import distinct_comparisons
from fasttrig.ir.ops import Forest

COLUMNS = 120


@dataclass(frozen=True, slots=True, eq=False)
class ForestTables:
    """Constants of one forest.

    Attributes
    ----------
    sizes : dict of str to int
        n_features, n_outputs, n_targets, n_comparisons, n_splits, n_leaves, n_terms.
    types : dict of str to str
        C++ types: bits_t (a feature's bits as an integer), feature_t, threshold_t, leaf_t (raw integers), sum_t.
    rows : dict of str to int array
        compared_feature, threshold, shape (n_comparisons,); comparison, left, right, shape (n_splits,); leaf, shape
        (n_targets, n_leaves); term_root, term_target, shape (n_outputs, n_terms); base_margin, shape (n_outputs,).
    """

    sizes: dict[str, int]
    types: dict[str, str]
    rows: dict[str, IntArray]


def forest_tables(op: Forest) -> ForestTables:
    """The constants of `op`."""
    comparisons, index = distinct_comparisons(op)
    roots, targets = _terms(op)
    sizes = {
        "n_features": op.operand.size,
        "n_outputs": op.n_outputs,
        "n_targets": op.n_targets,
        "n_comparisons": len(comparisons),
        "n_splits": op.n_nodes,
        "n_leaves": op.n_leaves,
        "n_terms": roots.shape[1],
    }
    types = {
        "bits_t": cpp_integer(op.operand.type),
        "feature_t": cpp_carrier(op.operand.type),
        "threshold_t": cpp_carrier(op.threshold.type),
        "leaf_t": cpp_carrier(op.leaf.type, op.base_margin.type),
        "sum_t": cpp_integer(op.result.type),
    }
    rows = {
        "compared_feature": comparisons[:, 0],
        "threshold": comparisons[:, 1],
        "comparison": index,
        "left": op.left.raw,
        "right": op.right.raw,
        "leaf": op.leaf.raw.T,
        "term_root": roots,
        "term_target": targets,
        "base_margin": op.base_margin.raw,
    }
    return ForestTables(sizes, types, rows)


def _terms(op: Forest) -> tuple[IntArray, IntArray]:
    """Root and leaf column of each tree of each output, shapes (n_outputs, n_terms); root -1 where there is no more."""
    columns: list[list[tuple[int, int]]] = [[] for _ in range(op.n_outputs)]
    for root, output in zip(op.tree_root.raw.tolist(), op.tree_output.raw.tolist(), strict=True):
        for target in range(op.n_targets):
            columns[output + target].append((root, target))
    n_terms = max(len(column) for column in columns)
    padded = [[*column, *[(-1, 0)] * (n_terms - len(column))] for column in columns]
    table = np.array(padded, dtype=np.int64).reshape(op.n_outputs, n_terms, 2)
    return table[..., 0], table[..., 1]


def cpp_integer(fixed_type: FixedType) -> str:
    """The raw integers' own type."""
    return f"ap_{'' if fixed_type.signed else 'u'}int<{fixed_type.width}>"


def cpp_carrier(*types: FixedType) -> str:
    """The smallest C++ integer that holds the raw integers of all `types`."""
    bits = max(fixed_type.width + (not fixed_type.signed) for fixed_type in types)
    return next((name for name, width in (("short", 16), ("int", 32)) if bits <= width), "long long")


def braces(numbers: Sequence[int]) -> str:
    """``{1, 2, 3}`` in lines of bounded length; ``{0}`` for no numbers, as C++ has no empty arrays."""
    words = [f"{number}LL" if abs(number) > 0x7FFFFFFF else str(number) for number in numbers] or ["0"]
    return "{" + "\n    ".join(_lines(words)) + "}"


def brace_rows(grid: IntArray) -> str:
    """One `braces` per row of `grid`, shape (n_rows, n_columns)."""
    return "{\n    " + ",\n    ".join(braces(row.tolist()) for row in grid) + "\n}"


def _lines(words: Iterable[str]) -> list[str]:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) + 6 > COLUMNS:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += f"{word}, "
    return [*lines[:-1], lines[-1].removesuffix(", ")]
