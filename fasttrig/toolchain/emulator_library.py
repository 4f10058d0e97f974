"""Compiles the emulator of a graph and keeps the library in the user's cache, by the hash of all its inputs."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fasttrig.base.cache import cache_folder
from fasttrig.base.errors import ToolError
from fasttrig.base.fixed import IntArray
from fasttrig.ir.graph import Graph
from fasttrig.toolchain.run import find_compiler, run

if TYPE_CHECKING:
    from fasttrig.emulator.compiled.library import CompiledEmulator

FLAGS = (
    "-std=c++17",
    "-O3",
    "-ffp-contract=off",
    "-fPIC",
    "-shared",
    "-fno-exceptions",
    "-fno-rtti",
    "-fvisibility=hidden",
)
COMPILE_TIMEOUT_S = 600.0
_LIBRARY = "emulator.so"


def load(
    graph: Graph,
    *,
    name: str | None = None,
    version: int = 1,
    cache_dir: Path | None = None,
    flags: Sequence[str] = FLAGS,
    columns: bool = False,
) -> CompiledEmulator:
    """The compiled emulator of `graph`; compiled unless the cache has it.

    Parameters
    ----------
    columns : bool
        Add the functions that read columns of any kind and compute scores; without them the library is the emulator's
        source as a project hands it over, and compiles in two thirds of the time.
    cache_dir : Path, optional
        Where libraries are kept; default ``$XDG_CACHE_HOME/fasttrig/emulator``.
    flags : sequence of str
        Of the compiler. Kernels are chosen when the library runs, independent of the machine it is compiled for.

    Raises
    ------
    ToolError
        When there is no compiler or it fails.
    UnsupportedError
        When the graph holds a number that C++ integers cannot.
    """
    name = graph.name if name is None else name
    folder = cache_dir or cache_folder("emulator")
    return _loaded(graph, name, version, folder, tuple(find_compiler()), tuple(flags), columns)


@lru_cache(maxsize=16)
def _loaded(
    graph: Graph,
    name: str,
    version: int,
    cache_dir: Path,
    compiler: tuple[str, ...],
    flags: tuple[str, ...],
    columns: bool,
) -> CompiledEmulator:
    """Kept by this process as well: to write the source again takes longer than to emulate 100,000 events."""
    from fasttrig.emulator.compiled import write_column_emulator, write_emulator
    from fasttrig.emulator.compiled.library import CompiledEmulator

    files = (write_column_emulator if columns else write_emulator)(graph, name, version)
    folder = cache_dir / _key(files, compiler, flags)
    if not (folder / _LIBRARY).is_file():
        _compile(files, f"{name}_columns.cpp" if columns else f"{name}.cpp", [*compiler, *flags], folder)
    return CompiledEmulator(graph, folder / _LIBRARY, name)


def has_compiler() -> bool:
    """Whether `load` can compile here."""
    try:
        find_compiler()
    except ToolError:
        return False
    return True


def emulate_compiled(
    graph: Graph, inputs: Mapping[str, IntArray] | IntArray, *, threads: int = 1
) -> dict[str, IntArray]:
    """Raw outputs by name of the compiled emulator: the rung between the NumPy emulator and the C-simulation.

    Raises
    ------
    ToolError, UnsupportedError, DataError
        As `load` and `CompiledEmulator`.
    """
    return load(graph)(inputs, threads=threads)


def _compile(files: Mapping[str, str], source: str, command: Sequence[str], folder: Path) -> None:
    """Compile next to the final path and rename: another process sees either nothing or the whole library."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name[:8]}-", dir=folder.parent))
    try:
        for path, text in files.items():
            (scratch / path).write_text(text, encoding="utf-8")
        run([*command, source, "-o", _LIBRARY], cwd=scratch, timeout_s=COMPILE_TIMEOUT_S)
        folder.mkdir(exist_ok=True)
        for path in (*files, _LIBRARY):
            (scratch / path).replace(folder / path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _key(files: Mapping[str, str], compiler: Sequence[str], flags: Sequence[str]) -> str:
    from fasttrig.emulator.compiled.library import machine

    parts = (machine(), tuple(compiler), _version(tuple(compiler)), tuple(flags), sorted(files.items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


@cache
def _version(compiler: tuple[str, ...]) -> str:
    return run([*compiler, "--version"], cwd=Path.cwd(), timeout_s=60).stdout
