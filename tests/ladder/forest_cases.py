"""Random forests for the tests, a naive oracle that walks one event and one tree at a time, and a trained-on toy."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from fasttrig.base.fixed import FixedType, FloatArray, IntArray, to_value
from fasttrig.ir.builder import exactly_typed
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Forest, Input, Value
from fasttrig.ir.verify import verify

GRID = FixedType(8, 4)
"""The features' type in the toy: 1/16 steps from -8 to 7.9375."""


def forest_graph(
    tables: dict[str, Any],
    x_type: FixedType,
    n_features: int,
    leaf_bits: int,
    channel_types: tuple[FixedType, ...] = (),
) -> Graph:
    """Input and Forest of raw tables (keys as the fields of `Forest`)."""
    x = Value("x", (n_features,), x_type)
    grids = {"threshold": x_type.fraction_bits, "leaf": leaf_bits, "base_margin": leaf_bits}
    consts = {
        name: Const.covering(name, np.asarray(raw, dtype=np.int64), grids.get(name, 0)) for name, raw in tables.items()
    }
    n_outputs = consts["base_margin"].shape
    draft = Forest(result=Value("margin", n_outputs, FixedType(60, 60 - leaf_bits)), operand=x, **consts)
    source = Input(result=x, channel_types=channel_types)
    op = exactly_typed(draft, [source.interval()])
    graph = Graph("forest", (source, op), (op.result,))
    verify(graph)
    return graph


@st.composite
def forests(draw: DrawFn, max_trees: int = 8, max_splits: int = 40, shared: bool = False) -> Graph:
    """A verified graph of one forest: trees of any shape, one leaf up to more than 64, one output up to several."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_features, n_outputs = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    n_targets = draw(st.integers(1, n_outputs))
    width = draw(st.sampled_from([1, 3, 8, 16, 40]))
    x_type = FixedType(width, draw(st.integers(-2, width)), draw(st.booleans()))
    channels = tuple(_channel_type(x_type, rng) for _ in range(n_features)) if draw(st.booleans()) else ()
    splits = [draw(st.integers(0, max_splits)) for _ in range(draw(st.integers(0, max_trees)))]
    tables = random_tables(rng, x_type, n_features, splits, coarse=draw(st.booleans()), shared=shared)
    n_leaves, span = len(tables.pop("leaf_slots")), draw(st.sampled_from([1, 3, 500, 2**30]))
    tables["leaf"] = rng.integers(-span, span, (n_leaves, n_targets), endpoint=True)
    tables["tree_output"] = rng.integers(0, n_outputs - n_targets + 1, len(splits))
    tables["base_margin"] = rng.integers(-span, span, n_outputs, endpoint=True)
    return forest_graph(tables, x_type, n_features, draw(st.integers(-2, 12)), channels)


def _channel_type(x_type: FixedType, rng: np.random.Generator) -> FixedType:
    """A type inside `x_type`: fewer bits on the left, or on the right."""
    dropped = int(rng.integers(0, x_type.width))
    if rng.integers(2):
        return FixedType(x_type.width - dropped, x_type.integer_bits - dropped, x_type.signed)
    return FixedType(x_type.width - dropped, x_type.integer_bits, x_type.signed)


def random_tables(
    rng: np.random.Generator, x_type: FixedType, n_features: int, splits: list[int], *, coarse: bool, shared: bool
) -> dict[str, Any]:
    """Trees grown by splitting a random leaf; with `shared`, some children point into later trees instead."""
    n_nodes = sum(splits)
    left, right, root = np.zeros(n_nodes, dtype=int), np.zeros(n_nodes, dtype=int), []
    first, leaves = 0, 0
    for count in splits:
        open_slots: list[tuple[Any, int]] = [(root, len(root))]
        root.append(0)
        for node in range(first, first + count):
            target, place = open_slots.pop(int(rng.integers(len(open_slots))))
            target[place] = node
            open_slots += [(left, node), (right, node)]
        for target, place in open_slots:
            target[place] = n_nodes + leaves
            leaves += 1
        first += count
    if shared:
        for children in (left, right):
            for node in np.flatnonzero(rng.random(n_nodes) < 0.3).tolist():
                children[node] = int(rng.integers(node + 1, n_nodes + leaves))
    low, high = x_type.min_raw - 2, x_type.max_raw + 2
    threshold = rng.integers(low, high, n_nodes, endpoint=True)
    if coarse:
        threshold = rng.choice(rng.integers(low, high, 4, endpoint=True), n_nodes)
    return {
        "tree_root": root,
        "feature": rng.integers(0, n_features, n_nodes),
        "threshold": threshold,
        "left": left,
        "right": right,
        "leaf_slots": range(leaves),
    }


def events_for(graph: Graph, rng: np.random.Generator, n_events: int = 40) -> IntArray:
    """Random raw inputs, and inputs at, just below and just above thresholds, all on their channels' grids."""
    op = graph.ops[1]
    assert isinstance(op, Forest)
    source = graph.inputs[0]
    types = source.channel_types or (source.result.type,) * source.result.shape[0]
    columns = []
    for channel, own in enumerate(types):
        shift = source.result.type.fraction_bits - own.fraction_bits
        column = rng.integers(own.min_raw, own.max_raw, n_events, endpoint=True)
        limits = op.threshold.raw[op.feature.raw == channel]
        if limits.size:
            near = (rng.choice(limits, n_events) >> shift) + rng.integers(-1, 2, n_events)
            column = np.where(rng.random(n_events) < 0.6, np.clip(near, own.min_raw, own.max_raw), column)
        columns.append(column << shift)
    return np.stack(columns, axis=1)


