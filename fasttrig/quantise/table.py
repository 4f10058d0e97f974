"""What became of each layer: types, hardware before and after, and what its quantisation costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from fasttrig.base.fixed import to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.estimate.constants import signed_digits
from fasttrig.estimate.from_graph import from_graph
from fasttrig.quantise.search import Search, TriedTypes, product_of
from fasttrig.reference.layer_ends import layer_of


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """One layer with weights.

    Attributes
    ----------
    weight, result : types of its weights, and of the quantised numbers after it (empty where they stay exact)
    digits : mean signed digits of a weight: about the adders of a product
    zero_weights : share of weights that are zero
    loss : what the layer alone costs: the loss as found minus that with this layer as wide as it was at first
    error : RMS of its outputs minus the float network's, over the RMS of these
    lut_before, lut : estimates with the widest types, and as found
    """

    layer: str
    weight: str
    result: str
    digits: float
    zero_weights: float
    loss: float
    error: float
    lut_before: int
    lut: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def layer_choices(search: Search, best: TriedTypes, widest: TriedTypes) -> tuple[LayerChoice, ...]:
    """One row a layer, in the order of the data."""
    luts = [_luts(search, found) for found in (widest, best)]
    graph = search.graph(best.spec)
    products = {layer.name: product_of(graph, layer.name) for layer in search.network.weighted}
    trace = evaluate(graph, search.fitted, keep=[op.name for op in products.values()]).trace
    rows = []
    for layer in best.spec.layers:
        if layer.name not in products:
            continue
        sites = [site.name for site in search.sites if site.after == layer.name]
        kept = {name: best.choice.results[name] for name in sites}
        op = products[layer.name]
        kind = op.weights
        assert kind is not None
        real = search.trace[layer.name]
        got = to_value(trace[op.name], op.result.type)
        rows.append(
            LayerChoice(
                layer.name,
                str(kind.type),
                ", ".join(map(str, kept.values())),
                float(signed_digits(kind.raw).mean()),
                float(np.mean(kind.raw == 0)),
                best.loss - search.evaluate(_restored(search, best, layer.name, sites)).loss,
                float(np.sqrt(np.mean((got - real) ** 2) / max(float(np.mean(real**2)), 1e-30))),
                luts[0].get(layer.name, 0),
                luts[1].get(layer.name, 0),
            )
        )
    return tuple(rows)


def _restored(search: Search, best: TriedTypes, layer: str, sites: list[str]) -> Any:
    wide, choice = search.start(), best.choice
    return replace(
        choice,
        widths=MappingProxyType({**choice.widths, layer: wide.widths[layer]}),
        prices=MappingProxyType({**choice.prices, layer: wide.prices[layer]}),
        results=MappingProxyType({**choice.results, **{name: wide.results[name] for name in sites}}),
    )


def _luts(search: Search, found: TriedTypes) -> dict[str, int]:
    """LUTs by layer; a site's casts count to the layer before it."""
    after = {site.name: site.after for site in search.sites}
    graph = search.graph(found.spec)
    layers = {op.name: layer_of(op) or op.name for op in graph.ops}
    luts: dict[str, int] = {}
    for row in from_graph(graph, search.target, stage="synth").layers:
        name = layers.get(row.name, row.name)
        name = after.get(name, name)
        luts[name] = luts.get(name, 0) + row.lut
    return luts
