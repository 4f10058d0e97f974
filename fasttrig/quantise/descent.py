"""The descent: from wide types, always the change that saves most hardware for the loss that it adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FixedType
from fasttrig.quantise.search import NARROWEST, QuantisationChoice, Search, TriedTypes

Change = tuple[str, str]
"""What is changed, and of which layer or site."""

SearchProgress = Callable[[str, int, float, float], None]
"""Called after each step with its name, the candidates tried, the loss and the cost in LUTs."""

_COMMON_SHARE = 0.5
"""Of the allowed loss, for prices common to all layers; single layers share the rest."""

_MOST_PRICE = 20
_TRIED_AT_ONCE = 4
"""Changes that looked best in earlier steps, tried before all others are."""

_LEAST_LOSS_SHARE = 0.01
"""Of the allowed loss: what every change is taken to add at least, so that noise does not decide."""


def descend(search: Search, allowed: float, progress: SearchProgress | None = None) -> list[TriedTypes]:
    """Ever cheaper candidates whose loss is at most `allowed`; the first has the widest types.

    Raises
    ------
    InputError
        If even the widest types lose more.
    """
    first = search.evaluate(search.start())
    path = [first]
    if first.loss > allowed:
        raise InputError(
            "the allowed loss cannot be kept with the widest types that are tried",
            got=f"a loss of {first.loss:.6g} with them",
            want=f"at most {allowed:.6g}",
            try_="allow more, or give a wider --input-type",
        )
    for price in range(1, _MOST_PRICE):
        found = search.evaluate(search.start(price))
        if found.loss > _COMMON_SHARE * allowed:
            break
        if found.cost < path[-1].cost:
            path.append(found)
        _tell(progress, "digits of all weights", search, path[-1])
    worth: dict[Change, float] = {}
    while True:
        following = _best_change(search, path[-1], allowed, worth)
        if following is None:
            return path
        path.append(following)
        _tell(progress, "layers", search, following)


def _tell(progress: SearchProgress | None, step: str, search: Search, found: TriedTypes) -> None:
    if progress is not None:
        progress(step, search.n_tried, found.loss, found.cost)


def _best_change(search: Search, now: TriedTypes, allowed: float, worth: dict[Change, float]) -> TriedTypes | None:
    """The best of the changes that looked best before; of all where none of those is good any more."""
    changes = dict(_changes(search, now.choice))
    least = _LEAST_LOSS_SHARE * allowed
    order = sorted(changes, key=lambda change: -worth.get(change, np.inf))
    for start in range(0, len(order), _TRIED_AT_ONCE):
        good = {}
        for change in order[start : start + _TRIED_AT_ONCE]:
            found = search.evaluate(changes[change])
            saved, added = now.cost - found.cost, found.loss - now.loss
            worth[change] = saved / max(added, least) if found.loss <= allowed else 0.0
            if worth[change] > 0:
                good[change] = found
        if good:
            return good[max(good, key=lambda change: worth[change])]
    return None


def _changes(search: Search, choice: QuantisationChoice) -> Iterator[tuple[Change, QuantisationChoice]]:
    for name, price in choice.prices.items():
        if price < _MOST_PRICE:
            yield ("price", name), replace(choice, prices=MappingProxyType({**choice.prices, name: price + 1}))
    for name, width in choice.widths.items():
        if width > NARROWEST:
            yield ("width", name), replace(choice, widths=MappingProxyType({**choice.widths, name: width - 1}))
    for site in search.sites:
        kind = choice.results[site.name]
        for part, narrow in _narrower(kind, has_range=site.function in ("relu", "linear")):
            yield (part, site.name), replace(choice, results=MappingProxyType({**choice.results, site.name: narrow}))


def _narrower(kind: FixedType, *, has_range: bool) -> Iterator[tuple[str, FixedType]]:
    """One fraction bit less, and one integer bit less."""
    if kind.width > NARROWEST:
        yield "fraction", replace(kind, width=kind.width - 1)
        if has_range and kind.integer_bits > kind.signed:
            yield "range", replace(kind, width=kind.width - 1, integer_bits=kind.integer_bits - 1)
