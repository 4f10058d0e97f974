"""Names that become identifiers of C++, Verilog, SystemVerilog, VHDL, Python, and names of files: one rule.

``reserved_words.txt`` lists the words that cannot be names, by language. VHDL and some file systems ignore case, so
the words are compared without it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

from fasttrig.base.errors import InputError

LANGUAGES = {
    "cpp": "C++",
    "verilog": "Verilog",
    "systemverilog": "SystemVerilog",
    "vhdl": "VHDL",
    "python": "Python",
    "files": "file systems",
    "firmware": "fasttrig's own firmware",
}
"""Section of ``reserved_words.txt`` -> how a message calls it."""

HARDWARE = ("cpp", "verilog", "systemverilog", "vhdl", "python")
"""Languages in which a value of the graph gets a name."""

LONGEST = 100
"""Letters of a model's name: with a suffix it names files, and those take 255 bytes."""

WANTED = "a letter, then letters, digits and single underscores, and no word of C++, Verilog, VHDL or Python"

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")


@cache
def reserved_words() -> dict[str, frozenset[str]]:
    """Section of ``reserved_words.txt`` -> its words, in small letters."""
    found: dict[str, set[str]] = {}
    section = ""
    for line in Path(__file__).with_name("reserved_words.txt").read_text(encoding="ascii").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            found[section] = set()
        elif not line.startswith("#"):
            found[section].update(line.split())
    return {name: frozenset(words) for name, words in found.items()}


def languages_of(word: str, languages: tuple[str, ...] = tuple(LANGUAGES)) -> list[str]:
    """The languages, as a message calls them, in which `word` cannot be a name."""
    small = word.lower()
    return [LANGUAGES[one] for one in languages if small in reserved_words()[one]]


def fault_of(name: str) -> str:
    """The reason why `name` is not a valid model name; empty if it is valid."""
    if not _IDENTIFIER.fullmatch(name):
        return "not an identifier of all the languages it is written in"
    if len(name) > LONGEST:
        return f"{len(name)} letters, more than {LONGEST}"
    taken = languages_of(name)
    return f"a word of {' and '.join(taken)}" if taken else ""


def check_model_name(name: str, *, where: str = "", try_: str = "") -> str:
    """`name`, which will name files, C++ functions, Verilog modules and VHDL entities.

    Parameters
    ----------
    where : str
        Location of the name, for the message.
    try_ : str
        What to do, with ``{}`` for the suggested name.

    Raises
    ------
    InputError
        With a name near to it that can be had.
    """
    fault = fault_of(name)
    if not fault:
        return name
    near = suggested(name)
    raise InputError(
        "invalid model name: C++ functions, Verilog and VHDL modules, and files take this name",
        where=where,
        got=f"{name[:LONGEST]!r}, {fault}",
        want=WANTED,
        try_=(try_ or "{}").replace("{}", repr(near)),
    )


def suggested(name: str) -> str:
    """A name near to `name` that a model can have."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()  # without accents
    near = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[: LONGEST - 10].strip("_") or "tagger"
    near = near.lower() if near[0].isalpha() else f"tagger_{near.lower()}"
    return f"{near}_tagger" if languages_of(near) else near


def identifier(text: str) -> str:
    """`text` as the identifier of a value: letters, digits, single underscores; never a word of a language."""
    name = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", text)).strip("_")
    if not name or name[0].isdigit():
        name = f"n{name}"
    return f"{name}_0" if languages_of(name, HARDWARE) else name
