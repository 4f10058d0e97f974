"""A run: work goes to the workers, again after a failure, until every chunk is done or has failed for good."""

from __future__ import annotations

import heapq
import itertools
import pickle
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fasttrig.base.errors import CheckFailed, DataError, FasttrigError, InputError
from fasttrig.base.hashing import sha256_json
from fasttrig.data.readers import split_tree
from fasttrig.design import Design, built_files
from fasttrig.grid.chunks import FileChunk
from fasttrig.grid.folder import RunFolder
from fasttrig.grid.tally import EventTally
from fasttrig.grid.work import WorkOrder, emulate_chunk, look
from fasttrig.grid.workers import Workers

DoneEvents = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class GridOptions:
    """How a run is done.

    Attributes
    ----------
    keep, tree, prefix, raw, force : as for `emulate_file`
        `force` also removes the outputs of a run of other settings from the folder.
    chunk_events : int
        A longer file is cut into chunks of so many events.
    retries : int
        How often failed work is done again.
    backoff_s : float
        Seconds before the first retry; doubled for each further one. Other work goes on meanwhile.
    skip_bad : bool
        Go on after work that failed for good, and list it; otherwise the run ends with its error.
    """

    keep: Sequence[str] | None = None
    tree: str = "events"
    prefix: str | None = None
    raw: bool = False
    force: bool = False
    chunk_events: int = 1 << 20
    retries: int = 2
    backoff_s: float = 1.0
    skip_bad: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Work that failed for good: `rows` of a file, or None where the file could not even be opened."""

    file: str
    rows: tuple[int, int | None] | None
    attempts: int
    error: str


@dataclass(slots=True)
class GridResult:
    """What was done: chunks emulated now, and chunks found done by an earlier run; the tally is of both."""

    tally: EventTally = field(default_factory=EventTally)
    n_files: int = 0
    n_chunks: int = 0
    n_found: int = 0
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; the same for every partition and every number of workers, except for times and chunks."""
        counts = {"n_files": self.n_files, "n_chunks": self.n_chunks, "n_found": self.n_found}
        failed = [asdict(failure) for failure in self.failures]
        return self.tally.to_dict() | counts | {"seconds": round(self.seconds, 3), "failed": failed}


@dataclass(frozen=True, slots=True)
class _Task:
    """A file to look at, or a chunk of it to emulate, and how often this was tried."""

    file: str
    output: str
    chunk: FileChunk | None = None
    attempts: int = 0

    def submit(self, workers: Workers, order: WorkOrder) -> Future[Any]:
        if self.chunk is None:
            return workers.submit(look, order, self.file, self.output)
        return workers.submit(emulate_chunk, order, self.chunk)

    def again(self) -> _Task:
        return _Task(self.file, self.output, self.chunk, self.attempts + 1)

    def failure(self, error: BaseException) -> Failure:
        said = str(error) if isinstance(error, FasttrigError) else f"{type(error).__name__}: {error}"
        return Failure(self.file, self.chunk.rows if self.chunk else None, self.attempts + 1, said)


def emulate_many(
    design: Design,
    files: Sequence[str],
    outputs: Sequence[Path],
    workers: Workers,
    options: GridOptions | None = None,
    progress: DoneEvents | None = None,
) -> GridResult:
    """Emulate any number of files on `workers`; what an earlier run did is left as it is.

    Every bit and the tally are the same for every partition into chunks and every number of workers. The folder gets
    ``emulated.json``: `GridResult.to_dict`.

    Parameters
    ----------
    files, outputs : sequences of equal length
        Files of events, and their outputs, all in one folder; a long file has an output for each chunk.

    Raises
    ------
    InputError
        When the folder cannot be used, or a file of someone else would be replaced.
    DataError, CheckFailed
        For the first work that failed for good, without `skip_bad`.
    """
    options = options or GridOptions()
    folder = _folder_of(files, outputs)
    prefix = f"{design.graph.name}_" if options.prefix is None else options.prefix
    kept = {"keep": options.keep, "tree": options.tree, "prefix": prefix, "raw": options.raw}
    settings = {"design": sha256_json(built_files(design)), "chunk_events": options.chunk_events, **kept}
    design.compiled_emulator()  # compiled here, once, for all workers of this machine
    order = WorkOrder(pickle.dumps(design), sha256_json(settings), folder, options.chunk_events, kept, options.force)
    start = time.monotonic()
    with folder.open(settings, options.force):
        tasks = (_Task(file, output.name) for file, output in zip(files, outputs, strict=True))
        result = _Run(order, options, tasks, progress, len(files)).on(workers)
        result.seconds = time.monotonic() - start
        folder.summarise(result.to_dict())
    return result


