"""Loops: a body graph that runs once for each entry of the first axis, and carries states from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fasttrig.ir.interval import Interval
from fasttrig.ir.ops.base import Const, Fault, Op, Shape, Value

if TYPE_CHECKING:
    from fasttrig.ir.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan(Op):
    """`body` on the entries of the sequences' first axis, one after the other.

    The inputs of the body are the states, then one entry of each sequence; its outputs are the next states, then the
    output of the step. Every state starts as zeros. The result is the output of the last step; with `stacked` it is
    the outputs of all steps along a new first axis. A Scan without states is a map.
    """

    sequences: tuple[Value, ...]
    body: Graph
    stacked: bool

    body_field: ClassVar[str] = "body"
    pins_operands: ClassVar[bool] = True

    @property
    def n_steps(self) -> int:
        return self.sequences[0].shape[0]

    @property
    def states(self) -> tuple[Value, ...]:
        """The inputs of the body that carry a state."""
        return tuple(op.result for op in self.body.inputs[: len(self.body.outputs) - 1])

    @property
    def entries(self) -> tuple[Value, ...]:
        """The inputs of the body that take one entry of each sequence."""
        return tuple(op.result for op in self.body.inputs[len(self.body.outputs) - 1 :])

    @property
    def next_states(self) -> tuple[Value, ...]:
        return self.body.outputs[:-1]

    @property
    def step_output(self) -> Value:
        return self.body.outputs[-1]

    @property
    def constants(self) -> tuple[Const, ...]:
        return self.body.constants

    @property
    def loses_bits(self) -> bool:
        return any(op.loses_bits for op in self.body.ops)

    @property
    def counts_overflows(self) -> bool:
        return any(op.counts_overflows for op in self.body.ops)

    @property
    def fraction_bits(self) -> int:
        return self.step_output.type.fraction_bits

    @property
    def work(self) -> int:
        return self.n_steps * sum(op.work for op in self.body.ops)

    def result_shape(self) -> Shape:
        return (self.n_steps, *self.step_output.shape) if self.stacked else self.step_output.shape

    def interval(self, *operands: Interval) -> Interval:
        """States may hold everything that their types hold, an entry everything that some step's entry holds."""
        given = dict(
            zip(self.entries, (Interval(x.low.min(axis=0), x.high.max(axis=0)) for x in operands), strict=True)
        )
        found: dict[Value, Interval] = {}
        for op in self.body.ops:
            inside = op.interval(*(found[value] for value in op.operands))
            found[op.result] = given.get(op.result, inside)
        made = found[self.step_output]
        return Interval(*(np.broadcast_to(end, self.result.shape) for end in (made.low, made.high)))

    def fault(self) -> Fault | None:
        return self._fault_of_shapes() or self._fault_of_types()

    def _fault_of_shapes(self) -> Fault | None:
        lengths = {value.shape[0] for value in self.sequences if len(value.shape) > 1}
        if len(lengths) != 1 or any(len(value.shape) < 2 for value in self.sequences):
            said = ", ".join(str(value.shape) for value in self.sequences)
            return Fault("Scan needs sequences of equal length", said or "none", "(steps, ...), (steps, ...)")
        n_states, n_inputs = len(self.body.outputs) - 1, len(self.body.inputs)
        if n_states < 0 or n_inputs != n_states + len(self.sequences):
            want = f"{max(0, n_states)} states and {len(self.sequences)} entries"
            return Fault("the body of Scan has another number of inputs", str(n_inputs), want)
        got = [value.shape for value in (*self.next_states, *self.sequences)]
        needed = [value.shape for value in self.states] + [(self.n_steps, *v.shape) for v in self.entries]
        if got != needed:
            return Fault("shapes of states or entries do not fit the body of Scan", str(got), str(needed))
        return None

    def _fault_of_types(self) -> Fault | None:
        if any(op.channel_types for op in self.body.inputs):
            return Fault("an input of the body of Scan has types by element", want="one type")
        for kept, given in zip((*self.states, *self.entries), (*self.next_states, *self.sequences), strict=True):
            same_grid = kept.type.fraction_bits == given.type.fraction_bits
            if not same_grid or not kept.type.holds(given.type.min_raw, given.type.max_raw):
                what = f"'{kept.name}' in the body of Scan does not hold '{given.name}' on its grid"
                return Fault(what, str(kept.type), f"a type that holds {given.type}")
        if self.result.type == self.step_output.type:
            return None
        return Fault(
            "the type of Scan is not that of its body's output", str(self.result.type), str(self.step_output.type)
        )
