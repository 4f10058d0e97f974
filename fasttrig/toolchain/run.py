"""The one door to outside programs: list arguments, a folder, a time limit, the log kept and quoted."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fasttrig.base.errors import ToolError, ToolTimeoutError

QUOTED_LINES = 20
"""Lines of the log that an error shows."""

GRACE_S = 2.0
"""Seconds between asking a program to end and ending it."""

COMPILERS = ("g++", "clang++", "c++")

_thread = threading.local()
"""In a thread of `threads`: the programs that its pool runs, and whether it is over."""


@dataclass(frozen=True, slots=True)
class Completed:
    """Output of a finished program; `seconds` is wall time."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    timeout_s: float,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    good_codes: Collection[int] = (0,),
) -> Completed:
    """Run a program to its end; it and its children are ended on a timeout or Ctrl-C.

    Parameters
    ----------
    arguments : sequence of str
        The program and its arguments; no shell is involved.
    log : Path, optional
        Gets the command, the output and the errors of the program; named in the error.
    env : mapping, optional
        Variables set over those of this process.
    good_codes : collection of int
        Exit codes that are no failure.

    Raises
    ------
    ToolError
        When the program is missing, fails or takes too long (then a ToolTimeoutError).
    """
    start = time.monotonic()
    over: threading.Event | None = getattr(_thread, "over", None)
    if over is not None and over.is_set():
        raise ToolError(f"{arguments[0]} was not started", where=str(cwd), got="the run was interrupted")
    try:
        process = subprocess.Popen(
            list(arguments),
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise _not_started(arguments, cwd, error) from error
    timed_out = False
    started: set[subprocess.Popen[str]] = getattr(_thread, "running", set())
    started.add(process)
    try:
        if over is not None and over.is_set():  # The interruption came after the check above.
            _end_group(process, signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
        stdout, stderr = _end(process)
    except BaseException:
        _end(process)
        raise
    finally:
        started.discard(process)
    done = Completed(process.returncode, stdout, stderr, time.monotonic() - start)
    _write_log(log, arguments, cwd, done)
    if timed_out:
        raise _failure(
            f"{arguments[0]} did not end in time",
            arguments,
            log,
            done,
            f"{timeout_s:g} s were allowed",
            ToolTimeoutError,
        )
    if done.returncode not in good_codes:
        raise _failure(f"{arguments[0]} failed", arguments, log, done, f"exit code {done.returncode}")
    return done


@contextlib.contextmanager
def threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """A pool whose threads call `run`; on Ctrl-C or an error their programs are ended, not waited for.

    They are asked first, and ended for good after `GRACE_S`: a program that hangs may not listen.
    """
    running: set[subprocess.Popen[str]] = set()
    over = threading.Event()
    pool = ThreadPoolExecutor(count, initializer=_belong_to, initargs=(running, over))
    try:
        yield pool
    except BaseException:
        over.set()
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            _end_group(process, signal.SIGTERM)
        give_up = time.monotonic() + GRACE_S
        while running and time.monotonic() < give_up:
            time.sleep(0.02)
        for process in list(running):
            _end_group(process, signal.SIGKILL)
        raise
    finally:
        pool.shutdown()


def _belong_to(running: set[subprocess.Popen[str]], over: threading.Event) -> None:
    _thread.running, _thread.over = running, over


def find_compiler() -> tuple[str, ...]:
    """The C++ compiler as arguments: that of the environment variable CXX, else g++, clang++ or c++.

    Raises
    ------
    ToolError
        If there is none.
    """
    chosen = os.environ.get("CXX", "").strip()
    if chosen:
        return _compiler_of_environment(chosen)
    for name in COMPILERS:
        if shutil.which(name):
            return (name,)
    raise ToolError(
        "no C++ compiler was found",
        where="PATH",
        got="none of " + ", ".join(COMPILERS),
        want="a C++17 compiler",
        try_="install g++, or set CXX to your compiler",
    )


def _compiler_of_environment(chosen: str) -> tuple[str, ...]:
    command = tuple(shlex.split(chosen))
    if not shutil.which(command[0]):
        raise ToolError(
            "the C++ compiler of CXX was not found",
            where="environment variable CXX",
            got=chosen,
            want="a program on PATH",
            try_="unset CXX to use g++",
        )
    return command


def _end(process: subprocess.Popen[str]) -> tuple[str, str]:
    """End the whole group: ask, wait a little, then insist. Returns what the program had said."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        _end_group(process, number)
        try:
            return process.communicate(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            continue
    return "", ""


def _end_group(process: subprocess.Popen[str], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _write_log(log: Path | None, arguments: Sequence[str], cwd: Path, done: Completed) -> None:
    if log is None:
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    head = f"$ cd {shlex.quote(str(cwd))}\n$ {shlex.join(arguments)}\n"
    log.write_text(f"{head}{done.stdout}{done.stderr}exit code {done.returncode}\n", encoding="utf-8")


def _failure(
    what: str,
    arguments: Sequence[str],
    log: Path | None,
    done: Completed,
    got: str,
    kind: type[ToolError] = ToolError,
) -> ToolError:
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    quoted = "\n".join([got, *said[-QUOTED_LINES:]])
    where = f"{log}" if log is not None else shlex.join(arguments)[:400]
    return kind(what, where=where, got=quoted, want="exit code 0", try_=f"read {log}" if log is not None else "")


def _not_started(arguments: Sequence[str], cwd: Path, error: OSError) -> ToolError:
    if not Path(cwd).is_dir():
        return ToolError(f"{arguments[0]} cannot run here", where=str(cwd), got="no such folder")
    missing = shutil.which(arguments[0]) is None
    return ToolError(
        f"{arguments[0]} was not found" if missing else f"{arguments[0]} cannot be started",
        where=str(cwd),
        got=str(error),
        want="a program on PATH",
        try_=f"install {Path(arguments[0]).name}" if missing else "",
    )
