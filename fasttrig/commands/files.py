"""Files as arguments: globs, and the output path of each file."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from fasttrig.base.errors import InputError


def expand(arguments: Sequence[str]) -> list[str]:
    """Each argument, or the sorted files of its glob if no file has that name; ``file.root:tree`` is kept."""
    found: list[str] = []
    for text in arguments:
        if Path(text).exists() or not glob.has_magic(text):
            found.append(text)
            continue
        files = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
        if not files:
            raise InputError("no file matches this pattern", where=text)
        found += files
    return found


def output_paths(files: Sequence[str], output: Path) -> list[Path]:
    """The output path of each file: `output`, or a file of the same name in the folder `output`.

    Formats that fasttrig cannot write (CSV, NumPy) become Parquet.
    """
    from fasttrig.data.readers import split_tree
    from fasttrig.streaming.writers import WRITERS

    if len(files) == 1 and not output.is_dir():
        return [output]
    if output.suffix.lower() in WRITERS and not output.is_dir():
        raise InputError(
            "several input files need an output folder",
            where=str(output),
            got=f"{len(files)} files",
            try_=f"-o {output.with_suffix('')}/",
        )
    paths = []
    for file in files:
        name, _ = split_tree(file)
        suffix = name.suffix.lower() if name.suffix.lower() in WRITERS else ".parquet"
        paths.append(output / f"{name.stem}{suffix}")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("cannot create the output folder", where=str(output), got=str(error)) from None
    return paths
