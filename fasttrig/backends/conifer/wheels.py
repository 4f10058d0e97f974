"""Texts that other packages' wheels carry: the vendor's types (hls4ml), conifer's VHDL. Nothing is imported."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fasttrig.base.errors import MissingPackageError


@cache
def ap_types() -> dict[str, str]:
    """The vendor's arbitrary-precision headers by their path in the folder ``ap_types``."""
    folder = package("hls4ml") / "templates" / "vivado" / "ap_types"
    return {
        path.relative_to(folder).as_posix(): normal(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.h"))
    }


def conifer_vhdl(name: str) -> str:
    """One file of conifer's VHDL."""
    return normal((package("conifer") / "backends" / "vhdl" / "firmware" / name).read_text(encoding="utf-8"))


def package(name: str) -> Path:
    """The folder of an installed package.

    Raises
    ------
    MissingPackageError
        When it is not installed.
    """
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise MissingPackageError(
            f"a required package for forests is not installed: {name}", want=name, try_=f"pip install {name}"
        )
    return Path(spec.origin).parent


def normal(text: str) -> str:
    """No trailing blanks, Unix line ends, one newline at the end."""
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n") + "\n"
