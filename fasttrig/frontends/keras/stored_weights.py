"""Weights as HDF5 stores them: one dataset read within bounds, and the order of an inner model's weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError
from fasttrig.frontends.keras.wrappers import (
    BIDIRECTIONAL,
    DIRECTIONS,
    inner_layer,
    kernels_in_order,
    pruned_layers,
    require_masked,
)
from fasttrig.frontends.source import LayerSpec, ModelTree, Weights

MAX_ELEMENTS = 2**24
"""Numbers in all weights of a model together, counted from declared sizes before any is read."""

_NORM_VARIABLES = (("gamma", "scale"), ("beta", "center"))
_MOVING = ("moving_mean", "moving_variance")
_READ = (
    "alpha",
    "embeddings",
    "kernel",
    "recurrent_kernel",
    "depthwise_kernel",
    "pointwise_kernel",
    "bias",
    "gamma",
    "beta",
    *_MOVING,
)
"""Variables that fasttrig reads; counters of training and similar variables are left out on both sides."""

_DEPTHWISE = ("QDepthwiseConv2D", "QDepthwiseConv2DBatchnorm")
_SEPARABLE = ("QSeparableConv1D", "QSeparableConv2D")
_RECURRENT = ("QSimpleRNN", "QLSTM", "QGRU")
_KERNELS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Dense", "QDense", "QDenseBatchnorm"), ("kernel",)),
    **dict.fromkeys(("QConv1D", "QConv2D", "QConv2DBatchnorm", "QConv2DTranspose"), ("kernel",)),
    **dict.fromkeys(_DEPTHWISE, ("depthwise_kernel",)),
    "PReLU": ("alpha",),
    "Embedding": ("embeddings",),
    **dict.fromkeys(_RECURRENT, ("kernel", "recurrent_kernel")),
    **dict.fromkeys(_SEPARABLE, ("depthwise_kernel", "pointwise_kernel")),
}
"""Weights of a layer before its bias."""
_NORMS = ("BatchNormalization", "QBatchNormalization")
_NORMALISED = ("QDenseBatchnorm", "QConv2DBatchnorm", "QDepthwiseConv2DBatchnorm")
"""Layers with a batch normalisation inside."""


@dataclass(slots=True)
class Budget:
    """Count of numbers that a file has declared so far; a dataset under two names counts twice."""

    used: int = 0

    def take(self, n_elements: int, where: str) -> None:
        self.used += n_elements
        if self.used > MAX_ELEMENTS:
            raise InputError(
                "the model declares too many weights",
                where=where,
                got=f"{self.used} numbers up to here",
                want=f"at most {MAX_ELEMENTS}",
            )


def read_array(group: Any, key: str, where: str, budget: Budget) -> np.ndarray:
    """One dataset of floating-point numbers that lies in this very file, as float32.

    Raises
    ------
    InputError
        For a link, a dataset kept elsewhere, a type that is no number, or a size beyond the bounds.
    """
    import h5py

    node = group
    for part in key.split("/"):
        if not isinstance(node.get(part, getlink=True), h5py.HardLink):
            raise InputError("a weight is a link", where=where, got=key[:200], want="numbers stored in the file itself")
        node = node[part]
    if not isinstance(node, h5py.Dataset) or node.external or node.is_virtual:
        raise InputError("a weight is not stored in the file", where=where, got=key[:200], want="a plain dataset")
    chunk = math.prod(node.chunks) if node.chunks else 0
    if node.dtype.kind not in "fiu" or node.dtype.itemsize > 8 or node.shape is None or chunk > MAX_ELEMENTS:
        raise InputError(
            "a weight cannot be used",
            where=where,
            got=f"{key[:200]}: {node.shape} of {node.dtype}, chunks {node.chunks}",
            want=f"numbers of at most 64 bits, at most {MAX_ELEMENTS}",
        )
    budget.take(node.size, f"{where} > {key[:200]}")
    return check_weight(np.asarray(node[()]), key, where)


def check_weight(array: np.ndarray, key: str, where: str) -> np.ndarray:
    """A weight as float32; refuses numbers that float32 cannot hold or that are not finite. Counters are unchanged."""
    with np.errstate(over="ignore"):
        single = np.asarray(array, dtype=np.float32)
    if array.dtype.kind in "iu":
        return single
    if not np.isfinite(single).all() or not np.array_equal(single.astype(np.float64), array.astype(np.float64)):
        raise InputError(
            "a weight is not a finite float32 number",
            where=where,
            got=f"{key[:200]} of {array.dtype}",
            want="finite float32 numbers",
            try_="look at the training: NaN weights, or a float64 model (retrain in float32)",
        )
    single.setflags(write=False)
    return single


def variable_names(kind: str, config: Mapping[str, Any]) -> list[str]:
    """The variables of a layer in the order in which Keras numbers them."""
    if kind.endswith("BatchNormalization"):
        return norm_names(config)
    return kernel_names(kind, config)


def kernel_names(kind: str, config: Mapping[str, Any]) -> list[str]:
    """The kernels of a layer and its bias, in Keras' order."""
    has_bias = config.get("use_bias", True) and kind not in ("PReLU", "Embedding")
    return [*_KERNELS.get(kind, ("kernel",)), *(["bias"] if has_bias else [])]


