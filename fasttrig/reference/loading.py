"""Loads a model file into its framework, after fasttrig's own reader refused what would run code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fasttrig.frontends.keras.parts import parts_of
from fasttrig.frontends.keras.saved_model import is_saved_model, saved_configuration
from fasttrig.frontends.source import ModelParts, ModelSpec
from fasttrig.reference.keras_layers import leaves
from fasttrig.reference.pruning import without_pruning


def loaded(keras: Any, source: str | os.PathLike[str] | ModelParts, objects: Mapping[str, Any], spec: ModelSpec) -> Any:
    """The model of a file, of an architecture and its weights, or of a SavedModel folder, without pruning wrappers.

    A SavedModel's graph is a program and is not loaded: the model is built from its configuration, and takes the
    weights that `spec` holds.
    """
    if not isinstance(source, ModelParts):
        path = Path(source)
        if is_saved_model(path):
            return _of_configuration(keras, path, objects, spec)
        if not path.name.endswith(".json"):
            return without_pruning(keras.models.load_model(os.fspath(path), custom_objects=objects, compile=False))
        source = parts_of(path)
    model = keras.models.model_from_json(source.architecture.read_text(encoding="utf-8"), custom_objects=objects)
    model.load_weights(source.weights)
    return without_pruning(model)


def _of_configuration(keras: Any, folder: Path, objects: Mapping[str, Any], spec: ModelSpec) -> Any:
    model = keras.models.model_from_json(json.dumps(saved_configuration(folder)), custom_objects=objects)
    model = without_pruning(model)
    known = {layer.name: layer for layer in spec.layers}
    for name, layer in leaves(model).items():
        if not layer.weights:
            continue
        weights = known[name].weights
        names = [variable.name.rsplit("/", 1)[-1].split(":", 1)[0] for variable in layer.weights]
        pairs = zip(names, layer.get_weights(), strict=True)
        layer.set_weights([weights.get(key, present) for key, present in pairs])
    return model
