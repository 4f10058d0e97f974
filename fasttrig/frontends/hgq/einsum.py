"""QEinsumDense and QEinsumDenseBatchnorm: a product over some axes of the input, as one matrix product."""

from __future__ import annotations

import math
import string
from dataclasses import dataclass

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.hgq.products import KernelAndBias, activation_of, consts, misfit, quantised, weight_quantiser
from fasttrig.frontends.hgq.quantiser import Float32
from fasttrig.frontends.hgq.settled import ULP, settled
from fasttrig.frontends.keras.layer_parts import Activation, activation_suffix, apply_activation, weight_of
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.ops import Const, Value

KERAS_EPSILON = 1e-7
"""What HGQ2's QEinsumDenseBatchnorm adds to the variance: Keras' own epsilon, whatever its configuration says."""

DOTS = "."
"""Stands for the axes of ``...``."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The axes of an equation: of input, kernel and output, the event's included."""

    given: str
    kernel: str
    made: str

    @property
    def summed(self) -> str:
        return "".join(label for label in self.given if label in self.kernel)

    @property
    def new(self) -> str:
        return "".join(label for label in self.kernel if label not in self.given)

    def expanded(self, rank: int) -> Labels:
        """With letters for ``...`` on an input of `rank` axes, the event's included."""
        n = rank - len(self.given.replace(DOTS, ""))
        spare = [letter for letter in string.ascii_letters if letter not in self.given + self.kernel]
        letters = "".join(spare[: max(0, n)])
        return Labels(self.given.replace(DOTS, letters), self.kernel, self.made.replace(DOTS, letters))


@dataclass(frozen=True, slots=True)
class EinsumPlan:
    """`weight` is the kernel as a matrix: (summed axes, new axes), whose sizes follow."""

    labels: Labels
    weight: Const
    bias: Const
    new_sizes: tuple[int, ...]
    activation: Activation


def prepare_einsum(low: Lowering, layer: LayerSpec) -> EinsumPlan:
    """Both layers; the batch normalisation of the second one is folded before the quantiser."""
    labels, kernel = _labels(low, layer), weight_of(low, layer, "kernel")
    if kernel.ndim != len(labels.kernel):
        raise misfit(low, layer, kernel, f"axes {labels.kernel}")
    found = _weights(low, layer, labels, kernel)
    sizes = dict(zip(labels.kernel, kernel.shape, strict=True))
    new_sizes = tuple(sizes[label] for label in labels.new)
    order = [labels.kernel.index(label) for label in labels.summed + labels.new]
    matrix = found.kernel.transpose(order).reshape(-1, math.prod(new_sizes))
    bias = _spread_bias(low, layer, labels, found.bias, new_sizes)
    return EinsumPlan(labels, *consts(low, layer, matrix, bias), new_sizes, activation_of(low, layer))


def _labels(low: Lowering, layer: LayerSpec) -> Labels:
    equation = str(layer.config["equation"]).replace(" ", "").replace("...", DOTS)
    parts = equation.replace("->", ",").split(",")
    if equation.count("->") != 1 or len(parts) != 3:
        raise InputError("not an equation of two tensors", where=low.where(layer, "equation"), got=equation)
    labels = Labels(*parts)
    kept = set(labels.given) - set(labels.summed)
    single = all(len(set(part)) == len(part) for part in parts)
    if not single or set(labels.made) != kept | set(labels.new) or not labels.summed or labels.given[0] not in kept:
        raise UnsupportedError(
            "fasttrig cannot compute this equation as one matrix product",
            where=low.where(layer, "equation"),
            got=str(layer.config["equation"]),
            want="axes that are summed with the kernel, axes that are kept, and new axes of the kernel",
            try_="a QEinsumDense whose kernel has no axis in common with both input and output, such as bnc,cd->bnd",
        )
    return labels


def _weights(low: Lowering, layer: LayerSpec, labels: Labels, kernel: Float32) -> KernelAndBias:
    bias = weight_of(low, layer, "bias") if layer.config.get("bias_axes") else np.zeros(1, dtype=np.float32)
    if layer.kind.endswith("Batchnorm"):
        return _folded(low, layer, labels, kernel, bias)
    if layer.config.get("bias_axes"):
        bias = quantised(low, layer, "bq", bias)
    return KernelAndBias(quantised(low, layer, "kq", kernel), bias)


