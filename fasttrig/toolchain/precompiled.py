"""The vendor's types as a precompiled header, made once per machine: half of a small project's compile time.

Only GCC, only an accelerator: without it the same sources compile to the same program. ``make csim`` does not use it,
and a test compiles that way, so that no missing include stays hidden.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fasttrig.base.cache import cache_folder
from fasttrig.base.errors import FasttrigError
from fasttrig.base.firmware_files import read
from fasttrig.toolchain.run import run

TIMEOUT_S = 300.0
NAME = "precompiled.h"
KEPT = 3
"""Headers kept, 90 MB each: those of the newest compilers, flags and types."""


def include_flags(project_dir: Path, compiler: Sequence[str], flags: Sequence[str]) -> tuple[str, ...]:
    """``("-include", header)``, or nothing where the compiler is not GCC or the cache cannot be written.

    Parameters
    ----------
    flags : sequence of str
        Every flag of the compile that follows: GCC reads the header only when they are the same.
    """
    try:
        version = run([*compiler, "--version"], cwd=project_dir, timeout_s=TIMEOUT_S).stdout
        if "Free Software Foundation" not in version:
            return ()
        folder = cache_folder("precompiled") / _key(project_dir, version, flags)
        if not (folder / f"{NAME}.gch").is_file():
            _make(folder, project_dir, compiler, flags)
    except (OSError, RuntimeError, FasttrigError):
        return ()  # No home folder, a full or read-only disk, or no support: compile without it.
    return ("-include", str(folder / NAME))


def _key(project_dir: Path, version: str, flags: Sequence[str]) -> str:
    """A hash of the compiler, the flags, our header and the vendor's types as the project carries them."""
    digest = hashlib.sha256(repr((version, tuple(flags), read(f"testbench/{NAME}"))).encode())
    types = project_dir / "firmware" / "ap_types"
    for path in sorted(types.rglob("*.h")):
        digest.update(path.relative_to(types).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:24]


def _make(folder: Path, project_dir: Path, compiler: Sequence[str], flags: Sequence[str]) -> None:
    """Compile next to `folder`, then rename: two processes may do so at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        stage = Path(temporary) / "made"
        stage.mkdir()
        (stage / NAME).write_text(read(f"testbench/{NAME}"), encoding="utf-8")
        command = [*compiler, *flags, "-x", "c++-header", str(stage / NAME), "-o", str(stage / f"{NAME}.gch")]
        run(command, cwd=project_dir, timeout_s=TIMEOUT_S)
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        stage.rename(folder)
    made = [path for path in folder.parent.iterdir() if (path / f"{NAME}.gch").is_file()]
    for old in sorted(made, key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
