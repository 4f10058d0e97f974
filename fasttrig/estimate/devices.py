"""The parts that triggers use, what they hold, and the boards they sit on.

Totals are those of the reports' AvailableResources (`data/parts.csv`); an SLR is one die of a stacked part, and a
design larger than one die crosses between them, which costs timing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasttrig.base.errors import InputError, ProjectError, near_names
from fasttrig.estimate.tools import CALIBRATED_TOOLS

if TYPE_CHECKING:
    from fasttrig.settings import TargetSettings

_DATA = Path(__file__).parent / "data"
RESOURCES = ("lut", "ff", "dsp", "bram18", "uram")


@dataclass(frozen=True, slots=True)
class Device:
    """Resources of one FPGA; an SLR holds ``1 / slr`` of them."""

    name: str
    prefix: str
    lut: int
    ff: int
    dsp: int
    bram18: int
    uram: int
    slr: int

    def total(self, resource: str) -> int:
        return {"lut": self.lut, "ff": self.ff, "dsp": self.dsp, "bram18": self.bram18, "uram": self.uram}[resource]

    def shares(self, used: Mapping[str, float]) -> dict[str, float | None]:
        """Share of the device that each resource takes; None if the device lacks a resource that is needed."""
        shares: dict[str, float | None] = {}
        for name in RESOURCES:
            total, need = self.total(name), used.get(name, 0.0)
            shares[name] = need / total if total else (0.0 if need == 0 else None)
        return shares

    def crosses_slr(self, used: Mapping[str, float]) -> bool:
        """Whether a design needs more than one die of a stacked part."""
        if self.slr == 1:
            return False
        return any(share is None or share * self.slr > 1 for share in self.shares(used).values())


@dataclass(frozen=True, slots=True)
class Board:
    """A board and the part it carries."""

    name: str
    device: str
    part: str


@cache
def devices() -> tuple[Device, ...]:
    """Every known device."""
    with (_DATA / "parts.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Device(row["device"], row["prefix"], *(int(row[name]) for name in (*RESOURCES, "slr")))
            for row in csv.DictReader(file)
        )


@cache
def boards() -> tuple[Board, ...]:
    """Every known board."""
    with (_DATA / "boards.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Board(row["board"], row["device"], row["part"]) for row in csv.DictReader(file))


def find_device(name: str) -> Device:
    """The device of a part number (``xcvu13p-flga2577-2-e``), of a device name (``VU13P``) or of a board.

    Raises
    ------
    InputError
        For an unknown part, with near names.
    """
    wanted = _plain(name)
    for board in boards():
        if _plain(board.name) == wanted:
            wanted = _plain(board.device)
    for device in sorted(devices(), key=lambda device: -len(device.prefix)):
        short = device.prefix.removeprefix("xc")
        if wanted.startswith((device.prefix, short)) or wanted == _plain(device.name):
            return device
    known = [device.name for device in devices()] + [board.name for board in boards()]
    raise InputError(
        "no such part in the table of devices",
        got=repr(name),
        want="a part number, a device or a board",
        try_=near_names(name.upper(), known),
    )


def device_of(target: Mapping[str, Any]) -> Device | None:
    """The device of a ``[target]`` as plain data: of the sizes it states, else of the table; None for neither."""
    stated, part = target.get("device"), str(target.get("part", ""))
    if stated:
        return Device(part, part, **{name: int(stated[name]) for name in (*RESOURCES, "slr")})
    try:
        return find_device(part)
    except InputError:
        return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def require_known_part(settings: TargetSettings) -> None:
    """Raise for a part of AMD that is neither in the table of devices nor described: no share of it could be told.

    Raises
    ------
    ProjectError
        With near names.
    """
    if settings.backend in CALIBRATED_TOOLS and device_of(settings.model_dump()) is None:
        try:
            find_device(settings.part)
        except InputError as error:
            raise ProjectError(
                error.what,
                where="[target] part",
                got=error.got,
                want=error.want,
                try_=f"{error.try_}; or state its sizes in [target.device]: lut, ff, dsp, bram18, uram, slr",
            ) from None
