"""``fasttrig emulate`` on workers and clusters: processes that are killed, and exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fasttrig.data.readers import read_table
from tests.unit.grid.runs import bits, done, uneven
from tests.unit.streaming.cases import built, columns, write

COMMAND = (sys.executable, "-m", "fasttrig.cli", "emulate")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return uneven(tmp_path)


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files whose emulation takes long enough to be interrupted."""
    place = tmp_path_factory.mktemp("long")
    built(place)
    (place / "in").mkdir()
    for name in ("a.parquet", "b.parquet"):
        write(place / "in" / name, columns(60_000))
    return place


def begin(place: Path, out: Path, *options: object) -> subprocess.Popen[str]:
    command = [*COMMAND, place, *sorted((place / "in").iterdir()), "-o", out, "--json", *options]
    return subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def emulate(place: Path, out: Path, *options: object, code: int = 0) -> dict:
    process = begin(place, out, *options)
    told, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    return json.loads(told) if told else {"error": errors}


def test_two_workers_and_the_exit_code(place: Path, tmp_path: Path) -> None:
    told = emulate(place, tmp_path / "out", "--workers", 2, "--chunk-events", 900)
    assert told == json.loads((tmp_path / "out" / "emulated.json").read_text())
    assert bits(told) == bits(done(place, tmp_path / "one")) and told["n_chunks"] == 13
    os.truncate(place / "in" / "c.h5", 500)
    told = emulate(place, tmp_path / "bad", "--skip-bad", "--retries", 0, code=1)
    (failed,) = told["failed"]
    assert failed["file"].endswith("c.h5") and failed["attempts"] == 1 and failed["error"]


def test_a_killed_worker_costs_nothing(long_run: Path, tmp_path: Path) -> None:
    process = begin(long_run, tmp_path / "out", "--workers", 2, "--chunk-events", 2000)
    until(lambda: len(list((tmp_path / "out").glob("*.parquet"))) >= 5)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    told, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert bits(json.loads(told)) == bits(done(long_run, tmp_path / "whole"))


def test_a_killed_client_is_started_again(long_run: Path, tmp_path: Path) -> None:
    options = ("--workers", 2, "--chunk-events", 2000)
    process = begin(long_run, tmp_path / "out", *options)
    until(lambda: len(list((tmp_path / "out").glob("*.parquet"))) >= 5)
    left = workers_of(process.pid)
    process.kill()
    process.communicate()
    until(lambda: not any(map(is_running, left)))  # its workers end without it
    for path in (tmp_path / "out").glob("*.parquet"):
        assert read_table(path).n_rows == 2000
    again = emulate(long_run, tmp_path / "out", *options)
    assert 5 <= again["n_found"] < again["n_chunks"] == 60
    assert bits(again) == bits(done(long_run, tmp_path / "whole"))


@pytest.fixture
def cluster() -> Iterator[str]:
    distributed = pytest.importorskip("distributed", reason="needs the package distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.mark.nightly
def test_a_dask_cluster_whose_worker_is_killed(cluster: str, long_run: Path, tmp_path: Path) -> None:
    from distributed import Client

    process = begin(long_run, tmp_path / "out", "--cluster", cluster, "--chunk-events", 2000)
    until(lambda: len(list((tmp_path / "out").glob("*.parquet"))) >= 5)
    with Client(cluster) as client:
        worker = next(iter(client.run(os.getpid).values()))
    os.kill(worker, signal.SIGKILL)
    told, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert bits(json.loads(told)) == bits(done(long_run, tmp_path / "whole"))


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def workers_of(process: int) -> list[int]:
    """The processes that a client started to work; not Python's resource tracker."""
    found = []
    for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        with contextlib.suppress(OSError):
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                found.append(int(child))
    assert found
    return found


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
