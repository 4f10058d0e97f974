"""Who does the work: processes of this machine, or a Dask cluster. Both take a function and give a future."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any, Protocol

from fasttrig.base.errors import InputError, MissingPackageError


class Workers(Protocol):
    """`size` calls may be under way at a time. A worker that dies fails its own call only."""

    @property
    def size(self) -> int: ...

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]: ...


class LocalWorkers:
    """Processes, each in a pool of its own: the death of one breaks its pool, which is replaced."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pools: list[Executor] = [_one_process() for _ in range(size)]
        self._last: list[Future[Any] | None] = [None] * size

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        place = next(k for k, last in enumerate(self._last) if last is None or last.done())
        try:
            future: Future[Any] = self._pools[place].submit(call, *arguments)
        except BrokenExecutor:
            self._pools[place] = _one_process()
            future = self._pools[place].submit(call, *arguments)
        self._last[place] = future
        return future

    def close(self) -> None:
        """Wait for the calls under way."""
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)


class DaskWorkers:
    """The workers of a cluster, as many as there are at the moment."""

    def __init__(self, client: Any) -> None:
        self._client, self._executor = client, client.get_executor(pure=False)

    @property
    def size(self) -> int:
        return max(1, sum(self._client.nthreads().values()))

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = self._executor.submit(call, *arguments)
        return future


@contextlib.contextmanager
def local_workers(size: int) -> Iterator[Workers]:
    """`size` processes of this machine, which end with this one, however it ends."""
    workers = LocalWorkers(size)
    try:
        yield workers
    finally:
        workers.close()


@contextlib.contextmanager
def dask_workers(address: str) -> Iterator[Workers]:
    """The cluster whose scheduler is at `address`, such as ``tcp://host:8786``; its workers see the same file system.

    Raises
    ------
    MissingPackageError
        Without the package distributed.
    InputError
        When nobody answers there.
    """
    try:
        from distributed import Client
    except ImportError:
        raise MissingPackageError(
            "the package distributed is not installed", try_="pip install 'fasttrig[cluster]'"
        ) from None
    try:
        client: Any = Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError("no Dask scheduler answers", where=address, got=str(error)) from None
    with client:
        yield DaskWorkers(client)


def _one_process() -> Executor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker)


def _begin_worker() -> None:
    """A worker leaves Ctrl-C to the client, and ends when the client is no more, even by a kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    client = multiprocessing.parent_process()
    assert client is not None

    def watch() -> None:
        client.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
