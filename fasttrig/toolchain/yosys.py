"""One run of Yosys: a module of a project, in a separate process, with a time limit; the result is cached."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from fasttrig.base.cache import cache_folder
from fasttrig.base.errors import MissingPackageError, ToolError, ToolTimeoutError
from fasttrig.toolchain import yosys_worker
from fasttrig.toolchain.netlist import Netlist, read_netlist
from fasttrig.toolchain.run import run

_SCRIPT, _NETLIST = "script.ys", "netlist.json"


@dataclass(frozen=True, slots=True)
class Job:
    """One synthesis job.

    Attributes
    ----------
    project : Path
        The folder that `sources` are relative to.
    sources : tuple of str
        Verilog files, in the order in which they are read; names without spaces.
    top : str
        The module.
    family : str
        As `synth_xilinx` calls it.
    black_boxes : tuple of str
        Modules whose inside is left out.
    """

    project: Path
    sources: tuple[str, ...]
    top: str
    family: str
    black_boxes: tuple[str, ...] = ()

    @property
    def memories(self) -> tuple[str, ...]:
        """Files that the sources read by ``$readmemh``, by their path from the project's folder."""
        return tuple(f"src/{path.name}" for path in sorted((self.project / "src").glob("*.mem")))

    def script(self) -> str:
        """The commands, one a line."""
        lines = [f"read_verilog -sv {name}" for name in self.sources]
        lines += [f"blackbox {name}" for name in self.black_boxes]
        lines += [
            f"synth_xilinx -family {self.family} -flatten -noiopad -noclkbuf -top {self.top}",
            f"select {self.top}",
            f"write_json -selected {_NETLIST}",
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class SynthesisRun:
    """`seconds` is wall time, 0 when the netlist's numbers came from the cache."""

    netlist: Netlist
    seconds: float


def has_yosys() -> bool:
    """Whether Yosys' wheel is installed."""
    return importlib.util.find_spec("pyosys") is not None


def check_installed() -> None:
    """Raises MissingPackageError when it is not."""
    if not has_yosys():
        raise MissingPackageError(
            "Yosys is not installed", got="no package 'pyosys'", try_="pip install 'fasttrig[rtl]'"
        )


def tool_name() -> str:
    """Yosys' name and version."""
    return f"Yosys {importlib.metadata.version('pyosys')}"


def run_yosys(job: Job, logs: Path, time_limit_s: float) -> SynthesisRun:
    """Synthesise one module, or take what was found before for the same text, script and version.

    Raises
    ------
    ToolError
        When Yosys fails; its log is kept as ``<top>.log`` in the folder `logs` and quoted.
    ToolTimeoutError
        When it takes longer than `time_limit_s`.
    """
    kept = cache_folder("synth") / f"{_key(job)}.json"
    known = _recall(kept)
    if known is not None:
        return SynthesisRun(known, 0.0)
    with tempfile.TemporaryDirectory(prefix="fasttrig-yosys-") as temporary:
        work = Path(temporary)
        _copy(job, work)
        (work / _SCRIPT).write_text(job.script(), encoding="utf-8")
        command = [sys.executable, str(Path(yosys_worker.__file__).resolve()), _SCRIPT]
        try:
            done = run(command, cwd=work, timeout_s=time_limit_s, log=logs / f"{job.top}.log")
        except ToolError as error:
            raise _named(error) from None
        path = work / _NETLIST
        if not path.is_file():
            raise ToolError("Yosys wrote no netlist", where=str(logs / f"{job.top}.log"), got=done.stderr[-400:])
        netlist = read_netlist(path.read_text(encoding="utf-8"), job.top, frozenset(job.black_boxes))
    _keep(kept, netlist)
    return SynthesisRun(netlist, done.seconds)


def _named(error: ToolError) -> ToolError:
    """The program that ran is Python; what failed is Yosys."""
    if isinstance(error, ToolTimeoutError):
        return ToolTimeoutError(
            "Yosys exceeded its time limit",
            where=error.where,
            got=error.got,
            try_="raise --time-limit, or use --per-module",
        )
    return ToolError("Yosys failed", where=error.where, got=error.got, want=error.want, try_=error.try_)


def _copy(job: Job, work: Path) -> None:
    """Yosys splits its commands at spaces, so it works where no path has any."""
    for name in (*job.sources, *job.memories):
        target = work / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(job.project / name, target)
        except OSError as error:
            raise ToolError(
                "cannot read a source file of the RTL project",
                where=str(job.project / name),
                got=str(error),
                try_="build it again",
            ) from None


def _key(job: Job) -> str:
    """A hash of everything that decides the netlist, and of how we read it."""
    reader = Path(sys.modules[read_netlist.__module__].__file__ or "").read_bytes()
    digest = hashlib.sha256(repr((tool_name(), job.script(), job.black_boxes)).encode() + reader)
    for name in (*job.sources, *job.memories):
        path = job.project / name
        digest.update(name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()[:40]


def _recall(path: Path) -> Netlist | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = {str(kind): int(number) for kind, number in content["cells"].items()}
        return Netlist(cells, int(content["levels"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # Missing or truncated: run Yosys again.


def _keep(path: Path, netlist: Netlist) -> None:
    """Write next to the final path and rename. If the cache cannot be written, keep nothing."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        stage = path.with_name(f"{path.name}.{os.getpid()}.{id(netlist)}")
        stage.write_text(json.dumps(asdict(netlist)), encoding="utf-8")
        stage.replace(path)
