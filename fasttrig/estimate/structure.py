"""What HLS builds of each layer, counted: the terms that `constants.json` weighs into LUT and FF, and exact counts.

A term is a count of hardware (adders, multiplexers, tables) in units of 16 bits; nothing here is fitted.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from fasttrig.estimate.constants import Products, expected_products
from fasttrig.estimate.layer_costs import TABLE_FUNCTIONS, Layer, Matrix
from fasttrig.estimate.types import dsps_per_product

Terms = dict[str, float]

_WORD = 16.0
_PARALLEL_POSITIONS = 32
_DSP_PRODUCT_BITS = 21
"""A multiplier takes a DSP from this width of product on: 16 x 5 does, 16 x 4 and 8 x 8 do not."""
_SHALLOW = 16
_ADDER_DELAY, _DIGITS_DELAY, _DSP_DELAY = 0.19, 0.24, 0.5
"""Clocks of 5 ns on UltraScale+ that an adder takes, a product of few digits, and one of many; chosen by the registers
of the single layers of 2 to 14 bits and of the networks."""
_MOST_EDGES = 1000  # a clock of picoseconds stays an estimate


@dataclass(frozen=True, slots=True)
class Setting:
    """What a design is built for; `slowness` is the delay of the fabric against UltraScale+, times 5 ns / clock."""

    clock_period_ns: float = 5.0
    stream: bool = False
    slowness: float = 1.0
    vivado: bool = False  # Vivado HLS, the predecessor of Vitis HLS
    dsp_product_bits: int = _DSP_PRODUCT_BITS  # for products by constants
    clock_margin: float = 1.0  # how much longer logic looks to the tool's scheduler than to Vivado HLS

    @property
    def cycle_pace(self) -> float:
        """The slowness that the scheduler counts states with."""
        return self.slowness * self.clock_margin


@dataclass(slots=True)
class Built:
    """Counts of one layer."""

    lut: Terms = field(default_factory=lambda: defaultdict(float))
    ff: Terms = field(default_factory=lambda: defaultdict(float))
    cycles: Terms = field(default_factory=lambda: defaultdict(float))
    dsp: float = 0.0
    bram18: float = 0.0
    bram18_shallow: float = 0.0  # of these, tables that logic synthesis turns into LUTs
    fixed_cycles: float = 0.0  # of states that are counted, not fitted
    ii: float = 1.0
    busy: float = 0.0  # cycles a streaming layer needs for one event


def build(layer: Layer, setting: Setting) -> Built:
    """The counts of one layer; the layer's kind decides."""
    built = Built()
    _BUILDERS[layer.kind](layer, setting, built)
    return built


def _build_matrices(layer: Layer, setting: Setting, built: Built) -> None:
    copies = _copies(layer, setting)
    for matrix in layer.matrices:
        shared = layer.strategy == "resource" and matrix.reuse_factor > 1
        add = _shared_multipliers if shared else _constant_multipliers
        add(layer, matrix, setting, built, copies)
    if layer.kind in ("conv1d", "conv2d"):
        _window(layer, setting, built, copies)


def _copies(layer: Layer, setting: Setting) -> int:
    """Instances of a convolution's matrix: one, unless all positions of a short pointwise one are computed at once."""
    unrolled = not setting.stream and layer.window == 1 and layer.positions <= _PARALLEL_POSITIONS
    return layer.positions if unrolled and layer.kind in ("conv1d", "conv2d") else 1


def products_of(matrix: Matrix) -> Products:
    return matrix.products or expected_products(matrix.n_in, matrix.n_nonzeros, matrix.magnitude)


