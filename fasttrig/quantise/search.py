"""The search for types: sensitivity first, then the change that saves most hardware for the loss it adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from fasttrig.base.fixed import FixedType, FloatArray, IntArray, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.estimate.from_graph import from_graph
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.frontends.source import LayerSpec, ModelSpec
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Op
from fasttrig.passes.pipeline import compile_graph
from fasttrig.quantise.candidate import RawWeights, Site, candidate, sites_of
from fasttrig.quantise.float_network import FloatNetwork
from fasttrig.quantise.rounding import best_weights, round_weights
from fasttrig.reference.layer_ends import layer_of
from fasttrig.settings import TargetSettings

MOST_ROWS = 8_000
"""Rows of a layer's inputs that its weights are fitted to."""

DSP_AS_LUT = 100
"""A DSP counts as so many LUTs in the cost."""

WIDEST_WEIGHT, WIDEST_RESULT = 8, 9
_FLOAT32_BITS = 22
NARROWEST = 2
CHEAPEST = 2.0**-22
"""Price of a signed digit at step 0, as a share of the variance of the layer's outputs; each step doubles it."""


@dataclass(frozen=True, slots=True)
class QuantisationChoice:
    """What the search varies: bits of weights and price of digits by layer, types of results by site."""

    widths: Mapping[str, int]
    prices: Mapping[str, int]
    results: Mapping[str, FixedType]


@dataclass(frozen=True, slots=True, eq=False)
class TriedTypes:
    """A candidate that was evaluated: its choice, its network, its loss and its cost in LUTs."""

    choice: QuantisationChoice
    spec: ModelSpec
    loss: float
    cost: float


