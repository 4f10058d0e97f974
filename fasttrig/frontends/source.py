"""A Keras model as plain data: layers with their configuration and weights, and who feeds whom.

Both ways in (a file, a live model) end here, so that whatever follows sees one form. Nothing is ever executed or
imported on behalf of a model: configurations are read as data, and a configuration that would need code is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import InputError, UnsupportedError

Weights = dict[str, npt.NDArray[np.float32]]

_TRUSTED_MODULES = ("keras", "tf_keras", "tensorflow.keras", "qkeras", "builtins", "tensorflow_model_optimization")
_TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint")
_CODE_KINDS = ("Lambda", "__lambda__", "function", "LambdaLayer", "TFOpLambda", "SlicingOpLambda", "ClassMethod")


@dataclass(frozen=True, slots=True, order=True)
class TensorRef:
    """One output tensor of one call of a layer, as Keras counts: layer name, call index, output index."""

    layer: str
    call: int = 0
    tensor: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class LayerSpec:
    """One layer.

    Attributes
    ----------
    kind : str
        Class name, such as ``QDense``.
    config : mapping
        What ``get_config`` gave, as plain data.
    weights : dict of str to float32 array
        By Keras' own last name: ``kernel``, ``bias``, ``gamma``, ...
    calls : tuple of tuples of TensorRef
        The operands of each call; empty for an input layer.
    """

    name: str
    kind: str
    config: Mapping[str, Any] = field(repr=False)
    weights: Weights = field(repr=False)
    calls: tuple[tuple[TensorRef, ...], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ModelSpec:
    """A model: its layers in the framework's order, its inputs and outputs in the caller's order."""

    name: str
    source: str
    layers: tuple[LayerSpec, ...]
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]

    @property
    def file_name(self) -> str:
        """The last part of the source: what origins start with."""
        return self.source.replace("\\", "/").rsplit("/", 1)[-1]

    def layer(self, name: str) -> LayerSpec:
        return next(layer for layer in self.layers if layer.name == name)

    def users(self, name: str) -> tuple[LayerSpec, ...]:
        return tuple(layer for layer in self.layers if any(ref.layer == name for call in layer.calls for ref in call))

    def where(self, layer: LayerSpec, *parts: str) -> str:
        """The path of an error: ``models/jet.h5 > layer 'fc1' (QDense) > kernel_quantizer``."""
        return " > ".join([self.source, f"layer '{layer.name}' ({layer.kind})", *parts])

    def origin(self, layer: LayerSpec, *parts: str) -> str:
        """The path of an op: ``jet.h5 > layer 'fc1' > kernel``."""
        return " > ".join([self.file_name, f"layer '{layer.name}'", *parts])


WeightsOf = Callable[[list[tuple[str, str]]], dict[str, Weights]]


def model_spec(config: Any, source: str, weights_of: WeightsOf) -> ModelSpec:
    """Build the specification from a model's configuration.

    Parameters
    ----------
    config : mapping
        ``{"class_name": "Functional", "config": {...}}`` as Keras writes it.
    weights_of : callable
        Gives the weights by layer name from the list of (layer name, class name) in the model's order.

    Raises
    ------
    InputError
        If the configuration does not have Keras' form.
    UnsupportedError
        If it is neither Sequential nor Functional, or holds code.
    """
    kind = _get(config, "class_name", source)
    content = _get(config, "config", source)
    refuse_code(content, source)
    if kind not in ("Sequential", "Functional", "Model"):
        raise UnsupportedError(
            "fasttrig cannot read this kind of model",
            where=source,
            got=str(kind),
            want="a Sequential or a Functional model",
            try_="rebuild a subclassed model with keras.Model(inputs, outputs)",
        )
    read = _read_sequential if kind == "Sequential" else _read_functional
    layers, inputs, outputs = read(content, source)
    names = [layer.name for layer in layers]
    if len(set(names)) != len(names):
        raise InputError("two layers share a name", where=source, got=", ".join(sorted(names)))
    weights = weights_of([(layer.name, layer.kind) for layer in layers])
    layers = [LayerSpec(x.name, x.kind, x.config, weights.get(x.name, {}), x.calls) for x in layers]
    _check_references(layers, (*inputs, *outputs), source)
    name = content.get("name", "model") if isinstance(content, Mapping) else "model"
    return ModelSpec(str(name), source, tuple(layers), tuple(inputs), tuple(outputs))


def refuse_code(config: Any, source: str, *, training_too: bool = False) -> None:
    """Refuse a configuration that names code: lambdas, functions, classes of unknown modules.

    Initializers, regularizers and constraints act in training only and are not read; they are looked at only with
    `training_too`, which is for a configuration that Keras is going to load.
    """
    for path, node in _walk(config, "config", () if training_too else _TRAINING_ONLY):
        kind, module = node.get("class_name"), node.get("module")
        if kind in _CODE_KINDS:
            raise UnsupportedError(
                "fasttrig does not run code from a model file",
                where=f"{source} > {path}",
                got=str(kind),
                want="layers whose meaning follows from their configuration",
                try_="replace the Lambda layer or operator by a Keras or QKeras layer",
            )
        if module is not None and not _trusted(module):
            raise UnsupportedError(
                "fasttrig does not know the module of this object",
                where=f"{source} > {path}",
                got=f"{module}.{kind}",
                want="keras or qkeras objects",
            )


def _trusted(module: Any) -> bool:
    return isinstance(module, str) and module.split(".")[0] in {name.split(".")[0] for name in _TRUSTED_MODULES}


def _walk(content: Any, path: str, skip: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every mapping inside plain data, with its path; without recursion, so that depth cannot hurt."""
    stack: list[tuple[str, Any]] = [(path, content)]
    while stack:
        here, node = stack.pop()
        if isinstance(node, Mapping):
            yield here, node
            stack.extend((f"{here} > {key}", value) for key, value in node.items() if not str(key).endswith(skip))
        elif isinstance(node, (list, tuple)):
            stack.extend((f"{here}[{index}]", value) for index, value in enumerate(node))