def norm_names(config: Mapping[str, Any]) -> list[str]:
    """The variables of a batch normalisation, or of one inside a layer."""
    return [name for name, switch in _NORM_VARIABLES if config.get(switch, True)] + list(_MOVING)


def inner_weights(
    tree: ModelTree, models: tuple[str, ...], names: Sequence[str], arrays: Sequence[np.ndarray], where: str
) -> dict[str, Weights]:
    """Hand the weights of an inner model to its layers, by their place, as Keras does when it loads ``.h5``.

    A ``.h5`` file keeps one list per inner model: everything that is trained, then everything that is not, each in
    the order of the layers, at any depth. Names of variables need not be those of the layers.

    Raises
    ------
    InputError
        If the list is not the one that the layers imply.
    """
    trained, fixed = _ordered(tree, models)
    places = [*trained, *fixed]
    kept = [(name, array) for name, array in zip(names, arrays, strict=True) if name in _READ]
    if [_undirected(name) for _, name in places] != [name for name, _ in kept]:
        raise InputError(
            "the stored weights of an inner model do not match its layers",
            where=where,
            got=", ".join(names)[:200],
            want=", ".join(f"{layer} {name}" for layer, name in places)[:200],
            try_="save the model as .keras, which keeps the weights by layer",
        )
    found: dict[str, Weights] = {}
    for (layer, name), (_, array) in zip(places, kept, strict=True):
        found.setdefault(layer, {})[name] = array
    masks = [array for name, array in zip(names, arrays, strict=True) if name == "mask"]
    pruned = [found[name] for name in pruned_layers(tree, models) if name in found]
    require_masked([kernel for weights in pruned for kernel in kernels_in_order(weights)], masks, where)
    return found


def _undirected(name: str) -> str:
    """A variable's own name, whichever direction of a bidirectional layer it belongs to."""
    return next((name.removeprefix(each) for each in DIRECTIONS if name.startswith(each)), name)


Places = list[tuple[str, str]]


def _ordered(tree: ModelTree, models: tuple[str, ...]) -> tuple[Places, Places]:
    """(layer, variable) of trained and of untrained variables."""
    trained: Places = []
    fixed: Places = []
    for layer in tree.layers:
        if layer.name in tree.models:
            inner = _ordered(tree.models[layer.name], (*models, layer.name))
        else:
            inner = _of_layer(layer, "/".join((*models, layer.name)))
        trained += inner[0]
        fixed += inner[1]
    return (trained, fixed) if tree.trainable else ([], trained + fixed)


def _of_layer(layer: LayerSpec, name: str) -> tuple[Places, Places]:
    names: list[str] = []
    if layer.kind in BIDIRECTIONAL:
        kind, config = inner_layer(layer.config, name)
        names = [f"{direction}{key}" for direction in DIRECTIONS for key in kernel_names(kind, config)]
    if layer.kind in _KERNELS:
        names = kernel_names(layer.kind, layer.config)
    if layer.kind in _NORMS or layer.kind in _NORMALISED:
        names += norm_names(layer.config)
    trained = [(name, key) for key in names if key not in _MOVING]
    fixed = [(name, key) for key in names if key in _MOVING]
    return (trained, fixed) if layer.config.get("trainable", True) else ([], trained + fixed)
