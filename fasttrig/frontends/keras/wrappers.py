"""Layers inside a wrapper: the layer itself, how the file stores it, and what the wrapper adds in inference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.keras.schema import MAX_NAME, check_layer
from fasttrig.frontends.source import LayerSpec, ModelTree, TensorRef, Weights, Wrapper

PRUNING = "PruneLowMagnitude"
"""The wrapper of tensorflow_model_optimization: in inference the layer inside, with its kernel times the mask."""

TIMES = "TimeDistributed"
"""Keras' wrapper that calls a layer for every step: the layer itself where it works on the last axis alone."""

BIDIRECTIONAL = ("Bidirectional", "QBidirectional")
DIRECTIONS = ("forward_", "backward_")
"""Beginnings of the names of a bidirectional layer's weights."""

_LAST_AXIS = (
    *("QDense", "QDenseBatchnorm", "Dense", "QActivation", "Activation", "ReLU", "LeakyReLU", "Softmax"),
    *("BatchNormalization", "Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization"),
)
_MASKED = ("kernel", "depthwise_kernel", "pointwise_kernel", "recurrent_kernel")
_BOOKS = ("mask", "threshold", "pruning_step")
"""Variables of the pruning wrapper."""


def unwrapped(layer: LayerSpec, source: str) -> tuple[LayerSpec, Wrapper | None]:
    """The layer inside a wrapper, still under the wrapper's name, and the wrapper; other layers as they are."""
    where = f"{source} > layer '{layer.name}' ({layer.kind[:80]})"
    if layer.kind in BIDIRECTIONAL:
        for key in ("layer", "backward_layer"):
            if key == "layer" or layer.config.get(key) is not None:
                inner_layer(layer.config, where, key)
    if layer.kind not in (PRUNING, TIMES):
        return layer, None
    kind, config = inner_layer(layer.config, where)
    if layer.kind == TIMES:
        return _for_every_step(layer, kind, config, where), Wrapper(TIMES, layer.name, layer.name)
    name = config.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise InputError("the layer inside a wrapper has no name", where=where, got=str(name)[:80], want="a text")
    shape = layer.config.get("batch_input_shape")
    config = config if shape is None else {"batch_input_shape": shape} | config
    return LayerSpec(layer.name, kind, config, {}), Wrapper(PRUNING, layer.name, name)


def is_pruning(layer: Any) -> bool:
    """Whether a live layer is a pruning wrapper, told without importing the package."""
    return type(layer).__name__ == PRUNING and hasattr(layer, "layer")


def _for_every_step(layer: LayerSpec, kind: str, config: dict[str, Any], where: str) -> LayerSpec:
    """The layer inside TimeDistributed, if it gives for all steps at once what it gives for each."""
    axis = config.get("axis", -1)
    if kind not in _LAST_AXIS or (axis not in (-1, [-1]) and kind != "BatchNormalization"):
        raise UnsupportedError(
            "fasttrig reads TimeDistributed around layers of the last axis only",
            where=where,
            got=kind[:80],
            want=", ".join(_LAST_AXIS),
            try_="a layer that takes all steps: QConv1D in place of a network for every step",
        )
    if kind == "BatchNormalization":  # the axis of one step, counted from the front, is the last one of all
        config = config | {"axis": -1}
    shape = layer.config.get("batch_input_shape")
    config = {key: value for key, value in config.items() if key not in ("batch_input_shape", "batch_shape")}
    return LayerSpec(layer.name, kind, config if shape is None else config | {"batch_input_shape": shape}, {})


def directed(names: Sequence[str]) -> list[str]:
    """Names of a bidirectional layer's weights: the first half belongs to the forward layer, the second backward."""
    half = len(names) // 2
    return [f"{DIRECTIONS[0] if i < half else DIRECTIONS[1]}{name}" for i, name in enumerate(names)]