def _constant_multipliers(layer: Layer, matrix: Matrix, setting: Setting, built: Built, copies: int) -> None:
    """Every weight is a constant of its own: adders, and DSPs for constants of many digits."""
    products = products_of(matrix)
    in_words, sum_words = layer.input.width / _WORD, layer.accum.width / _WORD
    in_dsp = products.wide(setting.dsp_product_bits - layer.input.width - 1)
    in_dsp = in_dsp if layer.strategy != "distributed_arithmetic" else 0.0
    limit = _multiplier_limit(matrix)
    per_product = dsps_per_product(layer.input.width, min(layer.weight.width, int(matrix.magnitude) + 2))
    built.dsp += copies * min(in_dsp, limit) * per_product
    turns = _turns(products, limit) if layer.strategy != "distributed_arithmetic" else 1.0
    if turns > 1:
        # the first and the last fall into states that the sum has anyway; a process of a stream waits for its last
        built.fixed_cycles += turns - (1 if setting.stream else 2)
        built.ii = max(built.ii, turns)
    prefix = "resource_" if layer.strategy == "resource" else ""
    lut = built.lut
    lut[prefix + "add"] += copies * products.n_nonzeros * sum_words
    lut[prefix + "cheap"] += copies * products.cheap * in_words
    lut[prefix + "costly"] += copies * in_dsp * in_words
    lut["narrow"] += copies * (products.costly - in_dsp) * in_words
    lut["result"] += copies * matrix.n_out * sum_words
    levels = _registered_levels(setting.slowness)
    lut["stages"] += copies * products.n_nonzeros * sum_words * levels
    if layer.saturates:
        lut["saturated"] += copies * products.n_nonzeros * sum_words
        built.ff["saturated"] += copies * products.n_nonzeros * sum_words
    if layer.strategy == "distributed_arithmetic":
        lut["adder_graph"] += copies * products.costly * products.digits * in_words
    ff, pace = built.ff, setting.slowness
    depth = math.log2(max(1.0, products.n_nonzeros / matrix.n_out))
    shared = min(turns, 2.0)  # fewer events are under way when they start turns apart; the reports show half at most
    if layer.strategy == "resource":
        summed = min(1.0, depth / 4)
        ff["resource_result_paced"] += copies * matrix.n_out * sum_words * pace * summed
        ff["resource_product_paced"] += copies * products.costly * in_words * pace * summed
        ff["resource_sum_paced"] += copies * products.n_nonzeros * sum_words * pace * summed
    else:
        ff["held"] += copies * matrix.n_in * in_words
        live = live_words(products, matrix.n_out, pace) if depth > 0 else 0.0
        ff["live"] += copies * matrix.n_out * sum_words * live / shared
    ff["sum_stages"] += copies * products.n_nonzeros * sum_words * levels / shared
    if products.costly > limit:
        ff["reused"] += copies * products.n_nonzeros * in_words * (1 - min(1.0, 2 / matrix.reuse_factor))
    pace = setting.cycle_pace
    if layer.steps == 1:
        built.cycles["matrix_paced"] += pace * min(1.0, depth)
        built.cycles["depth_paced"] += pace * depth
        built.cycles["dsp_paced"] += pace * min(1.0, products.costly / matrix.n_out) * min(1.0, depth)


def live_words(products: Products, n_out: int, slowness: float) -> float:
    """Words that one sum keeps at the clock edges inside it: products before its first adder, one at its end.

    An edge in the products keeps all of them, one `k` levels down the adder tree ``2 ** -k`` of them.
    """
    n = products.n_nonzeros / n_out
    levels = math.log2(max(1.0, n))
    costly = products.costly / max(products.n_nonzeros, 1e-9)
    product = slowness * (_DIGITS_DELAY + (_DSP_DELAY - _DIGITS_DELAY) * costly)
    adder = slowness * _ADDER_DELAY
    edges = range(1, math.ceil(min(product + adder * levels, _MOST_EDGES)))
    return sum(n * 2 ** -min(levels, max(0.0, edge - product) / adder) for edge in edges)


def _registered_levels(slowness: float) -> float:
    """How much of an adder tree is registered: nothing where it fits into a clock, all of it at twice that delay."""
    return min(1.0, max(0.0, slowness - 1))


def _gently(slowness: float) -> float:
    """Registers of logic that always has some: fewer at a slow clock, more at a fast one, within bounds."""
    return min(2.0, max(0.4, slowness))


def _turns(products: Products, limit: float) -> float:
    """Latency strategy, reuse factor above 1: products wait for the few multipliers allowed, 11s among them."""
    return float(math.ceil((products.costly + products.by_table) / limit)) if products.costly > limit else 1.0


def _multiplier_limit(matrix: Matrix) -> float:
    """Multipliers that hls4ml's Latency strategy allows (get_multiplier_limit); the scan has one more from 1,024 on."""
    rf = matrix.reuse_factor
    if rf == 1:
        return math.inf
    zeros = matrix.size - matrix.n_nonzeros
    return max(1.0, math.ceil(matrix.size / rf) - math.floor(zeros / rf)) + (1 if rf >= 1024 else 0)


