"""Reads a Keras model's configuration: layers and who feeds whom, models inside models included.

Keras 2 and Keras 3 write connections differently; both end in `ModelTree`, whose call numbers start at 0 everywhere.
Every configuration is checked by its schema here, before it is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.hgq.schema import PREFIX, check_hgq_layer
from fasttrig.frontends.keras.nested import flatten
from fasttrig.frontends.keras.schema import MAX_NAME, check_layer
from fasttrig.frontends.keras.wrappers import renamed, unwrapped
from fasttrig.frontends.source import (
    MAX_LAYERS,
    MAX_MODEL_DEPTH,
    MODEL_KINDS,
    LayerSpec,
    ModelSpec,
    ModelTree,
    TensorRef,
    Weights,
    Wrapper,
    is_hgq,
    refuse_code,
)

WeightsOf = Callable[[ModelTree], dict[str, Weights]]

MAX_NESTED_ARGUMENTS = 8
"""Lists inside lists in the arguments of a call."""


def model_spec(config: Any, source: str, weights_of: WeightsOf) -> ModelSpec:
    """Build the specification from a model's configuration; models inside the model are laid flat.

    Parameters
    ----------
    config : mapping
        ``{"class_name": "Functional", "config": {...}}`` as Keras writes it.
    weights_of : callable
        Gives the weights by the flat layer's name (``encoder/fc1``) from the tree.

    Raises
    ------
    InputError
        If the configuration does not have Keras' form, or is larger than any trigger model.
    UnsupportedError
        If it is neither Sequential nor Functional, or holds code.
    """
    kind = _get(config, "class_name", source)
    content = _get(config, "config", source)
    refuse_code(content, source)
    if not _is_model(kind):
        raise UnsupportedError(
            "fasttrig cannot read this kind of model",
            where=source,
            got=str(kind)[:80],
            want="a Sequential or a Functional model",
            try_="rebuild a subclassed model with keras.Model(inputs, outputs)",
        )
    tree = _read_model(kind, content, source)
    layers, inputs, outputs = flatten(tree, source)
    names = [layer.name for layer in layers]
    _require_unique(names, source)
    weights = weights_of(tree)
    layers = [LayerSpec(x.name, x.kind, x.config, weights.get(x.name, {}), x.calls, x.models) for x in layers]
    name = content.get("name", "model") if isinstance(content, Mapping) else "model"
    return ModelSpec(str(name)[:MAX_NAME], source, tuple(layers), tuple(inputs), tuple(outputs))


def _is_model(kind: Any) -> bool:
    return isinstance(kind, str) and kind in MODEL_KINDS


def _require_unique(names: list[str], where: str) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise InputError("two layers share a name", where=where, got=", ".join(twice)[:200])


def _get(node: Any, key: str, source: str) -> Any:
    if not isinstance(node, Mapping) or key not in node:
        raise InputError(
            "the model's configuration is not as Keras writes it",
            where=source,
            got=f"no '{key}' in {str(node)[:80]}",
            want=f"an object with '{key}'",
        )
    return node[key]


def _list(content: Any, key: str, where: str) -> list[Any]:
    if not isinstance(content, (list, tuple)) or len(content) > MAX_LAYERS:
        raise InputError(
            "the model's configuration is not as Keras writes it",
            where=f"{where} > {key}",
            got=f"{len(content)} entries" if isinstance(content, (list, tuple)) else f"{str(content)[:80]}",
            want=f"a list of at most {MAX_LAYERS} entries",
        )
    return list(content)


def _read_model(kind: str, content: Any, where: str, depth: int = 0) -> ModelTree:
    if depth > MAX_MODEL_DEPTH:
        raise InputError("too many models inside models", where=where[:200], want=f"at most {MAX_MODEL_DEPTH} levels")
    read = _read_sequential if kind == "Sequential" else _read_functional
    tree = renamed(read(content, where, depth))
    _require_unique([layer.name for layer in tree.layers], where)
    _check_references(tree, where)
    return tree


def _read_sequential(content: Any, source: str, depth: int) -> ModelTree:
    entries = _list(content if isinstance(content, list) else _get(content, "layers", source), "layers", source)
    if not entries:
        raise InputError("the model has no layers", where=source)
    layers, models, wrappers = _entries(entries, source, depth)
    if layers[0].kind != "InputLayer":
        layers.insert(0, _implied_input(content, layers[0], models, source, depth))
    chained = [layers[0]]
    for layer in layers[1:]:
        chained.append(LayerSpec(layer.name, layer.kind, layer.config, {}, ((TensorRef(chained[-1].name),),)))
    ends = (TensorRef(chained[0].name),), (TensorRef(chained[-1].name),)
    return ModelTree(tuple(chained), *ends, models, _trainable(content), wrappers)


def _trainable(content: Any) -> bool:
    return not isinstance(content, Mapping) or content.get("trainable", True) is not False


def _implied_input(
    content: Any, first: LayerSpec, models: Mapping[str, ModelTree], source: str, depth: int
) -> LayerSpec:
    shape = first.config.get("batch_input_shape") or first.config.get("batch_shape")
    if shape is None and first.name in models:
        inner = models[first.name]
        entry = next(layer for layer in inner.layers if layer.name == inner.inputs[0].layer)
        shape = entry.config.get("batch_input_shape") or entry.config.get("batch_shape")
    if shape is None and isinstance(content, Mapping):
        shape = content.get("build_input_shape")
    if shape is None and depth == 0:
        raise InputError(
            "the model does not say the shape of its input",
            where=source,
            want="an Input layer, or input_shape= at the first layer",
            try_="call model.build((None, n_features)) before saving",
        )
    name = f"{first.name}_input"
    config = {"name": name, "batch_input_shape": shape}
    check_layer("InputLayer", {"batch_input_shape": shape}, f"{source} > input")
    return LayerSpec(name, "InputLayer", config, {})


def _read_functional(content: Any, source: str, depth: int) -> ModelTree:
    entries = _list(_get(content, "layers", source), "layers", source)
    layers, models, wrappers = _entries(entries, source, depth)
    nodes = [_list(_get(entry, "inbound_nodes", source), "inbound_nodes", source) for entry in entries]
    keras3 = any(isinstance(node, Mapping) for row in nodes for node in row)
    first_call = {
        name: 1 for name, tree in models.items() if _counts_its_own_call(_of(layers, name), tree, keras3=keras3)
    }
    starts = {} if keras3 else first_call
    connected = []
    for layer, row in zip(layers, nodes, strict=True):
        where = f"{source} > layer '{layer.name}'"
        calls = tuple(_operands(node, starts, where) for node in row)
        connected.append(LayerSpec(layer.name, layer.kind, layer.config, {}, calls))
    inputs = _references(_get(content, "input_layers", source), first_call, source)
    outputs = _references(_get(content, "output_layers", source), first_call, source)
    return ModelTree(tuple(connected), tuple(inputs), tuple(outputs), models, _trainable(content), wrappers)


def _of(layers: list[LayerSpec], name: str) -> LayerSpec:
    return next(layer for layer in layers if layer.name == name)


def _counts_its_own_call(layer: LayerSpec, tree: ModelTree, *, keras3: bool) -> bool:
    """Whether Keras counts a model's calls from 1: the call from its own input is number 0 and is not written.

    Keras 3 does so for Functional models where it writes outputs (not where it writes operands); Keras 2 for every
    model that begins with its own InputLayer.
    """
    if keras3:
        return layer.kind != "Sequential"
    content: Any = layer.config
    entries = content if isinstance(content, list) else content["layers"]
    return bool(entries[0]["class_name"] == "InputLayer")


Entries = tuple[list[LayerSpec], dict[str, ModelTree], dict[str, Wrapper]]
"""Layers by their names in the model, models among them, and what is wrapped among them."""


def _entries(entries: list[Any], source: str, depth: int) -> Entries:
    read = [unwrapped(_layer(entry, source), source) for entry in entries]
    layers = [layer for layer, _ in read]
    wrappers = {layer.name: wrapper for layer, wrapper in read if wrapper is not None}
    models = {
        layer.name: _read_model(layer.kind, layer.config, f"{source} > model '{layer.name}'", depth + 1)
        for layer in layers
        if _is_model(layer.kind)
    }
    return layers, models, wrappers


def _layer(entry: Any, source: str) -> LayerSpec:
    config = _get(entry, "config", source)
    kind = _get(entry, "class_name", source)
    name = entry.get("name")
    name = name if name is not None else _get(config, "name", source)
    if not isinstance(kind, str) or not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise InputError(
            "a layer's configuration is not as Keras writes it",
            where=source,
            got=f"name {str(name)[:80]!r} of class {str(kind)[:80]!r}",
            want=f"two texts, the name of at most {MAX_NAME} characters",
        )
    kind = kind.rsplit(">", 1)[-1]
    if is_hgq(entry):
        kind = f"{PREFIX}{kind}"
        check_hgq_layer(kind, config, f"{source} > layer '{name}' ({kind[:80]})")
    elif not _is_model(kind):
        check_layer(kind, config, f"{source} > layer '{name}' ({kind[:80]})")
    return LayerSpec(name, kind, config, {})


def _operands(node: Any, first_call: Mapping[str, int], where: str) -> tuple[TensorRef, ...]:
    """The tensors of one call; Keras 2 writes ``[["x", 0, 0, {}], ...]``, Keras 3 ``{"args": [...], "kwargs": {}}``."""
    if isinstance(node, Mapping):
        extras = [node.get("kwargs", {})]
        found = [_tensor(item, where) for item in _flat(_list(node.get("args", []), "args", where), where)]
    else:
        rows = _list(node, "inbound_nodes", where)
        rows = [rows] if rows and isinstance(rows[0], str) else rows
        extras = [row[3] for row in rows if isinstance(row, (list, tuple)) and len(row) > 3]
        found = [_reference(row, first_call, where) for row in rows]
    _refuse_extra(extras, where)
    return tuple(found)


def _refuse_extra(extras: list[Any], where: str) -> None:
    given = [extra if isinstance(extra, Mapping) else {"arguments": extra} for extra in extras]
    extra = {str(key): value for options in given for key, value in options.items() if value is not None}
    if set(extra) - {"training"} or extra.get("training"):
        raise UnsupportedError(
            "fasttrig cannot use a layer call with extra arguments",
            where=where,
            got=", ".join(f"{key}={value}" for key, value in extra.items())[:200],
            want="tensors only",
        )


def _flat(content: list[Any], where: str) -> Iterator[Any]:
    """The items of lists inside lists, in order."""
    stack: list[Iterator[Any]] = [iter(content)]
    while stack:
        item = next(stack[-1], stack)
        if item is stack:
            stack.pop()
        elif not isinstance(item, list):
            yield item
        elif len(stack) < MAX_NESTED_ARGUMENTS:
            stack.append(iter(item))
        else:
            raise InputError(
                "the arguments of a layer call are nested too deeply",
                where=where,
                want=f"at most {MAX_NESTED_ARGUMENTS} lists inside each other",
            )


def _tensor(item: Any, where: str) -> TensorRef:
    if not isinstance(item, Mapping) or item.get("class_name") != "__keras_tensor__":
        raise UnsupportedError(
            "fasttrig cannot use a layer call with constant arguments",
            where=where,
            got=str(item)[:80],
            want="tensors only",
        )
    return _reference(_get(_get(item, "config", where), "keras_history", where), {}, where)


def _references(content: Any, first_call: Mapping[str, int], source: str) -> list[TensorRef]:
    rows = list(content.values()) if isinstance(content, Mapping) else _list(content, "input or output layers", source)
    rows = [rows] if rows and isinstance(rows[0], str) else rows
    return [_reference(row, first_call, source) for row in rows]


def _reference(row: Any, first_call: Mapping[str, int], where: str) -> TensorRef:
    shaped = isinstance(row, (list, tuple)) and len(row) >= 3 and isinstance(row[0], str)
    if not shaped or not all(type(number) is int for number in row[1:3]):
        raise InputError(
            "a connection is not as Keras writes it",
            where=where,
            got=str(row)[:80],
            want="[layer name, call index, tensor index]",
        )
    return TensorRef(row[0], row[1] - first_call.get(row[0], 0), row[2])


def _check_references(tree: ModelTree, source: str) -> None:
    if not tree.inputs or not tree.outputs:
        raise InputError("the model has no inputs or outputs", where=source)
    calls = {x.name: len(x.calls) if x.name in tree.models else max(1, len(x.calls)) for x in tree.layers}
    tensors = {name: len(inner.outputs) for name, inner in tree.models.items()}
    used = [ref for layer in tree.layers for call in layer.calls for ref in call]
    for ref in (*used, *tree.inputs, *tree.outputs):
        if not (0 <= ref.call < calls.get(ref.layer, 0) and 0 <= ref.tensor < tensors.get(ref.layer, 1)):
            raise InputError(
                "a connection leads nowhere", where=source, got=str(ref)[:200], want="an output of a layer"
            )
    for layer in tree.layers:
        n_inputs = len(tree.models[layer.name].inputs) if layer.name in tree.models else None
        wrong = [len(call) for call in layer.calls if n_inputs is not None and len(call) != n_inputs]
        if wrong:
            raise InputError(
                "an inner model is called with the wrong number of tensors",
                where=f"{source} > model '{layer.name}'",
                got=str(wrong[0]),
                want=str(n_inputs),
            )
