"""Texts of ``firmware/wrapper/`` with their places filled in, and bits of vectors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fasttrig.base import firmware_files

_PLACE = re.compile(r"@([A-Z_]+)@")


def filled(template: str, words: Mapping[str, str | int]) -> str:
    """The text of ``firmware/wrapper/<template>`` with each ``@WORD@`` filled in."""
    return _PLACE.sub(lambda match: str(words[match[1]]), firmware_files.read(f"wrapper/{template}"))


def bits(low: int, width: int) -> str:
    """A part select."""
    return f"[{low + width - 1}:{low}]"
