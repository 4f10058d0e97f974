"""Cache between runs: one folder per user, or one per process if the user's folder cannot be written."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """A folder that can be written, ``$XDG_CACHE_HOME/fasttrig/<kind>`` or ``~/.cache/fasttrig/<kind>``.

    On a machine without a home, such as a batch node, it is a temporary folder, removed when the process ends; one
    line on standard error says so.
    """
    try:
        home = _home() / "fasttrig"
    except RuntimeError as error:
        reason = str(error)
    else:
        folder, reason = home / kind, f"{home} cannot be written"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK | os.X_OK):
                return folder
    folder = _of_this_process(reason) / kind
    folder.mkdir(exist_ok=True)
    return folder


def _home() -> Path:
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    return Path(chosen) if Path(chosen).is_absolute() else Path.home() / ".cache"


@cache
def _of_this_process(reason: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fasttrig-cache-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sys.stderr.write(f"fasttrig: nothing is kept for the next run: {reason} (set XDG_CACHE_HOME)\n")
    return folder