def _shared_multipliers(layer: Layer, matrix: Matrix, setting: Setting, built: Built, copies: int) -> None:
    """Resource: `block_factor` multipliers, used reuse_factor times, weights in memories."""
    rf, block = matrix.reuse_factor, matrix.block_factor
    in_words, sum_words = layer.input.width / _WORD, layer.accum.width / _WORD
    with_dsp = layer.weight.width + layer.input.width >= _DSP_PRODUCT_BITS
    if with_dsp:
        top = min(layer.weight.width, int(matrix.magnitude) + 2)  # the last weight of the ROM's word sheds its sign
        in_luts = 1 if top + layer.input.width < _DSP_PRODUCT_BITS and block > 1 else 0
        built.dsp += copies * (block - in_luts) * dsps_per_product(layer.input.width, layer.weight.width)
    brams = copies * (_rom_brams(rf, block * layer.weight.width) + (rf > matrix.n_in))
    built.bram18 += brams
    built.bram18_shallow += brams if rf < _SHALLOW else 0.0
    lut = built.lut
    lut["shared_input"] += copies * matrix.n_in * in_words
    lut["shared_result"] += copies * matrix.n_out * sum_words
    if rf <= 2 * matrix.n_in:
        lut["shared_sum"] += copies * block * sum_words
    else:
        lut["shared_select"] += copies * block * 2 ** math.ceil(math.log2(max(matrix.n_out, 2))) * sum_words
    ff = built.ff
    ff["shared_matrix"] += 1
    ff["shared_result"] += copies * matrix.n_out * sum_words
    if rf <= matrix.n_in:
        ff["shared_tree"] += copies * block * in_words * _gently(setting.slowness)
    else:
        ff["shared_dsp" if with_dsp else "shared_lut"] += copies * block * in_words
    if not layer.first:
        ff["handed_on"] += copies * matrix.n_in * in_words * _gently(setting.slowness)
    if layer.saturates:
        lut["saturated"] += copies * block * sum_words
        ff["saturated"] += copies * block * sum_words
    built.ii = max(built.ii, float(rf))
    if layer.steps == 1:
        built.fixed_cycles += rf + 2


def _rom_brams(depth: int, width: int) -> float:
    """BRAM18 of the weights' table, bound to memory: 36 bits wide to 512 deep, 18 to 1,024, then stacked."""
    if depth <= 512:
        return float(math.ceil(width / 36))
    return float(math.ceil(width / 18) if depth <= 1024 else math.ceil(depth * width / 18432 * 1.05))


def _window(layer: Layer, setting: Setting, built: Built, copies: int) -> None:
    """A convolution's line buffer (stream), or its copies of the input (parallel)."""
    words = layer.input.width / _WORD
    matrix = layer.matrices[0]
    if setting.stream:
        built.lut["line_window"] += matrix.n_in * words
        built.ff["line_window"] += matrix.n_in * words
        side = math.sqrt(layer.in_positions) if layer.kind == "conv2d" else 0
        rows = max(0.0, math.sqrt(layer.window) - 1) if side else 0
        built.bram18 += rows * matrix.n_in / layer.window * (1 if side * layer.input.width > 1024 else 0)
        per_pixel = _pixel_cycles(layer, matrix, setting, built)
        built.busy = layer.in_positions * per_pixel
        _stream(layer, setting, built, matrix.n_out)
    elif copies == 1 and layer.positions > 1:
        built.lut["unrolled_input"] += layer.positions * matrix.n_in * words
        built.ff["unrolled_input"] += layer.positions * matrix.n_in * words
        built.ii = max(built.ii, float(layer.positions * matrix.reuse_factor))
        built.fixed_cycles += built.ii


def _pixel_cycles(layer: Layer, matrix: Matrix, setting: Setting, built: Built) -> float:
    """Cycles per pixel of a streaming convolution."""
    if layer.strategy == "resource" and matrix.reuse_factor > 1:
        built.fixed_cycles -= matrix.reuse_factor + 2
        return matrix.reuse_factor + 8.0
    return max(1.0 if setting.vivado else 3.0, built.ii)


def _stream(layer: Layer, setting: Setting, built: Built, channels: int) -> None:
    """One FIFO and one handshake per streaming layer."""
    if not setting.stream:
        return
    words = channels * layer.input.width / _WORD
    built.lut["stream_layer"] += 1
    built.lut["stream_fifo"] += words
    built.ff["stream_layer"] += 1
    built.ff["stream_fifo"] += words
    if layer.positions > 1024 and channels > 1:
        built.bram18 += channels * layer.input.width / 36
    built.cycles["stream_layer"] += 1


def _build_dense(layer: Layer, setting: Setting, built: Built) -> None:
    _build_matrices(layer, setting, built)
    if layer.kind == "dense":
        _stream(layer, setting, built, layer.matrices[0].n_out)


