"""A graph: ops in topological order, what it returns, and the link that stays outside the firmware."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from enum import Enum
from fractions import Fraction
from typing import TypeVar

from fasttrig.base.errors import GraphError, near_names
from fasttrig.ir.ops import Const, Input, Op, Value

OpKind = TypeVar("OpKind", bound=Op)


class Postprocessor(Enum):
    """The link that turns margins into predictions; applied off the chip, in real numbers (`link_functions`).

    SIGMOID and PROBABILITY make two columns of a single output: the probabilities of both classes.
    """

    NONE = "none"
    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    LOGISTIC = "logistic"
    PROBABILITY = "probability"
    EXP = "exp"
    TANH = "tanh"
    STEP = "step"
    SIGNED_SQUARE = "signed_square"
    SOFTPLUS = "softplus"


@dataclass(frozen=True, slots=True)
class Graph:
    """An integer program: `ops` in an order in which every operand is made before it is used.

    The prediction is ``postprocessor(link_scale * first output)``.
    """

    name: str
    ops: tuple[Op, ...]
    outputs: tuple[Value, ...]
    postprocessor: Postprocessor = Postprocessor.NONE
    link_scale: Fraction = Fraction(1)

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self.ops_of(Input)

    @property
    def constants(self) -> tuple[Const, ...]:
        """Every constant once, in the order of first use."""
        return tuple(dict.fromkeys(const for op in self.ops for const in op.constants))

    @property
    def all_ops(self) -> tuple[Op, ...]:
        """The ops of the graph and of the bodies inside, each body before its op."""
        return tuple(each for op in self.ops for each in (*(o for body in op.bodies for o in body.all_ops), op))

    def __iter__(self) -> Iterator[Op]:
        return iter(self.ops)

    def __str__(self) -> str:
        from fasttrig.ir.text import print_graph

        return print_graph(self)

    def op(self, name: str) -> Op:
        """The op whose result is called `name`."""
        for op in self.ops:
            if op.name == name:
                return op
        known = [op.name for op in self.ops]
        raise GraphError("no such op", where=f"graph '{self.name}'", got=repr(name), try_=near_names(name, known))

    def ops_of(self, kind: type[OpKind]) -> tuple[OpKind, ...]:
        """All ops of one kind, in the graph's order."""
        return tuple(op for op in self.ops if isinstance(op, kind))

    @property
    def live_ops(self) -> tuple[Op, ...]:
        """The ops that an output depends on, in the graph's order."""
        needed = set(self.outputs)
        kept: list[Op] = []
        for op in reversed(self.ops):
            if op.result in needed:
                kept.append(op)
                needed.update(op.operands)
        return tuple(reversed(kept))

    def users(self, value: Value) -> tuple[Op, ...]:
        return tuple(op for op in self.ops if value in op.operands)

    def only_user(self, value: Value) -> Op | None:
        """The one op that reads `value`; None if several do, none does, or `value` is an output."""
        users = self.users(value)
        return users[0] if len(users) == 1 and value not in self.outputs else None


def with_operands(op: Op, renamed: dict[Value, Value]) -> Op:
    """`op` with every operand looked up in `renamed`."""
    changes: dict[str, object] = {}
    for spec in fields(op):
        content = getattr(op, spec.name)
        if spec.name == "result":
            continue
        if isinstance(content, Value) and content in renamed:
            changes[spec.name] = renamed[content]
        elif isinstance(content, tuple) and any(item in renamed for item in content if isinstance(item, Value)):
            changes[spec.name] = tuple(renamed.get(item, item) for item in content)
    return replace(op, **changes) if changes else op  # type: ignore[arg-type]


def rewrite(graph: Graph, step: Callable[[Op], Op | Iterable[Op]]) -> Graph:
    """A new graph with `step(op)` in the place of each op; users follow the last op's result.

    `step` sees ops whose operands are already the new ones. It may return an op, several (the last one replaces the
    old result), or none: then the users of a removed op read its first operand.
    """
    renamed: dict[Value, Value] = {}
    ops: list[Op] = []
    for old in graph.ops:
        new = step(with_operands(old, renamed))
        made = (new,) if isinstance(new, Op) else tuple(new)
        ops.extend(made)
        renamed[old.result] = made[-1].result if made else renamed.get(old.operands[0], old.operands[0])
    return replace(graph, ops=tuple(ops), outputs=tuple(renamed.get(value, value) for value in graph.outputs))
