"""Awkward arrays of events: the numbers that a design reads, by the names of its features."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from fasttrig.base.errors import DataError, near_names
from fasttrig.base.feature_names import column_of, place_of
from fasttrig.base.fixed import FloatArray, NumberArray
from fasttrig.data.events import numbers


def is_awkward(x: Any) -> bool:
    """Whether `x` is an array of awkward; its package is not loaded for the question."""
    awkward = sys.modules.get("awkward")
    return awkward is not None and isinstance(x, awkward.Array)


def is_typetracer(x: Any) -> bool:
    """Whether `x` is an array without numbers, as dask-awkward calls a function to learn what it returns."""
    import awkward

    return bool(awkward.backend(x) == "typetracer")


def awkward_columns(events: Any, names: Sequence[str]) -> dict[str, NumberArray]:
    """Every feature as an array of shape (n_events,); a place behind the end of a list is 0. Other fields are ignored.

    Raises
    ------
    DataError
        For a field that is not there, missing values, and anything but numbers.
    """
    import awkward

    found = {}
    for name in names:
        field = name if name in events.fields else column_of(name)
        if field not in events.fields:
            raise DataError(
                "the events have no such field",
                got=", ".join(events.fields) or "an array without fields",
                want=field,
                try_=near_names(field, events.fields) if events.fields else "",
            )
        column, place = events[field], place_of(name) if field != name else None
        if place is not None:
            if column.ndim != 2:
                raise DataError("a feature is a place in lists, the field has none", where=field, got=str(column.type))
            short = awkward.num(column, axis=1) <= place
            column = awkward.where(short, 0, awkward.firsts(column[:, place : place + 1], axis=1))
        if awkward.any(awkward.is_none(column)):
            raise DataError("missing values", where=name, want="a number for every event", try_="awkward.fill_none")
        try:
            found[name] = numbers(awkward.to_numpy(awkward.drop_none(column), allow_missing=False), f"field '{name}'")
        except (TypeError, ValueError) as error:
            raise DataError("a feature must be one number an event", where=name, got=str(error)[:200]) from None
    return found


def awkward_scores(scores: FloatArray) -> Any:
    """Scores as an array of awkward: graphs of tasks take nothing else."""
    import awkward

    return awkward.Array(scores)


def typetracer_scores(events: Any, names: Sequence[str], n_scores: int) -> Any:
    """What `Design.scores` returns for a typetracer: it touches the fields that are read, and knows the type."""
    import awkward

    for name in names:
        awkward.typetracer.touch_data(events[name if name in events.fields else column_of(name)])
    scores = awkward.Array(np.empty((0, n_scores)))
    return awkward.Array(scores.layout.to_typetracer(forget_length=True))
