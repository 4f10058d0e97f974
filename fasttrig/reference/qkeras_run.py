"""Runs a QKeras model in its own framework, for the ladder's first rung: framework = emulate, in raw integers.

How the framework is run, and why:

- Weights are quantised by QKeras itself in float32, as trained. Everything after that runs in float64, where sums of
  products of fixed-point numbers are exact up to 53 bits. QKeras names float32 in places (`quantized_relu` casts to
  it, the powers of two mix it in); for the time of the run those go to float64 (`reference/float64.py`), so that wide
  accumulators are not rounded before they are quantised. Nothing else of QKeras is touched.
- A final softmax or sigmoid is taken off: logits are compared.
- Results are turned into raw integers exactly; a number off the graph's grid is a failed check, never rounded.

Only this module of the frontend imports TensorFlow, and only when it is called. A file is read by fasttrig's own
reader first, which refuses code, before Keras is given it. (QKeras 0.9.0 as installed needs no `np.product`: its
quantizers do not call it.)
"""

from __future__ import annotations

import importlib
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.errors import CheckFailed, InputError, MissingPackageError
from fasttrig.base.fixed import FLOAT32_BITS, FLOAT64_BITS, FloatArray, IntArray, to_value
from fasttrig.data.spread import spread
from fasttrig.frontends.keras.final_link import LINKS
from fasttrig.frontends.keras.layers import LAYERS, REFUSED_LAYERS
from fasttrig.frontends.keras.pooling import average_factor
from fasttrig.frontends.keras.qkeras import link_layer, read_spec
from fasttrig.frontends.keras.quantizers import quantizer_name, read_quantizer
from fasttrig.frontends.scales import RoundedScale
from fasttrig.frontends.source import ModelParts, ModelSpec, refuse_code
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Op, Value
from fasttrig.reference.float64 import quantizers_in
from fasttrig.reference.keras_layers import Affine, Averages, Constant, EmbeddedRows, Recorder, leaves
from fasttrig.reference.keras_runtime import import_framework
from fasttrig.reference.known_objects import known_objects
from fasttrig.reference.layer_ends import layer_ends, layer_of
from fasttrig.reference.loading import loaded
from fasttrig.reference.pinned_weights import (
    QUANTISED,
    owner_of,
    parts_of_layer,
    quantised_in_float32,
    with_multipliers,
)
from fasttrig.reference.pruning import without_pruning

BATCH_EVENTS = 4096
_QUANTIZERS = (
    "quantizer",
    "activation",
    "recurrent_activation",
    *(f"{part}_quantizer{kind}" for part in QUANTISED for kind in ("", "_internal")),
)


@dataclass(frozen=True, slots=True)
class FrameworkDifference:
    """The first op, in the graph's order, whose integers are not the framework's."""

    op: str
    layer: str
    event: int
    index: tuple[int, ...]
    graph_raw: int
    framework_value: float
    n_different: int


def framework_predict(
    source: Any,
    x_values: FloatArray | Mapping[str, FloatArray],
    *,
    float64: bool = True,
    scales: Sequence[RoundedScale] = (),
) -> dict[str, FloatArray]:
    """Outputs of the model in its framework, by output layer name, in the model's order; logits before a link.

    Parameters
    ----------
    source : path or live model
    x_values : float array, shape (n_events, *shape), or a mapping of input layer name to such an array
    float64 : bool
        Run in float64 (exact far beyond 24 bits); False runs as trained, in float32.
    scales : sequence of RoundedScale
        Real scales that `convert` rounded; the framework computes with the same multipliers.

    Raises
    ------
    MissingPackageError
        If TensorFlow, tf_keras or qkeras is missing, or Keras 3 is already in use.
    """
    spec = read_spec(source)
    with _prepared(spec, source, float64, scales) as (keras, model):
        runner = keras.Model(model.inputs, model.outputs)
        found = runner.predict(_ordered(spec, x_values, float64), batch_size=BATCH_EVENTS, verbose=0)
    results = found if isinstance(found, list) else [found]
    names = [ref.layer for ref in spec.outputs]
    return {name: np.asarray(array, dtype=np.float64) for name, array in zip(names, results, strict=True)}


