"""The operations of the integer IR: one frozen dataclass per kind, fields named, nothing implied.

`../SPEC.md` gives every op's formula. All arithmetic is exact (the result type holds every result) except in `Cast`,
which alone rounds and overflows, and in a `MatMul` whose accumulator a user narrowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fasttrig.base.errors import GraphError
from fasttrig.ir.ops.arithmetic import Cast, MatMul, Relu, Scale
from fasttrig.ir.ops.base import Const, Fault, Op, Shape, Value
from fasttrig.ir.ops.casting import ElementCast
from fasttrig.ir.ops.control import ArgMax, Compare, GatherBy, Select, TopK
from fasttrig.ir.ops.elementwise import Add, Multiply
from fasttrig.ir.ops.lookup import Softmax, Table
from fasttrig.ir.ops.loops import Scan
from fasttrig.ir.ops.reduction import Reduce, Reduction
from fasttrig.ir.ops.rewiring import PAD, Gather, Rewiring, Transpose, Window
from fasttrig.ir.ops.structure import Concat, Input, Reshape
from fasttrig.ir.ops.trees import Forest

__all__ = [
    "OPS",
    "PAD",
    "PLAIN_OPS",
    "Add",
    "ArgMax",
    "Cast",
    "Compare",
    "Concat",
    "Const",
    "ElementCast",
    "Fault",
    "Forest",
    "Gather",
    "GatherBy",
    "Input",
    "MatMul",
    "Multiply",
    "Op",
    "Reduce",
    "Reduction",
    "Relu",
    "Reshape",
    "Rewiring",
    "Scale",
    "Scan",
    "Select",
    "Shape",
    "Softmax",
    "Table",
    "TopK",
    "Transpose",
    "Value",
    "Window",
    "require_rows",
]

OPS: tuple[type[Op], ...] = (
    Input,
    MatMul,
    Scale,
    Cast,
    Relu,
    Add,
    Concat,
    Reshape,
    Table,
    Softmax,
    ArgMax,
    Forest,
    Multiply,
    Reduce,
    Compare,
    Select,
    Transpose,
    Gather,
    Window,
    ElementCast,
    TopK,
    GatherBy,
    Scan,
)
"""Every op of the IR."""

PLAIN_OPS = tuple(kind for kind in OPS if not kind.body_field)
"""The ops without a body: all that a graph holds after the pass unroll-scans."""


def require_rows(table: Mapping[type[Op], object], what: str, kinds: Iterable[type[Op]] | None = None) -> None:
    """Raise when `table` lacks a row for one of `kinds` (default: all ops): each module with such a table calls it."""
    missing = [kind.__name__ for kind in (OPS if kinds is None else kinds) if kind not in table]
    if missing:
        raise GraphError(f"the table of {what} has no row for {', '.join(missing)}", want="one row per op class")


def _require_facts() -> None:
    """Every op states what has no default."""
    for kind in OPS:
        for fact in ("result_shape", "fraction_bits", "interval"):
            if getattr(kind, fact) is getattr(Op, fact):
                raise GraphError(f"op {kind.__name__} does not state '{fact}'", want="a method of the class")


_require_facts()
