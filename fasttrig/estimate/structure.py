"""Hardware counts of each layer: the terms that `constants.json` weighs into LUT and FF, and exact counts.

A term is a count of hardware (adders, multiplexers, tables) in units of 16 bits; nothing here is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from fasttrig.estimate.constants import Products, expected_products
from fasttrig.estimate.counts import DSP_PRODUCT_BITS, WORD, Built, Setting, count_stream, gently
from fasttrig.estimate.layer_costs import Layer, Matrix
from fasttrig.estimate.op_costs import (
    build_activation,
    build_batchnorm,
    build_merge,
    build_nothing,
    build_padding,
    build_pooling,
)
from fasttrig.estimate.terms import Cycles, Ff, Lut
from fasttrig.estimate.types import dsps_per_product

_PARALLEL_POSITIONS = 32
_SHALLOW = 16
_ADDER_DELAY, _DIGITS_DELAY, _DSP_DELAY = 0.19, 0.24, 0.5
"""Clocks of 5 ns on UltraScale+ that an adder takes, a product of few digits, and one of many; chosen by the registers
of the single layers of 2 to 14 bits and of the networks."""
_MOST_EDGES = 1000  # a clock of picoseconds stays an estimate


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
        if copies > 1:
            _every_position(layer, matrix, setting, built, copies)
    if layer.kind in ("conv1d", "conv2d"):
        _window(layer, setting, built, copies)


def _every_position(layer: Layer, matrix: Matrix, setting: Setting, built: Built, copies: int) -> None:
    """A dense layer applied to every element of a set at once (deep sets): hls4ml makes it a pointwise convolution.

    Its products go through an array of their own before they are summed, so each is a register or a copy more than in
    a dense layer, and filling that array takes states. Brainz22/L1JetTagger (10 elements) and
    CMS-L1T-Jet-Tagging/TrainTagger (16) report 1.7 and 1.9 times the LUTs that dense layers of the same products have.
    """
    words = copies * matrix.n_nonzeros * layer.accum.width / WORD
    built.lut[Lut.ELEMENT_PRODUCT] += words
    built.ff[Ff.ELEMENT_PRODUCT_PACED] += words * setting.slowness
    built.cycles[Cycles.ELEMENT_PACED] += setting.cycle_pace


def _copies(layer: Layer, setting: Setting) -> int:
    """Instances of a convolution's matrix: one, unless all positions of a short pointwise one are computed at once."""
    unrolled = not setting.stream and layer.window == 1 and layer.positions <= _PARALLEL_POSITIONS
    return layer.positions if unrolled and layer.kind in ("conv1d", "conv2d") else 1


def products_of(matrix: Matrix) -> Products:
    return matrix.products or expected_products(matrix.n_in, matrix.n_nonzeros, matrix.magnitude)


