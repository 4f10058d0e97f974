"""Colours of the page and its plots, for light and for dark: names in CSS, values in ``palette.json``.

The six series were chosen by a search for the largest least distance (OKLab, times 100) between any two under normal
sight, protanopia, deuteranopia and tritanopia: 14 on white, 9 on the dark ground, each with a contrast of 3 at least.
Plots do not rely on it: every series has its own line or marker too.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

N_SERIES = 6


@cache
def colours() -> dict[str, tuple[str, str]]:
    """Name -> colour on a light ground, colour on a dark one."""
    content = json.loads(Path(__file__).with_name("palette.json").read_text(encoding="utf-8"))
    return {name: (light, dark) for name, (light, dark) in content.items()}


def declarations(dark: bool) -> str:
    """The colours as CSS custom properties."""
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in colours().items())
