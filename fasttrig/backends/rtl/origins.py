"""Where the steps of alkaid's program come from: the op of the graph that makes each, and the elements among them.

alkaid's passes merge, drop and reorder steps, and keep no record. They carry the cost of a step along as an object, so
`followed` puts a number in its place that equals 0 and remembers its step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy.typing as npt
from alkaid.trace import trace
from alkaid.trace.passes import (
    add_surrogate,
    canonical_sort,
    canonicalize,
    common_subexpr_elimin,
    dead_code_elimin,
    null_quant_elimin,
    topo_bandwidth_sort,
)
from alkaid.types import CombLogic

from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value

Numbers: TypeAlias = npt.NDArray[Any]
"""An object array of alkaid's FVariable, of the shape of the value it stands for."""

ProgramPass: TypeAlias = Callable[[CombLogic], CombLogic]

ADD_CONSTANT = 4
"""alkaid's code."""


class _Mark(float):
    """A cost of 0 that remembers a step."""

    step: int

    @classmethod
    def of(cls, step: int) -> _Mark:
        mark = cls(0.0)
        mark.step = step
        return mark


def followed(program: CombLogic, *passes: ProgramPass) -> tuple[CombLogic, list[int | None]]:
    """`program` after `passes`, and for each of its steps the step that it was; None for one that a pass added.

    The passes must not compute costs; each step keeps its own.
    """
    made = program._replace(ops=[op._replace(cost=_Mark.of(index)) for index, op in enumerate(program.ops)])
    for one in passes:
        made = one(made)
    steps = [op.cost.step if isinstance(op.cost, _Mark) else None for op in made.ops]
    costs = [0.0 if step is None else program.ops[step].cost for step in steps]
    return made._replace(ops=[op._replace(cost=cost) for op, cost in zip(made.ops, costs, strict=True)]), steps


@dataclass(frozen=True, slots=True)
class TensorElement:
    """TensorElement `index` of the tensor `value`, row by row; `raised` if the step is the element plus a constant.

    alkaid counts in steps of its own: the element is ``2**shift`` times the step.
    The bias of a layer and the rounding constant of the cast after it are merged: then the hardware has no step that
    is the element itself.
    """

    value: Value
    index: int
    shift: int = field(default=0, compare=False)
    raised: bool = False


@dataclass(frozen=True, slots=True)
class Traced:
    """alkaid's program of a graph, and where its steps come from.

    Attributes
    ----------
    program : CombLogic
    owners : tuple of int, one per step
        Place in ``graph.ops`` of the op that makes the step: of its first reader, where several ops read it.
    elements : dict of step to TensorElement
        The steps that are elements of a tensor; of several such tensors, the first.
    every_element : CombLogic
        The program as it was traced, with each element of each tensor as an output.
    """

    program: CombLogic
    owners: tuple[int, ...]
    elements: dict[int, TensorElement]
    every_element: CombLogic

    def restricted(self, program: CombLogic, steps: Sequence[int | None]) -> Traced:
        """The same of `program`, whose steps were these steps of this one."""
        first: dict[TensorElement, int] = {}
        for new, old in enumerate(steps):
            if old is not None and old in self.elements:
                first.setdefault(self.elements[old], new)
        elements = {new: element for element, new in first.items()}
        owners = [None if old is None else self.owners[old] for old in steps]
        return Traced(program, _first_users(program, owners), elements, self.every_element)


def traced(graph: Graph, made: Mapping[Value, Numbers]) -> Traced:
    """The program of `graph`, simplified; `made` holds alkaid's number for every element of every value."""
    inputs = [number for op in graph.inputs for number in made[op.result].ravel()]
    outputs = [number for value in graph.outputs for number in made[value].ravel()]
    numbers = [number for op in graph.ops for number in made[op.result].ravel()]
    plain = trace(inputs, [*outputs, *numbers], optimize=False)
    n = len(outputs)
    wanted, every_element = _with_outputs(plain, slice(n)), _with_outputs(plain, slice(n, None))
    places = [(place, op.result, k) for place, op in enumerate(graph.ops) for k in range(op.result.size)]
    roots = [
        (place, TensorElement(value, k, shift), step, negated)
        for (place, value, k), step, shift, negated in zip(
            places, every_element.out_idxs, every_element.out_shifts, every_element.out_negs, strict=True
        )
    ]
    owners, elements, unbiased = _of_plain(plain, roots)
    program, steps = _simplified(wanted)
    result = Traced(plain, tuple(owners), elements, every_element).restricted(program, steps)
    _name_outputs(graph, result)
    _name_unbiased(result, steps, unbiased)
    return result


