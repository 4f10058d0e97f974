"""apply-types: the types that a user narrowed by hand in model.toml. The only pass that may change numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from fasttrig.base.errors import InputError, near_names
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.graph import Graph, rewrite
from fasttrig.ir.ops import Cast, Input, MatMul, Op, Relu
from fasttrig.ir.ranges import Ranges
from fasttrig.passes.base import Pass
from fasttrig.passes.retype import pinned_operands, retyped


class TypeChoice(Protocol):
    """One entry of ``[types.<op>]``; `fasttrig.settings.NarrowedType` is one."""

    @property
    def accum(self) -> FixedType | None: ...

    @property
    def result(self) -> FixedType | None: ...

    @property
    def rounding(self) -> Rounding: ...

    @property
    def overflow(self) -> Overflow: ...


@dataclass(frozen=True, slots=True)
class ApplyTypes(Pass):
    """Give ops the chosen types; everything downstream gets the types that follow.

    `accum` makes a MatMul narrowed; `result` puts a Cast after the op. That cast takes the op's name (outputs and
    users keep reading it), the op itself becomes ``NAME_exact``.
    """

    name: ClassVar[str] = "apply-types"

    choices: Mapping[str, TypeChoice] = field(default_factory=dict)

    def requires(self, graph: Graph) -> None:
        ops = {op.name: op for op in graph.ops}
        pinned = {value.name for value in pinned_operands(graph)}
        for name, choice in self.choices.items():
            where = f"[types.{name}]"
            if name not in ops:
                raise InputError("unknown op name in [types]", where=where, got=repr(name), try_=near_names(name, ops))
            if choice.accum is not None and not isinstance(ops[name], MatMul):
                raise InputError(
                    "only a matrix product has an accumulator",
                    where=where,
                    got=type(ops[name]).__name__,
                    want="MatMul",
                    try_="set `result` instead",
                )
            if isinstance(ops[name], Input):
                raise InputError(
                    "an input's type is the interface of the firmware", where=where, try_="change it under [inputs]"
                )
            if name in pinned:
                raise InputError(
                    "a table or a loop was made for the type of this op",
                    where=where,
                    got=str(choice.result),
                    want=str(ops[name].result.type),
                    try_="set the type in the model",
                )

    def run(self, graph: Graph) -> Graph:
        ranges: Ranges = {}
        taken = {op.name for op in graph.ops}
        grids = {op.name: op.result.type.fraction_bits for op in graph.ops}
        pinned = {value.name for value in pinned_operands(graph)}

        def step(op: Op) -> Op | Iterable[Op]:
            made = [_narrowed(_on_new_grid(op, grids), self.choices.get(op.name))]
            if op.name not in pinned:
                made[0] = retyped(made[0], [ranges[value] for value in op.operands])
            choice = self.choices.get(op.name)
            if choice is not None and choice.result is not None:
                made = _cast_behind(made[0], choice, choice.result, taken)
            for new in made:
                ranges[new.result] = new.interval(*(ranges[value] for value in new.operands))
            return made

        return rewrite(graph, step)


def _narrowed(op: Op, choice: TypeChoice | None) -> Op:
    if choice is None or choice.accum is None or not isinstance(op, MatMul):
        return op
    return replace(
        op,
        result=replace(op.result, type=choice.accum),
        narrowed=True,
        accum_rounding=choice.rounding,
        accum_overflow=choice.overflow,
    )


def _cast_behind(op: Op, choice: TypeChoice, target: FixedType, taken: set[str]) -> list[Op]:
    name = f"{op.name}_exact"
    while name in taken:
        name += "_"
    taken.add(name)
    exact = replace(op, result=replace(op.result, name=name))
    cast = Cast(
        result=replace(op.result, type=target),
        operand=exact.result,
        rounding=choice.rounding,
        overflow=choice.overflow,
        origin=op.origin,
    )
    return [exact, cast]


def _on_new_grid(op: Op, grids: Mapping[str, int]) -> Op:
    """A Relu's limit counts at its result's fraction bits: move it when the operand's grid has moved."""
    if not isinstance(op, Relu) or op.limit_raw is None:
        return op
    moved = op.operand.type.fraction_bits + (op.negative_shift or 0) - grids[op.name]
    limit_raw = op.limit_raw << moved if moved >= 0 else op.limit_raw >> -moved
    if moved < 0 and limit_raw << -moved != op.limit_raw:
        raise InputError(
            "the limit of a Relu is not a multiple of the narrowed type's step",
            where=f"op '{op.name}'",
            got=f"{op.operand.type}",
            want=f"at least {grids[op.name]} fraction bits",
        )
    return replace(op, limit_raw=limit_raw)
