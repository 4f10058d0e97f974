"""Texts of ``firmware/cms/`` with their places filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fasttrig.base import firmware_files

_PLACE = re.compile(r"@([A-Z_]+)@")


def filled(template: str, words: Mapping[str, str]) -> str:
    """The text of ``firmware/cms/<template>`` with each ``@WORD@`` filled in."""
    return _PLACE.sub(lambda match: words[match[1]], firmware_files.read(f"cms/{template}"))