@dataclass(slots=True, eq=False)
class Search:
    """The events and the measures of one search.

    Attributes
    ----------
    network : the float network
    input_type : of the quantised network
    fitted : raw inputs (n_events, ...) that weights are fitted to; `trace` holds what each float layer gives on them
    judged : raw inputs of the events on which the loss is measured
    loss : from the candidate's margins on `judged` to its loss against the float network
    """

    network: FloatNetwork
    input_type: FixedType
    fitted: IntArray
    trace: Mapping[str, FloatArray]
    judged: IntArray
    loss: Callable[[FloatArray], float]
    target: TargetSettings
    sites: tuple[Site, ...] = ()
    n_tried: int = 0
    _rounded: dict[tuple[object, ...], RawWeights] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sites = sites_of(self.network)

    def start(self, price: int = 0) -> QuantisationChoice:
        """Wide types whose ranges hold all that the float network gives."""
        results = {site.name: self._widest(site) for site in self.sites}
        names = [layer.name for layer in self.network.weighted]
        return QuantisationChoice(
            MappingProxyType(dict.fromkeys(names, WIDEST_WEIGHT)),
            MappingProxyType(dict.fromkeys(names, price)),
            MappingProxyType(results),
        )

    def _widest(self, site: Site) -> FixedType:
        if site.function in ("sigmoid", "tanh"):
            signed = site.function == "tanh"
            return FixedType(WIDEST_RESULT, int(signed), signed)
        signed = site.function == "linear"
        numbers = self.trace[site.after if signed else site.name]
        top = float(np.abs(numbers).max(initial=1e-6))
        integer_bits = max(0, int(np.ceil(np.log2(top)))) + signed
        return FixedType(WIDEST_RESULT + signed, integer_bits, signed)

    def evaluate(self, choice: QuantisationChoice) -> TriedTypes:
        """Fit the weights of `choice` and measure loss and cost."""
        self.n_tried += 1
        spec = candidate(self.network, self._fit(choice), choice.results)
        graph = self._as_read(spec)
        found = from_graph(graph, self.target, stage="synth")
        cost = found.lut.value + DSP_AS_LUT * found.dsp.value
        return TriedTypes(choice, spec, self.loss(_margins(graph, self.judged)), cost)

    def graph(self, spec: ModelSpec) -> Graph:
        """The graph of a candidate, with its passes run, as a build has it."""
        return compile_graph(self._as_read(spec), {})

    def margins(self, spec: ModelSpec, raw: IntArray) -> FloatArray:
        """What a candidate gives, before the link; (n_events, n_outputs)."""
        return _margins(self._as_read(spec), raw)

    def _as_read(self, spec: ModelSpec) -> Graph:
        """Without passes, which change no integer and take most of the time."""
        return read_qkeras(spec, input_type=self.input_type, name="candidate")

    def _fit(self, choice: QuantisationChoice) -> dict[str, RawWeights]:
        """RawWeights of every layer, each fitted to what the quantised layers before it give."""
        fitted = {layer.name: self._nearest(layer, choice) for layer in self.network.weighted}
        key: tuple[object, ...] = ()
        for layer in self.network.weighted:
            before = tuple(choice.results[site.name] for site in self._before(layer))
            key = (*key, layer.name, choice.widths[layer.name], choice.prices[layer.name], before)
            if key not in self._rounded:
                self._rounded[key] = self._fit_layer(layer, choice, fitted)
            fitted[layer.name] = self._rounded[key]
        return fitted

    def _before(self, layer: LayerSpec) -> Iterator[Site]:
        """Sites between this layer and the layers with weights before it."""
        sites = {site.name: site for site in self.sites} | {
            site.after: site for site in self.sites if site.function == "linear"
        }
        waiting, seen = [ref.layer for call in layer.calls for ref in call], set[str]()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in sites:
                yield sites[name]
            waiting += [ref.layer for call in self.network.spec.layer(name).calls for ref in call]

    def _fit_layer(self, layer: LayerSpec, choice: QuantisationChoice, fitted: Mapping[str, RawWeights]) -> RawWeights:
        graph = self._as_read(candidate(self.network, fitted, choice.results))
        operand = product_of(graph, layer.name).operands[0]
        raw = evaluate(graph, self.fitted, keep=[operand.name]).trace[operand.name]
        x = to_value(raw, operand.type).reshape(-1, operand.shape[-1])
        y = self.trace[layer.name].reshape(-1, self.trace[layer.name].shape[-1])
        x, y = x[:: max(1, len(x) // MOST_ROWS)], y[:: max(1, len(y) // MOST_ROWS)]
        kernel = layer.weights["kernel"].astype(np.float64)
        start = np.vstack([kernel.reshape(-1, kernel.shape[-1]), self._bias(layer)[None]])
        weights, moments = best_weights(np.hstack([x, np.ones((len(x), 1))]), y, start)
        kind = self._weight_type(kernel, choice.widths[layer.name])
        price = np.full(y.shape[1], float(y.var(axis=0).mean()) * CHEAPEST * 2.0 ** choice.prices[layer.name])
        wanted, inner = weights[:-1], _without_last(moments)
        rounded = round_weights(wanted, inner, kind.fraction_bits, kind.width, price)
        bias = weights[-1] + (moments[-1, :-1] / moments[-1, -1]) @ (wanted - rounded * kind.lsb)
        grid = min(kind.fraction_bits + operand.type.fraction_bits, 24)
        return RawWeights(rounded.reshape(kernel.shape), kind, *_on_grid(bias, grid))

    def _nearest(self, layer: LayerSpec, choice: QuantisationChoice) -> RawWeights:
        kernel = layer.weights["kernel"].astype(np.float64)
        kind = self._weight_type(kernel, choice.widths[layer.name])
        raw = np.clip(np.rint(kernel / kind.lsb), kind.min_raw, kind.max_raw).astype(np.int64)
        return RawWeights(raw, kind, *_on_grid(self._bias(layer), 16))

    def _bias(self, layer: LayerSpec) -> FloatArray:
        kernel = layer.weights["kernel"]
        return np.asarray(layer.weights.get("bias", np.zeros(kernel.shape[-1])), dtype=np.float64)

    def _weight_type(self, kernel: FloatArray, width: int) -> FixedType:
        """The signed type of `width` bits whose range holds the largest weight; QKeras has no negative integer bits."""
        top = float(np.abs(kernel).max(initial=1e-6))
        integer_bits = int(np.ceil(np.log2(top))) + 1
        least = max(integer_bits, 1)
        return FixedType(width + least - integer_bits, least)


def product_of(graph: Graph, layer: str) -> Op:
    """The matrix product that a layer became; an op's name is not always the layer's."""
    return next(op for op in graph.ops if layer_of(op) == layer and op.weights is not None)


def _margins(graph: Graph, raw: IntArray) -> FloatArray:
    (output,) = graph.outputs
    return to_value(evaluate(graph, raw).outputs[output.name], output.type)


def _without_last(moments: FloatArray) -> FloatArray:
    """Second moments of the inputs around their means: the bias makes up for the mean."""
    last = moments[-1, :-1]
    return moments[:-1, :-1] - np.outer(last, last) / moments[-1, -1]


def _on_grid(numbers: FloatArray, fraction_bits: int) -> tuple[IntArray, FixedType]:
    """Raw integers of at most `_FLOAT32_BITS` bits: a file keeps weights in float32."""
    top = int(np.frexp(float(np.abs(numbers).max(initial=0.0)))[1])
    fraction_bits = min(fraction_bits, _FLOAT32_BITS - max(top, 0))
    raw = np.rint(np.ldexp(numbers, fraction_bits)).astype(np.int64)
    low, high = int(raw.min(initial=0)), int(raw.max(initial=0))
    kind = FixedType.covering(low, high, fraction_bits, signed=True)
    return raw, replace(kind, width=kind.width + max(0, 1 - kind.integer_bits), integer_bits=max(1, kind.integer_bits))
