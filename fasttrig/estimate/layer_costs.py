"""A plain description of a design (the layer fields of hls4ml's parameters.h) as typed layers, with stated defaults.

Defaults: types ap_fixed<16,6>; a bias and an accumulator as wide as given, else as the weights and ap_fixed<16,6>; no
pruned weights (those that rounding sends to zero are counted); an activation is a ReLU, the last one a softmax (sigmoid
for one output); tables have 1,024 entries; reuse factor and strategy are those of the design.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from fasttrig.base.errors import InputError, near_names
from fasttrig.estimate.constants import Products
from fasttrig.estimate.types import DEFAULT, Width, magnitude_bits, parse_width, zero_share
from fasttrig.estimate.zero_weights import count_weights

STRATEGIES = ("latency", "resource", "distributed_arithmetic", "unrolled")
_STRATEGY_NAMES = {
    "da": "distributed_arithmetic",
    "distributedarithmetic": "distributed_arithmetic",
    "none": "latency",
    "default": "latency",
}
_SAID = {
    "dense": "dense layer matmul einsumdense linear innerproduct fullyconnected gemm",
    "conv1d": "conv1d conv depthwise1d pointwise1d depthwiseconv1d pointwiseconv1d separableconv1d",
    "conv2d": "conv2d depthwise2d pointwise2d depthwiseconv2d pointwiseconv2d separableconv2d",
    "pooling": "pooling pooling1d pooling2d pool pool1d pool2d maxpooling1d maxpooling2d averagepooling1d "
    "averagepooling2d maxpool1d maxpool2d avgpool1d avgpool2d globalpooling1d globalpooling2d globalmaxpooling1d "
    "globalmaxpooling2d globalaveragepooling1d globalaveragepooling2d",
    "batchnorm": "batchnorm batchnormalization normalize scale batchnorm1d batchnorm2d applyalpha",
    "activation": "activ activation relu softmax sigmoid tanh hardtanh hardsigmoid hardactivation prelu elu selu "
    "leakyrelu thresholdedrelu softplus softsign table exp parametrizedactivation binarytanh ternarytanh unarylut",
    "gru": "gru",
    "lstm": "lstm",
    "padding": "padding padding1d padding2d zeropadding1d zeropadding2d",
    "merge": "merge add subtract average multiply maximum minimum concat concatenate dot",
    "forest": "forest bdt gbdt gbm trees tree randomforest xgboost conifer",
    "wiring": "input inputlayer reshape flatten transpose permute cast dropout repack clone identity",
}
_KINDS = {said: kind for kind, names in _SAID.items() for said in names.split()}
_GATES = {"gru": 3, "lstm": 4}
TABLE_FUNCTIONS = ("sigmoid", "tanh", "softplus", "elu", "selu", "table", "exp")


@dataclass(frozen=True, slots=True)
class Matrix:
    """One matrix of weights that a layer multiplies by."""

    n_in: int
    n_out: int
    n_nonzeros: float
    magnitude: float  # log2 of the largest raw weight
    reuse_factor: int
    products: Products | None = None  # counted, if the weights are known
    depthwise: bool = False  # one filter per channel: each input meets one weight
    zeros_guessed: bool = False  # the number of zero weights is not given

    @property
    def size(self) -> int:
        return self.n_in if self.depthwise else self.n_in * self.n_out

    @property
    def block_factor(self) -> int:
        """Multipliers of the Resource strategy."""
        return math.ceil(self.size / self.reuse_factor)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of firmware; `positions` times the same matrices (convolutions), `steps` times in turn (recurrent)."""

    kind: str
    name: str
    n_values: int  # of the result; for a pooling, of its input
    strategy: str
    matrices: tuple[Matrix, ...] = ()
    in_positions: int = 1
    positions: int = 1
    steps: int = 1
    window: int = 1
    function: str = ""
    input: Width = DEFAULT
    weight: Width = DEFAULT
    accum: Width = DEFAULT
    table_size: int = 1024
    reuse_factor: int = 1
    saturates: bool = False  # every product is rounded or saturated into the accumulator's type
    first: bool = False  # the first layer with weights
    forest: ForestSize | None = None


@dataclass(frozen=True, slots=True)
class ForestSize:
    """A forest for conifer: `n_nodes` split nodes in all trees, `n_comparisons` of them with their own threshold."""

    n_trees: int
    max_depth: int
    n_nodes: int
    n_comparisons: int
    n_classes: int
    bits: int
    library: str  # hls or vhdl


