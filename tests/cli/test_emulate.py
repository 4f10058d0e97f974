"""``fasttrig emulate`` as a user meets it: memory, a full disk, Ctrl-C, messages."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fasttrig.data.readers import read_table
from tests.unit.streaming.cases import assert_holds, built, columns, expected, write

COMMAND = (sys.executable, "-m", "fasttrig.cli", "emulate")
LIMITED = (
    "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000,) * 2); "
    "sys.argv[1:1] = ['emulate']; runpy.run_module('fasttrig.cli', run_name='__main__')"
)

MEASURED = (
    "import atexit, runpy, sys; from pathlib import Path; sys.argv[1:1] = ['emulate']; "
    "atexit.register(lambda: print(Path('/proc/self/status').read_text(), file=sys.stderr)); "
    "runpy.run_module('fasttrig.cli', run_name='__main__')"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("built"))


def test_a_file_of_events(project: Path, tmp_path: Path) -> None:
    data = columns()
    source = write(tmp_path / "in.root", data)
    command = [*COMMAND, project, source, "-o", tmp_path / "out.parquet", "--json", "--threads", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (told,) = json.loads(done.stdout)
    assert done.stderr == "" and told["n_events"] == 1000 and told["threads"] == 2
    assert told["columns"] == list(expected(data)) and told["emulator"] == "NumPy (few events)"
    assert_holds(read_table(told["output"]), {**data, **expected(data)})


def test_a_terminal_sees_the_progress(project: Path, tmp_path: Path) -> None:
    """The bar, the rate and the time left, on the error stream; nothing of it in the output."""
    source = write(tmp_path / "in.h5", columns(200_000))
    terminal, end = pty.openpty()
    command = [*COMMAND, project, source, "-o", tmp_path / "out.h5"]
    kind = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end, text=True, env=kind)
    os.close(end)
    shown = ""
    with contextlib.suppress(OSError):  # how a terminal ends whose other side was closed
        while seen := os.read(terminal, 4096):
            shown += seen.decode(errors="replace")
    os.close(terminal)
    told, _ = process.communicate(timeout=60)
    assert "events/s" in shown and "200000/200000" in shown and "0:00:00" in shown
    assert process.returncode == 0 and told.count("\n") == 2 and "200,000 events" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nothing_here", "in.root", "-o", "out.root"), "no such model"),
        ((".", "im.root", "-o", "out.root"), "did you mean 'in.root'"),
        ((".", "in.root", "-o", "out.root", "--tree", "event"), "want:  events"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    write(built(tmp_path) / "in.root", columns(5))
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*out.*"))


@pytest.mark.parametrize("suffix", ["parquet", "root", "h5"])
def test_a_disk_that_is_full_leaves_nothing(suffix: str, project: Path, tmp_path: Path) -> None:
    """A limit on the size of files gives the same errors as a full disk, at a place that is known."""
    source = write(tmp_path / "in.parquet", {**columns(70_000), "noise": np.random.default_rng(0).random((70_000, 4))})
    command = [sys.executable, "-c", LIMITED, project, source, "-o", tmp_path / f"out.{suffix}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "the output cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_by_hand_leaves_nothing(number: signal.Signals, project: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "in.parquet", {**columns(400_000), "noise": np.zeros((400_000, 40))})
    process = subprocess.Popen(
        [*COMMAND, project, source, "-o", tmp_path / "out.root"],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores Ctrl-C
    )
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size > 100_000 for path in tmp_path.glob(".out*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode not in (0, None) and b"Traceback" not in told
    assert list(tmp_path.iterdir()) == [source]


def test_memory_does_not_grow_with_the_file(project: Path, tmp_path: Path) -> None:
    """Three times the events, in one row group: a third of a gigabyte more if they were all held."""
    peaks = []
    for n_events in (100_000, 300_000):
        source = write(tmp_path / f"in{n_events}.parquet", {**columns(n_events), "noise": np.zeros((n_events, 200))})
        command = [sys.executable, "-c", MEASURED, project, source, "-o", tmp_path / "out.root", "--force"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", done.stderr)  # of this process alone, unlike getrusage
        peaks.append(1024 * int(peak))
    assert peaks[1] - peaks[0] < 100e6, peaks
