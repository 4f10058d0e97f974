"""QUnaryFunctionLUT: a function of one number between two quantisers, as one table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FloatArray
from fasttrig.frontends.hgq.quantiser import LearnedBits, lower_quantiser, read_quantiser, weight_const
from fasttrig.frontends.hgq.settled import ULP, settled
from fasttrig.frontends.keras.activations import MAX_TABLE_BITS, every_value
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.smooth import FUNCTIONS, Function
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Value

_FUNCTIONS: dict[str, Function] = {"linear": lambda x: x, "relu": lambda x: np.maximum(x, 0.0), **FUNCTIONS}

FUNCTION_ULPS = 16
"""More than the float32 functions of XLA, TensorFlow and PyTorch are off."""


@dataclass(frozen=True, slots=True)
class TablePlan:
    function: Function
    given: LearnedBits
    made: LearnedBits


def prepare_unary(low: Lowering, layer: LayerSpec) -> TablePlan:
    name = str(layer.config["activation"])
    if name not in _FUNCTIONS or not layer.config.get("enable_iq", True) or not layer.config.get("enable_oq"):
        raise UnsupportedError(
            "fasttrig cannot make a table of this layer",
            where=low.where(layer, "activation"),
            got=f"{name[:60]}, enable_iq={layer.config.get('enable_iq')}, enable_oq={layer.config.get('enable_oq')}",
            want=f"one of {', '.join(_FUNCTIONS)} between two quantisers",
        )
    made = read_quantiser(low, layer, layer.config.get("oq_conf"), "oq")
    if made.k.size > 1:
        raise UnsupportedError(
            "fasttrig cannot make one table of results whose bits differ from element to element",
            where=low.where(layer, "oq"),
            got=f"bits of shape {made.k.shape}",
            want="one number of bits for all",
            try_="QUnaryFunctionLUT(..., allow_heterogeneous_table=False)",
        )
    return TablePlan(_FUNCTIONS[name], read_quantiser(low, layer, layer.config.get("iq_conf"), "iq"), made)


def lower_unary(low: Lowering, layer: LayerSpec, plan: TablePlan, name: str, operands: list[Value]) -> Value:
    """Shapes: any -> same. The function is the float64 one, where float32 cannot give another level."""
    value = lower_quantiser(low, layer, plan.given, operands[0], f"{name}_iq", "iq")
    if value.type.width > MAX_TABLE_BITS:
        raise UnsupportedError(
            "a table of this layer would be too large",
            where=low.where(layer, "iq"),
            got=f"{value.type}: 2**{value.type.width} entries",
            want=f"at most {MAX_TABLE_BITS} bits from the finest step to the largest number",
            try_="QUnaryFunctionLUT(..., allow_heterogeneous_input=False), or fewer bits",
        )
    x = every_value(value.type).reshape(-1, *plan.made.k.shape[1:])
    levels = settled(plan.made, plan.function(x), _spread(plan.function, x), low.where(layer, "activation"))
    table = weight_const(low, layer, "table", levels.reshape(-1))
    function = str(layer.config["activation"])
    return low.builder.table(low.names.new(name), value, table, function, origin=low.origin(layer))


def _spread(function: Function, x: FloatArray) -> FloatArray:
    """What float32 may be off; nothing at zero and where the function gives its argument back or cuts it off."""
    y = function(x)
    exact = (x == 0) | (y == x) | (y == 0)
    return np.where(exact, 0.0, FUNCTION_ULPS * ULP * np.maximum(np.abs(y), 2.0**-4))