def read_layers(
    layers: Iterable[Mapping[str, Any]], *, strategy: str = "latency", reuse_factor: int = 1, input_t: object = None
) -> tuple[Layer, ...]:
    """Typed layers; the dense configuration that a convolution or a recurrent layer carries with it is merged into it.

    Raises
    ------
    InputError
        For an unknown kind, or a size that is no positive number.
    """
    items = [dict(item) for item in layers]
    read: list[Layer] = []
    flow = parse_width(input_t)
    for index, item in enumerate(items):
        layer = _read_layer(item, index, strategy, reuse_factor, flow)
        if layer.kind in ("conv1d", "conv2d"):
            read, layer = _absorb(read, layer, [m.n_in for m in layer.matrices])
        elif layer.kind in _GATES:
            read, layer = _absorb_gates(read, layer)
        read.append(layer)
        flow = _flow(item, layer, flow)
    return _name_last_activation(_mark_first(_narrow_inputs(_spread_positions(_split_separable(read)))))


def _split_separable(read: list[Layer]) -> list[Layer]:
    """A separable convolution lists a full matrix for its depthwise half, which has one filter per channel.

    It is a convolution of as many filters as channels, then a pointwise convolution, without an activation between.
    """
    for index, (layer, after) in enumerate(itertools.pairwise(read)):
        both = layer.kind == after.kind and layer.kind in ("conv1d", "conv2d")
        if not both or layer.window == 1 or after.window > 1 or layer.positions != after.positions:
            continue
        matrix = layer.matrices[0]
        if matrix.n_in == layer.window * matrix.n_out:
            half = replace(matrix, n_nonzeros=min(matrix.n_nonzeros, matrix.n_in), depthwise=True)
            read = [*read[:index], replace(layer, matrices=(half,)), *read[index + 1 :]]
    return read


def _spread_positions(read: list[Layer]) -> list[Layer]:
    """An activation or a normalisation works at the positions of the convolution or pooling before it."""
    places: dict[int, int] = {}  # number of values -> positions they lie at
    spread = []
    for layer in read:
        if layer.kind in ("activation", "batchnorm") and layer.positions == 1:
            found = places.get(layer.n_values, 1)
            layer = replace(layer, positions=found, in_positions=found)
        elif layer.kind in ("conv1d", "conv2d"):
            places = {layer.n_values: layer.positions}
        elif layer.kind == "pooling":
            channels = layer.n_values // layer.in_positions
            places = {channels * layer.positions: layer.positions}
        elif layer.kind == "dense":
            places = {}
        spread.append(layer)
    return spread


def _narrow_inputs(read: list[Layer]) -> list[Layer]:
    """If every layer has its own accumulator, the accumulator is exact: weight plus input plus carries."""
    accums = {layer.accum for layer in read if layer.matrices}
    if len(accums) < 2:
        return read
    return [
        replace(layer, input=_at_most(layer.input, layer.accum.width - layer.weight.width + 1))
        if layer.matrices
        else layer
        for layer in read
    ]


def _at_most(width: Width, bits: int) -> Width:
    return width if width.width <= bits else Width(max(2, bits), min(width.integer_bits, max(2, bits)))


def _mark_first(read: list[Layer]) -> list[Layer]:
    for index, layer in enumerate(read):
        if layer.matrices:
            return [*read[:index], replace(layer, first=True), *read[index + 1 :]]
    return read


def _read_layer(item: dict[str, Any], index: int, strategy: str, reuse_factor: int, flow: Width) -> Layer:
    said = _plain_kind(item.get("kind") or item.get("class_name"))
    if said not in _KINDS:
        raise InputError(
            "no such kind of layer",
            where=f"layer {index}",
            got=repr(item.get("kind")),
            want=", ".join(sorted(_KINDS)),
            try_=near_names(said, _KINDS),
        )
    kind = _KINDS[said]
    read = Layer(
        kind=kind,
        name=str(item.get("name") or f"{kind}_{index}"),
        n_values=1,
        strategy=_strategy(item.get("strategy"), strategy),
        input=parse_width(item.get("input_t"), flow),
        weight=parse_width(item.get("weight_t")),
        accum=parse_width(item.get("accum_t")),
        table_size=_size(item, "table_size", 1024),
        reuse_factor=_size(item, "reuse_factor", reuse_factor),
        saturates="SAT" in str(item.get("accum_t")).upper(),
        function=_plain(item.get("activation") or item.get("function") or (said if kind == "activation" else "")),
    )
    return _READERS.get(kind, _read_plain)(read, item)


