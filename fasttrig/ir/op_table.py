"""Tables keyed by op class: one function per op, typed by the op that the function takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from fasttrig.base.errors import GraphError
from fasttrig.ir.graph import OpKind
from fasttrig.ir.ops import Op, require_rows

P = ParamSpec("P")
R = TypeVar("R")


class OpTable(Generic[P, R]):
    """Functions ``(op, *arguments) -> result`` by op class; `what` names the table in errors.

    Register a function with ``@table.row(MatMul)``: its first argument is then checked against MatMul. Call the table
    as a function: ``table(op, *arguments)`` runs the row of the op's class. End the module with ``table.complete()``.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._rows: dict[type[Op], Callable[Concatenate[Any, P], R]] = {}

    def row(
        self, *kinds: type[OpKind]
    ) -> Callable[[Callable[Concatenate[OpKind, P], R]], Callable[Concatenate[OpKind, P], R]]:
        """Register the decorated function for `kinds`; each class has at most one row."""

        def register(function: Callable[Concatenate[OpKind, P], R]) -> Callable[Concatenate[OpKind, P], R]:
            for kind in kinds:
                if kind in self._rows:
                    raise GraphError(f"the table of {self.what} has two rows for {kind.__name__}", want="one row")
                self._rows[kind] = function
            return function

        return register

    def complete(self, kinds: Iterable[type[Op]] | None = None) -> None:
        """Raise GraphError if one of `kinds` (default: all ops) has no row."""
        require_rows(self._rows, self.what, kinds)

    def __contains__(self, op: Op) -> bool:
        """Whether the class of `op` has a row."""
        return type(op) in self._rows

    def __call__(self, op: Op, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._rows[type(op)](op, *args, **kwargs)
