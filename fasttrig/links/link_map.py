"""The link map: a typed table of where each number travels; read from TOML, or made for a graph."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, model_validator

from fasttrig.base.errors import InputError, ProjectError, UnsupportedError, near_names
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value
from fasttrig.settings import Settings

FRAME_BITS = 64
FRAMES_PER_BX = 9
"""Frames per bunch crossing of a 25 Gb/s link: 360 MHz over 40 MHz."""

MAX_LINKS = 1000
"""Link numbers have three digits in every file format."""

MAX_FRAMES = 1024
"""Frames that a board's buffer, and so a file, holds."""


def _one_line(name: str) -> str:
    if not name.isprintable() or not name.isascii() or name != name.strip():
        raise ValueError("want printable ASCII: the text appears in the pattern files")
    return name


class Placement(Settings):
    """``[[inputs]]``, ``[[outputs]]``: some elements of a tensor, one after the other, in one frame of one link."""

    field: str = Field(description="name of the tensor in the graph")
    first: int = Field(0, ge=0, description="index of the first element at this place, last axis fastest")
    count: int = Field(1, ge=1, description="number of elements at this place, the first in the lowest bits")
    width: int = Field(ge=1, le=FRAME_BITS, description="bits of an element, as in its type")
    link: int = Field(ge=0, lt=MAX_LINKS)
    frame: int = Field(0, ge=0, lt=MAX_FRAMES, description="counted from the start of the packet")
    offset: int = Field(0, ge=0, lt=FRAME_BITS, description="lowest bit, counted from the frame's lowest")

    @model_validator(mode="after")
    def _inside_the_frame(self) -> Placement:
        if self.offset + self.count * self.width > FRAME_BITS:
            raise ValueError(f"bits {self.offset} to {self.offset + self.count * self.width - 1} leave the frame of 64")
        return self

    @property
    def bits(self) -> int:
        """Mask of its bits inside the frame."""
        return ((1 << (self.count * self.width)) - 1) << self.offset

    def elements(self) -> Iterator[tuple[int, int]]:
        """Index of each element in the tensor, and its lowest bit in the frame."""
        for k in range(self.count):
            yield self.first + k, self.offset + k * self.width


