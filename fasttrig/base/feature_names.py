"""Names of features: a column, or a place in a column of lists: ``pt[3]``.

``pt,eta[0:16]`` stands for ``pt[0]``, ``eta[0]``, ``pt[1]``, ...: a set of 16 objects with two numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fasttrig.base.errors import InputError

MAX_FEATURES = 1 << 16

_ELEMENT = re.compile(r"(?P<column>.+)\[(?P<place>[0-9]{1,6})\]")
_SET = re.compile(r"(?P<columns>[^\[\]]+)\[(?P<first>[0-9]{1,6}):(?P<last>[0-9]{1,6})\]")


def column_of(name: str) -> str:
    """The column that holds the numbers called `name`."""
    match = _ELEMENT.fullmatch(name)
    return match["column"] if match else name


def place_of(name: str) -> int | None:
    """The place in the lists of its column; None for a column as a whole."""
    match = _ELEMENT.fullmatch(name)
    return int(match["place"]) if match else None


def stored_columns(names: Sequence[str], stored: Sequence[str]) -> tuple[str, ...]:
    """The columns of a file that hold `names`, each once; a column whose own name ends in brackets is itself."""
    return tuple(dict.fromkeys(name if name in stored else column_of(name) for name in names))


def expanded(names: Sequence[str]) -> tuple[str, ...]:
    """Feature names with every set ``a,b[0:n]`` written out.

    Raises
    ------
    InputError
        For an empty or an absurdly long set.
    """
    found: list[str] = []
    for name in names:
        match = _SET.fullmatch(name)
        if match is None:
            found.append(name)
            continue
        columns = [column.strip() for column in match["columns"].split(",")]
        first, last = int(match["first"]), int(match["last"])
        if last <= first or (last - first) * len(columns) > MAX_FEATURES or not all(columns):
            raise InputError(
                "a set of features that no network takes",
                where=repr(name),
                got=f"{first} to {last}",
                want=f"names, and a first place below the last: pt,eta[0:16]; at most {MAX_FEATURES} numbers",
            )
        found += [f"{column}[{place}]" for place in range(first, last) for column in columns]
    return tuple(found)