def _constant_multipliers(layer: Layer, matrix: Matrix, setting: Setting, built: Built, copies: int) -> None:
    """Every weight is a separate constant: adders, and DSPs for constants of many digits."""
    products = products_of(matrix)
    in_words, sum_words = layer.input.width / WORD, layer.accum.width / WORD
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
    if matrix.reuse_factor > 1 and not setting.stream:
        # hls4ml asks for II = reuse factor; all seven published networks with a reuse factor of 2 have II 2, whether
        # or not their products wait (ArgyKokk, Hector-Plata, Brainz22/L1JetTagger, uw-acme)
        built.ii = max(built.ii, 2.0)
    resource = layer.strategy == "resource"
    lut = built.lut
    lut[Lut.RESOURCE_ADD if resource else Lut.ADD] += copies * products.n_nonzeros * sum_words
    lut[Lut.RESOURCE_CHEAP if resource else Lut.CHEAP] += copies * products.cheap * in_words
    lut[Lut.RESOURCE_COSTLY if resource else Lut.COSTLY] += copies * in_dsp * in_words
    lut[Lut.NARROW] += copies * (products.costly - in_dsp) * in_words
    lut[Lut.RESULT] += copies * matrix.n_out * sum_words
    levels = _registered_levels(setting.slowness)
    lut[Lut.STAGES] += copies * products.n_nonzeros * sum_words * levels
    if layer.saturates:
        lut[Lut.SATURATED] += copies * products.n_nonzeros * sum_words
        built.ff[Ff.SATURATED] += copies * products.n_nonzeros * sum_words
    if layer.strategy == "distributed_arithmetic":
        lut[Lut.ADDER_GRAPH] += copies * products.costly * products.digits * in_words
    ff, pace = built.ff, setting.slowness
    depth = math.log2(max(1.0, products.n_nonzeros / matrix.n_out))
    shared = min(
        turns, 2.0
    )  # with II > 1 fewer events are in flight; published reports show at most half the registers
    if layer.strategy == "resource":
        summed = min(1.0, depth / 4)
        ff[Ff.RESOURCE_RESULT_PACED] += copies * matrix.n_out * sum_words * pace * summed
        ff[Ff.RESOURCE_PRODUCT_PACED] += copies * products.costly * in_words * pace * summed
        ff[Ff.RESOURCE_SUM_PACED] += copies * products.n_nonzeros * sum_words * pace * summed
    else:
        ff[Ff.HELD] += copies * matrix.n_in * in_words
        live = live_words(products, matrix.n_out, pace) if depth > 0 else 0.0
        ff[Ff.LIVE] += copies * matrix.n_out * sum_words * live / shared
    ff[Ff.SUM_STAGES] += copies * products.n_nonzeros * sum_words * levels / shared
    if products.costly > limit:
        ff[Ff.REUSED] += copies * products.n_nonzeros * in_words * (1 - min(1.0, 2 / matrix.reuse_factor))
    pace = setting.cycle_pace
    if layer.steps == 1:
        built.cycles[Cycles.MATRIX_PACED] += pace * min(1.0, depth)
        built.cycles[Cycles.DEPTH_PACED] += pace * depth
        built.cycles[Cycles.DSP_PACED] += pace * min(1.0, products.costly / matrix.n_out) * min(1.0, depth)


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
    """Registered share of an adder tree: 0 if the tree fits into one clock, 1 at twice that delay."""
    return min(1.0, max(0.0, slowness - 1))


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
    in_words, sum_words = layer.input.width / WORD, layer.accum.width / WORD
    with_dsp = _shared_with_dsp(layer)
    if with_dsp:
        top = min(layer.weight.width, int(matrix.magnitude) + 2)  # the last weight of the ROM's word sheds its sign
        in_luts = 1 if top + layer.input.width < DSP_PRODUCT_BITS and block > 1 else 0
        built.dsp += copies * (block - in_luts) * dsps_per_product(layer.input.width, layer.weight.width)
    brams = copies * (_rom_brams(rf, block * layer.weight.width) + (rf > matrix.n_in))
    built.bram18 += brams
    built.bram18_shallow += brams if rf < _SHALLOW else 0.0
    lut = built.lut
    lut[Lut.SHARED_INPUT] += copies * matrix.n_in * in_words
    lut[Lut.SHARED_RESULT] += copies * matrix.n_out * sum_words
    if rf <= 2 * matrix.n_in:
        lut[Lut.SHARED_SUM] += copies * block * sum_words
    else:
        lut[Lut.SHARED_SELECT] += copies * block * 2 ** math.ceil(math.log2(max(matrix.n_out, 2))) * sum_words
    ff = built.ff
    ff[Ff.SHARED_MATRIX] += 1
    ff[Ff.SHARED_RESULT] += copies * matrix.n_out * sum_words
    if rf <= matrix.n_in:
        ff[Ff.SHARED_TREE] += copies * block * in_words * gently(setting.slowness)
    else:
        ff[Ff.SHARED_DSP if with_dsp else Ff.SHARED_LUT] += copies * block * in_words
    if not layer.first:
        ff[Ff.HANDED_ON] += copies * matrix.n_in * in_words * gently(setting.slowness)
    if layer.saturates:
        lut[Lut.SATURATED] += copies * block * sum_words
        ff[Ff.SATURATED] += copies * block * sum_words
    built.ii = max(built.ii, float(rf))
    if layer.steps == 1:
        built.fixed_cycles += rf + 2


def _shared_with_dsp(layer: Layer) -> bool:
    """Whether multipliers of the Resource strategy are DSPs: products of few bits stay in LUTs."""
    return layer.weight.width + layer.input.width >= DSP_PRODUCT_BITS


def _rom_brams(depth: int, width: int) -> float:
    """BRAM18 of the weights' table, bound to memory: 36 bits wide to 512 deep, 18 to 1,024, then stacked."""
    if depth <= 512:
        return float(math.ceil(width / 36))
    return float(math.ceil(width / 18) if depth <= 1024 else math.ceil(depth * width / 18432 * 1.05))


