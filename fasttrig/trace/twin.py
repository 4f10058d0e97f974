"""The float model next to a design: which layer corresponds to which op, and its values for an event."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fasttrig.backends.conifer.parts import is_lone_forest
from fasttrig.base.errors import FasttrigError
from fasttrig.base.fixed import FloatArray, to_value
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import MatMul, Op
from fasttrig.trace.traced_event import Opened, TracedEvent


@dataclass(frozen=True, slots=True)
class Twin:
    """Results of the float model.

    Attributes
    ----------
    values : dict of op name to float array, shape (1, ...)
    alike : dict of op name to the correlation of the layer's weights with the float model's
    margins : float array, shape (1, n_outputs); None where the model was not run, with `reason`
    """

    values: dict[str, FloatArray]
    alike: dict[str, float]
    margins: FloatArray | None
    reason: str = ""


def trace_twin(opened: Opened, event: TracedEvent) -> Twin:
    """Run the float model on the event's features, scaled but neither rounded nor clipped."""
    design, project = opened.design, opened.project
    if project is None:
        return Twin({}, {}, None, opened.reason)
    if project.model.float_file is None:
        return Twin({}, {}, None, "model.toml names no float_file")
    if event.features is None or design.inputs is None:
        return Twin({}, {}, None, "the event's features are not known in their own units")
    x = design.inputs.scaled(event.features)
    path = project.path(project.model.float_file)
    try:
        return _forest(path, design.graph, x) if is_lone_forest(design.graph) else _network(path, design.graph, x)
    except FasttrigError as error:
        return Twin({}, {}, None, error.what)


def _forest(path: Path, graph: Graph, x: FloatArray) -> Twin:
    from fasttrig.frontends.trees import read_ensemble

    margins = read_ensemble(path).margin(x)
    return Twin({graph.outputs[0].name: margins}, {}, margins)


def _network(path: Path, graph: Graph, x: FloatArray) -> Twin:
    from fasttrig.frontends.keras.qkeras import read_spec
    from fasttrig.frontends.source import LayerSpec
    from fasttrig.reference.layer_ends import layer_ends
    from fasttrig.reference.qkeras_run import framework_trace, twin_inputs

    spec = read_spec(path)
    layers: dict[str, LayerSpec] = {layer.name: layer for layer in spec.layers}
    trace = framework_trace(path, twin_inputs(spec, graph, x))
    output = spec.outputs[0].layer
    ends = layer_ends(graph)
    values: dict[str, FloatArray] = {}
    alike: dict[str, float] = {}
    for name, op in ends.items():
        if name not in trace:
            continue
        layer = layers[name]
        product = _product(graph, name)
        end = op if _is_linear(layer) or name == output else _after_activation(graph, op)
        values[end.name] = trace[name]
        kernel = layer.weights.get("kernel")
        if product is not None and kernel is not None and kernel.shape == product.weight.shape:
            alike[end.name] = _correlation(kernel.astype(np.float64), to_value(product.weight.raw, product.weight.type))
    margins = trace.get(output, values.get(graph.outputs[0].name))
    return Twin(values, alike, None if margins is None else margins.reshape(1, -1))


def _is_linear(layer: object) -> bool:
    activation = getattr(layer, "config", {}).get("activation", "linear")
    return activation in (None, "linear")


def _after_activation(graph: Graph, op: Op) -> Op:
    """A float layer with its activation inside ends at the activation that follows the quantised layer."""
    users = graph.users(op.result)
    is_activation = len(users) == 1 and users[0].pointwise and users[0].weights is None
    return users[0] if op.weights is not None and is_activation else op


def _product(graph: Graph, layer: str) -> MatMul | None:
    from fasttrig.reference.layer_ends import layer_of

    return next((op for op in graph.ops_of(MatMul) if layer_of(op) == layer), None)


def _correlation(kernel: FloatArray, weight: FloatArray) -> float:
    """Pearson's coefficient over all elements; 0 if either array is constant."""
    a, b = (array.ravel() - array.mean() for array in (kernel, weight))
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else 0.0
