"""Smooth functions in front of a quantiser: both together are a table of what arrives.

``Activation('elu')`` gives real numbers, which no op of the graph holds. Where a quantised activation is all that reads
them, one table holds the quantised result for every number of the operand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, FloatArray, Overflow, Rounding, from_value
from fasttrig.frontends.keras.activations import ActivationSite, declared_type, every_value, require_narrow, sigmoid
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.quantizers import Quantizer, quantizer_name
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const, Value

Function: TypeAlias = Callable[[FloatArray], FloatArray]

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
"""Klambauer et al., arXiv:1706.02515, appendix."""


def elu(x: FloatArray, alpha: float = 1.0) -> FloatArray:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


FUNCTIONS: dict[str, Function] = {
    "elu": elu,
    "selu": lambda x: SELU_SCALE * elu(x, SELU_ALPHA),
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "swish": lambda x: x * sigmoid(x),
    "silu": lambda x: x * sigmoid(x),
    "exponential": lambda x: np.exp(np.minimum(x, 700.0)),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
}
"""Functions of Keras by the names that a configuration gives them."""


def is_smooth(low: Lowering, layer: LayerSpec, name: object) -> bool:
    """Whether `name` is a smooth function whose results a quantised activation reads, and nothing else does."""
    if name not in FUNCTIONS or any(ref.layer == layer.name for ref in low.model.outputs):
        return False
    users = low.model.users(layer.name)
    return bool(users) and all(_quantises(user) for user in users)


def _quantises(user: LayerSpec) -> bool:
    return user.kind in ("QActivation", "Activation") and quantizer_name(user.config.get("activation")) in (
        "quantized_bits",
        "quantized_relu",
    )


def function_before(low: Lowering, layer: LayerSpec) -> Function | None:
    """The smooth function on the way into `layer`.

    Raises
    ------
    UnsupportedError
        If it is not the same in all calls of the layer.
    """
    found = {low.smooth.get(ref.layer) for call in layer.calls for ref in call}
    if len(found) > 1:
        raise UnsupportedError(
            "a quantiser with and without a smooth function before it",
            where=low.where(layer),
            got=f"{len(layer.calls)} calls of one layer",
            want="a layer for each",
        )
    return next(iter(found), None)


def lower_smooth(low: Lowering, value: Value, function: Function, quantizer: Quantizer, site: ActivationSite) -> Value:
    """The table of ``quantizer(function(x))``. Shapes: any -> same."""
    target = declared_type(quantizer)
    if target is None:
        raise UnsupportedError(
            "fasttrig cannot put this quantiser behind a smooth function",
            where=site.where,
            got=str(quantizer),
            want="quantized_bits or quantized_relu without alpha and slope",
        )
    require_narrow(value, quantizer, site)
    levels = from_value(function(every_value(value.type)), target, Rounding.RND_CONV, _overflow(quantizer, target))
    table = Const(low.names.new(f"{site.name}_table"), target, levels)
    return low.builder.table(site.name, value, table, str(quantizer), origin=site.origin)


def _overflow(quantizer: Quantizer, target: FixedType) -> Overflow:
    is_symmetric = quantizer.name == "quantized_bits" and bool(quantizer["symmetric"]) and target.signed
    return Overflow.SAT_SYM if is_symmetric else Overflow.SAT
