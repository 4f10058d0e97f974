"""Events of any door to raw integers: numbers are values, integers among them, unless the caller says raw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fasttrig.base.column_rules import ColumnRule, ColumnRules
from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FLOAT64_BITS, FixedType, IntArray, NumberArray, Overflow, Rounding, cast_raw, from_value
from fasttrig.data.events import Arrays, stacked
from fasttrig.data.inputs import InputMap
from fasttrig.data.spread import flattened, n_numbers, places, spread
from fasttrig.ir.graph import Graph

MAX_EXPONENT = 1000
"""Powers of two up to this exponent are normal numbers of float64."""


def raw_inputs(graph: Graph, inputs: InputMap | None, arrays: Arrays) -> dict[str, IntArray]:
    """Raw integers of each input, of values in `arrays`: features in their own units where there is an input map.

    Without one, values of the input, to the nearest of its type (ties to even), saturating.
    """
    types = {op.name: op.result.type for op in graph.inputs}
    if inputs is not None:
        return spread(graph, inputs.to_raw(flattened(graph, {name: joined(array) for name, array in arrays.items()})))
    return {name: _nearest(joined(array), types[name]) for name, array in arrays.items()}


def given_raw(arrays: Arrays) -> dict[str, IntArray]:
    """The same arrays, for a caller who says that they are raw; DataError unless all are integers."""
    whole = {name: joined(array) for name, array in arrays.items()}
    for name, array in whole.items():
        if array.dtype.kind not in "iuO" and array.size:
            raise DataError(
                "raw inputs must be integers",
                where=f"input '{name}'",
                got=f"dtype {array.dtype}",
                want="an integer dtype",
                try_="design.emulate(x) without raw=True, for values",
            )
    return {name: array if array.dtype.kind in "iuO" else array.astype(np.int64) for name, array in whole.items()}


def column_rules(graph: Graph, inputs: InputMap | None, arrays: Arrays, *, raw: bool) -> ColumnRules | None:
    """What `raw_inputs` (or `given_raw`, with `raw`) does to each number of an event, in the graph's order.

    None where float64 does not hold every step, what comes out might lie outside an input's types, or the arrays have
    not the shapes of the inputs.
    """
    if not _fit(graph, arrays, raw=raw):
        return None
    rules: list[ColumnRule | None] = []
    where, of_features = places(graph), inputs.rules() if inputs is not None else ()
    for op in graph.inputs:
        if raw:
            rules += [ColumnRule.of_raw(kind, op.tensor_type.shift(kind)) for kind in op.tensor_type.each]
        elif inputs is not None:
            types = tuple(feature.type for feature in inputs.features[where[op.name]])
            same = inputs.type == op.result.type and types == op.tensor_type.each
            rules += of_features[where[op.name]] if same else [None]
        else:
            factor = 2.0**op.fraction_bits if abs(op.fraction_bits) < MAX_EXPONENT else 0.0
            rule = None if op.channel_types else ColumnRule.of(op.result.type, factor, rounding=Rounding.RND_CONV)
            rules += [rule] * op.result.size
    known = tuple(rule for rule in rules if rule is not None)
    return known if len(known) == len(rules) == n_numbers(graph) else None


def _fit(graph: Graph, arrays: Arrays, *, raw: bool) -> bool:
    """Whether the inputs have the graph's shapes and equally many events, and with `raw` are integers."""
    sizes: set[int] = set()
    if set(arrays) != {op.name for op in graph.inputs}:
        return False
    for op in graph.inputs:
        given = arrays[op.name]
        columns = given if isinstance(given, list) else [given]
        shape = () if isinstance(given, list) else op.result.shape
        if any(array.ndim == 0 or array.shape[1:] != shape for array in columns):
            return False
        if raw and any(array.dtype.kind not in "iu" for array in columns):
            return False
        if len(columns) * int(np.prod(shape, dtype=np.int64)) != op.result.size:
            return False
        sizes |= {len(array) for array in columns}
    return len(sizes) == 1


def joined(array: NumberArray | list[NumberArray]) -> NumberArray:
    """An input's numbers as one array; columns are put side by side."""
    if not isinstance(array, list):
        return array
    return stacked(array, np.result_type(*array) if array else np.dtype(np.float64))


def n_events_of(arrays: Mapping[str, NumberArray | list[NumberArray]]) -> int:
    """Events in the shortest input; 0 where an input has no axis."""
    firsts = [array[0] if isinstance(array, list) else array for array in arrays.values()]
    return min((len(array) if array.ndim else 0 for array in firsts), default=0)


def _nearest(array: NumberArray, fixed_type: FixedType) -> IntArray:
    """As `from_value`; integers too large for float64 are cast as integers, so that no bit is lost before."""
    if array.dtype.kind in "iuO" and array.size:
        low, high = int(array.min()), int(array.max())
        if max(abs(low), abs(high)) > 1 << FLOAT64_BITS:
            source = FixedType.covering(min(low, -1), high, 0)
            return cast_raw(array.astype(object), source, fixed_type, Rounding.RND_CONV, Overflow.SAT)
    return from_value(array, fixed_type, Rounding.RND_CONV, Overflow.SAT)