def framework_trace(
    source: Any,
    x_values: FloatArray | Mapping[str, FloatArray],
    *,
    float64: bool = True,
    scales: Sequence[RoundedScale] = (),
) -> dict[str, FloatArray]:
    """The output of every layer that is called once, by layer name; otherwise as `framework_predict`.

    Layers of models inside the model are named by their path, ``encoder/fc1``.
    """
    spec = read_spec(source)
    names = {layer.name for layer in spec.layers if layer.kind != "InputLayer" and len(layer.calls) == 1}
    with _prepared(spec, source, float64, scales) as (keras, model):
        recorders = {name: Recorder(layer) for name, layer in leaves(model).items() if name in names}
        arrays = _ordered(spec, x_values, float64)
        for start in range(0, len(arrays[0]), BATCH_EVENTS):
            batch = [keras.backend.constant(array[start : start + BATCH_EVENTS], array.dtype.name) for array in arrays]
            model(batch if len(batch) > 1 else batch[0], training=False)
    return {name: recorders[name].output() for name in (layer.name for layer in spec.layers) if name in recorders}


def framework_raw(
    graph: Graph,
    source: Any,
    inputs: IntArray | Mapping[str, IntArray],
    *,
    float64: bool = True,
    scales: Sequence[RoundedScale] = (),
) -> dict[str, IntArray]:
    """The framework's outputs as raw integers of the graph's outputs, from raw integers of its inputs.

    The graph must be read with ``output_activation="postprocessor"``: tables on the chip have no exact counterpart.

    Raises
    ------
    CheckFailed
        If an output of the framework is not on the grid of the graph's output.
    """
    require_exact(graph, FLOAT64_BITS if float64 else FLOAT32_BITS)
    found = framework_predict(source, input_values(graph, inputs), float64=float64, scales=scales)
    pairs = zip(graph.outputs, found.items(), strict=True)
    return {value.name: raw_of(value, array, layer) for value, (layer, array) in pairs}


def first_difference(
    graph: Graph, trace: Mapping[str, FloatArray], emulated: Mapping[str, IntArray]
) -> FrameworkDifference | None:
    """The first op whose integers differ from its layer's output in the framework; None where all agree.

    Parameters
    ----------
    trace : dict of str to float array
        What `framework_trace` gave: real numbers by layer name.
    emulated : dict of str to int array
        Raw integers by op name, of (at least) the ops in `layer_ends(graph)`: the emulator's `keep`.
    """
    for layer, op in layer_ends(graph).items():
        if layer not in trace:
            continue
        scaled = np.ldexp(trace[layer], op.result.type.fraction_bits)
        different = np.argwhere(scaled != emulated[op.name].astype(np.float64))
        if len(different):
            place = tuple(int(i) for i in different[0])
            return FrameworkDifference(
                op.name,
                layer,
                place[0],
                place[1:],
                int(emulated[op.name][place]),
                float(trace[layer][place]),
                len(different),
            )
    return None


def beyond_float32(graph: Graph) -> tuple[str, ...]:
    """Ops whose numbers may need more than float32's 24 bits: there the model as trained may round differently."""
    return tuple(op.name for op in _arithmetic(graph) if op.result.type.width > FLOAT32_BITS + 1)


def require_exact(graph: Graph, bits: int) -> None:
    """Raise where a sum or a product of the framework may leave its exact integers; `graph` is as it was read."""
    for op in _arithmetic(graph):
        if op.result.type.width > bits + 1:
            raise InputError(
                "the framework cannot hold this number exactly",
                where=op.origin or op.name,
                got=f"{op.result.type.width} bits",
                want=f"at most {bits} bits and a sign",
            )


def _arithmetic(graph: Graph) -> tuple[Op, ...]:
    """Ops whose exact results need more bits than their operands: sums, products, factors."""
    return tuple(op for op in graph.all_ops if op.exact and op.own_bits)


def input_values(graph: Graph, inputs: IntArray | Mapping[str, IntArray]) -> dict[str, FloatArray]:
    """Real numbers of raw inputs, by the framework's input layer names."""
    given = inputs if isinstance(inputs, Mapping) else {graph.inputs[0].name: inputs}
    return {layer_of(op) or op.name: to_value(given[op.name], op.result.type) for op in graph.inputs}


