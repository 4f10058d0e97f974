"""Measured numbers from the reports of HLS and Vivado. Measured numbers take precedence over estimates.

Files are looked for by name below a folder: ``csynth.xml`` and ``*_csynth.xml`` (HLS), ``vivado_synth.rpt``,
``*_util.rpt``, ``*_utilization_placed.rpt`` and ``*_utilization_synth.rpt`` (counts), ``*timing*.rpt`` (slack).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from fasttrig.base.errors import InputError

NAMES = (
    "csynth.xml",
    "*_csynth.xml",
    "vivado_synth.rpt",
    "*_util.rpt",
    "*_utilization_placed.rpt",
    "*_utilization_synth.rpt",
    "*timing*.rpt",
)
_MAX_BYTES = 64 << 20
_CELL = re.compile(r"^\|\s*([A-Za-z][\w /*.+-]*?)\*?\s*\|\s*([\d.]+)\s*\|", re.MULTILINE)
_HEAD = re.compile(r"^\|\s*(Tool Version|Device|Design State)\s*:\s*(.+?)\s*$", re.MULTILINE)
_WNS = re.compile(r"WNS\(ns\)[^\n]*\n(?:[ \t-]*\n)*[ \t]*(-?\d+\.\d+)")
_ROWS = {
    "lut": ("CLB LUTs", "Slice LUTs"),
    "ff": ("CLB Registers", "Slice Registers"),
    "dsp": ("DSPs", "DSP"),
    "uram": ("URAM",),
}
_XML_COUNTS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram18": "BRAM_18K", "uram": "URAM"}


@dataclass(frozen=True, slots=True)
class VendorReport:
    """Numbers of one vendor report; None if the report lacks the number."""

    stage: str
    tool: str
    version: str
    part: str
    path: str
    clock_period_ns: float | None = None
    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram18: int | None = None
    uram: int | None = None
    latency_cycles: int | None = None
    ii_cycles: int | None = None
    wns_ns: float | None = None


def find_reports(folder: Path) -> list[VendorReport]:
    """Every report below `folder`, in the order of their paths.

    Raises
    ------
    InputError
        When the folder does not exist, or a file of such a name cannot be read as the report it should be.
    """
    if not folder.is_dir():
        raise InputError("no such folder of vendor reports", where=str(folder))
    found = []
    for path in sorted(folder.rglob("*")):
        reader = _reader(path.name)
        if reader and path.is_file():
            found.append(reader(path))
    return found


def has_reports(folder: Path) -> bool:
    """Whether a folder holds any report with counts."""
    return folder.is_dir() and any(_reader(path.name) not in (None, read_timing) for path in folder.rglob("*"))


def top_level(found: Sequence[VendorReport]) -> list[VendorReport]:
    """All but the HLS reports of parts: of those in one folder ``csynth.xml`` is the design's, else the largest."""
    best: dict[Path, VendorReport] = {}
    for one in found:
        folder = Path(one.path).parent
        if one.stage == "csynth" and (folder not in best or _rank(one) > _rank(best[folder])):
            best[folder] = one
    return [one for one in found if one.stage != "csynth" or one is best[Path(one.path).parent]]


def _rank(one: VendorReport) -> tuple[bool, int]:
    return Path(one.path).name == "csynth.xml", one.lut or 0


def read_csynth(path: Path) -> VendorReport:
    """``csynth.xml`` of Vivado or Vitis HLS: latency is the worst case."""
    leaves = _xml_leaves(path)
    counts = {ours: _whole(leaves, f"AreaEstimates/Resources/{theirs}", path) for ours, theirs in _XML_COUNTS.items()}
    if counts["dsp"] is None:
        counts["dsp"] = _whole(leaves, "AreaEstimates/Resources/DSP48E", path)
    if counts["lut"] is None:
        raise _bad(path, "no AreaEstimates/Resources/LUT", "an HLS synthesis report")
    version = leaves.get("ReportVersion/Version", "")
    latency = "PerformanceEstimates/SummaryOfOverallLatency/"
    clock = leaves.get("UserAssignments/TargetClockPeriod", "")
    return VendorReport(
        "csynth",
        _tool_name(leaves, version),
        version,
        leaves.get("UserAssignments/Part", ""),
        str(path),
        float(clock) if re.fullmatch(r"\d+(\.\d+)?", clock) else None,
        **counts,
        latency_cycles=_whole(leaves, latency + "Worst-caseLatency", path),
        ii_cycles=_whole(leaves, latency + "Interval-max", path),
    )