class LinkMap(Settings):
    """Everything about the links of a board that carries one design.

    An event is one packet on every link. The board gets an event every `tmux` bunch crossings; between the end of a
    packet and the start of the next one frames are not valid.
    """

    board: Annotated[str, AfterValidator(_one_line)] = "fasttrig"
    tmux: int = Field(1, ge=1, description="bunch crossings from one event to the next on this board")
    frames_per_bx: int = Field(FRAMES_PER_BX, ge=1)
    inputs: tuple[Placement, ...] = Field(min_length=1)
    outputs: tuple[Placement, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> LinkMap:
        if self.period_frames > MAX_FRAMES:
            raise ValueError(f"an event takes {self.period_frames} frames, a buffer holds {MAX_FRAMES}")
        for side, placements in (("inputs", self.inputs), ("outputs", self.outputs)):
            _check_side(side, placements, self.period_frames)
        return self

    @property
    def period_frames(self) -> int:
        """Frames from the start of an event to the start of the next."""
        return self.tmux * self.frames_per_bx

    def side(self, direction: str) -> tuple[Placement, ...]:
        """The placements of "inputs" or "outputs"."""
        if direction not in ("inputs", "outputs"):
            raise InputError("unknown side of the board", got=repr(direction), want="inputs or outputs")
        return self.inputs if direction == "inputs" else self.outputs

    def to_toml(self) -> str:
        """The text that `read_link_map` reads."""
        lines = [
            f'board = "{self.board}"'.replace("\\", "\\\\"),
            f"tmux = {self.tmux}",
            f"frames_per_bx = {self.frames_per_bx}",
        ]
        for side in ("inputs", "outputs"):
            for placement in self.side(side):
                content = placement.model_dump()
                lines += ["", f"[[{side}]]", f'field = "{content.pop("field")}"']
                lines += [f"{key} = {number}" for key, number in content.items()]
        return "\n".join(lines) + "\n"


def links_of(placements: Sequence[Placement]) -> tuple[int, ...]:
    """Numbers of the links in use, ascending."""
    return tuple(sorted({placement.link for placement in placements}))


def packet_frames_of(placements: Sequence[Placement]) -> int:
    """Frames of a packet: up to the last one in use."""
    return max(placement.frame for placement in placements) + 1


def read_link_map(path: Path | str) -> LinkMap:
    """Read and validate a link map.

    Raises
    ------
    ProjectError
        With every fault of the file, each with its key, what it holds and what it should.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError("no such link map", where=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, IsADirectoryError, PermissionError) as error:
        raise ProjectError("cannot read this as TOML", where=str(path), got=str(error)) from None
    try:
        return LinkMap.model_validate(content)
    except ValidationError as error:
        raise ProjectError(
            f"{path.name} is not a link map: {error.error_count()} fault(s)",
            where=str(path),
            got="\n".join(_fault(item) for item in error.errors()),
            want="board, tmux, frames_per_bx, [[inputs]], [[outputs]]",
        ) from None


def default_link_map(
    graph: Graph, *, tmux: int = 1, frames_per_bx: int = FRAMES_PER_BX, board: str | None = None
) -> LinkMap:
    """Elements in the graph's order, packed into the frames of link 0, then of link 1, ...; none crosses a frame.

    Raises
    ------
    UnsupportedError
        When an element has more bits than a frame, or the links do not suffice.
    """
    frames = tmux * frames_per_bx
    return LinkMap(
        board=board or graph.name,
        tmux=tmux,
        frames_per_bx=frames_per_bx,
        inputs=_placed([op.result for op in graph.inputs], frames),
        outputs=_placed(graph.outputs, frames),
    )


def check_link_map(link_map: LinkMap, graph: Graph, where: str = "link map") -> None:
    """Check that every element of every input and output of `graph` is in `link_map` once, with the width of its type.

    Raises
    ------
    InputError
        Naming the first element that does not.
    """
    check_fields(link_map.inputs, [op.result for op in graph.inputs], f"{where} > inputs")
    check_fields(link_map.outputs, graph.outputs, f"{where} > outputs")


def _placed(values: Sequence[Value], frames: int) -> tuple[Placement, ...]:
    placements: list[Placement] = []
    place, offset = 0, 0  # Frames are numbered across links.
    for value in values:
        if value.type.width > FRAME_BITS:
            raise UnsupportedError(
                "the number is wider than a frame",
                where=f"'{value.name}'",
                got=str(value.type),
                want=f"at most {FRAME_BITS} bits",
            )
        done = 0
        while done < value.size:
            count = min((FRAME_BITS - offset) // value.type.width, value.size - done)
            if count == 0:
                place, offset = place + 1, 0
                continue
            link, frame = divmod(place, frames)
            if link >= MAX_LINKS:
                raise UnsupportedError(
                    "too many elements for the links",
                    where=f"'{value.name}'",
                    want=f"at most {MAX_LINKS} links of {frames} frames",
                )
            placements.append(
                Placement(
                    field=value.name,
                    first=done,
                    count=count,
                    width=value.type.width,
                    link=link,
                    frame=frame,
                    offset=offset,
                )
            )
            done, offset = done + count, offset + count * value.type.width
    return tuple(placements)


def _check_side(side: str, placements: Sequence[Placement], period_frames: int) -> None:
    taken: dict[tuple[int, int], int] = {}
    elements: set[tuple[str, int]] = set()
    for number, placement in enumerate(placements):
        where = f"{side}[{number}] ('{placement.field}')"
        if placement.frame >= period_frames:
            raise ValueError(
                f"{where}: frame {placement.frame} belongs to the next event; tmux * frames_per_bx = {period_frames}"
            )
        key = (placement.link, placement.frame)
        if taken.get(key, 0) & placement.bits:
            raise ValueError(f"{where}: bits of link {key[0]}, frame {key[1]} are already in use")
        taken[key] = taken.get(key, 0) | placement.bits
        for element, _ in placement.elements():
            if (placement.field, element) in elements:
                raise ValueError(f"{where}: element {element} has two placements")
            elements.add((placement.field, element))


def check_fields(placements: Sequence[Placement], values: Sequence[Value], where: str) -> None:
    """Raise InputError unless every element of `values` is in `placements` once, with the width of its type."""
    known = {value.name: value for value in values}
    found: dict[str, set[int]] = {name: set() for name in known}
    for placement in placements:
        value = known.get(placement.field)
        if value is None:
            raise InputError(
                "no such field", where=where, got=repr(placement.field), try_=near_names(placement.field, known)
            )
        if placement.width != value.type.width:
            raise InputError(
                "the width of a field differs from the width of its type",
                where=f"{where} > {value.name}",
                got=str(placement.width),
                want=f"{value.type.width} ({value.type})",
            )
        found[value.name] |= {element for element, _ in placement.elements()}
    for name, value in known.items():
        wrong = found[name] ^ set(range(math.prod(value.shape)))
        if wrong:
            raise InputError(
                "the elements of a field do not match its tensor",
                where=f"{where} > {name}",
                got=f"element {min(wrong)} is missing, or one too many",
                want=f"elements 0 to {value.size - 1}, each once",
            )


def _fault(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    return f"{key or 'map'}: {message}"
