"""Files that appear whole or not at all, whatever ends the process: an error, Ctrl-C, a full disk."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fasttrig.base.errors import InputError

HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """A sibling folder that takes the place of `folder` when the block ends well, and vanishes when it does not.

    A run that was killed outright cannot clean up: its leftovers carry its process number, and go with the next run.

    Raises
    ------
    InputError
        Where nothing can be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        holder = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.{os.getpid()}."))
    except OSError as error:
        raise _cannot_write(folder, error) from None
    try:
        stage, old = holder / folder.name, holder / "old"
        stage.mkdir()
        yield stage
        with interrupts_held():
            _exchange(folder, stage, old)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    finally:
        with interrupts_held():
            shutil.rmtree(holder, ignore_errors=True)


@contextmanager
def staged_files(folder: Path) -> Iterator[Path]:
    """A folder whose files, at any depth, go to `folder` together when the block ends well; others there stay.

    Raises
    ------
    InputError
        Where nothing can be written.
    """
    try:
        holder = Path(tempfile.mkdtemp(dir=folder, prefix=f".fasttrig.{os.getpid()}."))
    except OSError as error:
        raise _cannot_write(folder, error) from None
    try:
        yield holder
        with interrupts_held():
            for path in sorted(path for path in holder.rglob("*") if path.is_file()):
                target = folder / path.relative_to(holder)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    finally:
        with interrupts_held():
            shutil.rmtree(holder, ignore_errors=True)


def require_writable(path: Path) -> None:
    """Raise where the file `path` could not be written, before long work is done for it.

    Raises
    ------
    InputError
        When its folder is missing, or takes no file.
    """
    if not path.parent.is_dir():
        raise InputError(
            "the folder of the output file does not exist", where=str(path), try_=f"mkdir -p {path.parent}"
        )
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise InputError(
            "the output file cannot be written there",
            where=str(path),
            got=error.strerror or str(error),
            try_="choose another folder",
        ) from None


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Write ``{relative path: text}`` below `folder`."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait for the end of the block: for the few renames that belong together.

    Whichever thread of the process the system gives the signal to: a mask would only hold it from this one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    arrived: list[int] = []
    before = {number: signal.getsignal(number) for number in HELD}
    for number in before:
        signal.signal(number, lambda number, frame: arrived.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        if arrived:
            signal.raise_signal(arrived[0])


@contextmanager
def interrupts_kept_from_children() -> Iterator[None]:
    """Processes that start in the block never see Ctrl-C; this thread sees it after the block."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _exchange(folder: Path, stage: Path, old: Path) -> None:
    if folder.exists():
        folder.replace(old)
    try:
        stage.replace(folder)
    except OSError:
        if old.exists():
            old.replace(folder)
        raise


def _cannot_write(folder: Path, error: OSError) -> InputError:
    return InputError(
        "cannot write the project",
        where=str(folder),
        got=error.strerror or str(error),
        try_="free some space, or choose another folder",
    )


def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.parent.glob(f".{folder.name}.*.*"):
        process = leftover.name.split(".")[2]
        if process.isdigit() and not _is_running(int(process)):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
