"""One refusal per reason, however many trees share it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from fasttrig.base.errors import RefusalError, UnsupportedError


def raise_refusals(faults: Iterable[UnsupportedError | None]) -> None:
    """Raise what there is: each reason once, at its first place, with the number of other places."""
    groups: dict[str, list[UnsupportedError]] = {}
    for fault in faults:
        if fault is not None:
            groups.setdefault(fault.what, []).append(fault)
    merged = []
    for first, *others in groups.values():
        more = f" (and {len(others)} more)" if others else ""
        merged.append(
            UnsupportedError(first.what, where=first.where + more, got=first.got, want=first.want, try_=first.try_)
        )
    if merged:
        raise RefusalError(merged)


def refuse_unknown(entries: Iterable[str], known: Collection[str], where: str) -> None:
    """Raise where a file says something that its reader does not know, and that may change what the model computes."""
    unknown = sorted(set(entries) - set(known))
    if unknown:
        raise UnsupportedError(
            "an entry of a model file that fasttrig does not know",
            where=where,
            got=", ".join(unknown)[:200],
            want=", ".join(sorted(known)),
            try_="report this file: it may come from a newer release of its library",
        )
