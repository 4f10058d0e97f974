"""A quantised candidate: the float network with QKeras layers, weights on their grids, and quantised activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fasttrig.base.fixed import FixedType, FloatArray, IntArray, to_value
from fasttrig.frontends.keras.qkeras import link_layer
from fasttrig.frontends.source import LayerSpec, ModelSpec, TensorRef
from fasttrig.quantise.float_network import QUANTISED_KINDS, FloatNetwork

TABLE_BITS = 10
"""Width of what a sigmoid or a tanh inside the network reads: its table has 1024 entries."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place where numbers are quantised: after the layer `after`, by the layer `name`, which applies `function`."""

    name: str
    after: str
    function: str


@dataclass(frozen=True, slots=True, eq=False)
class RawWeights:
    """Kernel, shape as Keras has it, and bias as raw integers of their types."""

    kernel: IntArray
    kernel_type: FixedType
    bias: IntArray
    bias_type: FixedType

    @property
    def values(self) -> dict[str, FloatArray]:
        return {"kernel": to_value(self.kernel, self.kernel_type), "bias": to_value(self.bias, self.bias_type)}


def sites_of(network: FloatNetwork) -> tuple[Site, ...]:
    """Where the numbers of the network are quantised, in the order of the data."""
    spec, link = network.spec, link_layer(network.spec)
    ends = {ref.layer for ref in spec.outputs}
    found = []
    for layer in spec.layers:
        if layer.name == link:
            continue
        if layer.kind == "ReLU" or (layer.kind == "Activation" and layer.config.get("activation") != "linear"):
            function = "relu" if layer.kind == "ReLU" else str(layer.config["activation"])
            found.append(Site(layer.name, layer.calls[0][0].layer, function))
        elif layer.kind in QUANTISED_KINDS and layer.name not in ends:
            users = spec.users(layer.name)
            if not all(_quantises(user) or user.name == link for user in users):
                found.append(Site(f"{layer.name}_bits", layer.name, "linear"))
    return tuple(found)


def _quantises(layer: LayerSpec) -> bool:
    return layer.kind in ("Activation", "ReLU", "Softmax")


def candidate(network: FloatNetwork, weights: Mapping[str, RawWeights], types: Mapping[str, FixedType]) -> ModelSpec:
    """The QKeras network.

    Parameters
    ----------
    weights : mapping of layer to its weights
    types : mapping of site to the type of what it gives
    """
    sites = {site.name: site for site in sites_of(network)}
    inserted = {site.after: site for site in sites.values() if site.function == "linear"}
    layers: list[LayerSpec] = []
    for layer in network.spec.layers:
        layer = _reading(layer, inserted)
        if layer.name in sites:
            layers += _site(layer, sites[layer.name], types[layer.name])
        elif layer.kind in QUANTISED_KINDS:
            layers.append(_quantised(layer, weights[layer.name]))
        else:
            layers.append(layer)
        if layer.name in inserted:
            site = inserted[layer.name]
            layers.append(_activation(site.name, bits_text(types[site.name]), TensorRef(layer.name)))
    return replace(network.spec, layers=tuple(layers))


def bits_text(kind: FixedType) -> str:
    """The type as QKeras' `quantized_bits`, which does not count the sign in `integer`."""
    return f"quantized_bits({kind.width},{kind.integer_bits - kind.signed},alpha=1)"


def _reading(layer: LayerSpec, inserted: Mapping[str, Site]) -> LayerSpec:
    calls = tuple(
        tuple(TensorRef(inserted[ref.layer].name) if ref.layer in inserted else ref for ref in call)
        for call in layer.calls
    )
    return replace(layer, calls=calls)


def _site(layer: LayerSpec, site: Site, kind: FixedType) -> list[LayerSpec]:
    source = layer.calls[0][0]
    if site.function == "relu":
        return [_activation(layer.name, f"quantized_relu({kind.width},{kind.integer_bits})", source)]
    before = _activation(f"{layer.name}_range", bits_text(FixedType(TABLE_BITS, 4)), source)
    options = f"use_real_{site.function}=True"
    text = f"quantized_{site.function}({kind.width},{options})"
    return [before, _activation(layer.name, text, TensorRef(before.name))]


def _activation(name: str, quantizer: str, source: TensorRef) -> LayerSpec:
    return LayerSpec(name, "QActivation", {"name": name, "activation": quantizer}, {}, ((source,),))


_SIZES = ("units", "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")


def _quantised(layer: LayerSpec, weights: RawWeights) -> LayerSpec:
    config: dict[str, Any] = {key: layer.config[key] for key in _SIZES if key in layer.config}
    config |= {
        "name": layer.name,
        "use_bias": True,
        "kernel_quantizer": bits_text(weights.kernel_type),
        "bias_quantizer": bits_text(weights.bias_type),
    }
    values = {key: array.astype(np.float32) for key, array in weights.values.items()}
    return replace(layer, kind=QUANTISED_KINDS[layer.kind], config=config, weights=values)
