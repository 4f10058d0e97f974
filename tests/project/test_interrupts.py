"""Ctrl-C, SIGTERM, a closed pipe: the command ends at once, its children with it, and nothing half-written stays."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fasttrig.base.built_project import MANIFEST
from fasttrig.base.errors import InputError
from fasttrig.base.hashing import sha256_file
from fasttrig.base.staging import LISTING, interrupts_held, staged_files, staged_folder

INTERRUPTED = (130, -signal.SIGINT)
"""A shell says 130 of both: a process that ended with it, and one that the signal ended in its last moments."""


def on_a_terminal(*arguments, cwd, when, timeout=120):
    """Run the command on a terminal of its own, press Ctrl-C once `when(output)` holds; its code and what it showed."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "fasttrig.cli", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        close_fds=True,
        preexec_fn=_own_terminal,
    )
    os.close(follower)
    said, pressed, start = "", 0.0, time.monotonic()
    while time.monotonic() - start < timeout:
        if select.select([leader], [], [], 0.1)[0]:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            said += part.decode(errors="replace")
        if not pressed and when(said):
            os.write(leader, b"\x03")
            pressed = time.monotonic()
        if process.poll() is not None:
            break
    code = process.wait(timeout=timeout)
    os.close(leader)
    assert pressed, said
    return code, said, time.monotonic() - pressed


def _own_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell starts what it puts in the background with it ignored


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("stage", ["running the framework", "compiling and running the RTL simulation"])
def test_a_build_on_a_terminal(started, tmp_path, stage):
    """The stages are shown as they run; Ctrl-C in the middle of one leaves the model as it was, and no build."""
    folder = Path(shutil.copytree(started["bdt"].folder, tmp_path / "copy", ignore=shutil.ignore_patterns("build")))
    before = names(folder)
    code, said, seconds = on_a_terminal("build", cwd=folder, when=lambda said: stage in said)
    assert code in INTERRUPTED and seconds < 20, said
    assert "Traceback" not in said and "emulating" in said
    assert names(folder) - before <= {"build"} and names(folder / "build") == set()


def test_a_training(started, tmp_path):
    folder = Path(shutil.copytree(started["bdt"].folder, tmp_path / "copy", ignore=shutil.ignore_patterns("build")))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code, said, _ = on_a_terminal("train", ".", cwd=folder, when=lambda said: re.search(r"[1-9]\d*/16", said))
    assert code in INTERRUPTED and "Traceback" not in said
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_making_a_sample(tmp_path):
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    code, said, seconds = on_a_terminal(
        "data",
        "make",
        "jets5",
        "--events",
        "200000",
        "--workers",
        "2",
        "-o",
        "jets.parquet",
        cwd=tmp_path,
        when=lambda said: "200000" in said,
    )
    assert code in INTERRUPTED and seconds < 20
    assert "Traceback" not in said and names(tmp_path) == set()


def test_sigterm_to_a_build_in_a_pipe(started, tmp_path):
    folder = Path(shutil.copytree(started["bdt"].folder, tmp_path / "copy", ignore=shutil.ignore_patterns("build")))
    process = subprocess.Popen(
        [sys.executable, "-m", "fasttrig.cli", "build"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not list(folder.glob("build/.*/*/hls")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)
    assert process.returncode == 143 and said == ("", "")
    assert names(folder / "build") == set()


@pytest.mark.parametrize("make", [staged_folder, staged_files])
def test_what_is_staged_appears_together_or_not_at_all(tmp_path, make):
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "a").write_text("old")
    listing = {"files": {"a": ""}, "key": "", "hashes": {}, "versions": {}}  # an earlier output of fasttrig
    if make is staged_folder:
        (folder / MANIFEST).write_text(json.dumps(listing))
    else:
        (folder / LISTING).write_text(json.dumps({"a": sha256_file(folder / "a")}))
    before = names(folder)
    for error in (KeyboardInterrupt, ZeroDivisionError):
        with pytest.raises(error), make(folder) as stage:
            (stage / "a").write_text("new")
            raise error
        assert (folder / "a").read_text() == "old" and names(folder) == before and names(tmp_path) == {"there"}
    with make(folder) as stage:
        (stage / "a").write_text("new")
        (stage / "deep").mkdir()
        (stage / "deep" / "b").write_text("b")
    assert (folder / "a").read_text() == "new" and (folder / "deep" / "b").read_text() == "b"
    assert names(folder) - {LISTING} == {"a", "deep"} and names(tmp_path) == {"there"}


def test_an_interrupt_waits_for_the_renames_that_belong_together():
    """Also where the system gives the signal to another thread."""
    done, over = False, threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where CI runs in the background
    with pytest.raises(KeyboardInterrupt):
        with interrupts_held():
            signal.pthread_kill(other.ident, signal.SIGINT)
            time.sleep(0.1)
            done = True
        raise AssertionError("the interrupt was lost")
    signal.signal(signal.SIGINT, before)
    over.set()
    other.join()
    assert done


@pytest.mark.parametrize("make", [staged_folder, staged_files])
def test_where_nothing_can_be_written(tmp_path, make):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"), make(tmp_path / "file" / "below"):
        raise AssertionError


@pytest.mark.parametrize("where", ["emulator", "csim"])
def test_a_compiler_that_hangs_and_does_not_listen(tmp_path, monkeypatch, where):
    """Ctrl-C ends it in seconds, alone or in a pool of threads, not after the limit that it was given."""
    from fasttrig.toolchain.run import run, threads

    compiler = tmp_path / "deaf"
    deaf = "import signal, time, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    compiler.write_text(f"#!{sys.executable}\n{deaf}\npathlib.Path('started').touch()\ntime.sleep(60)\n")
    compiler.chmod(0o755)

    def press():
        while not (tmp_path / "started").exists():
            time.sleep(0.02)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    presser = threading.Thread(target=press)
    start = time.monotonic()
    presser.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            if where == "emulator":
                run([str(compiler)], cwd=tmp_path, timeout_s=50)
            else:
                with threads(2) as pool:
                    tasks = [pool.submit(run, [str(compiler)], cwd=tmp_path, timeout_s=50) for _ in range(4)]
                    for task in tasks:
                        task.result()
    finally:
        signal.signal(signal.SIGINT, before)
        presser.join()
    assert time.monotonic() - start < 15
