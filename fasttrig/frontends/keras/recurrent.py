"""Recurrent layers: a loop whose body is one step of the cell.

Formulas and their order are those of qkeras/qrecurrent.py; all of them are exact, so `implementation` does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.layer_parts import (
    Activation,
    apply_activation,
    bias_const,
    quantised_weight,
    read_activation,
    weight_of,
)
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Value

GATES = {"QSimpleRNN": 1, "QLSTM": 4, "QGRU": 3}
"""Gates of a cell: columns of its kernels, in units."""

_UNSUPPORTED = ("return_state", "stateful", "time_major")


@dataclass(frozen=True, slots=True)
class RecurrentPlan:
    """Constants of a cell; `recurrent_bias` is all zeros but for a GRU with ``reset_after``."""

    kernel: Const
    recurrent: Const
    bias: Const
    recurrent_bias: Const
    activation: Activation
    recurrent_activation: Activation
    state: Activation
    reset_after: bool

    @property
    def units(self) -> int:
        return self.recurrent.shape[0]


def prepare_recurrent(low: Lowering, layer: LayerSpec) -> RecurrentPlan | None:
    """QSimpleRNN, QLSTM, QGRU."""
    for option in _UNSUPPORTED:
        if layer.config.get(option):
            raise UnsupportedError(
                "fasttrig cannot use this option", where=low.where(layer, option), got="True", want="False"
            )
    kernel, recurrent = weight_of(low, layer, "kernel"), weight_of(low, layer, "recurrent_kernel")
    units, gates = int(layer.config["units"]), GATES[layer.kind]
    if kernel.ndim != 2 or kernel.shape[1] != gates * units or recurrent.shape != (units, gates * units):
        raise InputError(
            "the weights do not fit the layer",
            where=low.where(layer, "kernel"),
            got=f"kernel {kernel.shape}, recurrent kernel {recurrent.shape}",
            want=f"(n_in, {gates * units}), ({units}, {gates * units})",
        )
    first = low.attempt(lambda: quantised_weight(low, layer, "kernel", "kernel_quantizer", kernel))
    second = low.attempt(lambda: quantised_weight(low, layer, "recurrent_kernel", "recurrent_quantizer", recurrent))
    biases = low.attempt(lambda: _biases(low, layer, gates * units))
    activations = [low.attempt(lambda key=key: _inner(low, layer, key)) for key in _activations(layer)]  # type: ignore[misc]
    state = low.attempt(lambda: _state(low, layer))
    if first is None or second is None or biases is None or state is None or None in activations:
        return None
    activation, recurrent_activation = (item for item in activations if item is not None)
    reset_after = bool(layer.config.get("reset_after"))
    return RecurrentPlan(first, second, *biases, activation, recurrent_activation, state, reset_after)


def lower_recurrent(low: Lowering, layer: LayerSpec, plan: RecurrentPlan, name: str, operands: list[Value]) -> Value:
    """Shapes: (steps, n_in) -> (units,), or (steps, units) with ``return_sequences``."""
    operand = operands[0]
    if len(operand.shape) != 2 or operand.shape[1] != plan.kernel.shape[0]:
        raise InputError(
            "a recurrent layer is called on a tensor of another shape",
            where=low.where(layer),
            got=str(operand.shape),
            want=f"(steps, {plan.kernel.shape[0]})",
        )
    origin = low.origin(layer)
    if layer.config.get("go_backwards"):
        order = range(operand.shape[0])[::-1]
        operand = low.builder.gather(low.names.new(f"{name}_backwards"), operand, 0, order, origin=origin)
    body = _body(low, layer, plan, name, operand.type)
    stacked = bool(layer.config.get("return_sequences"))
    return low.builder.scan(low.names.new(name), [operand], body, stacked=stacked, origin=origin)


MOST_ROUNDS = 4
"""Bodies built until the states have the types of the next states: two where each step quantises its states."""


def _body(low: Lowering, layer: LayerSpec, plan: RecurrentPlan, name: str, entry_type: FixedType) -> Graph:
    """One step of the cell, with state types that hold the next states."""
    n_states = 2 if layer.kind == "QLSTM" else 1
    types: tuple[FixedType, ...] = (FixedType(1, 1),) * n_states
    for _ in range(MOST_ROUNDS):
        inside = replace(low, builder=GraphBuilder(f"{name}_step"), names=low.names.copy())
        cell = _Cell(inside, layer, plan, name)
        states = [inside.builder.input(cell.new(f"old{i}"), (plan.units,), kind) for i, kind in enumerate(types)]
        entry = inside.builder.input(cell.new("entry"), (plan.kernel.shape[0],), entry_type)
        products = cell.matmul("input", entry, plan.kernel, plan.bias)
        made = _CELLS[layer.kind](cell, products, tuple(states))
        found = tuple(value.type for value in made)
        if found == types:
            low.names = inside.names
            return inside.builder.graph(*made, made[0])
        types = found
    raise _growing(low, layer)


class _Cell:
    """Builds the ops of one step, named after the layer."""

    def __init__(self, low: Lowering, layer: LayerSpec, plan: RecurrentPlan, name: str) -> None:
        self.low, self.layer, self.plan, self.name = low, layer, plan, name
        self.origin = low.origin(layer)

    def new(self, part: str) -> str:
        return self.low.names.new(f"{self.name}_{part}")

    def matmul(self, part: str, operand: Value, weight: Const, bias: Const) -> Value:
        return self.low.builder.matmul(self.new(part), operand, weight, bias, origin=self.origin)

    def add(self, part: str, left: Value, right: Value) -> Value:
        return self.low.builder.add(self.new(part), left, right, origin=self.origin)

    def multiply(self, part: str, left: Value, right: Value) -> Value:
        return self.low.builder.multiply(self.new(part), left, right, origin=self.origin)

    def gates(self, part: str, value: Value) -> list[Value]:
        """The columns of each gate."""
        units = self.plan.units
        return [
            self.low.builder.gather(
                self.new(f"{part}{i}"), value, 0, range(i * units, (i + 1) * units), origin=self.origin
            )
            for i in range(value.size // units)
        ]

    def activated(self, part: str, value: Value, activation: Activation, key: str) -> Value:
        return apply_activation(self.low, self.layer, value, activation, f"{self.name}_{part}", key)

    def state(self, part: str, value: Value) -> Value:
        return self.activated(part, value, self.plan.state, "state_quantizer")


def _simple(cell: _Cell, products: Value, states: tuple[Value, ...]) -> tuple[Value, ...]:
    plan = cell.plan
    before = cell.state("state", states[0])
    inner = cell.matmul("recurrent", before, plan.recurrent, plan.recurrent_bias)
    return (cell.activated("out", cell.add("sum", products, inner), plan.activation, "activation"),)


def _lstm(cell: _Cell, products: Value, states: tuple[Value, ...]) -> tuple[Value, ...]:
    plan = cell.plan
    hidden, carry = (cell.state(part, value) for part, value in zip(("state", "carry"), states, strict=True))
    inner = cell.matmul("recurrent", hidden, plan.recurrent, plan.recurrent_bias)
    gates = cell.gates("gate", cell.add("sum", products, inner))
    entry, forget, out = (
        cell.activated(part, gates[i], plan.recurrent_activation, "recurrent_activation")
        for part, i in (("entry", 0), ("forget", 1), ("exit", 3))
    )
    candidate = cell.activated("candidate", gates[2], plan.activation, "activation")
    kept, taken = cell.multiply("kept", forget, carry), cell.multiply("entered", entry, candidate)
    new_carry = cell.add("new_carry", kept, taken)
    shown = cell.activated("shown", new_carry, plan.activation, "activation")
    return cell.multiply("out", out, shown), new_carry


def _gru(cell: _Cell, products: Value, states: tuple[Value, ...]) -> tuple[Value, ...]:
    plan, units = cell.plan, cell.plan.units
    before = cell.state("state", states[0])
    update_in, reset_in, candidate_in = cell.gates("gate", products)
    columns = 3 * units if plan.reset_after else 2 * units
    weight = _columns(plan.recurrent, f"{plan.recurrent.name}_gates", 0, columns)
    bias = _columns(plan.recurrent_bias, f"{plan.recurrent_bias.name}_gates", 0, columns)
    inner = cell.gates("inner", cell.matmul("recurrent", before, weight, bias))
    update, reset = (
        cell.activated(part, cell.add(f"{part}_sum", one, other), plan.recurrent_activation, "recurrent_activation")
        for part, one, other in (("update", update_in, inner[0]), ("reset", reset_in, inner[1]))
    )
    if plan.reset_after:
        past = cell.multiply("past", reset, inner[2])
    else:
        weight = _columns(plan.recurrent, f"{plan.recurrent.name}_candidate", 2 * units, 3 * units)
        bias = _columns(plan.recurrent_bias, f"{plan.recurrent_bias.name}_candidate", 2 * units, 3 * units)
        past = cell.matmul("past", cell.multiply("remembered", reset, before), weight, bias)
    candidate = cell.activated(
        "candidate", cell.add("candidate_sum", candidate_in, past), plan.activation, "activation"
    )
    kept = cell.multiply("kept", update, before)
    return (cell.add("out", kept, cell.multiply("entered", _complement(cell, update), candidate)),)


def _complement(cell: _Cell, value: Value) -> Value:
    """1 - value."""
    ones = np.ones(value.size, dtype=np.int64)
    scale, offset = (Const.covering(cell.new(part), sign * ones, 0) for part, sign in (("minus", -1), ("one", 1)))
    return cell.low.builder.scale(cell.new("complement"), value, scale, offset, origin=cell.origin)


def _columns(const: Const, name: str, first: int, last: int) -> Const:
    if (first, last) == (0, const.shape[-1]):
        return const
    return Const(name, const.type, const.raw[..., first:last])


_CELLS: dict[str, Callable[[_Cell, Value, tuple[Value, ...]], tuple[Value, ...]]] = {
    "QSimpleRNN": _simple,
    "QLSTM": _lstm,
    "QGRU": _gru,
}


def _activations(layer: LayerSpec) -> tuple[str, str]:
    return ("activation", "activation" if layer.kind == "QSimpleRNN" else "recurrent_activation")


def _inner(low: Lowering, layer: LayerSpec, key: str) -> Activation:
    activation = read_activation(low, layer, layer.config.get(key), key)
    if activation in ("softmax", "sigmoid"):
        raise UnsupportedError(
            "fasttrig cannot compute this activation exactly",
            where=low.where(layer, key),
            got=str(activation),
            want="a quantised activation",
            try_="quantized_tanh or quantized_sigmoid",
        )
    return activation


def _state(low: Lowering, layer: LayerSpec) -> Activation:
    if layer.config.get("state_quantizer") is None and layer.kind != "QSimpleRNN":
        raise _growing(low, layer)
    return read_activation(low, layer, layer.config.get("state_quantizer"), "state_quantizer")


def _growing(low: Lowering, layer: LayerSpec) -> UnsupportedError:
    return UnsupportedError(
        "the state of this layer is not quantised: it would gain bits at every step",
        where=low.where(layer, "state_quantizer"),
        got=str(layer.config.get("state_quantizer")),
        want="a quantizer, such as quantized_bits(8,1,alpha=1)",
        try_="retrain with state_quantizer='quantized_bits(8,1,alpha=1)'",
    )


def _biases(low: Lowering, layer: LayerSpec, columns: int) -> tuple[Const, Const]:
    """Of the input and of the recurrent product."""
    zeros = Const.covering(low.names.new(f"{layer.name}_no_bias"), np.zeros(columns, dtype=np.int64), 0)
    if not layer.config.get("use_bias", True):
        return bias_const(low, layer, None, columns), zeros
    bias = weight_of(low, layer, "bias")
    both = bias_const(low, layer, bias, columns)
    if bias.ndim == 1:
        return both, zeros
    return Const(both.name, both.type, both.raw[0]), Const(
        low.names.new(f"{layer.name}_recurrent_bias"), both.type, both.raw[1]
    )
