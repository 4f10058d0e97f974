"""Logic synthesis of the RTL project with Yosys (the wheel ``pyosys``): real primitives of the device, counted.

Out of context: no pads, no clock buffers. A small design is synthesised as a whole; a large one module by module (one
for each op of the graph), in parallel, and summed: then nothing is shared or removed across modules. The result says
which. Nothing is placed, so there is no
timing here: `levels` is the depth of the logic, in cells. Yosys takes two LUTs a bit for an addition of three numbers,
which a LUT with two outputs can do in one: a network has fewer after routing.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from fasttrig.backends.rtl import DESIGN_FILE
from fasttrig.base.errors import InputError, ToolTimeoutError, near_names
from fasttrig.toolchain.run import threads
from fasttrig.toolchain.yosys import Job, SynthesisRun, check_installed, run_yosys, tool_name

Mode: TypeAlias = Literal["auto", "flat", "per module"]

TIME_LIMIT_S = 900.0
FLAT_COST = 30_000.0
"""alkaid's cost up to which a design is synthesised as a whole without being told: jet_mlp (26 thousand) takes two and
a half minutes, on one core."""

FOLDER = "synthesis"
"""Folder for the logs of Yosys, inside the RTL project."""

FAMILIES = ("xcup", "xcu", "xc7", "xc6v", "xc5v", "xc6s")
"""Those of `synth_xilinx` with LUTs of six inputs: UltraScale+, UltraScale, series 7, Virtex-6 and -5, Spartan-6."""

_PARTS = (
    # Pattern of the part number, family; the first match counts.
    (r"xc(vu|ku)\d+p|xc(zu|au)|xck2|xcu\d", "xcup"),
    (r"xc(vu|ku)\d", "xcu"),
    (r"xc7", "xc7"),
    (r"xc6v", "xc6v"),
    (r"xc5v", "xc5v"),
    (r"xc6s", "xc6s"),
)

_MEMORY_LUTS = {
    "SRL16E": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1S": 2,
    "RAM128X1D": 4,
    "RAM256X1S": 4,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM512X1S": 8,
    "RAM32M16": 8,
    "RAM64M8": 8,
}
"""LUTs that a memory of LUTs takes (UG974)."""


@dataclass(frozen=True, slots=True)
class SynthResult:
    """Results of a synthesis.

    Attributes
    ----------
    tool : str
        Yosys' name and version.
    mode : "flat" or "per module"
    cells : dict of str to int
        How many there are of each primitive.
    levels : int
        LUTs, wide multiplexers and carry cells on the longest path between registers.
    seconds : float
        Wall time of Yosys; 0 when every count came from the cache.
    """

    tool: str
    family: str
    mode: Literal["flat", "per module"]
    cells: dict[str, int]
    levels: int
    seconds: float

    @property
    def lut_by_size(self) -> dict[str, int]:
        """LUTs of logic by their inputs."""
        return {f"LUT{size}": self.cells.get(f"LUT{size}", 0) for size in range(1, 7)}

    @property
    def memory_luts(self) -> int:
        """LUTs used as shift registers and memories."""
        return sum(luts * self.cells.get(kind, 0) for kind, luts in _MEMORY_LUTS.items())

    @property
    def lut(self) -> int:
        """LUTs of logic and of memory, as Vivado's "CLB LUTs" counts them."""
        return sum(self.lut_by_size.values()) + self.memory_luts

    @property
    def ff(self) -> int:
        return self._count(r"FD[RSCP]E(_1)?|LDCE|LDPE")

    @property
    def carry(self) -> int:
        """Carry cells: CARRY4 of four bits each, of which a CARRY8 of UltraScale holds two."""
        return self._count(r"CARRY[48]")

    @property
    def dsp(self) -> int:
        return self._count(r"DSP48\w*")

    @property
    def bram18(self) -> int:
        return self._count(r"RAMB(18|8)\w*") + 2 * self._count(r"RAMB(36|16)\w*")

    @property
    def uram(self) -> int:
        return self._count(r"URAM288\w*")

    def to_dict(self) -> dict[str, object]:
        """Every number, for JSON."""
        names = ("lut", "lut_by_size", "memory_luts", "ff", "carry", "dsp", "bram18", "uram")
        return asdict(self) | {name: getattr(self, name) for name in names}

    def _count(self, pattern: str) -> int:
        return sum(number for kind, number in self.cells.items() if re.fullmatch(pattern, kind))


def family_of(part: str) -> str:
    """The family, in Yosys' words, of a part's number.

    Raises
    ------
    InputError
        For a part of which no open flow with these primitives is known.
    """
    for pattern, family in _PARTS:
        if re.match(pattern, part.lower()):
            return family
    raise InputError(
        "Yosys does not support the device family of this part",
        got=repr(part),
        want="an AMD FPGA up to UltraScale+",
        try_=f"--family with one of {', '.join(FAMILIES)}",
    )