def _build_recurrent(layer: Layer, setting: Setting, built: Built) -> None:
    _build_matrices(layer, setting, built)
    words = layer.input.width / _WORD
    built.dsp += 3 * layer.n_values * dsps_per_product(layer.input.width, layer.input.width)
    built.bram18 += layer.n_values * (1 if layer.kind == "gru" else 1.5)
    built.lut["gates"] += layer.n_values * words
    built.ff["gates"] += layer.n_values * words
    built.lut["sequence"] += layer.steps * (layer.matrices[0].n_in + layer.n_values) * words
    built.ff["sequence"] += layer.steps * (layer.matrices[0].n_in + layer.n_values) * words
    reuse = max(m.reuse_factor for m in layer.matrices) if layer.strategy == "resource" else 1
    pace = 11.0 if layer.strategy == "resource" else 11.0 * max(1.0, setting.slowness)
    built.busy = layer.steps * ((reuse if reuse > 1 else 0) + pace) + 2


def _build_activation(layer: Layer, setting: Setting, built: Built) -> None:
    words = layer.input.width / _WORD
    values = layer.n_values / max(1, layer.positions) if setting.stream else layer.n_values
    values = min(values, 128.0) if setting.stream else values
    if layer.function == "softmax":
        built.lut["softmax"] += values * words
        term = "softmax_stream" if setting.stream else "softmax"
        built.ff[term] += values * words * _gently(setting.slowness)
        built.lut["softmax_unit"] += 1
        built.dsp += layer.n_values
        built.bram18 += math.ceil(values / 2) + 1
        built.cycles["softmax"] += max(1.0, setting.cycle_pace)
    elif layer.function in TABLE_FUNCTIONS:
        built.lut["table"] += values * words
        built.ff["table"] += values * words
        built.bram18 += math.ceil(values / 2)
        built.cycles["table"] += 1
    elif layer.function not in ("linear", "none", "leakyrelu"):
        built.lut["relu"] += values * words
        built.ff["relu_shared" if layer.strategy == "resource" else "relu_paced"] += values * words * setting.slowness
        built.cycles["relu_paced"] += setting.cycle_pace * (layer.n_values > 0)
    _stream(layer, setting, built, int(values))


def _build_pooling(layer: Layer, setting: Setting, built: Built) -> None:
    words = layer.input.width / _WORD
    channels = layer.n_values / layer.in_positions
    places = 1 if setting.stream else layer.positions
    term = "pool_average" if layer.function == "average" else "pool_max"
    compared = places * channels * max(0, layer.window - 1)
    built.lut[term] += (min(compared, channels * 16) if setting.stream else compared) * words
    if layer.function == "average" and setting.vivado:
        built.lut["pool_divide"] += places * channels * words
        built.ff["pool_divide"] += places * channels * words
        built.cycles["pool_divide"] += 1
    window = 1 if layer.positions == 1 else layer.window  # a global pooling keeps its running result alone
    built.ff["pool"] += (channels * window if setting.stream else layer.n_values) * words
    if setting.stream:
        built.busy = layer.in_positions
        _stream(layer, setting, built, int(channels))


def _build_batchnorm(layer: Layer, setting: Setting, built: Built) -> None:
    words = layer.input.width / _WORD
    values = layer.n_values / layer.positions if setting.stream else layer.n_values
    built.lut["scale"] += values * words
    built.ff["scale_paced"] += values * words * setting.slowness
    built.dsp += values * (layer.weight.width + layer.input.width >= _DSP_PRODUCT_BITS)
    built.cycles["scale_paced"] += setting.cycle_pace
    _stream(layer, setting, built, min(layer.n_values, 128))


def _build_padding(layer: Layer, setting: Setting, built: Built) -> None:
    if setting.stream:
        built.busy = layer.positions
        _stream(layer, setting, built, max(1, layer.n_values // max(1, layer.positions)))


def _build_merge(layer: Layer, setting: Setting, built: Built) -> None:
    built.lut["relu"] += layer.n_values * layer.input.width / _WORD


def _build_nothing(layer: Layer, setting: Setting, built: Built) -> None:
    """Wiring costs nothing; forests have their own model."""


_BUILDERS: dict[str, Callable[[Layer, Setting, Built], None]] = {
    "dense": _build_dense,
    "conv1d": _build_dense,
    "conv2d": _build_dense,
    "gru": _build_recurrent,
    "lstm": _build_recurrent,
    "activation": _build_activation,
    "pooling": _build_pooling,
    "batchnorm": _build_batchnorm,
    "padding": _build_padding,
    "merge": _build_merge,
    "wiring": _build_nothing,
    "forest": _build_nothing,
}
