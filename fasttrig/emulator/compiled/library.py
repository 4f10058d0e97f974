"""The compiled emulator from Python: a shared library behind ctypes."""

from __future__ import annotations

import ctypes
import math
import platform
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import DataError, InputError, ToolError, near_names
from fasttrig.base.fixed import IntArray
from fasttrig.emulator.compiled.integers import INT32
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
                try_="delete the file: it is compiled again",
            ) from error
        self._rows_dtype = np.dtype(np.int32 if io_type(graph) is INT32 else np.int64)
        self._functions: dict[np.dtype[Any], Any] = {np.dtype(np.int64): _function(library, name, "_i64")}
        if self._rows_dtype == np.int32:
            self._functions[np.dtype(np.int32)] = _function(library, name, "")
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
            check_inputs(self.graph, inputs)  # says which number of which input
            raise
        found, first = {}, 0
        for value in self.graph.outputs:
            columns = made[:, first : first + value.size]
            found[value.name] = columns.reshape(len(made), *value.shape).astype(np.int64)
            first += value.size
        return found

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
                "rows that the compiled emulator cannot take",
                got=f"{rows.dtype} of shape {rows.shape}",
                want=f"{want} of shape (n_events, {self.n_inputs})",
            )
        number = self._number(kernel)
        rows = np.ascontiguousarray(rows)
        made = np.empty((len(rows), self.n_outputs), rows.dtype)
        parts = max(1, min(threads, len(rows) // MIN_EVENTS_PER_THREAD))
        edges = [len(rows) * part // parts for part in range(parts + 1)]
        spans = [slice(*edge) for edge in pairwise(edges)]

        def run(span: slice) -> int:
            return int(function(number, rows[span].ctypes.data, made[span].ctypes.data, span.stop - span.start))

        if parts == 1:
            codes = [run(spans[0])]
        else:
            with ThreadPoolExecutor(parts) as pool:
                codes = list(pool.map(run, spans))
        if INPUT_OUTSIDE_ITS_TYPE in codes:
            raise DataError("raw inputs outside their type or off their grid", where=f"graph '{self.graph.name}'")
        return made

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
                "no such kernel on this machine",
                got=repr(kernel),
                want=f"one of {', '.join(usable)}",
                try_=near_names(kernel, usable),
            )
        return usable[kernel]

    def _all_kernels(self) -> list[tuple[int, str]]:
        names = (self._kernel_name(number) for number in range(len(KERNELS)))
        return [(number, name.decode()) for number, name in enumerate(names) if name is not None]


def machine() -> str:
    """What kind of machine a library is made for."""
    return f"{platform.system()} {platform.machine()}"


def _function(library: ctypes.CDLL, name: str, suffix: str) -> Any:
    function = library[f"{name}_predict_with{suffix}"]
    function.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    return function


def _side_by_side(arrays: list[IntArray], dtype: np.dtype[Any]) -> Rows:
    flat = [array.reshape(len(array), math.prod(array.shape[1:])).astype(dtype, copy=False) for array in arrays]
    return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)
