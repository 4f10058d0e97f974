"""Hardware of layers without a matrix: activations, poolings, normalisations, paddings and merges."""

from __future__ import annotations

import math

from fasttrig.estimate.counts import DSP_PRODUCT_BITS, WORD, Built, Setting, count_stream, gently
from fasttrig.estimate.layer_costs import TABLE_FUNCTIONS, Layer
from fasttrig.estimate.terms import Cycles, Ff, Lut


def build_activation(layer: Layer, setting: Setting, built: Built) -> None:
    words = layer.input.width / WORD
    values = layer.n_values / max(1, layer.positions) if setting.stream else layer.n_values
    values = min(values, 128.0) if setting.stream else values
    if layer.function == "softmax":
        built.lut[Lut.SOFTMAX] += values * words
        built.ff[Ff.SOFTMAX_STREAM if setting.stream else Ff.SOFTMAX] += values * words * gently(setting.slowness)
        built.lut[Lut.SOFTMAX_UNIT] += 1
        built.dsp += layer.n_values
        built.bram18 += math.ceil(values / 2) + 1
        built.cycles[Cycles.SOFTMAX] += max(1.0, setting.cycle_pace)
    elif layer.function in TABLE_FUNCTIONS:
        built.lut[Lut.TABLE] += values * words
        built.ff[Ff.TABLE] += values * words
        built.bram18 += math.ceil(values / 2)
        built.cycles[Cycles.TABLE] += 1
    elif layer.function not in ("linear", "none", "leakyrelu"):
        built.lut[Lut.RELU] += values * words
        term = Ff.RELU_SHARED if layer.strategy == "resource" else Ff.RELU_PACED
        built.ff[term] += values * words * setting.slowness
        built.cycles[Cycles.RELU_PACED] += setting.cycle_pace * (layer.n_values > 0)
    count_stream(layer, setting, built, int(values))


def build_pooling(layer: Layer, setting: Setting, built: Built) -> None:
    """Comparators or adders of every window.

    The six reports of average pooling (hls4ml's synthesis tests) are of io_parallel and windows of 2 and 8: Vivado HLS
    keeps a divider per result there, because the window's overlap with the padding is an argument (``avg`` of
    nnet_pooling.h); Vitis HLS folds it. In a stream and over all positions the divisor is a constant of the template
    (``reduce_pool``, ``reduce_global_pool``): no divider is built, only a shift or a product with a constant.
    """
    words = layer.input.width / WORD
    channels = layer.n_values / layer.in_positions
    places = 1 if setting.stream else layer.positions
    average = layer.function == "average"
    overall = layer.positions == 1 and layer.in_positions > 1
    running = setting.stream and overall  # one word in, one comparison or addition per channel
    compared = places * channels * (1 if running else max(0, layer.window - 1))
    most = channels * 16 if setting.stream else compared
    built.lut[Lut.POOL_AVERAGE if average else Lut.POOL_MAX] += min(compared, most) * words
    if average and overall and layer.window & (layer.window - 1):
        built.lut[Lut.POOL_RECIPROCAL] += channels * words
    if average and setting.vivado and not setting.stream and not overall:
        built.lut[Lut.POOL_DIVIDE] += places * channels * words
        built.ff[Ff.POOL_DIVIDE] += places * channels * words
        built.cycles[Cycles.POOL_DIVIDE] += 1
    built.ff[Ff.POOL] += (channels * (1 if overall else layer.window) if setting.stream else layer.n_values) * words
    if setting.stream:
        built.busy = layer.in_positions
        count_stream(layer, setting, built, int(channels))
    elif layer.in_positions > 1:
        # levels of comparators or adders, one after another; the reports of deep sets show them
        built.cycles[Cycles.POOL_PACED] += setting.cycle_pace * math.log2(max(1, layer.window)) * overall


def build_batchnorm(layer: Layer, setting: Setting, built: Built) -> None:
    words = layer.input.width / WORD
    values = layer.n_values / layer.positions if setting.stream else layer.n_values
    built.lut[Lut.SCALE] += values * words
    built.ff[Ff.SCALE_PACED] += values * words * setting.slowness
    built.dsp += values * (layer.weight.width + layer.input.width >= DSP_PRODUCT_BITS)
    built.cycles[Cycles.SCALE_PACED] += setting.cycle_pace
    count_stream(layer, setting, built, min(layer.n_values, 128))


def build_padding(layer: Layer, setting: Setting, built: Built) -> None:
    if setting.stream:
        built.busy = layer.positions
        count_stream(layer, setting, built, max(1, layer.n_values // max(1, layer.positions)))


def build_merge(layer: Layer, setting: Setting, built: Built) -> None:
    built.lut[Lut.RELU] += layer.n_values * layer.input.width / WORD


def build_nothing(layer: Layer, setting: Setting, built: Built) -> None:
    """Wiring costs nothing; forests have their own model."""