def _with_outputs(program: CombLogic, kept: slice) -> CombLogic:
    """`program` with some of its outputs."""
    out = program.out_idxs[kept]
    shape = (program.shape[0], len(out))
    return program._replace(
        shape=shape, out_idxs=out, out_shifts=program.out_shifts[kept], out_negs=program.out_negs[kept]
    )


def _of_plain(
    plain: CombLogic, roots: Sequence[tuple[int, TensorElement, int, bool]]
) -> tuple[list[int], dict[int, TensorElement], dict[int, TensorElement]]:
    """Owners and elements before alkaid simplifies anything: an op owns what its elements need and no op before it.

    Last: each step to which one constant is added to make an element, and that element. Equal steps are one.
    """
    same = _first_equals(plain)
    owners = [-1] * len(plain.ops)
    elements: dict[int, TensorElement] = {}
    unbiased: dict[int, tuple[int, TensorElement]] = {}
    for place, element, root, negated in roots:
        if root < 0:
            continue
        if not negated:
            elements.setdefault(same[root], element)
        stack = [root]
        while stack:
            index = same[stack.pop()]
            if owners[index] >= 0:
                continue
            op = plain.ops[index]
            owners[index] = place
            stack += op.addr
            if op.opcode != ADD_CONSTANT:
                continue
            base = same[op.addr[0]]
            if index == same[root]:
                unbiased.setdefault(base, (place, element))
            elif base in unbiased:
                owners[index], biased = unbiased[base]
                elements[index] = replace(biased, raised=True)
    everywhere = {step: elements[first] for step, first in enumerate(same) if first in elements}
    bases = {step: unbiased[first][1] for step, first in enumerate(same) if first in unbiased}
    return [owners[first] for first in same], everywhere, bases


def _first_equals(program: CombLogic) -> list[int]:
    """For each step the first one that computes the same: alkaid keeps any one of them."""
    seen: dict[tuple[object, ...], int] = {}
    same: list[int] = []
    for index, op in enumerate(program.ops):
        operands = tuple(same[i] for i in op.addr)
        same.append(seen.setdefault((op.opcode, operands, op.data, op.qint), index))
    return same


def _name_outputs(graph: Graph, result: Traced) -> None:
    """alkaid may add a step that makes an output."""
    outputs = [(value, k) for value in graph.outputs for k in range(value.size)]
    program, named = result.program, set(result.elements.values())
    for step, shift, (value, k) in zip(program.out_idxs, program.out_shifts, outputs, strict=True):
        element = TensorElement(value, k, shift)
        if element not in named:
            result.elements.setdefault(step, element)


def _name_unbiased(result: Traced, steps: Sequence[int | None], unbiased: Mapping[int, TensorElement]) -> None:
    """The sum of a layer stands for its element where its bias and the rounding constant after it are 0 together."""
    named = {(element.value, element.index) for element in result.elements.values()}
    for new, old in enumerate(steps):
        element = None if old is None else unbiased.get(old)
        if element is not None and (element.value, element.index) not in named:
            result.elements.setdefault(new, replace(element, raised=True))


def _simplified(program: CombLogic) -> tuple[CombLogic, list[int | None]]:
    """alkaid's own simplification and order, and the steps that were.

    Its option to trace the program anew is left out: it wraps some constants wrongly, and has saved nothing.
    """

    def live(program: CombLogic) -> CombLogic:
        return dead_code_elimin(program, keep_dead_inputs=True)

    simple, steps = followed(program, canonicalize, live, common_subexpr_elimin, live, null_quant_elimin, live)
    ordered, order = followed(add_surrogate(simple), canonical_sort, topo_bandwidth_sort)
    return add_surrogate(ordered), [None if index is None else steps[index] for index in order]


def _first_users(program: CombLogic, owners: Sequence[int | None]) -> tuple[int, ...]:
    """`owners`, where a step is never made later than its first reader's op; a new step belongs to that one."""
    found = list(owners)
    for index in range(len(program.ops) - 1, -1, -1):
        mine = found[index]
        if mine is None:
            mine = max((found[i] or 0 for i in program.ops[index].addr), default=0)
            found[index] = mine
        for i in program.ops[index].addr:
            before = found[i]
            found[i] = mine if before is None else min(before, mine)
    return tuple(place or 0 for place in found)