def twin_inputs(spec: ModelSpec, graph: Graph, flat: FloatArray) -> dict[str, FloatArray]:
    """Flat features, shape (n_events, n_numbers), by the input layers of a float model with the inputs of `graph`."""
    parts = spread(graph, flat).values()
    return {ref.layer: part for ref, part in zip(spec.inputs, parts, strict=True)}


def raw_of(value: Value, array: FloatArray, layer: str) -> IntArray:
    """Real numbers as raw integers of `value`, exactly, or not at all."""
    scaled = np.ldexp(np.asarray(array, dtype=np.float64), value.type.fraction_bits)
    off_grid = scaled != np.rint(scaled)
    if off_grid.any():
        place = tuple(int(index) for index in np.argwhere(off_grid)[0])
        raise CheckFailed(
            "the framework gives a number that is not on the graph's grid",
            where=f"layer '{layer}', element {place}",
            got=f"{array[place]!r} ({int(off_grid.sum())} of {off_grid.size} elements)",
            want=f"multiples of 2**-{value.type.fraction_bits} ({value.type})",
        )
    return scaled.astype(np.int64).reshape(len(scaled), *value.shape)


@contextmanager
def _prepared(spec: ModelSpec, source: Any, float64: bool, scales: Sequence[RoundedScale]) -> Iterator[tuple[Any, Any]]:
    """(tf_keras, the model to run); run the model only inside the block."""
    keras, qkeras = import_framework()
    if getattr(qkeras.quantizers, "_sigmoid", None) is not qkeras.quantizers.hard_sigmoid:
        raise InputError("QKeras' internal sigmoid was changed", want="qkeras.quantizers.set_internal_sigmoid('hard')")
    known = {
        "InputLayer",
        *LAYERS,
        *REFUSED_LAYERS,
    }  # a float network runs too: it is what a quantised one is compared to
    unknown = [layer.kind for layer in spec.layers if layer.kind not in known]
    if unknown:
        raise InputError("fasttrig refuses to run an unknown layer", where=spec.source, got=unknown[0])
    original = _load(keras, qkeras, source, spec)
    floatx = keras.backend.floatx()
    try:
        keras.backend.set_floatx("float32")
        pinned = quantised_in_float32(keras, original)
        keras.backend.set_floatx("float64" if float64 else "float32")
        with quantizers_in(qkeras, float64), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Keras on quantizers as constraints
            model = _copy(keras, qkeras, original, float64)
            _adapt(keras, model, spec, pinned, scales)
            yield keras, model
    finally:
        keras.backend.set_floatx(floatx)


def _ordered(spec: ModelSpec, x_values: Any, float64: bool) -> list[Any]:
    names = [ref.layer for ref in spec.inputs]
    given = x_values if isinstance(x_values, Mapping) else {names[0]: x_values}
    missing = [name for name in names if name not in given]
    if missing:
        raise InputError("an input of the model is missing", got=", ".join(given), want=missing[0])
    return [np.asarray(given[name], dtype=np.float64 if float64 else np.float32) for name in names]


def _load(keras: Any, qkeras: Any, source: Any, spec: ModelSpec) -> Any:
    if not isinstance(source, (str, os.PathLike, ModelParts)):
        return without_pruning(source)
    for layer in spec.layers:
        refuse_code(layer.config, spec.where(layer), training_too=True)
    importlib.import_module("fasttrig.reference.set_layers")  # registers them with Keras
    try:
        return loaded(keras, source, known_objects(qkeras), spec)
    except (ValueError, TypeError, ImportError) as error:
        raise MissingPackageError(
            "the framework cannot load this model",
            where=str(source),
            got=str(error)[:300],
            want="a model that the installed tf_keras and QKeras know",
            try_="load it where it was trained, and give the live model",
        ) from error


