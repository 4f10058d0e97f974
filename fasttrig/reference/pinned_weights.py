"""Every weight as QKeras quantises it in float32, as trained: constants of a run in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from fasttrig.base.errors import CheckFailed
from fasttrig.base.fixed import FloatArray
from fasttrig.frontends.keras.wrappers import TIMES
from fasttrig.frontends.scales import RoundedScale
from fasttrig.reference.keras_layers import leaves

_FLOAT32_ERROR = 1e-5
"""Of a weight that QKeras computed in float32 as scale times step, in a straight-through sum."""

QUANTISED = ("kernel", "depthwise", "pointwise", "recurrent", "state", "bias", "average")
"""What has a quantiser of its own in a layer or a cell."""


def parts_of_layer(layer: Any) -> list[Any]:
    """The layers that hold weights and quantisers: inside wrappers of Keras, both ways of a bidirectional one."""
    if hasattr(layer, "forward_layer"):
        return [layer.forward_layer, layer.backward_layer]
    return [layer.layer if type(layer).__name__ == TIMES else layer]


def quantised_in_float32(keras: Any, model: Any) -> dict[tuple[str, int, str], np.ndarray]:
    """Every weight as QKeras quantises it in float32, by (layer, number of the part, attribute of the quantizer)."""
    found: dict[tuple[str, int, str], np.ndarray] = {}
    parts = [(name, i, part) for name, x in leaves(model).items() for i, part in enumerate(parts_of_layer(x))]
    for name, number, layer in parts:
        for key, weight in _weights(layer).items():
            quantizer = getattr(owner_of(layer), f"{key}_quantizer_internal", None)
            if quantizer is not None and weight is not None:
                single = keras.backend.constant(np.asarray(weight), dtype="float32")
                found[name, number, f"{key}_quantizer_internal"] = np.asarray(quantizer(single), dtype=np.float64)
    return found


def with_multipliers(row: RoundedScale, weight: FloatArray) -> FloatArray:
    """The weight that QKeras quantised with a real scale, with the multipliers of `row` in place of the scale.

    Raises
    ------
    CheckFailed
        If QKeras found another scale, or other steps: the quotient is then no integer.
    """
    found = np.where(row.found == 0, 1.0, row.found)
    steps = np.rint(weight / found)
    off = np.abs(weight - steps * found) > _FLOAT32_ERROR * np.maximum(np.abs(weight), found)
    if off.any():
        place = tuple(int(index) for index in np.argwhere(off)[0])
        raise CheckFailed(
            "QKeras quantises a weight to no multiple of the scale that fasttrig found",
            where=f"layer '{row.layer}' > {row.part}, element {place}",
            got=f"{weight[place]!r}",
            want=f"an integer times {np.broadcast_to(found, weight.shape)[place]!r}",
        )
    return np.asarray(steps * row.scale)


def owner_of(layer: Any) -> Any:
    """The object that holds the quantisers of a layer: the cell of a recurrent one."""
    return getattr(layer, "cell", layer)


def _weights(layer: Any) -> dict[str, Any]:
    """What each quantiser of the layer is given, by the quantiser's name."""
    kernel = "depthwise" if hasattr(layer, "depthwise_kernel") else "kernel"
    if hasattr(layer, "get_folded_weights"):
        return dict(zip((kernel, "bias"), layer.get_folded_weights(), strict=True))
    owner = owner_of(layer)
    found = {"bias": getattr(owner, "bias", None), "kernel": getattr(owner, "kernel", None)}
    found["recurrent"] = getattr(owner, "recurrent_kernel", None)
    for part in ("depthwise", "pointwise"):
        weight = getattr(layer, f"{part}_kernel", None)
        if type(layer).__name__ == "QSeparableConv1D" and weight is not None:
            weight = weight[None]  # QKeras runs it as two-dimensional, from before its quantisers on
        found[part] = weight
    return found
