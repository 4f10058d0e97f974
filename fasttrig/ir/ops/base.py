"""Values, constants, and the base of all ops. Shapes leave out the event axis."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType, IntArray
from fasttrig.ir.interval import Interval

if TYPE_CHECKING:
    from fasttrig.ir.graph import Graph

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

    @property
    def largest(self) -> int:
        """The greatest magnitude among the raw integers."""
        return max(-int(self.raw.min()), int(self.raw.max())) if self.raw.size else 0

    def aligned(self, fraction_bits: int) -> IntArray:
        """The raw integers at `fraction_bits`, which are not fewer than the type's; Python integers."""
        aligned: IntArray = self.raw.astype(object) << (fraction_bits - self.type.fraction_bits)
        return aligned

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


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in a single op: what, got, want."""

    what: str
    got: str = ""
    want: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """Base of all ops: facts of an op that every reader shares.

    `origin` is the path back to the model: ``jet.h5 > layer 'fc1' > kernel``. A subclass states `result_shape`,
    `fraction_bits` and `interval`, and the other facts where the defaults do not hold.
    """

    result: Value
    origin: str = ""

    weights_field: ClassVar[str] = ""
    """Name of the constant that training found; empty for an op without one."""

    own_bits: ClassVar[bool] = True
    """Whether the result has different fraction bits from its operands."""

    pointwise: ClassVar[bool] = False
    """Whether each element of the result depends on the same element of the only operand, and on nothing else."""

    same_integers: ClassVar[bool] = False
    """Whether the result is the operand's integers in their order: a reader may share the memory."""

    body_field: ClassVar[str] = ""
    """Name of the field that holds a body graph; empty for a plain op."""

    pins_operands: ClassVar[bool] = False
    """Whether the op was made for the exact types of its operands: passes leave those types alone."""

    @property
    def name(self) -> str:
        return self.result.name

    @property
    def where(self) -> str:
        """The place of the op, for error messages."""
        return f"op '{self.name}'" + (f" ({self.origin})" if self.origin else "")

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

    @property
    def bodies(self) -> tuple[Graph, ...]:
        """The body graph of a loop; none for a plain op."""
        return (getattr(self, self.body_field),) if self.body_field else ()

    @property
    def exact(self) -> bool:
        """Whether the result type follows from the operands' ranges; else a frontend or a user declared it."""
        return False

    @property
    def loses_bits(self) -> bool:
        """Whether the op may round or overflow."""
        return False

    @property
    def counts_overflows(self) -> bool:
        """Whether the emulators count the elements that an overflow changed."""
        return self.loses_bits

    @property
    def weights(self) -> Const | None:
        """The constant that training found, if the op has one."""
        return getattr(self, self.weights_field) if self.weights_field else None

    @property
    def element_types(self) -> tuple[FixedType, ...]:
        """The type of each entry of the result's last axis, or of each element."""
        return (self.result.type,) * (self.result.shape[-1] if self.result.shape else 1)

    @property
    def work(self) -> int:
        """Elementary steps that one event takes, roughly; for choosing sample sizes."""
        return 16 * max(1, self.result.size)

    def result_shape(self) -> Shape:
        """The shape of the result that follows from operands and constants."""
        raise NotImplementedError

    @property
    def fraction_bits(self) -> int:
        """Fraction bits of the result that follow from operands and constants; those declared where none follow."""
        raise NotImplementedError

    def interval(self, *operands: Interval) -> Interval:
        """The interval of the result when each operand lies in its interval."""
        raise NotImplementedError

    def partial_sums(self, *operands: Interval) -> tuple[int, int] | None:
        """Bounds of every partial sum, in whichever order a backend adds; None for an op that is no sum."""
        return None

    def exact_type(self, operands: list[Interval]) -> FixedType:
        """The narrowest result type in which the op is exact on operands inside the given intervals."""
        sums = self.partial_sums(*operands)
        if sums is None:
            return self.interval(*operands).type(self.fraction_bits)
        return FixedType.covering(*sums, self.fraction_bits)

    def lossless_type(self, operands: list[Interval]) -> FixedType | None:
        """The type in which an op that loses bits would lose none; None if it loses none, and for a Softmax."""
        return None

    def fault(self) -> Fault | None:
        """The error in the fields of the op, beyond shape, type and range of the result."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairwise(Op):
    """Base of exact ops on two tensors of one shape, element by element."""

    left: Value
    right: Value

    @property
    def exact(self) -> bool:
        return True

    def result_shape(self) -> Shape:
        return self.left.shape

    def fault(self) -> Fault | None:
        if self.left.shape == self.right.shape:
            return None
        what = f"operands of {type(self).__name__} differ in shape"
        return Fault(what, f"{self.left.shape} and {self.right.shape}", "equal")
