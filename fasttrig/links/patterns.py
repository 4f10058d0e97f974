"""Pattern files as the boards' buffers take them: EMPv2, EMPv1, APx. One column per link, one row per frame."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fasttrig.base.errors import DataError, InputError
from fasttrig.base.fixed import IntArray
from fasttrig.ir.ops import Value
from fasttrig.links import word_rows as rows
from fasttrig.links.link_map import MAX_FRAMES, MAX_LINKS, LinkMap
from fasttrig.links.packing import Frames, pack, unpack
from fasttrig.links.word_rows import APX, EMPV1, EMPV2, WordRow

FORMATS = (EMPV2, EMPV1, APX)
_METADATA = "Metadata: (strobe,) start of orbit, start of packet, end of packet, valid"
_APX_LINK = re.compile(r"LINK_([0-9]{1,3})")
_EMP_LINK = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Patterns:
    """A pattern file, read: its format, the board it names ("" for APx) and its frames."""

    format: str
    board: str
    frames: Frames


def write_patterns(
    link_map: LinkMap, format: str, tensors: Mapping[str, IntArray], direction: str = "inputs"
) -> dict[str, str]:
    """Pattern files of raw integers; whole events in each file, at most 1024 frames.

    Parameters
    ----------
    format : "empv2", "empv1" or "apx"
    tensors : mapping of field to int array, shape (n_events, *shape)
    direction : "inputs" or "outputs"
        Outputs start with frame 0: no latency is in the files.

    Returns
    -------
    dict of str to str
        ``<direction>_0000.txt``, ``<direction>_0001.txt``, ... and their text; each starts an orbit.
    """
    check_format(format)
    n_events = max((len(array) for array in tensors.values()), default=0)
    at_once = MAX_FRAMES // link_map.period_frames
    files = {}
    for number, first in enumerate(range(0, n_events, at_once)):
        events = {name: array[first : first + at_once] for name, array in tensors.items()}
        frames = pack(link_map, direction, events)
        files[f"{direction}_{number:04d}.txt"] = render(Patterns(format, link_map.board, frames))
    return files


def check_format(format: str) -> None:
    """Refuse a format that is not in `FORMATS`."""
    if format not in FORMATS:
        raise InputError("unknown pattern format", got=repr(format), want=", ".join(FORMATS))


def render(patterns: Patterns) -> str:
    """The text of a pattern file."""
    frames = patterns.frames
    if len(frames) > MAX_FRAMES:
        raise DataError("too many frames for a pattern file", got=str(len(frames)), want=f"at most {MAX_FRAMES}")
    strobed = tuple(rows.is_strobed(frames, column) for column in range(len(frames.links)))
    lines = [rows.ROWS[patterns.format](frames, number, strobed) for number in range(len(frames))]
    return "\n".join([*_header(patterns, strobed), *lines]) + "\n"


def read_patterns(text: str, where: str = "patterns") -> Patterns:
    """Read a file of any of the formats; its first line tells which.

    Raises
    ------
    DataError
        With the number of the line that is not as the format wants it.
    """
    lines = [(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), start=1)]
    lines = [(number, line) for number, line in lines if line.strip()]
    first = lines[0][1] if lines else ""
    for start, read in ((("ID: ",), _read_empv2), (("Board ",), _read_empv1), (("#Sideband", "#LinkLabel"), _read_apx)):
        if first.startswith(start):
            return read(lines, where)
    raise DataError(
        "not a pattern file",
        where=f"{where}, line 1",
        got=repr(first[:80]),
        want="'ID: <board>' (EMPv2), 'Board <name>' (EMPv1) or '#Sideband ON' (APx)",
    )


def unpack_patterns(
    link_map: LinkMap, files: Sequence[Patterns], values: Sequence[Value], direction: str = "inputs"
) -> dict[str, IntArray]:
    """Raw integers by field of files that follow each other, shapes (n_events, *shape)."""
    parts = [unpack(link_map, direction, file.frames, values) for file in files]
    return {value.name: np.concatenate([part[value.name] for part in parts]) for value in values}


def _header(patterns: Patterns, strobed: Sequence[bool]) -> list[str]:
    links = patterns.frames.links
    if patterns.format == EMPV2:
        columns = zip(links, strobed, strict=True)
        names = "".join(f"{' ' * extra}            {link:03d}        " for link, extra in columns)
        return [f"ID: {patterns.board}", _METADATA, "", f"      Link  {names}".rstrip()]
    if patterns.format == EMPV1:
        quads = "".join(f"         q{link // 4:02d}c{link % 4}       " for link in links)
        names = "".join(f"          {link:03d}        " for link in links)
        return ["Board CMSSW", f" Quad/Chan :{quads}".rstrip(), f"      Link :{names}".rstrip()]
    names = "".join(f"                LINK_{link:02d}    " for link in links)
    return ["#Sideband ON", f"#LinkLabel{names}".rstrip(), "#BeginData"]


Lines = list[tuple[int, str]]


def _read_empv2(lines: Lines, where: str) -> Patterns:
    (_, first), *rest = _without_comments(lines)
    number, metadata = _line(rest, 0, where, _METADATA)
    if not metadata.startswith(_METADATA):
        raise _fault("the metadata line is missing", where, number, metadata, _METADATA)
    links = _links(_line(rest, 1, where, "Link  000  ..."), "Link", _EMP_LINK, where)
    return Patterns(EMPV2, first[4:].strip(), _frames(rest[2:], links, EMPV2, where))


def _read_empv1(lines: Lines, where: str) -> Patterns:
    (_, first), *rest = _without_comments(lines)
    number, quads = _line(rest, 0, where, "Quad/Chan : ...")
    if not quads.strip().startswith("Quad/Chan :"):
        raise _fault("the line of quads and channels is missing", where, number, quads, "Quad/Chan : q00c0 ...")
    links = _links(_line(rest, 1, where, "Link : 000 ..."), "Link :", _EMP_LINK, where)
    return Patterns(EMPV1, first[6:].strip(), _frames(rest[2:], links, EMPV1, where))


def _read_apx(lines: Lines, where: str) -> Patterns:
    rest = lines[1:] if lines[0][1].startswith("#Sideband") else lines
    links = _links(_line(rest, 0, where, "#LinkLabel LINK_00 ..."), "#LinkLabel", _APX_LINK, where)
    number, begin = _line(rest, 1, where, "#BeginData")
    if begin.strip() != "#BeginData":
        raise _fault("the start of the data is missing", where, number, begin, "#BeginData")
    return Patterns(APX, "", _frames(rest[2:], links, APX, where))


def _without_comments(lines: Lines) -> Lines:
    return [(number, line) for number, line in lines if not line.startswith("#")]


def _line(lines: Lines, index: int, where: str, want: str) -> tuple[int, str]:
    if index < len(lines):
        return lines[index]
    raise DataError("the header is truncated", where=where, want=want, try_="the file may be cut short")


def _links(line: tuple[int, str], start: str, pattern: re.Pattern[str], where: str) -> tuple[int, ...]:
    number, text = line
    if not text.strip().startswith(start):
        raise _fault("the line of links is missing", where, number, text, f"{start} ...")
    found = []
    for word in text.strip().removeprefix(start).split():
        match = pattern.fullmatch(word)
        if match is None:
            raise _fault("not a link number", where, number, word, pattern.pattern)
        found.append(int(match[match.lastindex or 0]))
    if not found or len(set(found)) != len(found) or len(found) > MAX_LINKS:
        raise _fault("links are missing or repeated", where, number, text, "one column per link")
    return tuple(found)


def _frames(lines: Lines, links: tuple[int, ...], format: str, where: str) -> Frames:
    if format != APX:
        lines = _without_comments(lines)
    if len(lines) > MAX_FRAMES:
        raise _fault(
            "too many frames for a pattern file",
            where,
            lines[MAX_FRAMES][0],
            f"{len(lines)} rows",
            f"at most {MAX_FRAMES}",
        )
    data = np.zeros((len(lines), len(links)), dtype=np.uint64)
    flags = np.zeros((len(lines), len(links)), dtype=np.uint8)
    for index, (number, line) in enumerate(lines):
        row = rows.READERS[format](line, index)
        if not isinstance(row, WordRow):
            raise _fault("not a row of this format", where, number, row.got, row.want)
        if len(row.words) != len(links):
            raise _fault(
                "a row has an unexpected number of columns",
                where,
                number,
                f"{len(row.words)} columns",
                f"{len(links)}, one per link",
            )
        data[index], flags[index] = row.words, row.flags
    return Frames(links, data, flags)


def _fault(what: str, where: str, number: int, got: str, want: str) -> DataError:
    return DataError(
        what,
        where=f"{where}, line {number}",
        got=repr(got[:120]),
        want=want,
        try_="the file may be cut short or edited",
    )