def _folded(low: Lowering, layer: LayerSpec, labels: Labels, kernel: Float32, bias: Float32) -> KernelAndBias:
    axes = str(layer.config.get("normalize_axes") or layer.config.get("bias_axes"))
    axes = "".join(label for label in labels.kernel if label in axes)
    mean, variance = (weight_of(low, layer, key).astype(np.float64) for key in ("moving_mean", "moving_variance"))
    gamma = weight_of(low, layer, "bn_gamma").astype(np.float64) if layer.config.get("scale", True) else np.ones(1)
    if mean.ndim != len(axes) or mean.size != bias.size:
        raise misfit(low, layer, mean, f"axes {axes}, as the bias has")
    with np.errstate(invalid="ignore", divide="ignore"):  # `settled` names what is not finite
        scaler = gamma / np.sqrt(variance + KERAS_EPSILON)
    folded = np.einsum(f"{labels.kernel},{axes}->{labels.kernel}", kernel.astype(np.float64), scaler)
    offset = (mean * scaler).reshape(bias.shape)
    moved = bias.astype(np.float64) - offset
    kernel_bits = weight_quantiser(low, layer, "kq", kernel.shape)
    bias_bits = weight_quantiser(low, layer, "bq", bias.shape)
    return KernelAndBias(
        settled(kernel_bits, folded, 4 * ULP * np.abs(folded), low.where(layer, "kernel")),
        settled(bias_bits, moved, 4 * ULP * (np.abs(offset) + np.abs(moved)), low.where(layer, "bias")),
    )


def _spread_bias(low: Lowering, layer: LayerSpec, labels: Labels, bias: Float32, new_sizes: tuple[int, ...]) -> Float32:
    """The bias, whose axes are the last ones of the output, as one number for each column of the matrix."""
    places = dict(zip(reversed(labels.made), range(-1, -bias.ndim - 1, -1), strict=False))
    kept = [place for label, place in places.items() if label not in labels.new]
    if any(bias.shape[place] > 1 for place in kept) or len(places) < bias.ndim:
        raise UnsupportedError(
            "fasttrig cannot add a bias along axes of the input",
            where=low.where(layer, "bias_axes"),
            got=str(layer.config.get("bias_axes")),
            want=f"axes among {labels.new!r}",
            try_="bias_axes of the kernel alone",
        )
    sizes = [bias.shape[places[label]] if label in places else 1 for label in labels.new]
    order = sorted((places[label], number) for number, label in enumerate(labels.new) if label in places)
    plain = bias.reshape([bias.shape[place] for place, _ in order] or [1])
    turned = plain.transpose(np.argsort([number for _, number in order])) if order else plain
    return np.broadcast_to(turned.reshape(sizes or [1]), new_sizes or (1,)).reshape(-1)


def lower_einsum(low: Lowering, layer: LayerSpec, plan: EinsumPlan, name: str, operands: list[Value]) -> Value:
    """Shapes: as the equation says."""
    operand, origin = operands[0], low.origin(layer)
    labels = plan.labels.expanded(len(operand.shape) + 1)
    given = labels.given[1:]
    sizes = dict(zip(given, operand.shape, strict=False))
    n_summed = math.prod(sizes.get(label, 0) for label in labels.summed)
    if len(given) != len(operand.shape) or n_summed != plan.weight.shape[0]:
        raise misfit(low, layer, plan.weight, f"an input with axes {given}, not {operand.shape}")
    kept = "".join(label for label in given if label not in labels.summed)
    value = _ordered(low, layer, operand, given, kept + labels.summed, f"{name}_turned")
    rows = tuple(sizes[label] for label in kept)
    if len(labels.summed) != 1:
        value = low.builder.reshape(low.names.new(f"{name}_rows"), value, (*rows, n_summed), origin=origin)
    value = low.builder.matmul(low.names.new(name), value, plan.weight, plan.bias, origin=origin)
    if len(labels.new) != 1:
        shape = (*rows, *plan.new_sizes) or (1,)
        value = low.builder.reshape(low.names.new(f"{name}_axes"), value, shape, origin=origin)
    value = _ordered(low, layer, value, kept + labels.new, labels.made[1:], f"{name}_ordered")
    suffix = activation_suffix(plan.activation)
    return apply_activation(low, layer, value, plan.activation, f"{name}_{suffix}", "activation")


def _ordered(low: Lowering, layer: LayerSpec, value: Value, have: str, want: str, name: str) -> Value:
    if have == want:
        return value
    order = tuple(have.index(label) for label in want)
    return low.builder.transpose(low.names.new(name), value, order, origin=low.origin(layer))
