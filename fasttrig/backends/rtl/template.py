"""Fill templates of the RTL: the values of a project are shared by its files."""

from __future__ import annotations

from collections.abc import Mapping

from fasttrig.base import templates


def fill(text: str, words: Mapping[str, str]) -> str:
    """`text` with each ``@MARK@`` replaced; see `fasttrig.base.templates.fill`."""
    return templates.fill(text, {}, words)
