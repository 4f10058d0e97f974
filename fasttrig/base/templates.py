"""Fill the @MARKS@ of template files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from fasttrig.base import firmware_files
from fasttrig.base.errors import FasttrigError

_MARK = re.compile(r"@([A-Z][A-Z0-9_]*)@")
_NONE: Mapping[str, str | int] = MappingProxyType({})


def fill(text: str, values: Mapping[str, str | int], shared: Mapping[str, str | int] = _NONE) -> str:
    """`text` with each ``@MARK@`` replaced, in one pass: a mark inside an inserted value is left as it is.

    Parameters
    ----------
    values : mapping of mark to value
        Values of this text alone: each has a mark in it.
    shared : mapping of mark to value
        Values of several texts: this text may lack some of their marks.

    Raises
    ------
    FasttrigError
        For a mark without a value, and for one of `values` without a mark.
    """
    marks = set(_MARK.findall(text))
    known = {**shared, **values}
    without_value, without_mark = marks - known.keys(), values.keys() - marks
    if without_value:
        raise FasttrigError("a mark in a template has no value", got=_listed(without_value), want=_listed(known))
    if without_mark:
        raise FasttrigError("a value has no mark in the template", got=_listed(without_mark), want=_listed(marks))
    return _MARK.sub(lambda match: str(known[match[1]]), text)


def fill_file(path: str, values: Mapping[str, str | int], shared: Mapping[str, str | int] = _NONE) -> str:
    """The text of ``firmware/<path>``, filled as `fill` does; an error names the file."""
    try:
        return fill(firmware_files.read(path), values, shared)
    except FasttrigError as error:
        error.where = error.where or f"firmware/{path}"
        raise


def _listed(marks: Iterable[str]) -> str:
    return ", ".join(sorted(marks)) or "none"