def _plain_kind(said: object) -> str:
    """``QConv2D``, ``max_pooling1d`` and ``LeakyReLU`` as the table spells them."""
    text = _plain(said)
    return text if text in _KINDS else text.removeprefix("q")


def _plain(said: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(said or "").lower())


def _read_dense(read: Layer, item: dict[str, Any]) -> Layer:
    n_in, n_out = _size(item, "n_in", 1), _size(item, "n_out", 1)
    return replace(read, n_values=n_out, matrices=(_matrix(read, item, n_in, n_out),))


def _read_conv(read: Layer, item: dict[str, Any]) -> Layer:
    height = _size(item, "filt_height", 1)
    n_in = _size(item, "filt_width", 1) * height * _size(item, "n_chan", 1)
    n_filt = _size(item, "n_filt", 1)
    out = _size(item, "out_width", 1) * _size(item, "out_height", 1)
    inside = _size(item, "in_width", 1) * _size(item, "in_height", 1)
    return replace(
        read,
        n_values=out * n_filt,
        positions=out,
        in_positions=inside,
        window=_size(item, "filt_width", 1) * height,
        matrices=(_matrix(read, item, n_in, n_filt),),
    )


def _read_pooling(read: Layer, item: dict[str, Any]) -> Layer:
    """1D pooling in reports has `n_in` positions and `n_filt` channels; 2D has widths and heights."""
    inside = _size(item, "in_width", 0) * _size(item, "in_height", 1) or _size(item, "n_in", 1)
    channels = _size(item, "n_filt", 0) or _size(item, "n_chan", 1)
    out = _size(item, "out_width", 0) * _size(item, "out_height", 1) or _size(item, "n_out", 0)
    window = _size(item, "pool_width", 0) * _size(item, "pool_height", 1) or (inside // out if out else inside)
    said = " ".join(str(item.get(key, "")) for key in ("kind", "pool_op", "function", "class_name")).lower()
    return replace(
        read,
        n_values=inside * channels,
        in_positions=inside,
        positions=max(1, out or inside // window),
        window=max(1, window),
        function="average" if "av" in said else "max",
    )


def _read_plain(read: Layer, item: dict[str, Any]) -> Layer:
    width = _size(item, "out_width", 0) * _size(item, "out_height", 1) * _size(item, "n_chan", 1)
    n_values = _size(item, "n_in", 0) or _size(item, "n_out", 0) or width or 1
    positions = _size(item, "out_width", 1) * _size(item, "out_height", 1)
    if read.kind == "batchnorm" and n_values % _size(item, "n_filt", n_values) == 0:
        positions = n_values // _size(item, "n_filt", n_values)
    return replace(read, n_values=n_values, positions=positions, in_positions=positions)


def _read_recurrent(read: Layer, item: dict[str, Any]) -> Layer:
    n_in, units, gates = _size(item, "n_in", 1), _size(item, "n_out", 1), _GATES[read.kind]
    matrices = (_matrix(read, item, n_in, gates * units), _matrix(read, item, units, gates * units))
    return replace(read, n_values=units, matrices=matrices, steps=_size(item, "n_sequence", 1))


def _read_forest(read: Layer, item: dict[str, Any]) -> Layer:
    depth = _size(item, "max_depth", 0) or _size(item, "depth", 3)
    classes = _size(item, "n_classes", 0) or _size(item, "classes", 1)
    outputs = 1 if classes <= 2 else classes
    trees = _size(item, "n_trees", 0) or _size(item, "trees", 0) or _size(item, "rounds", 1) * outputs
    nodes = _size(item, "n_nodes", 0) or _size(item, "nodes", 0) or trees * (2**depth - 1)
    comparisons = _size(item, "n_comparisons", 0) or nodes
    bits = _size(item, "bits", 0) or parse_width(item.get("precision") or item.get("input_t"), Width(18, 8)).width
    library = "vhdl" if "vhd" in str(item.get("library", "hls")).lower() else "hls"
    forest = ForestSize(trees, depth, nodes, min(comparisons, nodes), outputs, bits, library)
    return replace(read, n_values=outputs, forest=forest)


_READERS = {
    "dense": _read_dense,
    "conv1d": _read_conv,
    "conv2d": _read_conv,
    "pooling": _read_pooling,
    "gru": _read_recurrent,
    "lstm": _read_recurrent,
    "forest": _read_forest,
}


def _matrix(read: Layer, item: dict[str, Any], n_in: int, n_out: int) -> Matrix:
    magnitude = float(item.get("magnitude_bits") or magnitude_bits(read.weight, n_in))
    reuse = min(read.reuse_factor, n_in * n_out)
    if read.strategy == "resource":
        reuse = closest_reuse_factor(n_in, n_out, reuse)
    said = count_weights(item, n_in, n_out, read.weight, name=read.name, only=read.kind not in _GATES)
    n_nonzeros = n_in * n_out * (1 - zero_share(magnitude)) if said.n_nonzeros is None else said.n_nonzeros
    return Matrix(
        n_in,
        n_out,
        max(1.0, min(n_nonzeros, n_in * n_out)),
        magnitude if said.magnitude is None else said.magnitude,
        reuse,
        said.products,
        zeros_guessed=said.n_nonzeros is None,
    )


@lru_cache(maxsize=1024)
def closest_reuse_factor(n_in: int, n_out: int, wanted: int) -> int:
    """The reuse factor hls4ml takes for the Resource strategy: the valid one next to `wanted`, below if as near."""
    size = n_in * n_out
    valid = [rf for rf in _divisors(size) if (rf % n_in == 0 if rf >= n_in else size // rf % n_out == 0)]
    return min(valid, key=lambda rf: (abs(rf - wanted), rf))


def _divisors(number: int) -> list[int]:
    low = [n for n in range(1, math.isqrt(number) + 1) if number % n == 0]
    return sorted({*low, *(number // n for n in low)})


def _absorb(read: list[Layer], layer: Layer, sizes: list[int]) -> tuple[list[Layer], Layer]:
    """Drop the matrix configuration listed before a convolution; its counts are the convolution's."""
    for position, other in enumerate(read):
        if other.kind != "dense" or position < len(read) - 2:
            continue
        if (other.matrices[0].n_in, other.matrices[0].n_out) == (sizes[0], layer.matrices[0].n_out):
            return read[:position] + read[position + 1 :], replace(layer, matrices=other.matrices)
    return read, layer


def _absorb_gates(read: list[Layer], layer: Layer) -> tuple[list[Layer], Layer]:
    """Drop the two matrices and two gate activations that hls4ml lists before a recurrent layer."""
    wanted = {(m.n_in, m.n_out) for m in layer.matrices}
    kept, found = [], {}
    gate_sizes = {layer.n_values * k for k in (1, 2, 3)}
    tail = max(0, len(read) - 4)
    for position, other in enumerate(read):
        inside = position >= tail
        size = (other.matrices[0].n_in, other.matrices[0].n_out) if other.matrices else None
        if inside and other.kind == "dense" and size in wanted:
            found[size] = other.matrices[0]
        elif not (inside and found and other.kind == "activation" and other.n_values in gate_sizes):
            kept.append(other)
    matrices = tuple(found.get((m.n_in, m.n_out), m) for m in layer.matrices)
    return kept, replace(layer, matrices=matrices)


def _flow(item: dict[str, Any], layer: Layer, flow: Width) -> Width:
    """The type that the next layer reads: said in `result_t`, else the width that came in."""
    return parse_width(item["result_t"]) if item.get("result_t") else flow


def _name_last_activation(read: list[Layer]) -> tuple[Layer, ...]:
    for index, layer in enumerate(read):
        if layer.kind != "activation" or layer.function not in ("", "activ", "activation"):
            continue
        last = index == len(read) - 1
        function = ("softmax" if layer.n_values > 1 else "sigmoid") if last else "relu"
        read[index] = replace(layer, function=function)
    return tuple(read)


def _strategy(said: object, default: str) -> str:
    text = re.sub(r"[^a-z/]+", "_", str(said or default).lower())
    first = text.split("/")[0].strip("_")
    first = _STRATEGY_NAMES.get(first, first)
    if first not in STRATEGIES:
        raise InputError("no such strategy", got=repr(said), want=", ".join(STRATEGIES))
    return first


def _size(item: dict[str, Any], key: str, default: int) -> int:
    """A size; a name of a C++ constant that a report left unresolved, or -1, counts as not given."""
    content = item.get(key)
    if isinstance(content, list) and content:
        content = max(content)
    if isinstance(content, str) and content.strip().lstrip("+-").isdigit():
        content = int(content)
    if content is None or isinstance(content, str | bool) or not isinstance(content, int | float):
        return default
    return int(content) if math.isfinite(content) and content > 0 else default
