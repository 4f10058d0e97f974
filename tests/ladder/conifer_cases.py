"""Seeded forests and their projects for the conifer rungs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from forest_cases import events_for, forest_graph, random_tables

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Cast, Value
from fasttrig.ir.verify import verify
from fasttrig.ladder.forest_corners import threshold_corners

TEN_BITS = FixedType(10, 4)
MODES = tuple(product(Rounding, Overflow))


def write_files(files: Mapping[str, str], folder: Path) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def random_forest(seed: int, *, plain: bool = False) -> Graph:
    """Any shape of tree, shared subtrees, several numbers a leaf, own grids of features, casts of the score.

    With `plain`, what conifer itself can express in 31 bits: no cast, one output or at least three.
    """
    rng = np.random.default_rng(seed)
    n_features, n_outputs = int(rng.integers(1, 6)), int(rng.choice([1, 3, 4] if plain else [1, 2, 3, 4]))
    n_targets = int(rng.integers(1, n_outputs + 1))
    width = int(rng.choice([1, 3, 8, 16] if plain else [1, 3, 8, 16, 40]))
    x_type = FixedType(width, int(rng.integers(-2, width + 1)), bool(rng.integers(2)))
    splits = rng.integers(0, 12 if plain else 40, int(rng.integers(0, 9))).tolist()
    coarse, shared = bool(rng.integers(2)), bool(rng.integers(2)) and not plain
    tables = random_tables(rng, x_type, n_features, splits, coarse=coarse, shared=shared)
    n_leaves, span = len(tables.pop("leaf_slots")), int(rng.choice([1, 3, 500, 2**20 if plain else 2**30]))
    tables["leaf"] = rng.integers(-span, span, (n_leaves, n_targets), endpoint=True)
    tables["tree_output"] = rng.integers(0, n_outputs - n_targets + 1, len(splits))
    tables["base_margin"] = rng.integers(-span, span, n_outputs, endpoint=True)
    bits = int(rng.integers(-2, 13))
    graph = forest_graph(tables, x_type, n_features, bits, _channels(rng, x_type, n_features))
    graph = replace(graph, name=f"forest_{seed}")
    return graph if plain or rng.integers(2) else with_cast(graph, *MODES[seed % len(MODES)])


def _channels(rng: np.random.Generator, x_type: FixedType, n_features: int) -> tuple[FixedType, ...]:
    """Nothing, or a type of fewer bits, on the left or on the right, for each feature."""
    if rng.integers(2):
        return ()
    dropped = rng.integers(0, x_type.width, n_features).tolist()
    left = rng.integers(0, 2, n_features).tolist()
    return tuple(
        FixedType(x_type.width - bits, x_type.integer_bits - bits * side, x_type.signed)
        for bits, side in zip(dropped, left, strict=True)
    )


def with_cast(graph: Graph, rounding: Rounding, overflow: Overflow) -> Graph:
    """`graph` with its score cast to half of its bits, where overflow and rounding both happen."""
    own = graph.outputs[0].type
    dropped = own.width // 4
    target = FixedType(max(1, own.width - 2 * dropped), own.integer_bits - dropped, own.signed)
    cast = Cast(
        result=Value("score", graph.outputs[0].shape, target),
        operand=graph.outputs[0],
        rounding=rounding,
        overflow=overflow,
    )
    graph = replace(graph, ops=(*graph.ops, cast), outputs=(cast.result,))
    verify(graph)
    return graph


def full_forest(
    rounds: int = 20,
    classes: int = 5,
    depth: int = 4,
    n_features: int = 16,
    x_type: FixedType = TEN_BITS,
    seed: int = 0,
) -> Graph:
    """Full trees: by default the ensemble that conifer took 130 s to compile."""
    rng = np.random.default_rng(seed)
    per_tree, n_trees = 2**depth - 1, rounds * classes
    n_nodes = per_tree * n_trees
    tree, node = np.divmod(np.arange(n_nodes), max(per_tree, 1))
    children = [2 * node + side for side in (1, 2)]
    left, right = (
        np.where(child < per_tree, tree * per_tree + child, n_nodes + tree * 2**depth + child - per_tree)
        for child in children
    )
    tables: dict[str, Any] = {
        "tree_root": np.arange(n_trees) * (per_tree if depth else 1),
        "tree_output": np.arange(n_trees) % classes,
        "feature": rng.integers(0, n_features, n_nodes),
        "left": left,
        "right": right,
        "threshold": rng.integers(x_type.min_raw + 1, x_type.max_raw, n_nodes, endpoint=True),
        "leaf": rng.integers(-500, 500, (n_trees * 2**depth, 1)),
        "base_margin": rng.integers(-100, 100, classes),
    }
    return forest_graph(tables, x_type, n_features, 10)


def events(graph: Graph, seed: int = 0, n_random: int = 200) -> IntArray:
    """Threshold corners and random events, shape (n_events, n_features)."""
    corners = threshold_corners(graph)[graph.inputs[0].name]
    return np.concatenate([corners, events_for(graph, np.random.default_rng(seed), n_random)])