def inner_layer(config: Mapping[str, Any], where: str, key: str = "layer") -> tuple[str, dict[str, Any]]:
    """The class and the checked configuration of the layer inside a wrapper."""
    entry = config.get(key)
    kind = entry.get("class_name") if isinstance(entry, Mapping) else None
    inner = entry.get("config") if isinstance(entry, Mapping) else None
    if not isinstance(kind, str) or not isinstance(inner, Mapping):
        raise InputError(
            "a wrapper's configuration is not as Keras writes it",
            where=f"{where} > {key}",
            got=str(entry)[:80],
            want="a layer with 'class_name' and 'config'",
        )
    kind = kind.rsplit(">", 1)[-1]
    if "layers" in inner or "layer" in inner:
        raise UnsupportedError(
            "fasttrig cannot read a wrapper around a model or around another wrapper",
            where=where,
            got=kind[:80],
            want="a wrapper around one layer",
            try_="take the wrapper off (tfmot's strip_pruning for pruning) and save the model again",
        )
    check_layer(kind, inner, f"{where} > {key} ({kind[:80]})")
    return kind, dict(inner)


def renamed(tree: ModelTree) -> ModelTree:
    """The tree with the layers of pruning wrappers under their own names, as strip_pruning leaves them."""
    names = {wrapper.name: wrapper.layer for wrapper in tree.wrappers.values() if wrapper.name != wrapper.layer}
    if not names:
        return tree

    def follow(refs: Iterable[TensorRef]) -> tuple[TensorRef, ...]:
        return tuple(replace(ref, layer=names.get(ref.layer, ref.layer)) for ref in refs)

    layers = tuple(
        replace(x, name=names.get(x.name, x.name), calls=tuple(follow(call) for call in x.calls)) for x in tree.layers
    )
    wrappers = {wrapper.layer: wrapper for wrapper in tree.wrappers.values()}
    return replace(tree, layers=layers, inputs=follow(tree.inputs), outputs=follow(tree.outputs), wrappers=wrappers)


def without_books(weights: Weights, where: str) -> Weights:
    """The weights of a pruned layer alone; its mask must have been applied to them."""
    masks = [array for key, array in weights.items() if key == "mask"]
    kept = {key: array for key, array in weights.items() if key not in _BOOKS}
    require_masked(kernels_in_order(kept), masks, where)
    return kept


def kernels_in_order(weights: Weights) -> list[np.ndarray]:
    """What pruning may mask, in the order of its masks."""
    return [weights[key] for key in _MASKED if key in weights]


def pruned_layers(tree: ModelTree, models: tuple[str, ...]) -> Iterator[str]:
    """Paths of the layers in pruning wrappers, in the model's order, at any depth."""
    for layer in tree.layers:
        if layer.name in tree.models:
            yield from pruned_layers(tree.models[layer.name], (*models, layer.name))
        elif tree.stored(layer)[0] == PRUNING:
            yield "/".join((*models, layer.name))


def numbered_masks(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The masks among a wrapper's variables of a ``.keras`` file: kernels, then (mask, threshold) of each, a count."""
    tensors = [array for array in arrays if array.ndim]
    return tensors[len(tensors) // 2 :]


def require_masked(kernels: Sequence[np.ndarray], masks: Sequence[np.ndarray], where: str) -> None:
    """Raise where a mask would change its kernel: run as it is saved, the wrapper multiplies; stripped, it does not.

    Raises
    ------
    UnsupportedError
        If a kernel is not zero where its mask is.
    InputError
        If a mask has no kernel.
    """
    remaining = iter(kernels)
    for mask in masks:
        kernel = next((array for array in remaining if array.shape == mask.shape), None)
        if kernel is None:
            raise InputError("a pruning mask fits no kernel", where=where, got=f"a mask of shape {mask.shape}")
        changed = int(np.count_nonzero(kernel * mask != kernel))
        if changed:
            raise UnsupportedError(
                "the pruning mask was not applied to the saved kernel",
                where=f"{where} > mask",
                got=f"{changed} weights that are not zero where the mask is",
                want="a kernel that is zero where its mask is (the callback UpdatePruningStep sees to it)",
                try_="model.predict(x) applies the mask; then save strip_pruning(model)",
            )
