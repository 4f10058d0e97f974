"""Single places of columns of lists, 0 where a list ends before; their names: `fasttrig.base.feature_names`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fasttrig.base.errors import DataError
from fasttrig.base.feature_names import column_of, place_of


def element(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Numbers of the feature `name`, of a column of shape (n_rows, length)."""
    place = place_of(name)
    if place is None:
        return values
    if values.ndim != 2:
        raise DataError(
            "a feature is a place in lists, the column has none",
            where=f"column {column_of(name)!r}",
            got=f"shape {values.shape[1:]} a row",
            want=f"lists, for {name!r}",
        )
    return values[:, place] if place < values.shape[1] else np.zeros(len(values), dtype=values.dtype)


def jagged_element(name: str, flat: NDArray[Any], offsets: NDArray[Any]) -> NDArray[Any]:
    """Numbers of the feature `name`, of lists that lie one after the other in `flat`, row i from ``offsets[i]`` on."""
    place = place_of(name)
    assert place is not None
    starts, lengths = offsets[:-1], np.diff(offsets)
    made = np.zeros(len(starts), dtype=flat.dtype)
    reaches = lengths > place
    made[reaches] = flat[starts[reaches] + place]
    return made
