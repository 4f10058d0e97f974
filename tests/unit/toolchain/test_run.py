"""The one door to outside programs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fasttrig.base.errors import ToolError
from fasttrig.toolchain import run as door
from fasttrig.toolchain.run import find_compiler, run


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_it_returns_what_the_program_said(tmp_path):
    code = "import os, sys; print(os.getcwd()); print(os.environ['WORD'], file=sys.stderr)"
    done = run(python(code), cwd=tmp_path, timeout_s=20, log=tmp_path / "a" / "log", env={"WORD": "word"})
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (0, str(tmp_path), "word")
    assert 0 < done.seconds < 20
    assert "word" in (tmp_path / "a" / "log").read_text()


def test_a_failure_quotes_the_last_lines_and_names_the_log(tmp_path):
    code = "import sys; [print('line', i, file=sys.stderr) for i in range(99)]; sys.exit(7)"
    with pytest.raises(ToolError) as error:
        run(python(code), cwd=tmp_path, timeout_s=20, log=tmp_path / "tool.log")
    text = str(error.value)
    assert "exit code 7" in text
    assert "line 98" in text
    assert "line 70" not in text
    assert str(tmp_path / "tool.log") in text


def test_a_good_code_is_no_failure(tmp_path):
    assert run(python("raise SystemExit(1)"), cwd=tmp_path, timeout_s=20, good_codes=(0, 1)).returncode == 1


def test_no_shell_reads_the_arguments(tmp_path):
    done = run(python("import sys; print(sys.argv[1])") + ["$HOME; echo *"], cwd=tmp_path, timeout_s=20)
    assert done.stdout.strip() == "$HOME; echo *"


def test_a_timeout_ends_the_children_too(tmp_path):
    code = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], "
        "stdout=subprocess.DEVNULL); print(p.pid, flush=True); p.wait()"
    )
    start = time.monotonic()
    with pytest.raises(ToolError, match="did not end in time") as error:
        run(python(code), cwd=tmp_path, timeout_s=1.5, log=tmp_path / "log")
    assert time.monotonic() - start < 20
    assert "1.5 s" in str(error.value)
    child = int((tmp_path / "log").read_text().splitlines()[2])
    time.sleep(0.2)
    assert not alive(child)


def test_an_interrupt_ends_the_program(tmp_path, monkeypatch):
    started = []

    class Interrupted(subprocess.Popen):
        def communicate(self, *arguments, **options):
            started.append(self.pid)
            if len(started) == 1:
                raise KeyboardInterrupt
            return super().communicate(*arguments, **options)

    monkeypatch.setattr(door.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(python("import time; time.sleep(60)"), cwd=tmp_path, timeout_s=60)
    assert not alive(started[0])


def test_a_missing_program_and_a_missing_folder(tmp_path):
    with pytest.raises(ToolError, match="no-such-program was not found") as error:
        run(["no-such-program"], cwd=tmp_path, timeout_s=1)
    assert "install no-such-program" in str(error.value)
    with pytest.raises(ToolError, match="cannot run here"):
        run([sys.executable], cwd=tmp_path / "none", timeout_s=1)


def test_the_compiler_is_that_of_cxx(monkeypatch):
    monkeypatch.setenv("CXX", f"{sys.executable} -O2")
    assert find_compiler() == (sys.executable, "-O2")
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ToolError, match="CXX was not found"):
        find_compiler()
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="no C\\+\\+ compiler"):
        find_compiler()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # a zombie whose parent is gone is not alive either
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] != "Z"