@dataclass(frozen=True, slots=True)
class _Design:
    top: str
    sources: tuple[str, ...]
    shells: tuple[str, ...]
    part: str
    cost: float


def synthesise(
    project: Path, *, family: str = "", mode: Mode = "auto", time_limit_s: float = TIME_LIMIT_S
) -> SynthResult:
    """Synthesise the Verilog project in the folder `project`, as `emit_rtl` wrote it.

    Parameters
    ----------
    family : str
        One of `FAMILIES`; default: that of the part in ``design.json``.
    mode : "auto", "flat" or "per module"
        By default flat up to a cost of `FLAT_COST`, and per module beyond that or when flat takes too long.
    time_limit_s : float
        For Yosys, of each mode that is tried.

    Raises
    ------
    MissingPackageError
        When Yosys is not installed.
    ToolError
        When it fails or takes too long; the log is kept in ``synthesis/`` and quoted.
    InputError
        For a folder that is no Verilog project, or an unknown family.
    """
    design = _read_design(project)
    chosen = _known(family) if family else family_of(design.part)
    check_installed()
    has_block_roms = any((project / "src").glob("*.mem"))  # The register of a ROM's address is in another module.
    if mode == "per module" and has_block_roms:
        raise InputError(
            "a design with block RAM must be synthesised flat",
            where=str(project),
            got="per module",
            want="flat",
            try_="omit the mode",
        )
    if mode == "per module" or (mode == "auto" and design.cost > FLAT_COST and not has_block_roms):
        return _per_module(project, design, chosen, time_limit_s)
    try:
        return _flat(project, design, chosen, time_limit_s)
    except ToolTimeoutError:
        if mode == "flat" or has_block_roms:
            raise
        return _per_module(project, design, chosen, time_limit_s)


def _read_design(project: Path) -> _Design:
    path = project / DESIGN_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        design = _Design(
            content["top"], tuple(content["sources"]), _shells(content), content["part"], float(content["alkaid_cost"])
        )
        language = content["language"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "not a fasttrig RTL project",
            where=str(path),
            got=f"{type(error).__name__}: {error}",
            try_="build it again, with the extra rtl installed",
        ) from None
    if language != "verilog":
        raise InputError(
            "Yosys reads Verilog only",
            where=str(path),
            got=str(language),
            try_='build it with rtl_language = "verilog"',
        )
    return design


def _known(family: str) -> str:
    if family not in FAMILIES:
        raise InputError(
            "unknown device family", got=repr(family), want=", ".join(FAMILIES), try_=near_names(family, FAMILIES)
        )
    return family


def _flat(project: Path, design: _Design, family: str, time_limit_s: float) -> SynthResult:
    outcome = run_yosys(Job(project, design.sources, design.top, family), project / FOLDER, time_limit_s)
    netlist = outcome.netlist
    return SynthResult(tool_name(), family, "flat", netlist.cells, netlist.levels, outcome.seconds)


def _per_module(project: Path, design: _Design, family: str, time_limit_s: float) -> SynthResult:
    """Each module on its own, and what is around them as one more run."""
    modules = {Path(name).stem: name for name in design.sources if name not in design.shells}
    jobs = [Job(project, (name,), module, family) for module, name in modules.items()]
    jobs.sort(key=lambda job: -(project / job.sources[-1]).stat().st_size)
    jobs.append(Job(project, design.sources, design.top, family, black_boxes=tuple(modules)))
    start = time.monotonic()
    outcomes = _in_parallel(jobs, project / FOLDER, start + time_limit_s)
    seconds = time.monotonic() - start if any(outcome.seconds for outcome in outcomes) else 0.0
    cells: Counter[str] = Counter()
    for outcome in outcomes:
        cells.update(outcome.netlist.cells)
    levels = max(outcome.netlist.levels for outcome in outcomes)
    return SynthResult(tool_name(), family, "per module", dict(sorted(cells.items())), levels, seconds)


def _shells(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Sources that connect other modules; folders of an older version do not list them."""
    top = content["top"]
    return tuple(content.get("shells", (f"src/{top}.v", f"src/{top}_core.v")))


def _in_parallel(jobs: Sequence[Job], logs: Path, deadline: float) -> list[SynthesisRun]:
    def one(job: Job) -> SynthesisRun:
        return run_yosys(job, logs, max(0.1, deadline - time.monotonic()))

    with threads(min(len(jobs), os.cpu_count() or 1)) as pool:
        return [task.result() for task in [pool.submit(one, job) for job in jobs]]
