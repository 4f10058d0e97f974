"""The operations of the integer IR: one frozen dataclass per kind, fields named, nothing implied.

`SPEC.md` beside this file gives every op's formula. All arithmetic is exact (the result type holds every
result) except in `Cast`, which alone rounds and overflows, and in a `MatMul` whose accumulator a user narrowed.
Shapes leave out the event axis.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TypeAlias

import numpy as np

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that flows through the graph: its name, its shape without the event axis, its type."""

    name: str
    shape: Shape
    type: FixedType

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A tensor of raw integers known at compile time. Read-only; equal when name, type, shape and integers are."""

    name: str
    type: FixedType
    raw: IntArray = field(repr=False)

    def __post_init__(self) -> None:
        raw = np.array(self.raw, dtype=np.int64)
        if raw.size and not self.type.holds(int(raw.min()), int(raw.max())):
            raise GraphError(
                "a constant does not fit its type",
                where=f"constant '{self.name}'",
                got=f"raw integers from {raw.min()} to {raw.max()}",
                want=f"{self.type}: {self.type.min_raw} to {self.type.max_raw}",
            )
        raw.setflags(write=False)
        object.__setattr__(self, "raw", raw)

    @property
    def shape(self) -> Shape:
        return tuple(self.raw.shape)

    @classmethod
    def covering(cls, name: str, raw: IntArray, fraction_bits: int, *, signed: bool | None = None) -> Const:
        """The constant with the narrowest type that holds `raw`."""
        raw = np.asarray(raw)
        low, high = (int(raw.min()), int(raw.max())) if raw.size else (0, 0)
        return cls(name, FixedType.covering(low, high, fraction_bits, signed=signed), raw)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Const):
            return NotImplemented
        same_head = (self.name, self.type, self.shape) == (other.name, other.type, other.shape)
        return same_head and bool(np.array_equal(self.raw, other.raw))

    def __hash__(self) -> int:
        return hash((self.name, self.type, self.shape, self.raw.tobytes()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """Base of all ops. `origin` is the path back to the model: ``jet.h5 > layer 'fc1' > kernel``."""

    result: Value
    origin: str = ""

    @property
    def name(self) -> str:
        return self.result.name

    @property
    def operands(self) -> tuple[Value, ...]:
        found: list[Value] = []
        for spec in fields(self):
            content = getattr(self, spec.name)
            if spec.name == "result":
                continue
            if isinstance(content, Value):
                found.append(content)
            elif isinstance(content, tuple):
                found.extend(item for item in content if isinstance(item, Value))
        return tuple(found)

    @property
    def constants(self) -> tuple[Const, ...]:
        contents = (getattr(self, spec.name) for spec in fields(self))
        return tuple(content for content in contents if isinstance(content, Const))


@dataclass(frozen=True, slots=True, kw_only=True)
class Input(Op):
    """The raw integers a caller gives.

    `channel_types` (empty, or one per entry of the last axis) narrows single features: each must be on the grid and
    inside the range of `result.type`; the integers themselves are always at `result.type`'s fraction bits.
    """

    channel_types: tuple[FixedType, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatMul(Op):
    """result[..., j] = bias[j] + sum_i operand[..., i] * weight[i, j], in `accum_type` (which is the result type).

    Exact unless `narrowed`: then the bias and every product are cast to the accumulator (`accum_rounding`,
    `accum_overflow`) before they are added, in the order bias, i = 0, 1, ..., each sum overflowing likewise.
    """

    operand: Value
    weight: Const
    bias: Const
    narrowed: bool = False
    accum_rounding: Rounding = Rounding.TRN
    accum_overflow: Overflow = Overflow.WRAP

    @property
    def accum_type(self) -> FixedType:
        return self.result.type


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Op):
    """result[..., j] = operand[..., j] * scale[j] + offset[j], exactly: a batch normalisation kept on its own."""

    operand: Value
    scale: Const
    offset: Const


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast(Op):
    """The only op that loses bits: `rounding` first, then `overflow`, as ``ap_fixed`` assigns."""

    operand: Value
    rounding: Rounding
    overflow: Overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Relu(Op):
    """max(x, 0); with `negative_shift` = k: x * 2**-k below zero (exact, k more fraction bits); then min(., limit).

    `limit_raw` is at the result's fraction bits.
    """

    operand: Value
    limit_raw: int | None = None
    negative_shift: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Op):
    """left + right at the finer of the two grids; shapes are equal."""

    left: Value
    right: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat(Op):
    """The tensors of `parts` one after the other along `axis`, at the finest of their grids."""

    parts: tuple[Value, ...]
    axis: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape(Op):
    """The same integers in another shape, last axis fastest."""

    operand: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Op):
    """result.raw = table[operand.raw - operand.type.min_raw]: any function of one fixed-point number.

    `table` has one entry for each raw integer of the operand's type; `function` names what was tabulated.
    """

    operand: Value
    table: Const
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax(Op):
    """exp(x - max x) / sum, over the last axis, by two tables; see SPEC.md for every cast."""

    operand: Value
    index_type: FixedType
    exp_table: Const
    inverse_index_type: FixedType
    inverse_table: Const
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.SAT


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgMax(Op):
    """The index of the largest entry of the last axis; the first of equals."""

    operand: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest(Op):
    """result[tree_output[t] + j] += leaf[exit leaf of tree t, j], over all trees, on top of base_margin; exactly.

    A split goes left when ``operand[feature] < threshold`` (raw integers at the operand's fraction bits), else right.

    Attributes
    ----------
    operand : Value
        Features, shape (n_features,).
    tree_root, tree_output : Const
        Shape (n_trees,): the child index at which each tree starts, and the first output its leaves add to.
    feature, threshold, left, right : Const
        Shape (n_nodes,): the split nodes of all trees.
    leaf : Const
        Shape (n_leaves, n_targets): one row per leaf, ``n_targets`` neighbouring outputs at a time (1 for most models).
    base_margin : Const
        Shape (n_outputs,): what the sums start from.
    """

    operand: Value
    tree_root: Const
    tree_output: Const
    feature: Const
    threshold: Const
    left: Const
    right: Const
    leaf: Const
    base_margin: Const

    @property
    def n_trees(self) -> int:
        return len(self.tree_root.raw)

    @property
    def n_nodes(self) -> int:
        return len(self.feature.raw)

    @property
    def n_leaves(self) -> int:
        return len(self.leaf.raw)

    @property
    def n_targets(self) -> int:
        return self.leaf.shape[1]

    @property
    def n_outputs(self) -> int:
        return len(self.base_margin.raw)


def require_rows(table: Mapping[type[Op], object], what: str) -> None:
    """Raise when `table` lacks a row for one of the ops: called by every module that keeps such a table."""
    missing = [kind.__name__ for kind in OPS if kind not in table]
    if missing:
        raise GraphError(f"the table of {what} has no row for {', '.join(missing)}", want="one row per op class")


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
)
"""Every op of the IR."""
