"""Files that appear whole or not at all, however the process ends; and the rule for what they may replace.

The rule: fasttrig replaces only what fasttrig wrote. A build folder carries a manifest, a folder of other outputs a
listing with the hash of each file; a user's own file or folder under the same name is refused, and stays.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fasttrig.base.built_project import MANIFEST, SCRATCH
from fasttrig.base.errors import InputError
from fasttrig.base.hashing import sha256_file

HELD = (signal.SIGINT, signal.SIGTERM)

_COMPILED = (".o", ".so", ".a", ".d", ".pyc")

LISTING = ".fasttrig.json"
"""In a folder of other outputs: ``{file: its hash}`` of what fasttrig wrote there."""

_MANIFEST_KEYS = ("key", "hashes", "versions")
_MARK = ".fasttrig-stage"


@contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """A sibling folder that takes the place of `folder` when the block ends well, and vanishes when it does not.

    A run that was killed outright cannot clean up: its leftovers carry its process number, and go with the next run.

    Raises
    ------
    InputError
        If `folder` cannot be written, or was not written by fasttrig; see `require_replaceable`.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        require_replaceable(folder)
        holder = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.{os.getpid()}."))
        (holder / _MARK).touch()
    except OSError as error:
        raise _cannot_write(folder, error) from None
    try:
        stage, old = holder / folder.name, holder / "old"
        stage.mkdir()
        yield stage
        require_replaceable(folder)  # again: the block may have taken minutes
        with interrupts_held():
            _exchange(folder, stage, old)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    finally:
        with interrupts_held():
            shutil.rmtree(holder, ignore_errors=True)


@contextmanager
def staged_files(folder: Path, replaces: Collection[str] | None = None) -> Iterator[Path]:
    """A folder whose files, at any depth, go to `folder` together when the block ends well; others there stay.

    Parameters
    ----------
    replaces : collection of str, optional
        Relative names of the files that may be replaced, because the user named them as outputs. By default those that
        fasttrig wrote into `folder` before and nobody changed since, as its listing says.

    Raises
    ------
    InputError
        If a file cannot be written, or an existing file was not written by fasttrig.
    """
    try:
        holder = Path(tempfile.mkdtemp(dir=folder, prefix=f".fasttrig.{os.getpid()}."))
    except OSError as error:
        raise _cannot_write(folder, error) from None
    try:
        yield holder
        files = {path.relative_to(holder).as_posix(): path for path in sorted(holder.rglob("*")) if path.is_file()}
        _require_own_files(folder, files, replaces)
        if replaces is None:
            listed = _listed(folder) | {name: sha256_file(path) for name, path in files.items()}
            files[LISTING] = holder / LISTING
            files[LISTING].write_text(json.dumps(listed, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        with interrupts_held():
            for name, path in files.items():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    finally:
        with interrupts_held():
            shutil.rmtree(holder, ignore_errors=True)


def require_replaceable(folder: Path) -> None:
    """Raise unless `folder` is absent, empty, or a build that fasttrig wrote and nobody put files into.

    Raises
    ------
    InputError
        With what was found there.
    """
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        kind = "a link" if folder.is_symlink() else "a file"
        raise _not_ours(folder, f"{kind} of this name")
    found = sorted(path.name for path in folder.iterdir())
    if not found:
        return
    manifest = _manifest(folder)
    if manifest is None:
        shown = ", ".join(found[:4]) + (", ..." if len(found) > 4 else "")
        raise _not_ours(folder, f"a folder that fasttrig did not write: {shown}")
    added = _added(folder, manifest)
    if added:
        shown = ", ".join(added[:4]) + (f" and {len(added) - 4} more" if len(added) > 4 else "")
        raise _not_ours(folder, f"a build with files that fasttrig did not write: {shown}")


def require_own_file(path: Path, ours: bool, kind: str) -> None:
    """Raise where the output file `path` exists and is not `ours`: no `kind`, such as "a sample of fasttrig's".

    Raises
    ------
    InputError
        With what to do.
    """
    if os.path.lexists(path) and not ours:
        raise InputError(
            "the output file exists and was not written by fasttrig",
            where=str(path),
            want=f"a new file, or {kind}",
            try_="another name, or remove the file first",
        )


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


def _manifest(folder: Path) -> dict[str, object] | None:
    """The manifest of a build folder of this or an earlier version; None if the folder has none."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    known = isinstance(content, dict) and all(key in content for key in _MANIFEST_KEYS)
    return content if known else None


def _added(folder: Path, manifest: dict[str, object]) -> list[str]:
    """Files of a build folder that neither the manifest names nor a tool left where tools work."""
    files = manifest.get("files")
    if not isinstance(files, dict):
        return []  # an early version, which did not list them
    known = {MANIFEST, *files, *(f"{name}.new" for name in (MANIFEST, *files))}
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return sorted(
        name for name in names if name not in known and not name.startswith(SCRATCH) and not name.endswith(_COMPILED)
    )


def _listed(folder: Path) -> dict[str, str]:
    try:
        content = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        return {str(name): str(digest) for name, digest in content.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}  # no listing, or an unreadable one


def _require_own_files(folder: Path, files: Mapping[str, Path], replaces: Collection[str] | None) -> None:
    listed = _listed(folder)
    foreign = []
    for name, new in files.items():
        target = folder / name
        if not os.path.lexists(target):
            continue
        if target.is_file() and not target.is_symlink():
            if replaces is not None and name in replaces:
                continue
            digest = sha256_file(target)
            if replaces is None and digest in (listed.get(name), sha256_file(new)):
                continue
        foreign.append(name)
    if foreign:
        raise _not_ours(folder / foreign[0], f"not written by fasttrig, or changed since: {', '.join(foreign[:4])}")


def _not_ours(path: Path, got: str) -> InputError:
    return InputError(
        "fasttrig replaces only what fasttrig wrote",
        where=str(path),
        got=got,
        want="nothing there, or an earlier output of fasttrig",
        try_="another folder for the output, or move these files away",
    )


def _remove_leftovers(folder: Path) -> None:
    """Clean up after killed runs. A folder that such a run moved aside and did not replace goes back to its place."""
    for leftover in folder.parent.glob(f".{folder.name}.*.*"):
        process = leftover.name.removeprefix(f".{folder.name}.").split(".")[0]
        if not process.isdigit() or not (leftover / _MARK).is_file() or _is_running(int(process)):
            continue
        if (leftover / "old").is_dir() and not os.path.lexists(folder):
            (leftover / "old").replace(folder)
        shutil.rmtree(leftover, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
