"""C-simulation: compile the project's C++ with its test bench, run it on raw integers, read the raw result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import DataError, InputError, ToolError
from fasttrig.base.fixed import FixedType, IntArray
from fasttrig.toolchain.precompiled import include_flags
from fasttrig.toolchain.programs import compiled_program, scratch_folder
from fasttrig.toolchain.run import Completed, find_compiler, run, threads
from fasttrig.toolchain.vectors import read_hex, write_hex

LANGUAGE = ("-std=c++17", "-fno-gnu-unique", "-w")
OPTIMISATION = ("-O1",)
INCLUDES = ("-Ifirmware/ap_types",)
COMPILE_TIMEOUT_S, RUN_TIMEOUT_S = 1800.0, 3600.0
SHOWN_ERRORS = 6
"""Lines of the compiler's that an error shows."""


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of the top function."""

    name: str
    type: FixedType
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ports:
    """Content of ``testbench/ports.json``."""

    top: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class CsimResult:
    """Results of a C-simulation.

    Attributes
    ----------
    outputs : dict of str to int64 array, shape (n_events, *shape)
        Raw integers by output name.
    compile_seconds, run_seconds : float
        Wall time; `compile_seconds` is 0 if the cache held the program.
    """

    outputs: dict[str, IntArray]
    n_events: int
    compile_seconds: float
    run_seconds: float


def csim(project_dir: Path, inputs: Sequence[IntArray], *, timeout_s: float = RUN_TIMEOUT_S) -> CsimResult:
    """Compile the project (unless that is done) and run it.

    Parameters
    ----------
    inputs : sequence of int arrays, each (n_events, *shape)
        Raw integers, in the order of the graph's inputs.

    Raises
    ------
    ToolError
        When the compiler or the program fails; its first errors are quoted and its log is kept.
    DataError
        When the inputs do not fit the project's ports.
    """
    ports = read_ports(project_dir)
    if len(inputs) != len(ports.inputs):
        raise DataError("wrong number of inputs", got=str(len(inputs)), want=", ".join(p.name for p in ports.inputs))
    for array, port in zip(inputs, ports.inputs, strict=True):
        if np.asarray(array).shape[1:] != port.shape:
            raise DataError(
                "wrong input shape",
                where=f"input '{port.name}'",
                got=str(np.asarray(array).shape),
                want=f"(n_events, {', '.join(map(str, port.shape))})",
            )
    program, compile_seconds = simulation_program(project_dir)
    n_events = len(inputs[0])
    with scratch_folder("csim") as folder:
        text = write_hex(inputs, [port.type for port in ports.inputs])
        (folder / "inputs.hex").write_text(text, encoding="ascii")
        done = run(
            [str(program), "inputs.hex", "outputs.hex", "nothing.hex"],
            cwd=folder,
            timeout_s=timeout_s,
            log=folder / "csim.log",
        )
        arrays = read_hex(
            (folder / "outputs.hex").read_text(encoding="ascii"),
            [port.type for port in ports.outputs],
            [port.shape for port in ports.outputs],
            n_events=n_events,
            where=str(folder / "outputs.hex"),
        )
    outputs = {port.name: array for port, array in zip(ports.outputs, arrays, strict=True)}
    return CsimResult(outputs, n_events, compile_seconds, done.seconds)


def check_vectors(project_dir: Path, *, timeout_s: float = RUN_TIMEOUT_S) -> Completed:
    """Run the project on its ``vectors/``; exit code 1: a word differs, and stdout names it."""
    program, _ = simulation_program(project_dir)
    with scratch_folder("csim") as folder:
        arguments = [str(program), "vectors/inputs.hex", str(folder / "outputs.hex"), "vectors/outputs.hex"]
        return run(arguments, cwd=project_dir, timeout_s=timeout_s, log=folder / "csim.log", good_codes=(0, 1))


def read_ports(project_dir: Path) -> Ports:
    """The inputs and outputs of a project."""
    path = project_dir / "testbench" / "ports.json"
    if not path.is_file():
        raise InputError(
            "this folder has no C-simulation",
            where=str(project_dir),
            got="no testbench/ports.json",
            want="a Vitis or Vivado project",
            try_="emit it again",
        )
    content = json.loads(path.read_text(encoding="utf-8"))
    return Ports(content["top"], _ports(content["inputs"]), _ports(content["outputs"]))


def _ports(entries: Sequence[dict[str, Any]]) -> tuple[Port, ...]:
    return tuple(Port(entry["name"], FixedType.parse(entry["type"]), tuple(entry["shape"])) for entry in entries)


def simulation_program(project_dir: Path, *, timeout_s: float = COMPILE_TIMEOUT_S) -> tuple[Path, float]:
    """The compiled test bench, and the seconds spent: 0 if the cache holds it for these sources and this compiler."""
    key = _key(project_dir, find_compiler())
    return compiled_program(key, "csim", lambda folder: compile_project(project_dir, folder, timeout_s=timeout_s))


def compile_project(project_dir: Path, folder: Path, *, timeout_s: float = COMPILE_TIMEOUT_S) -> Path:
    """Compile the project's sources into `folder`; the program there."""
    compiler, folder = find_compiler(), folder.resolve()
    units = [(f"firmware/{read_ports(project_dir).top}.cpp", "top"), ("testbench/csim.cpp", "testbench")]
    flags = (*LANGUAGE, *OPTIMISATION, *INCLUDES)
    command = [*compiler, *flags, *include_flags(project_dir, compiler, flags), "-c"]
    objects = [str(folder / f"{name}.o") for _, name in units]
    commands = [[*command, source, "-o", made] for (source, _), made in zip(units, objects, strict=True)]
    logs = [folder / f"{name}.log" for _, name in units]
    with threads(len(units)) as pool:
        tasks = [
            pool.submit(_compile, command, project_dir, timeout_s, log)
            for command, log in zip(commands, logs, strict=True)
        ]
        for task in tasks:
            task.result()
    program = folder / "csim"
    _compile([*compiler, *OPTIMISATION, *objects, "-o", str(program)], project_dir, timeout_s, folder / "link.log")
    return program


def _compile(command: list[str], cwd: Path, timeout_s: float, log: Path) -> None:
    done = run(command, cwd=cwd, timeout_s=timeout_s, log=log, good_codes=range(256))
    if done.returncode == 0:
        return
    lines = done.stderr.splitlines()
    errors = [line for line in lines if "error" in line] or lines
    raise ToolError(
        "the project's C++ does not compile",
        where=str(log),
        got="\n".join(errors[:SHOWN_ERRORS]),
        want="exit code 0",
        try_="see the whole log in the file above; `make csim` in the project repeats the compilation",
    )


def _key(project_dir: Path, compiler: Sequence[str]) -> str:
    """A hash of all inputs of the binary."""
    digest = hashlib.sha256(repr((tuple(compiler), LANGUAGE, OPTIMISATION, INCLUDES)).encode())
    for folder in ("firmware", "testbench"):
        for path in sorted((project_dir / folder).rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(project_dir).as_posix().encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
