"""Events of any door to raw integers: numbers are values, integers among them, unless the caller says raw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding, cast_raw, from_value
from fasttrig.data.events import Arrays, Numbers, stacked
from fasttrig.data.inputs import InputMap
from fasttrig.ir.graph import Graph

FLOAT64_BITS = 53
"""Whole numbers up to two to this power are exact in float64."""


def raw_inputs(graph: Graph, inputs: InputMap | None, arrays: Arrays) -> dict[str, IntArray]:
    """Raw integers of each input, of values in `arrays`: features in their own units where there is an input map.

    Without one, values of the input, to the nearest of its type (ties to even), saturating.
    """
    types = {op.name: op.result.type for op in graph.inputs}
    if inputs is not None:
        return {name: inputs.to_raw(joined(array)) for name, array in arrays.items()}
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


def joined(array: Numbers | list[Numbers]) -> Numbers:
    """An input's numbers as one array; columns are put side by side."""
    if not isinstance(array, list):
        return array
    return stacked(array, np.result_type(*array) if array else np.dtype(np.float64))


def n_events_of(arrays: Mapping[str, Numbers | list[Numbers]]) -> int:
    """Events in the shortest input; 0 where an input has no axis."""
    firsts = [array[0] if isinstance(array, list) else array for array in arrays.values()]
    return min((len(array) if array.ndim else 0 for array in firsts), default=0)


def _nearest(array: Numbers, fixed_type: FixedType) -> IntArray:
    """As `from_value`; integers too large for float64 are cast as integers, so that no bit is lost before."""
    if array.dtype.kind in "iuO" and array.size:
        low, high = int(array.min()), int(array.max())
        if max(abs(low), abs(high)) > 1 << FLOAT64_BITS:
            source = FixedType.covering(min(low, -1), high, 0)
            return cast_raw(array.astype(object), source, fixed_type, Rounding.RND_CONV, Overflow.SAT)
    return from_value(array, fixed_type, Rounding.RND_CONV, Overflow.SAT)
