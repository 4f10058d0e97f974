"""Simulation programs in the user's cache, by the hash of all their inputs; project folders keep sources only.

Compilers work in a temporary folder. It is removed when they succeed, and kept with their logs when they fail.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fasttrig.base.cache import cache_folder

KEPT = 24
"""Programs kept, the most recently used ones; those of the shipped models take 1 to 10 MB each."""


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A temporary folder, removed unless an error leaves the block: then the logs in it are needed."""
    folder = Path(tempfile.mkdtemp(prefix=f"fasttrig-{purpose}-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def compiled_program(key: str, purpose: str, make: Callable[[Path], Path]) -> tuple[Path, float]:
    """The program that `make` compiles, and the seconds spent; 0 seconds if the cache holds the program.

    Parameters
    ----------
    key : str
        Hash of the sources, the flags and the tools.
    purpose : str
        First word of the names in the cache: "csim" or "rtlsim".
    make : callable
        Compiles in the folder that it is given, and returns the program there.
    """
    home = cache_folder("programs")
    program = home / f"{purpose}-{key}"
    if program.is_file():
        with contextlib.suppress(OSError):
            os.utime(program)
        return program, 0.0
    start = time.monotonic()
    with scratch_folder(purpose) as folder:
        made = make(folder)
        copy = Path(shutil.copy2(made, home / f"{program.name}.{os.getpid()}.new"))
        copy.replace(program)  # If another process was faster, keep its program: both are equal.
    _remove_old(home)
    return program, time.monotonic() - start


def _remove_old(home: Path) -> None:
    with contextlib.suppress(OSError):
        programs = sorted(home.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in programs[:-KEPT]:
            old.unlink(missing_ok=True)