def oracle_leaf(op: Forest, tree: int, x_raw: list[int]) -> int:
    """The exit leaf of one tree for one event."""
    index = int(op.tree_root.raw[tree])
    while index < op.n_nodes:
        goes_left = x_raw[int(op.feature.raw[index])] < int(op.threshold.raw[index])
        index = int(op.left.raw[index]) if goes_left else int(op.right.raw[index])
    return index - op.n_nodes


def oracle(op: Forest, x_raw: IntArray) -> list[list[int]]:
    """The result, in Python integers."""
    results = []
    for event in x_raw.tolist():
        total = [int(margin) for margin in op.base_margin.raw]
        for tree in range(len(op.tree_root.raw)):
            row = op.leaf.raw[oracle_leaf(op, tree, event)]
            for target, leaf in enumerate(row.tolist()):
                total[int(op.tree_output.raw[tree]) + target] += leaf
        results.append(total)
    return results


def toy(n_events: int = 1500, seed: int = 0) -> tuple[IntArray, FloatArray, IntArray]:
    """Raw features on `GRID`, their values, and three unbalanced classes. Shapes (n_events, 4) twice, (n_events,)."""
    rng = np.random.default_rng(seed)
    raw = rng.integers(GRID.min_raw, GRID.max_raw, (n_events, 4), endpoint=True)
    x = to_value(raw, GRID)
    return raw, x, (x[:, 0] + x[:, 1] * x[:, 2] / 4 > 1).astype(int) + (x[:, 3] > 6.5)


def quantise(value: float, bits: int) -> int:
    """Round half to even on the grid, by fractions."""
    return round(Fraction(float(value)) * 2**bits)


def xgboost_leaf_values(booster: Any) -> list[dict[int, float]]:
    """Per tree: leaf value by node number, from XGBoost's own document (one value per leaf)."""
    gradient = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]
    drop = gradient.get("weight_drop")
    found = []
    for index, tree in enumerate(gradient.get("gbtree", gradient)["model"]["trees"]):
        weight = np.float32(drop[index]) if drop else np.float32(1)
        nodes = enumerate(zip(tree["left_children"], tree["split_conditions"], strict=True))
        found.append({node: float(np.float32(value) * weight) for node, (left, value) in nodes if left == -1})
    return found