def _copy(keras: Any, qkeras: Any, original: Any, float64: bool) -> Any:
    """The same model with layers in the precision of the run; quantizers are the original's own objects."""
    objects = {type(layer).__name__: type(layer) for layer in leaves(original).values()} | known_objects(qkeras)
    kind = keras.Sequential if isinstance(original, keras.Sequential) else keras.Model
    config = _with_dtype(_neutral(original.get_config()), "float64" if float64 else "float32")
    model = kind.from_config(config, custom_objects=objects)
    twins = leaves(original)
    for name, layer in leaves(model).items():
        twin = twins[name]
        layer.set_weights(twin.get_weights())
        for part, its_twin in zip(parts_of_layer(layer), parts_of_layer(twin), strict=True):
            for attribute in _QUANTIZERS:
                if getattr(its_twin, attribute, None) is not None:
                    setattr(owner_of(part), attribute, getattr(its_twin, attribute))
    return model


_ANY_QUANTIZER = "quantized_bits(8,0,alpha=1)"
"""Until its own is handed over: QGRU without a recurrent quantizer takes the kernel for the recurrent kernel."""


def _neutral(config: dict[str, Any]) -> dict[str, Any]:
    """A model's configuration without quantizers: Keras does not rebuild all of them, so they are handed over."""
    blank: dict[str, str | None] = dict.fromkeys(("activation", "recurrent_activation"), "linear")
    blank |= dict.fromkeys(f"{part}_quantizer" for part in QUANTISED)
    entries = []
    for entry in config["layers"]:
        content = entry["config"]
        if isinstance(content, dict) and "layers" in content:
            content = _neutral(content)
        else:
            content = content | {key: value for key, value in blank.items() if key in content}
            if entry["config"].get("recurrent_quantizer") is not None:
                content["recurrent_quantizer"] = _ANY_QUANTIZER
            for key in ("layer", "backward_layer"):
                if isinstance(content.get(key), dict):  # the layer in a wrapper
                    content = content | {key: _neutral({"layers": [content[key]]})["layers"][0]}
        entries.append(entry | {"config": content})
    return config | {"layers": entries}


def _with_dtype(config: Any, dtype: str) -> Any:
    if isinstance(config, dict):
        return {
            key: dtype if key == "dtype" and value in ("float32", "float64") else _with_dtype(value, dtype)
            for key, value in config.items()
        }
    return [_with_dtype(item, dtype) for item in config] if isinstance(config, list) else config


def _adapt(
    keras: Any,
    model: Any,
    spec: ModelSpec,
    pinned: Mapping[tuple[str, int, str], np.ndarray],
    scales: Sequence[RoundedScale],
) -> None:
    rounded = {(row.layer, row.part): row for row in scales}
    parts = {name: parts_of_layer(layer) for name, layer in leaves(model).items()}
    for (name, number, attribute), weight in pinned.items():
        row = rounded.get((name, attribute.removesuffix("_internal")))
        weight = weight if row is None else with_multipliers(row, weight)
        setattr(owner_of(parts[name][number]), attribute, Constant(keras, weight))
    layers = {name: first for name, (first, *_) in parts.items()}
    for layer in spec.layers:
        if layer.config.get("average_quantizer") is not None:
            running = layers[layer.name]
            quantizer = read_quantizer(layer.config["average_quantizer"], layer.name)
            factor = average_factor(quantizer, _pool_area(running), layer.name)
            running.call = Averages(keras, running, factor)
        if layer.kind == "Embedding":
            layers[layer.name].call = EmbeddedRows(keras, np.asarray(layers[layer.name].embeddings, dtype=np.float64))
        row = rounded.get((layer.name, "scale"))
        if row is not None and row.offset is not None:
            layers[layer.name].call = Affine(keras, row.scale, row.offset)
    _without_link(keras, layers, spec)


def _pool_area(layer: Any) -> int:
    """Elements of an average."""
    return math.prod(layer.pool_size if hasattr(layer, "pool_size") else layer.input_shape[1:3])


def _without_link(keras: Any, layers: Mapping[str, Any], spec: ModelSpec) -> None:
    name = link_layer(spec)
    if name is None:
        return
    layer, kind = layers[name], spec.layer(name).kind
    if kind == "Softmax":
        layer.call = _same
        return
    assert quantizer_name(spec.layer(name).config.get("activation")) in LINKS
    layer.activation = keras.activations.linear
    if kind == "QActivation":
        layer.quantizer = keras.activations.linear


def _same(inputs: Any, **_options: Any) -> Any:
    return inputs
