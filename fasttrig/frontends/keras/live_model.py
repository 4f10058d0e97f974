"""Reads a live Keras model object into the same specification as a file, through get_config and get_weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError
from fasttrig.frontends.keras.model_config import model_spec
from fasttrig.frontends.keras.stored_weights import check_weight
from fasttrig.frontends.keras.wrappers import (
    BIDIRECTIONAL,
    TIMES,
    directed,
    is_pruning,
    kernels_in_order,
    require_masked,
)
from fasttrig.frontends.source import MODEL_KINDS, ModelSpec, ModelTree, Weights

_UNSAVED_OPTIONS = ("is_quantized_clip", "scale_axis", "use_ste")
"""Options of QKeras' quantizers that change the result and that its get_config leaves out."""

_QUANTIZER_FIELDS = {
    "activation": ("activation",),
    "kernel_quantizer": ("kernel_quantizer_internal",),
    "bias_quantizer": ("bias_quantizer_internal",),
    "depthwise_quantizer": ("depthwise_quantizer_internal",),
    "pointwise_quantizer": ("pointwise_quantizer_internal",),
    "recurrent_activation": ("recurrent_activation",),
    "recurrent_quantizer": ("recurrent_quantizer_internal",),
    "state_quantizer": ("state_quantizer_internal",),
    "average_quantizer": ("average_quantizer_internal",),
}


def is_live_model(source: Any) -> bool:
    """Whether `source` looks like a Keras model object, told without importing Keras."""
    return all(hasattr(source, name) for name in ("get_config", "get_weights", "layers"))


def read_live_model(model: Any) -> ModelSpec:
    """The specification of a live tf_keras or keras model."""
    source = f"model '{getattr(model, 'name', 'model')}'"
    if not getattr(model, "built", True):
        raise InputError(
            "the model is not built yet",
            where=source,
            want="a model with known input shapes",
            try_="call model.build((None, n_features)) first",
        )
    config = {"class_name": type(model).__name__, "config": plain(model.get_config())}
    if config["class_name"] not in MODEL_KINDS:
        config["class_name"] = _base_kind(model)
    _with_live_options(config["config"], model)
    return model_spec(config, source, lambda tree: _weights_of_model(model, tree, (), source))


def _with_live_options(config: dict[str, Any], model: Any) -> None:
    """Complete the configurations of all layers, at any depth, by their quantizers as they are now."""
    live = {layer.name: layer for layer in model.layers}
    for entry in config.get("layers", []):
        layer = live.get(entry.get("name") or entry["config"].get("name"))
        if layer is None:
            continue
        if is_live_model(layer):
            if entry["class_name"] not in MODEL_KINDS:
                entry["class_name"] = _base_kind(layer)
            _with_live_options(entry["config"], layer)
        elif entry["class_name"] in BIDIRECTIONAL:
            for key, part in (("layer", layer.forward_layer), ("backward_layer", layer.backward_layer)):
                content = plain(part.get_config()) | _quantizer_options(part)
                entry["config"][key] = {"class_name": type(part).__name__, "config": content}
        elif is_pruning(layer) or entry["class_name"] == TIMES:
            inner = entry["config"]["layer"]
            inner["config"] = inner["config"] | _quantizer_options(layer.layer)
        else:
            entry["config"] = entry["config"] | _quantizer_options(layer)


def _weights_of_model(model: Any, tree: ModelTree, models: tuple[str, ...], source: str) -> dict[str, Weights]:
    live = {layer.name: layer for layer in model.layers}
    found: dict[str, Weights] = {}
    for layer in tree.layers:
        if layer.name in tree.models:
            inner, where = tree.models[layer.name], f"{source} > model '{layer.name}'"
            found |= _weights_of_model(live[layer.name], inner, (*models, layer.name), where)
        elif tree.stored(layer)[1] in live:
            found["/".join((*models, layer.name))] = _weights(live[tree.stored(layer)[1]], source)
    return found


def _base_kind(model: Any) -> str:
    bases = {base.__name__ for base in type(model).__mro__}
    return next((kind for kind in ("Sequential", "Functional") if kind in bases), type(model).__name__)


def _quantizer_options(layer: Any) -> dict[str, Any]:
    """The layer's quantizers as they are now, with what their saved form would leave out."""
    found: dict[str, Any] = {}
    for key, attributes in _QUANTIZER_FIELDS.items():
        for attribute in attributes:
            content = getattr(layer, attribute, None)
            if hasattr(content, "get_config"):
                found[key] = plain(content)
    return found


def _weights(layer: Any, source: str) -> Weights:
    where = f"{source} > layer '{layer.name}'"
    if is_pruning(layer):
        weights = _weights(layer.layer, source)
        masks = [np.asarray(mask) for _, mask, _ in getattr(layer, "pruning_vars", ())]
        require_masked(kernels_in_order(weights), masks, where)
        return weights
    names = [variable.name.rsplit("/", 1)[-1].split(":", 1)[0] for variable in layer.weights]
    arrays = layer.get_weights()
    if len(names) != len(arrays):
        return {}
    names = directed(names) if type(layer).__name__ in BIDIRECTIONAL else names
    return {name: check_weight(np.asarray(array), name, where) for name, array in zip(names, arrays, strict=True)}


def plain(content: Any) -> Any:
    """Configuration objects as plain data: mappings, lists, numbers, strings."""
    if hasattr(content, "get_config") and not isinstance(content, type):
        options = {key: getattr(content, key) for key in _UNSAVED_OPTIONS if hasattr(content, key)}
        return {"class_name": type(content).__name__, "config": plain(options | dict(content.get_config()))}
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [plain(item) for item in content]
    if isinstance(content, np.ndarray):
        return plain(content.tolist())
    if isinstance(content, np.generic):
        return content.item()
    if hasattr(content, "numpy"):
        return plain(np.asarray(content.numpy()))
    if callable(content):
        return getattr(content, "__name__", type(content).__name__)
    return content
