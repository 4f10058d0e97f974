"""Pruned models in their framework: tensorflow_model_optimization's own `strip_pruning` takes the wrappers off."""

from __future__ import annotations

import importlib
from typing import Any

from fasttrig.frontends.keras.wrappers import PRUNING, is_pruning
from fasttrig.reference.keras_layers import leaves

_PACKAGE = "tensorflow_model_optimization.python.core.sparsity.keras"
"""QKeras requires it."""


def pruning_wrapper() -> dict[str, Any]:
    """The wrapper's class by its name, for Keras' loader."""
    return {PRUNING: importlib.import_module(f"{_PACKAGE}.pruning_wrapper").PruneLowMagnitude}


def without_pruning(model: Any) -> Any:
    """The model without pruning wrappers; the model itself if it has none."""
    if not any(is_pruning(layer) for layer in leaves(model).values()):
        return model
    return importlib.import_module(f"{_PACKAGE}.prune").strip_pruning(model)
