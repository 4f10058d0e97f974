"""unroll-scans: each loop becomes plain ops, step after step, for readers that cannot hold a loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from fasttrig.base.errors import GraphError
from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.graph import Graph, rewrite, with_operands
from fasttrig.ir.ops import PAD, Cast, Concat, Gather, Input, MatMul, Op, Reshape, Scan, Shape, Value
from fasttrig.passes.base import Pass


@dataclass(frozen=True, slots=True)
class UnrollScans(Pass):
    """An op NAME of a body becomes ``NAME_step0``, ``NAME_step1``, ...

    A matrix product of an entry alone becomes one product of the whole sequence, and is called NAME. The loops `kept`
    stay, but none inside them.
    """

    name: ClassVar[str] = "unroll-scans"

    kept: frozenset[str] = frozenset()

    def run(self, graph: Graph) -> Graph:
        taken = {op.name.casefold() for op in graph.ops} | {const.name.casefold() for const in graph.constants}
        outputs = {value.name for value in graph.outputs}

        def step(op: Op) -> Op | Iterable[Op]:
            if not isinstance(op, Scan):
                return op
            op = replace(op, body=UnrollScans().run(op.body))
            return op if op.name in self.kept else _Unrolling(op, taken, op.name in outputs).ops

        return rewrite(graph, step)

    def ensures(self, before: Graph, after: Graph) -> None:
        left = [op for op in after.ops_of(Scan) if op.name not in self.kept]
        if left:
            raise GraphError(f"a loop is left   (after pass {self.name})", where=left[0].where)


class _Unrolling:
    """The plain ops of one Scan; the last one makes its result, under its name where that is an output."""

    def __init__(self, scan: Scan, taken: set[str], is_output: bool) -> None:
        self.scan, self.taken = scan, taken
        self.ops: list[Op] = []
        self._unroll(is_output)

    def _unroll(self, is_output: bool) -> None:
        scan = self.scan
        pairs = zip(scan.entries, scan.sequences, strict=True)
        whole = {entry: self._as(given, entry.type, f"{entry.name}_all") for entry, given in pairs}
        whole = self._with_whole_products(whole)
        plain = [op for op in self.scan.body.ops if not isinstance(op, Input) and op.result not in whole]
        read = {value for op in plain for value in op.operands} | set(self.scan.body.outputs)
        states = [self._zeros(state) for state in scan.states]
        results: list[Value] = []
        for number in range(scan.n_steps):
            entries = {value: self._entry(number, value, all_) for value, all_ in whole.items() if value in read}
            known = dict(zip(scan.states, states, strict=True)) | entries
            for op in plain:
                known[op.result] = self._renamed(with_operands(op, known), f"{op.name}_step{number}")
            states = [
                self._as(known[made], state.type, f"{state.name}_step{number + 1}")
                for made, state in zip(self.scan.body.outputs[:-1], scan.states, strict=True)
            ]
            results.append(known[self.scan.body.outputs[-1]])
        self._finish(results, is_output)

    def _finish(self, results: list[Value], is_output: bool) -> None:
        result, origin = self.scan.result, self.scan.origin
        if self.scan.stacked:
            shape = (1, *results[0].shape)
            rows = tuple(self._reshaped(f"{result.name}_row{k}", row, shape) for k, row in enumerate(results))
            self.ops.append(Concat(result=result, parts=rows, axis=0, origin=origin))
        elif is_output or self.ops[-1].result != results[-1]:
            self.ops.append(_lossless_cast(result, results[-1], origin))

    def _with_whole_products(self, whole: dict[Value, Value]) -> dict[Value, Value]:
        """Also the products that need no state, of all steps at once."""
        found = dict(whole)
        for op in self.scan.body.ops:
            if isinstance(op, MatMul) and op.operand in whole:
                operand = whole[op.operand]
                result = replace(op.result, shape=(operand.shape[0], *op.result.shape))
                found[op.result] = self._renamed(replace(op, operand=operand, result=result), op.name)
        return found

    def _zeros(self, state: Value) -> Value:
        """The state before the first step: pads of a sequence, on the grid of the state."""
        source = self.scan.sequences[0]
        flat = self._reshaped(f"{state.name}_source", source, (source.size,))
        pads = replace(flat, shape=(state.size,))
        index = (PAD,) * state.size
        zeros = self._renamed(Gather(result=pads, operand=flat, axis=0, index=index), f"{state.name}_zeros")
        return self._as(self._shaped(zeros, state.shape), state.type, f"{state.name}_step0")

    def _entry(self, number: int, value: Value, whole: Value) -> Value:
        row = replace(whole, shape=(1, *value.shape))
        gather = Gather(result=row, operand=whole, axis=0, index=(number,))
        taken = self._renamed(gather, f"{value.name}_taken_step{number}")
        return self._reshaped(f"{value.name}_step{number}", taken, value.shape)

    def _as(self, value: Value, fixed_type: FixedType, name: str) -> Value:
        """`value` in a type that holds it."""
        if value.type == fixed_type:
            return value
        return self._renamed(_lossless_cast(replace(value, type=fixed_type), value), name)

    def _shaped(self, value: Value, shape: Shape) -> Value:
        return value if value.shape == shape else self._reshaped(f"{value.name}_shaped", value, shape)

    def _reshaped(self, name: str, value: Value, shape: Shape) -> Value:
        return self._renamed(Reshape(result=replace(value, shape=shape), operand=value), name)

    def _renamed(self, op: Op, name: str) -> Value:
        """Append `op` under a free name; its result."""
        name = next(each for each in _candidates(name) if each.casefold() not in self.taken)
        self.taken.add(name.casefold())
        made = replace(op, result=replace(op.result, name=name), origin=op.origin or self.scan.origin)
        self.ops.append(made)
        return made.result


def _candidates(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def _lossless_cast(result: Value, operand: Value, origin: str = "") -> Cast:
    return Cast(result=result, operand=operand, rounding=Rounding.TRN, overflow=Overflow.WRAP, origin=origin)
