"""Our hand-written hardware text: in ``firmware/`` of a checkout, in ``fasttrig/_firmware`` of an installed wheel."""

from __future__ import annotations

from pathlib import Path

from fasttrig.base.errors import InputError

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE.parent / "firmware", _PACKAGE / "_firmware")


def root() -> Path:
    """The folder that holds the hand-written hardware text.

    Raises
    ------
    InputError
        When neither a checkout nor an installed package has it.
    """
    for place in _PLACES:
        if (place / "testbench").is_dir():
            return place
    raise InputError(
        "fasttrig's hardware text is missing",
        where=str(_PACKAGE),
        got="neither folder exists",
        want=" or ".join(map(str, _PLACES)),
        try_="install fasttrig again",
    )


def read(relative_path: str) -> str:
    """The text of one file, by its path below ``firmware/``."""
    path = root() / relative_path
    if not path.is_file():
        raise InputError("no such hardware text", where=str(root()), got=relative_path, want="a file of fasttrig's")
    return path.read_text(encoding="utf-8")
