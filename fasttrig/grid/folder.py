"""The output folder of a run: outputs, and below ``.emulate/`` the settings, a lock, and a record of every chunk."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError
from fasttrig.grid.chunks import FileChunk
from fasttrig.grid.tally import EventTally

SUMMARY = "emulated.json"
"""What was counted, and what failed."""

_OURS = ".emulate"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Outputs in `path`.

    A record is written before its output gets its name, so an output without a record was never written by fasttrig,
    and a record without its output is work to be done again. Whatever instant a process dies at, no output is partial.
    """

    path: Path

    @contextlib.contextmanager
    def open(self, settings: Mapping[str, Any], force: bool) -> Iterator[None]:
        """Hold the folder for one run.

        Raises
        ------
        InputError
            When another run holds it, or it has outputs of other settings; these go with `force`.
        """
        try:
            (self.path / _OURS).mkdir(parents=True, exist_ok=True)
            lock = (self.path / _OURS / "lock").open("w")
        except OSError as error:
            raise InputError("cannot write this folder", where=str(self.path), got=error.strerror or "") from None
        with lock:  # closing it releases the folder, as the death of the process does
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError("another run writes to this folder", where=str(self.path)) from None
            shutil.rmtree(self._staging, ignore_errors=True)
            self._staging.mkdir()
            self._settle(dict(settings), force)
            yield

    def tally(self, chunk: FileChunk) -> EventTally | None:
        """What was counted of a chunk whose output is there, whole; None where there is work to do."""
        record = self._record(chunk)
        is_done = record.get("key") == chunk.key and self._is_there(record)
        return EventTally.from_dict(record["tally"]) if is_done else None

    def require_free(self, chunk: FileChunk) -> None:
        """Raise InputError where a file that fasttrig did not write has the output's name."""
        if os.path.lexists(self.path / chunk.output) and not self._is_there(self._record(chunk)):
            raise InputError(
                "the output is there already", where=str(self.path / chunk.output), try_="--force, to replace it"
            )

    def remove_stale(self, group: str, chunks: list[FileChunk]) -> None:
        """Remove outputs that earlier chunks of a file left, where the file was cut otherwise."""
        current = {f"{chunk.output}.json" for chunk in chunks}
        for path in (self._records / group).glob("*.json"):
            if path.name not in current:
                self._remove(path)

    @contextlib.contextmanager
    def staging(self, chunk: FileChunk) -> Iterator[Path]:
        """A place where the output of a chunk may grow; what is left there by a killed run goes with the next."""
        with tempfile.TemporaryDirectory(dir=self._staging) as scratch:
            yield Path(scratch) / chunk.output

    def publish(self, chunk: FileChunk, staged: Path, tally: EventTally) -> None:
        """Give the whole output its name, and its record."""
        if self.tally(chunk) is not None:
            return  # another worker, which was thought dead, has done it
        output, path = self.path / chunk.output, self._path(chunk)
        about = {"key": chunk.key, "file": chunk.file, "rows": chunk.rows, "output": chunk.output}
        record = about | {"bytes": staged.stat().st_size, "tally": tally.to_dict()}
        output.unlink(missing_ok=True)  # of another key: its size must not be taken for that of this one
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, json.dumps(record), staged.parent)
        staged.replace(output)

    def summarise(self, content: Mapping[str, Any]) -> None:
        """Write what was counted and what failed."""
        _write_whole(self.path / SUMMARY, json.dumps(content, indent=1), self._staging)

    def _settle(self, settings: dict[str, Any], force: bool) -> None:
        path = self.path / _OURS / "run.json"
        before, records = _read(path), list(self._records.rglob("*.json"))
        if records and before != settings and not force:
            changed = ", ".join(key for key in settings if settings[key] != before.get(key))
            raise InputError(
                "the folder holds outputs of another run",
                where=str(self.path),
                got=f"another {changed}",
                try_="another folder; or --force, to remove these outputs",
            )
        if before != settings:
            for record in records:
                self._remove(record)
        _write_whole(path, json.dumps(settings), self._staging)

    def _remove(self, path: Path) -> None:
        """Remove a record, after the output that it stands for."""
        record = _read(path)
        if self._is_there(record):
            (self.path / record["output"]).unlink()
        path.unlink()

    def _is_there(self, record: Mapping[str, Any]) -> bool:
        output = self.path / str(record.get("output"))
        return output.is_file() and output.stat().st_size == record["bytes"]

    def _record(self, chunk: FileChunk) -> dict[str, Any]:
        return _read(self._path(chunk))

    def _path(self, chunk: FileChunk) -> Path:
        return self._records / chunk.group / f"{chunk.output}.json"

    @property
    def _records(self) -> Path:
        return self.path / _OURS / "records"

    @property
    def _staging(self) -> Path:
        return self.path / _OURS / "staging"


def _write_whole(path: Path, text: str, scratch: Path) -> None:
    """Write `path` by way of a file in `scratch`, on the same disk: it is there whole or not at all."""
    handle, name = tempfile.mkstemp(dir=scratch)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(name).chmod(0o644)
    Path(name).replace(path)


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
