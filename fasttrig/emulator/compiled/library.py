"""The compiled emulator from Python: a shared library called through ctypes."""

from __future__ import annotations

import ctypes
import math
import platform
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fasttrig.base.column_rules import ColumnRule
from fasttrig.base.errors import DataError, InputError, ToolError, near_names
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.emulator.compiled.column_call import Arguments, Given, column_table
from fasttrig.emulator.compiled.columns import row_type
from fasttrig.emulator.compiled.integers import INT32
from fasttrig.emulator.compiled.link_table import LinkTable, link_table
from fasttrig.emulator.compiled.program import io_type
from fasttrig.emulator.compiled.writer import KERNELS
from fasttrig.emulator.evaluate import check_inputs
from fasttrig.ir.graph import Graph

Rows = npt.NDArray[Any]
"""Raw integers, one event a row: int32 where the graph's inputs and outputs fit it, else int64."""

GOOD, INPUT_OUTSIDE_ITS_TYPE = 0, 1

MIN_EVENTS_PER_THREAD = 4096


class CompiledEmulator:
    """A compiled graph; call it on raw integers.

    Parameters
    ----------
    graph : Graph
        What was compiled.
    path : Path
        The shared library.
    name : str
        First part of its functions' names.
    """

    def __init__(self, graph: Graph, path: Path, name: str) -> None:
        self.graph, self.path = graph, path
        try:
            library = ctypes.CDLL(str(path))
        except OSError as error:
            raise ToolError(
                "the compiled emulator cannot be loaded",
                where=str(path),
                got=str(error),
                try_="delete the file; the next call compiles the emulator again",
            ) from error
        self._rows_dtype = np.dtype(np.int32 if io_type(graph) is INT32 else np.int64)
        self._row_dtype = np.dtype(f"i{row_type(graph).bits // 8}")
        self._functions: dict[np.dtype[Any], Any] = {np.dtype(np.int64): _function(library, name, "_i64")}
        if self._rows_dtype == np.int32:
            self._functions[np.dtype(np.int32)] = _function(library, name, "")
        # None if the library was compiled without columns.
        self._columns = getattr(library, f"{name}_predict_columns", None)
        if self._columns is not None:
            self._columns.argtypes = (ctypes.c_int, ctypes.c_void_p)
        self._kernel_name, self._has_kernel = library[f"{name}_kernel_name"], library[f"{name}_has_kernel"]
        self._kernel_name.restype = ctypes.c_char_p
        self.n_inputs = sum(op.result.size for op in graph.inputs)
        self.n_outputs = sum(value.size for value in graph.outputs)

    @property
    def kernels(self) -> tuple[str, ...]:
        """Kernels that this machine can run, fastest first; all give the same bits."""
        return tuple(name for number, name in self._all_kernels() if self._has_kernel(number))

    def __call__(
        self, inputs: Mapping[str, IntArray] | IntArray, *, threads: int = 1, kernel: str | None = None
    ) -> dict[str, IntArray]:
        """Raw outputs by name, each of shape (n_events, *shape), as `fasttrig.emulator.evaluate.evaluate` gives them.

        Parameters
        ----------
        inputs : int array, shape (n_events, *shape), or a mapping of input name to such an array
            Raw integers of the graph's inputs; a bare array where there is one input.
        threads : int
            Events are split over so many threads.
        kernel : str, optional
            One of `kernels`; default the fastest.

        Raises
        ------
        DataError
            If an input is missing, has the wrong shape, is not integer or lies outside its types.
        """
        rows = self._as_rows(inputs)
        if rows is None:
            arrays = check_inputs(self.graph, inputs)
            rows = _side_by_side([arrays[op.name] for op in self.graph.inputs], np.dtype(np.int64))
        try:
            made = self.predict_rows(rows, threads=threads, kernel=kernel)
        except DataError:
            check_inputs(self.graph, inputs)  # Raises an error that names the element and the input.
            raise
        return {name: array.astype(np.int64) for name, array in self._by_output(made).items()}

    def predict_rows(self, rows: Rows, *, threads: int = 1, kernel: str | None = None) -> Rows:
        """The library's own interface: no copy where `rows` is contiguous.

        Parameters
        ----------
        rows : int32 or int64 array, shape (n_events, n_inputs)
            The inputs of the graph side by side, each with its last axis fastest; int32 only where every input and
            output fits it.

        Returns
        -------
        array of the same dtype, shape (n_events, n_outputs)
        """
        function = self._functions.get(rows.dtype)
        if function is None or rows.ndim != 2 or rows.shape[1] != self.n_inputs:
            want = " or ".join(str(dtype) for dtype in self._functions)
            raise DataError(
                "the compiled emulator cannot read these rows",
                got=f"{rows.dtype} of shape {rows.shape}",
                want=f"{want} of shape (n_events, {self.n_inputs})",
            )
        number = self._number(kernel)
        rows = np.ascontiguousarray(rows)
        made = np.empty((len(rows), self.n_outputs), rows.dtype)

        def run(first: int, end: int) -> int:
            return int(function(number, rows[first:end].ctypes.data, made[first:end].ctypes.data, end - first))

        codes = _split(run, len(rows), threads)
        if INPUT_OUTSIDE_ITS_TYPE in codes:
            raise DataError(
                "raw inputs outside the range of their type, or off their grid", where=f"graph '{self.graph.name}'"
            )
        return made

    def predict_columns(
        self, inputs: Mapping[str, Given], rules: Sequence[ColumnRule], *, threads: int = 1, kernel: str | None = None
    ) -> tuple[dict[str, IntArray], FloatArray | None] | None:
        """Raw outputs by name, in narrow integers, and scores, of numbers that the library reads where they lie.

        Parameters
        ----------
        inputs : mapping of input name to array, or to list of columns
            Of shape (n_events, *shape), or the input's numbers as columns of shape (n_events,).
        rules : sequence of ColumnRule
            One per number of an event, in the order of the graph's inputs.

        Returns
        -------
        raw outputs and scores
            Scores are None where NumPy must compute the link.
        None
            Where the library cannot do it: made without columns, a dtype that it does not read, a number that it
            refuses.
        """
        given = [inputs[op.name] for op in self.graph.inputs]
        n_events = len(given[0][0] if isinstance(given[0], list) else given[0])
        table, function = column_table(given, rules), self._columns
        if table is None or function is None:
            return None
        link, number = self.link, self._number(kernel)
        rows = np.empty((n_events, self.n_outputs), self._row_dtype)
        arguments = Arguments(table[0], link, rows, np.empty((n_events, link.n_scores)), table[1])

        def run(first: int, end: int) -> int:
            call, _kept = arguments.call(first, end)
            return int(function(number, ctypes.addressof(call)))

        if any(code != GOOD for code in _split(run, n_events, threads)):
            return None
        return self._by_output(rows), arguments.scores if link.n_scores else None

    @cached_property
    def link(self) -> LinkTable:
        """The method by which the library computes scores."""
        return link_table(self.graph)

    def _by_output(self, rows: Rows) -> dict[str, IntArray]:
        found, first = {}, 0
        for value in self.graph.outputs:
            found[value.name] = rows[:, first : first + value.size].reshape(len(rows), *value.shape)
            first += value.size
        return found

    def _as_rows(self, inputs: Mapping[str, IntArray] | IntArray) -> Rows | None:
        """Rows without a second look at the numbers, which the library checks itself; None where that cannot be."""
        if not isinstance(inputs, Mapping) and len(self.graph.inputs) == 1:
            inputs = {self.graph.inputs[0].name: inputs}
        if not isinstance(inputs, Mapping) or set(inputs) != {op.name for op in self.graph.inputs}:
            return None
        arrays = [np.asarray(inputs[op.name]) for op in self.graph.inputs]
        n_events = {array.shape[:1] for array in arrays}
        fits = all(array.shape[1:] == op.result.shape for array, op in zip(arrays, self.graph.inputs, strict=True))
        if not fits or len(n_events) != 1 or () in n_events:
            return None
        for dtype in (self._rows_dtype, np.dtype(np.int64)):
            if all(np.can_cast(array.dtype, dtype) and array.dtype != bool for array in arrays):
                return _side_by_side(arrays, dtype)
        return None

    def _number(self, kernel: str | None) -> int:
        """The number of a kernel of this machine in the C interface."""
        usable = {name: number for number, name in self._all_kernels() if self._has_kernel(number)}
        if kernel is None:
            return next(iter(usable.values()))
        if kernel not in usable:
            raise InputError(
                "this machine does not support the kernel",
                got=repr(kernel),
                want=f"one of {', '.join(usable)}",
                try_=near_names(kernel, usable),
            )
        return usable[kernel]

    def _all_kernels(self) -> list[tuple[int, str]]:
        names = (self._kernel_name(number) for number in range(len(KERNELS)))
        return [(number, name.decode()) for number, name in enumerate(names) if name is not None]


def machine() -> str:
    """The kind of machine that a library is compiled for."""
    return f"{platform.system()} {platform.machine()}"


def _split(run: Callable[[int, int], int], n_events: int, threads: int) -> list[int]:
    """Results of `run` for each part of the events; parts run at the same time."""
    parts = max(1, min(threads, n_events // MIN_EVENTS_PER_THREAD))
    edges = [n_events * part // parts for part in range(parts + 1)]
    if parts == 1:
        return [run(0, n_events)]
    with ThreadPoolExecutor(parts) as pool:
        return list(pool.map(run, edges[:-1], edges[1:]))


def _function(library: ctypes.CDLL, name: str, suffix: str) -> Any:
    function = library[f"{name}_predict_with{suffix}"]
    function.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    return function


def _side_by_side(arrays: list[IntArray], dtype: np.dtype[Any]) -> Rows:
    flat = [array.reshape(len(array), math.prod(array.shape[1:])).astype(dtype, copy=False) for array in arrays]
    return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)