def read_utilisation(path: Path) -> VendorReport:
    """A utilisation report of Vivado, after synthesis or after placement."""
    text = _text(path)
    cells = {name.strip(): float(number) for name, number in reversed(_CELL.findall(text))}
    counts = {ours: next((int(cells[name]) for name in names if name in cells), None) for ours, names in _ROWS.items()}
    if counts["lut"] is None:
        raise _bad(path, "no row of LUTs", "a utilisation report of Vivado")
    tiles = cells.get("Block RAM Tile")
    heads = dict(_HEAD.findall(text))
    placed = "placed" in path.name or "rout" in (path.name + heads.get("Design State", "")).lower()
    version = re.search(r"v\.?\s*(\d{4}\.\d)", heads.get("Tool Version", ""))
    return VendorReport(
        "route" if placed else "synth",
        "Vivado",
        version[1] if version else "",
        heads.get("Device", ""),
        str(path),
        **counts,
        bram18=None if tiles is None else round(2 * tiles),
        wns_ns=_slack(text),
    )


def read_timing(path: Path) -> VendorReport:
    """A timing summary of Vivado: worst negative slack in ns."""
    text = _text(path)
    slack = _slack(text)
    if slack is None:
        raise _bad(path, "no WNS(ns)", "a timing summary of Vivado")
    heads = dict(_HEAD.findall(text))
    version = re.search(r"v\.?\s*(\d{4}\.\d)", heads.get("Tool Version", ""))
    stage = "route" if "rout" in (path.name + heads.get("Design State", "")).lower() else "synth"
    return VendorReport(
        stage, "Vivado", version[1] if version else "", heads.get("Device", ""), str(path), wns_ns=slack
    )


def _reader(name: str) -> Callable[[Path], VendorReport] | None:
    if name == "csynth.xml" or name.endswith("_csynth.xml"):
        return read_csynth
    if name == "vivado_synth.rpt" or re.search(r"_(util|utilization_placed|utilization_synth)\.rpt$", name):
        return read_utilisation
    return read_timing if re.search(r"timing.*\.rpt$", name) else None


def _xml_leaves(path: Path) -> dict[str, str]:
    """Text of each element below the root, the first of each path; a document type (entities) is refused."""
    leaves: dict[str, str] = {}
    stack: list[str] = []
    pieces: list[str] = []
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise _bad(path, "a document type, which could expand entities", "plain XML")

    def start(name: str, _: dict[str, str]) -> None:
        stack.append(name)
        pieces.clear()

    def end(_: str) -> None:
        leaves.setdefault("/".join(stack[1:]), "".join(pieces).strip())
        pieces.clear()
        stack.pop()

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = pieces.append
    try:
        parser.Parse(_text(path), True)
    except expat.ExpatError as error:
        raise _bad(path, str(error), "whole, well-formed XML") from None
    return leaves


def _tool_name(leaves: dict[str, str], version: str) -> str:
    product = leaves.get("ReportVersion/Product", "") + leaves.get("UserAssignments/unit", "")
    year = re.match(r"(\d{4})", version)
    vitis = "vitis" in product.lower() or (year is not None and int(year[1]) >= 2021)
    return "Vitis HLS" if vitis else "Vivado HLS"


def _whole(leaves: dict[str, str], key: str, path: Path) -> int | None:
    text = leaves.get(key, "")
    if text in ("", "undef", "?", "-"):
        return None
    if not re.fullmatch(r"\d{1,15}", text):
        raise _bad(path, f"{key} = {text[:40]!r}", "a whole number")
    return int(text)


def _slack(text: str) -> float | None:
    found = _WNS.search(text)
    return float(found[1]) if found else None


def _text(path: Path) -> str:
    if path.stat().st_size > _MAX_BYTES:
        raise _bad(path, f"{path.stat().st_size} bytes", f"at most {_MAX_BYTES}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _bad(path, str(error), "UTF-8 text") from None
    if not text.strip():
        raise _bad(path, "an empty file", "a report")
    return text


def _bad(path: Path, got: str, want: str) -> InputError:
    return InputError(
        "this vendor report cannot be read",
        where=str(path),
        got=got,
        want=want,
        try_="run the tool again, or leave the file out",
    )