def _folder_of(files: Sequence[str], outputs: Sequence[Path]) -> RunFolder:
    counts = Counter(output.name for output in outputs)
    if len(counts) < len(outputs):
        twice = counts.most_common(1)[0][0]
        raise InputError("two files would go to the same output", where=twice, want="files of different names")
    folder = outputs[0].parent
    if folder.resolve() in {split_tree(file)[0].resolve().parent for file in files}:
        raise InputError("the output folder holds the inputs", where=str(folder), want="another folder")
    return RunFolder(folder)


class _Run:
    """The state of a run: what waits, what is under way, and what was counted."""

    def __init__(
        self, order: WorkOrder, options: GridOptions, files: Iterator[_Task], progress: DoneEvents | None, n_files: int
    ) -> None:
        self._order, self._options, self._files, self._progress = order, options, files, progress
        self._chunks: deque[_Task] = deque()
        self._later: list[tuple[float, int, _Task]] = []  # a heap by the time of the retry
        self._number = itertools.count()
        self._running: dict[Future[Any], _Task] = {}
        self._known_events, self._n_looked = 0, 0
        self._result = GridResult(n_files=n_files)

    def on(self, workers: Workers) -> GridResult:
        while self._fill(workers):
            waiting = max(0.0, self._later[0][0] - time.monotonic()) if self._later else None
            if not self._running:
                time.sleep(waiting or 0.0)
                continue
            done, _ = wait(self._running, timeout=waiting, return_when=FIRST_COMPLETED)
            for future in done:
                self._take(self._running.pop(future), future)
        return self._result

    def _fill(self, workers: Workers) -> bool:
        """Give work to idle workers; whether there is any left, under way or waiting."""
        while len(self._running) < workers.size:
            task = self._next()
            if task is None:
                break
            self._running[task.submit(workers, self._order)] = task
        return bool(self._running or self._later)

    def _next(self) -> _Task | None:
        """A retry that is due, else a chunk, else a file to look at: so few chunks are known at a time."""
        if self._later and self._later[0][0] <= time.monotonic():
            return heapq.heappop(self._later)[2]
        return self._chunks.popleft() if self._chunks else next(self._files, None)

    def _take(self, task: _Task, future: Future[Any]) -> None:
        error = future.exception()
        if error is not None:
            self._failed(task, error)
        elif task.chunk is not None:
            self._counted(future.result())
        else:
            self._n_looked += 1
            self._result.n_chunks += len(future.result())
            for chunk, tally in future.result():
                self._known_events += (chunk.rows[1] or 0) - chunk.rows[0]
                if tally is None:
                    self._chunks.append(_Task(task.file, task.output, chunk))
                else:
                    self._result.n_found += 1
                    self._counted(tally)

    def _counted(self, tally: EventTally) -> None:
        self._result.tally += tally
        if self._progress is not None:
            done, n_files = self._result.tally.n_events, self._result.n_files
            expected = self._known_events * n_files // max(1, self._n_looked)  # files not looked at are like the others
            self._progress(done, max(done, expected))

    def _failed(self, task: _Task, error: BaseException) -> None:
        """A fault of the data, the disk or a worker is tried again; a fault of the order ends the run."""
        if isinstance(error, FasttrigError) and not isinstance(error, DataError):
            raise error
        if task.attempts < self._options.retries:
            due = time.monotonic() + self._options.backoff_s * 2**task.attempts
            heapq.heappush(self._later, (due, next(self._number), task.again()))
            return
        failure = task.failure(error)
        if self._options.skip_bad:
            self._result.failures.append(failure)
            return
        if isinstance(error, FasttrigError):
            raise error
        raise CheckFailed(
            "a chunk could not be emulated",
            where=f"{failure.file}, rows {failure.rows}",
            got=failure.error,
            try_="--skip-bad, to go on without it; fewer --chunk-events, if the memory was too small",
        ) from error
