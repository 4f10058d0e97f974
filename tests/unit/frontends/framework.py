"""What the frontend's tests share: the framework, small models, and the comparison with QKeras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import MissingPackageError
from fasttrig.base.fixed import FixedType
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.keras.activations import ActivationSite, lower_activation
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.qkeras import convert
from fasttrig.frontends.keras.quantizers import read_quantizer
from fasttrig.frontends.source import ModelSpec
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.reference.qkeras_run import (
    FrameworkDifference,
    first_difference,
    framework_raw,
    framework_trace,
    import_framework,
    input_values,
    layer_ends,
)

try:
    keras, qkeras = import_framework()
except MissingPackageError as error:
    pytest.skip(str(error), allow_module_level=True)

BITS = "quantized_bits(6,0,alpha=1)"


def qdense(units: int, name: str, **options: Any) -> Any:
    """A QDense layer quantised to 6 bits unless told otherwise."""
    options = {"kernel_quantizer": BITS, "bias_quantizer": BITS} | options
    return qkeras.QDense(units, name=name, **options)


def randomised(model: Any, seed: int = 0, spread: float = 0.5) -> Any:
    """`model` with normally distributed kernels and biases, wide enough that some weights saturate."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if type(layer).__name__ in ("QDense", "QDenseBatchnorm", "Dense"):
            weights = [rng.normal(0.0, spread, w.shape).astype(np.float32) for w in layer.get_weights()[:2]]
            layer.set_weights([*weights, *layer.get_weights()[2:]])
    return model


def sequential(*layers: Any, shape: tuple[int, ...] = (4,), seed: int = 0) -> Any:
    return randomised(keras.Sequential([keras.Input(shape, name="x"), *layers]), seed)


def random_inputs(graph: Graph, n_events: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Raw integers over the full range of every input, both ends included."""
    rng = np.random.default_rng(seed)
    inputs = {}
    for op in graph.inputs:
        low, high = op.result.type.min_raw, op.result.type.max_raw
        inputs[op.name] = rng.integers(low, high + 1, (n_events, *op.result.shape))
        inputs[op.name][0], inputs[op.name][1] = low, high
    return inputs


def require_equal(source: Any, input_type: Any = None, n_events: int = 2000, **options: Any) -> Graph:
    """Read `source`, run both sides on random raw inputs, compare every raw integer; returns the graph."""
    graph, scales = convert(source, input_type=input_type, **options)
    inputs = random_inputs(graph, n_events)
    emulated = evaluate(graph, inputs).outputs
    found = framework_raw(graph, source, inputs, scales=scales)
    assert list(found) == [value.name for value in graph.outputs]
    for name, raw in found.items():
        assert np.array_equal(raw, emulated[name]), explain(graph, source, inputs)
        assert len(np.unique(raw)) > 1, "a comparison of constants shows nothing"
    return graph


def explain(graph: Graph, source: Any, inputs: dict[str, np.ndarray]) -> FrameworkDifference | None:
    """The first op that differs from its layer in the framework."""
    keep = [op.name for op in layer_ends(graph).values()]
    trace = framework_trace(source, input_values(graph, inputs))
    return first_difference(graph, trace, evaluate(graph, inputs, keep=keep).trace)


def activation_graph(content: Any, operand: FixedType, n_channels: int = 1) -> Graph:
    """Input -> one activation, lowered without a model around it."""
    builder = GraphBuilder("activation")
    low = Lowering(ModelSpec("m", "m.h5", (), (), ()), builder)
    value = builder.input(low.names.new("x"), (n_channels,), operand)
    quantizer = read_quantizer(content, "m.h5")
    assert quantizer is not None
    return builder.graph(
        lower_activation(low, value, quantizer, ActivationSite(low.names.new("y"), "m.h5 > layer 'y'", "m.h5"))
    )


def eager(quantizer: Callable[[Any], Any], values: np.ndarray) -> np.ndarray:
    """QKeras' quantizer on an array, in the array's precision."""
    return np.asarray(quantizer(keras.backend.constant(values, dtype=str(values.dtype))))
