"""Objects that arrive in any order: the greatest of a column first, before a tagger reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fasttrig.base.errors import InputError, near_names
from fasttrig.base.feature_names import column_of, place_of
from fasttrig.base.fixed import FloatArray
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Value
from fasttrig.settings import PreparationSettings


@dataclass(frozen=True, slots=True)
class Sorting:
    """The columns of the objects, `key` among them; `n_arrive` objects come, the taggers read the first `n_read`.

    Objects that are not there have zeros: a key that is never negative puts them last.
    """

    key: str
    columns: tuple[str, ...]
    n_arrive: int
    n_read: int

    @property
    def arriving(self) -> tuple[str, ...]:
        """Names of the numbers that arrive, object after object."""
        return tuple(f"{column}[{place}]" for place in range(self.n_arrive) for column in self.columns)

    @property
    def read(self) -> tuple[str, ...]:
        """Names of the sorted numbers, object after object."""
        return self.arriving[: self.n_read * len(self.columns)]

    def columns_sorted(self, columns: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """`columns`, of shape (n_events,) by name, with the objects' numbers in order; equal keys keep theirs."""
        objects = np.stack([columns[name] for name in self.arriving], axis=1)
        objects = objects.reshape(len(objects), self.n_arrive, len(self.columns))
        order = np.argsort(-objects[:, :, self.columns.index(self.key)], axis=1, kind="stable")[:, : self.n_read]
        found = np.take_along_axis(objects, order[:, :, None], axis=1).reshape(len(objects), -1)
        others = {name: column for name, column in columns.items() if name not in self.arriving}
        return others | {name: found[:, k] for k, name in enumerate(self.read)}

    def lower(self, b: GraphBuilder, words: Value, names: Sequence[str]) -> tuple[Value, tuple[str, ...]]:
        """The words with the objects in order, of shape (n_words,), and their names."""
        n_columns, origin = len(self.columns), "[preparation]"
        place = {name: k for k, name in enumerate(names)}
        flat = b.gather("objects_flat", words, 0, [place[name] for name in self.arriving], origin=origin)
        objects = b.reshape("objects", flat, (self.n_arrive, n_columns), origin=origin)
        keys = [place[f"{self.key}[{k}]"] for k in range(self.n_arrive)]
        order = b.top_k("order", b.gather("keys", words, 0, keys, origin=origin), self.n_read, origin=origin)
        taken = b.gather_by("objects_in_order", objects, order, origin=origin)
        in_order = b.reshape("objects_read", taken, (self.n_read * n_columns,), origin=origin)
        others = tuple(name for name in names if name not in self.arriving)
        if not others:
            return in_order, self.read
        single = b.gather("single_words", words, 0, [place[name] for name in others], origin=origin)
        return b.concat("words_in_order", (single, in_order), axis=0, origin=origin), (*others, *self.read)


def sorting_of(settings: PreparationSettings, features: Sequence[str]) -> Sorting | None:
    """The sorting that ``[preparation]`` asks for, of the features that the taggers read.

    Raises
    ------
    InputError
        Where the key is no column of lists, or the lists of the objects are not equally long from place 0 on.
    """
    if not settings.sort_by:
        return None
    places: dict[str, list[int]] = {}
    for name in features:
        place = place_of(name)
        if place is not None:
            places.setdefault(column_of(name), []).append(place)
    where = "preparation.sort_by"
    if settings.sort_by not in places:
        raise InputError(
            "the taggers read no such column of lists",
            where=where,
            got=repr(settings.sort_by),
            want=", ".join(places) or 'features such as "pt,eta[0:16]"',
            try_=near_names(settings.sort_by, places) if places else "",
        )
    n_read = len(places[settings.sort_by])
    for column, found in places.items():
        if sorted(found) != list(range(n_read)):
            got = f"places {min(found)} to {max(found)} of {column}, {n_read} of {settings.sort_by}"
            raise InputError("the objects' lists are not equally long", where=where, got=got, want="each from place 0")
    n_arrive = settings.n_objects or n_read
    if n_arrive < n_read:
        got = f"{n_arrive} arrive, the taggers read {n_read}"
        raise InputError("fewer objects arrive than are read", where="preparation.n_objects", got=got)
    return Sorting(settings.sort_by, tuple(places), n_arrive, n_read)