def _get(node: Any, key: str, source: str) -> Any:
    if not isinstance(node, Mapping) or key not in node:
        raise InputError(
            "the model's configuration is not as Keras writes it",
            where=source,
            got=f"no '{key}' in {str(node)[:80]}",
            want=f"an object with '{key}'",
        )
    return node[key]


Parts = tuple[list[LayerSpec], list[TensorRef], list[TensorRef]]


def _read_sequential(content: Any, source: str) -> Parts:
    entries = content if isinstance(content, list) else _get(content, "layers", source)
    if not isinstance(entries, list) or not entries:
        raise InputError("a model without layers", where=source)
    layers = [_layer(entry, source) for entry in entries]
    if layers[0].kind != "InputLayer":
        layers.insert(0, _implied_input(content, layers[0], source))
    chained = [layers[0]]
    for layer in layers[1:]:
        chained.append(LayerSpec(layer.name, layer.kind, layer.config, {}, ((TensorRef(chained[-1].name),),)))
    return chained, [TensorRef(chained[0].name)], [TensorRef(chained[-1].name)]


def _implied_input(content: Any, first: LayerSpec, source: str) -> LayerSpec:
    shape = first.config.get("batch_input_shape") or first.config.get("batch_shape")
    if shape is None and isinstance(content, Mapping):
        shape = content.get("build_input_shape")
    if shape is None:
        raise InputError(
            "the model does not say the shape of its input",
            where=source,
            want="an Input layer, or input_shape= at the first layer",
            try_="call model.build((None, n_features)) before saving",
        )
    name = f"{first.name}_input"
    return LayerSpec(name, "InputLayer", {"name": name, "batch_input_shape": shape}, {})


def _read_functional(content: Any, source: str) -> Parts:
    entries = _get(content, "layers", source)
    layers = []
    for entry in entries:
        layer = _layer(entry, source)
        nodes = _get(entry, "inbound_nodes", source)
        calls = tuple(_operands(node, f"{source} > layer '{layer.name}'") for node in nodes)
        layers.append(LayerSpec(layer.name, layer.kind, layer.config, {}, calls))
    inputs = _references(_get(content, "input_layers", source), source)
    outputs = _references(_get(content, "output_layers", source), source)
    return layers, inputs, outputs


def _layer(entry: Any, source: str) -> LayerSpec:
    config = _get(entry, "config", source)
    kind = _get(entry, "class_name", source)
    name = entry.get("name") or _get(config, "name", source)
    return LayerSpec(str(name), str(kind).rsplit(">", 1)[-1], config, {})


def _operands(node: Any, where: str) -> tuple[TensorRef, ...]:
    """The tensors of one call; Keras 2 writes ``[["x", 0, 0, {}], ...]``, Keras 3 ``{"args": [...], "kwargs": {}}``."""
    if isinstance(node, Mapping):
        extra = {key: value for key, value in node.get("kwargs", {}).items() if value is not None}
        found = [_tensor(item, where) for item in _flat(node.get("args", []))]
    else:
        rows = [node] if node and isinstance(node[0], str) else node
        extra = {key: value for row in rows if len(row) > 3 for key, value in row[3].items() if value is not None}
        found = [_reference(row, where) for row in rows]
    if set(extra) - {"training"} or extra.get("training"):
        raise UnsupportedError(
            "fasttrig cannot use a layer call with extra arguments",
            where=where,
            got=", ".join(f"{key}={value}" for key, value in extra.items()),
            want="tensors only",
        )
    return tuple(found)


def _flat(content: Any) -> Iterator[Any]:
    for item in content:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item


def _tensor(item: Any, where: str) -> TensorRef:
    if not isinstance(item, Mapping) or item.get("class_name") != "__keras_tensor__":
        raise UnsupportedError(
            "fasttrig cannot use a layer call with constant arguments",
            where=where,
            got=str(item)[:80],
            want="tensors only",
        )
    return _reference(item["config"]["keras_history"], where)


def _references(content: Any, source: str) -> list[TensorRef]:
    rows = [content] if content and isinstance(content[0], str) else content
    if isinstance(rows, Mapping):
        rows = list(rows.values())
    return [_reference(row, source) for row in rows]


def _reference(row: Any, where: str) -> TensorRef:
    if not isinstance(row, (list, tuple)) or len(row) < 3 or not isinstance(row[0], str):
        raise InputError(
            "a connection is not as Keras writes it",
            where=where,
            got=str(row)[:80],
            want="[layer name, call index, tensor index]",
        )
    return TensorRef(row[0], int(row[1]), int(row[2]))


def _check_references(layers: list[LayerSpec], ends: tuple[TensorRef, ...], source: str) -> None:
    calls = {layer.name: max(1, len(layer.calls)) for layer in layers}
    used = [ref for layer in layers for call in layer.calls for ref in call]
    for ref in (*used, *ends):
        if not 0 <= ref.call < calls.get(ref.layer, 0) or ref.tensor != 0:
            raise InputError("a connection leads nowhere", where=source, got=str(ref), want="an output of a layer")
