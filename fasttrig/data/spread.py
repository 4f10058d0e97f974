"""Flat features and the inputs that hold them: features fill the inputs in the graph's order, last axis fastest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FixedType, NumberArray
from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Input


def places(graph: Graph) -> dict[str, slice]:
    """Where the numbers of each input lie in the flat row of an event."""
    found, first = {}, 0
    for op in graph.inputs:
        found[op.name] = slice(first, first + op.result.size)
        first += op.result.size
    return found


def n_numbers(graph: Graph) -> int:
    """Numbers of an event: of all inputs together."""
    return sum(op.result.size for op in graph.inputs)


def spread(graph: Graph, flat: NumberArray) -> dict[str, NumberArray]:
    """`flat`, of shape (n_events, n_numbers), as one array of shape (n_events, *shape) per input."""
    where = places(graph)
    return {op.name: flat[:, where[op.name]].reshape(len(flat), *op.result.shape) for op in graph.inputs}


def flattened(graph: Graph, arrays: Mapping[str, NumberArray]) -> NumberArray:
    """The reverse of `spread`.

    Raises
    ------
    DataError
        When an array does not hold the numbers of its input.
    """
    rows = []
    for op in graph.inputs:
        array = np.asarray(arrays[op.name])
        if array.ndim == 0 or math.prod(array.shape[1:]) != op.result.size:
            want = f"(n_events, {', '.join(map(str, op.result.shape))})"
            raise DataError("wrong shape of the features", where=f"input '{op.name}'", got=str(array.shape), want=want)
        rows.append(array.reshape(len(array), op.result.size))
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)


def with_feature_types(graph: Graph, types: tuple[FixedType, ...]) -> Graph:
    """`graph` with the type of each feature on its inputs: one for each entry of the last axis where that suffices."""
    where = places(graph)
    inputs = {op.name: _narrowed(op, types[where[op.name]]) for op in graph.inputs}
    return rewrite(graph, lambda op: inputs.get(op.name, op))


def _narrowed(op: Input, types: tuple[FixedType, ...]) -> Input:
    last = op.result.shape[-1]
    if set(types) == {op.result.type}:
        return op
    repeats = types == types[:last] * (len(types) // last)
    return replace(op, channel_types=types[:last] if repeats else types)
