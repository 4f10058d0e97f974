"""One row of each pattern format: a frame of every link as text, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from fasttrig.links.packing import Flag, Frames

EMPV2, EMPV1, APX = "empv2", "empv1", "apx"

_EMPV2_CELL = re.compile(r"([01])?([01])([01])([01])([01]) ([0-9a-fA-F]{16})")
_EMPV1_CELL = re.compile(r"([01]s)?([01])v([0-9a-fA-F]{16})")
_APX_SIDEBAND, _APX_WORD = re.compile(r"0x[0-9a-fA-F]{2}"), re.compile(r"0x[0-9a-fA-F]{16}")
_APX_FLAGS = Flag.VALID | Flag.START_OF_PACKET | Flag.START_OF_ORBIT | Flag.END_OF_PACKET
_EMPV2_ORDER = (Flag.START_OF_ORBIT, Flag.START_OF_PACKET, Flag.END_OF_PACKET, Flag.VALID)


@dataclass(frozen=True, slots=True)
class WordRow:
    """Data and flags of a frame, one per link."""

    words: tuple[int, ...]
    flags: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NoRow:
    """The error of a line that is not a row of words."""

    got: str
    want: str


def is_strobed(frames: Frames, column: int) -> bool:
    """Whether a link pauses, so that its strobe must be written."""
    return bool(((frames.flags[:, column] & Flag.STROBE) == 0).any())


def _cells(frames: Frames, number: int, strobed: Sequence[bool]) -> Iterator[tuple[int, int, bool]]:
    yield from zip(frames.data[number].tolist(), frames.flags[number].tolist(), strobed, strict=True)


def _empv2(frames: Frames, number: int, strobed: Sequence[bool]) -> str:
    text = f"Frame {number:04d}  "
    for word, flags, with_strobe in _cells(frames, number, strobed):
        strobe = _bit(flags, Flag.STROBE) if with_strobe else ""
        text += f"  {strobe}{''.join(_bit(flags, flag) for flag in _EMPV2_ORDER)} {word:016x}"
    return text


def _empv1(frames: Frames, number: int, strobed: Sequence[bool]) -> str:
    text = f"Frame {number:04d} :"
    for word, flags, with_strobe in _cells(frames, number, strobed):
        strobe = f"{_bit(flags, Flag.STROBE)}s" if with_strobe else "  "
        text += f" {strobe}{_bit(flags, Flag.VALID)}v{word:016x}"
    return text


def _apx(frames: Frames, number: int, strobed: Sequence[bool]) -> str:
    cells = _cells(frames, number, strobed)
    return f"0x{number:04x}" + "".join(f"    0x{flags & _APX_FLAGS:02x} 0x{word:016x}" for word, flags, _ in cells)


def _bit(flags: int, flag: Flag) -> str:
    return "1" if flags & flag else "0"


def _read_empv2(line: str, index: int) -> WordRow | NoRow:
    start = f"Frame {index:04d}  "
    if not line.startswith(start):
        return NoRow(line, start)
    words, flags = [], []
    for cell in re.split(r"\s\s+", line[len(start) :].strip()):
        match = _EMPV2_CELL.fullmatch(cell)
        if match is None:
            return NoRow(cell, "(strobe) start of orbit, start of packet, end of packet, valid, a space, 16 digits")
        found = Flag.STROBE if match[1] != "0" else Flag(0)
        for flag, letter in zip(_EMPV2_ORDER, match.group(2, 3, 4, 5), strict=True):
            found |= flag if letter == "1" else Flag(0)
        words.append(int(match[6], 16))
        flags.append(int(found))
    return WordRow(tuple(words), tuple(flags))


def _read_empv1(line: str, index: int) -> WordRow | NoRow:
    start = f"Frame {index:04d} :"
    if not line.startswith(start):
        return NoRow(line, start)
    words, flags = [], []
    for cell in line[len(start) :].split():
        match = _EMPV1_CELL.fullmatch(cell)
        if match is None:
            return NoRow(cell, "(0s or 1s,) 0v or 1v, then 16 digits")
        words.append(int(match[3], 16))
        flags.append(int((Flag.STROBE if match[1] != "0s" else 0) | (Flag.VALID if match[2] == "1" else 0)))
    return WordRow(tuple(words), tuple(flags))


def _read_apx(line: str, index: int) -> WordRow | NoRow:
    start, *cells = line.split() or [""]
    if not re.fullmatch(r"0x[0-9a-fA-F]{1,4}", start) or int(start, 16) != index:
        return NoRow(start, f"row 0x{index:04x}")
    words, flags = [], []
    for sideband, word in zip_longest(cells[::2], cells[1::2], fillvalue=""):
        if not _APX_SIDEBAND.fullmatch(sideband) or not _APX_WORD.fullmatch(word):
            return NoRow(f"{sideband} {word}", "0x and two digits, a space, 0x and 16 digits")
        words.append(int(word, 16))
        flags.append(int(sideband, 16) & int(_APX_FLAGS) | Flag.STROBE)
    return WordRow(tuple(words), tuple(flags))


ROWS: dict[str, Callable[[Frames, int, Sequence[bool]], str]] = {EMPV2: _empv2, EMPV1: _empv1, APX: _apx}
READERS: dict[str, Callable[[str, int], WordRow | NoRow]] = {EMPV2: _read_empv2, EMPV1: _read_empv1, APX: _read_apx}