def _window(layer: Layer, setting: Setting, built: Built, copies: int) -> None:
    """A convolution's line buffer (stream), or its copies of the input (parallel)."""
    words = layer.input.width / WORD
    matrix = layer.matrices[0]
    if setting.stream:
        built.lut[Lut.LINE_WINDOW] += matrix.n_in * words
        built.ff[Ff.LINE_WINDOW] += matrix.n_in * words
        side = math.sqrt(layer.in_positions) if layer.kind == "conv2d" else 0
        rows = max(0.0, math.sqrt(layer.window) - 1) if side else 0
        built.bram18 += rows * matrix.n_in / layer.window * (1 if side * layer.input.width > 1024 else 0)
        per_pixel = _pixel_cycles(layer, matrix, setting, built)
        built.busy = layer.in_positions * per_pixel
        count_stream(layer, setting, built, matrix.n_out)
    elif copies == 1 and layer.positions > 1:
        built.lut[Lut.UNROLLED_INPUT] += layer.positions * matrix.n_in * words
        built.ff[Ff.UNROLLED_INPUT] += layer.positions * matrix.n_in * words
        built.ii = max(built.ii, float(layer.positions * matrix.reuse_factor))
        built.fixed_cycles += built.ii


def _pixel_cycles(layer: Layer, matrix: Matrix, setting: Setting, built: Built) -> float:
    """Cycles per pixel of a streaming convolution."""
    if layer.strategy == "resource" and matrix.reuse_factor > 1:
        built.fixed_cycles -= matrix.reuse_factor + 2
        # Besides its turns a pixel takes states to fill the window and to finish product and sum: 9 with DSPs
        # (pominiq/DNNonSilicon 9 + 9 and 36 + 9, kendermag/hls4ml-tutorial 18 + 9), 6 without (uw-acme RHEED 9 + 6),
        # 2 more where every product saturates (Berk-Bilgin/ML-fpga 2 + 11).
        return matrix.reuse_factor + 6.0 + 3.0 * _shared_with_dsp(layer) + 2.0 * layer.saturates
    # Vivado HLS does not overlap the turns of two pixels: entering and leaving the multipliers takes two states more
    # (pominiq/DNNonSilicon, 784 pixels: 10,195 cycles with 11 turns, 4,707 with 4, 788 with 1).
    turns = built.ii + 2.0 if built.ii > 1 and setting.vivado else built.ii
    return max(1.0 if setting.vivado else 3.0, turns)


def _build_dense(layer: Layer, setting: Setting, built: Built) -> None:
    _build_matrices(layer, setting, built)
    if layer.kind == "dense":
        count_stream(layer, setting, built, layer.matrices[0].n_out)
    if layer.kind == "dense" and setting.stream:
        # A dense layer reads its input (DataPrepare of nnet_dense_stream.h), computes and writes (ResWrite), one after
        # another, and the next layer waits. pominiq/DNNonSilicon 4-128-3 in io_stream shows it (23 cycles at 25 ns);
        # in hls4ml's tests of one input the three fall into one state. No report of a larger network of dense layers
        # alone is in the table.
        depth = math.log2(max(1.0, layer.matrices[0].n_nonzeros / layer.matrices[0].n_out))
        built.cycles[Cycles.STREAM_TURN_PACED] += 2 * setting.cycle_pace * min(1.0, depth)


def _build_recurrent(layer: Layer, setting: Setting, built: Built) -> None:
    _build_matrices(layer, setting, built)
    words = layer.input.width / WORD
    built.dsp += 3 * layer.n_values * dsps_per_product(layer.input.width, layer.input.width)
    built.bram18 += layer.n_values * (1 if layer.kind == "gru" else 1.5)
    built.lut[Lut.GATES] += layer.n_values * words
    built.ff[Ff.GATES] += layer.n_values * words
    built.lut[Lut.SEQUENCE] += layer.steps * (layer.matrices[0].n_in + layer.n_values) * words
    built.ff[Ff.SEQUENCE] += layer.steps * (layer.matrices[0].n_in + layer.n_values) * words
    reuse = max(m.reuse_factor for m in layer.matrices) if layer.strategy == "resource" else 1
    pace = 11.0 if layer.strategy == "resource" else 11.0 * max(1.0, setting.slowness)
    built.busy = layer.steps * ((reuse if reuse > 1 else 0) + pace) + 2


_BUILDERS: dict[str, Callable[[Layer, Setting, Built], None]] = {
    "dense": _build_dense,
    "conv1d": _build_dense,
    "conv2d": _build_dense,
    "gru": _build_recurrent,
    "lstm": _build_recurrent,
    "activation": build_activation,
    "pooling": build_pooling,
    "batchnorm": build_batchnorm,
    "padding": build_padding,
    "merge": build_merge,
    "wiring": build_nothing,
    "forest": build_nothing,
}
