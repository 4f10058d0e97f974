"""One row for each layer class of HGQ2: quantisers of its inputs, what it computes, a quantiser of its output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.hgq.einsum import lower_einsum, prepare_einsum
from fasttrig.frontends.hgq.products import prepare_convolution, prepare_dense
from fasttrig.frontends.hgq.quantiser import LearnedBits, lower_quantiser, read_quantiser
from fasttrig.frontends.hgq.schema import PREFIX
from fasttrig.frontends.hgq.unary import lower_unary, prepare_unary
from fasttrig.frontends.keras.convolution import lower_convolution
from fasttrig.frontends.keras.dense import lower_dense
from fasttrig.frontends.keras.layer_row import LayerRow, Lower, Prepare
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.merging import (
    lower_add,
    lower_average,
    lower_dot,
    lower_extreme,
    lower_multiply,
    lower_subtract,
    prepare_dot,
)
from fasttrig.frontends.keras.pooling import lower_pooling, prepare_pooling
from fasttrig.frontends.source import LayerSpec
from fasttrig.ir.builder import covering_type
from fasttrig.ir.ops import Value


@dataclass(frozen=True, slots=True)
class QuantisedLayer:
    """A layer between its quantisers; `own` is the plan of the layer itself."""

    inputs: tuple[LearnedBits, ...]
    output: LearnedBits | None
    own: Any


def _row(prepare: Prepare, lower: Lower, becomes: str) -> LayerRow:
    """The row of a layer, with its quantisers around what it computes."""

    def prepare_all(low: Lowering, layer: LayerSpec) -> QuantisedLayer:
        own = low.attempt(lambda: prepare(low, layer))
        return QuantisedLayer(_input_quantisers(low, layer), _output_quantiser(low, layer), own)

    def lower_all(low: Lowering, layer: LayerSpec, plan: QuantisedLayer, name: str, operands: list[Value]) -> Value:
        if plan.inputs and len(plan.inputs) != len(operands):
            raise InputError(
                "a layer has more or fewer quantisers than inputs",
                where=low.where(layer, "iq"),
                got=str(len(plan.inputs)),
                want=str(len(operands)),
            )
        for number, quantiser in enumerate(plan.inputs):
            site = f"iq_{number}" if len(operands) > 1 else "iq"
            operands[number] = lower_quantiser(low, layer, quantiser, operands[number], f"{name}_{site}", site)
        if plan.output is None:
            return lower(low, layer, plan.own, name, operands)
        value = lower(low, layer, plan.own, f"{name}_exact", operands)
        return lower_quantiser(low, layer, plan.output, value, name, "oq")

    return LayerRow(prepare_all, lower_all, becomes)


def _input_quantisers(low: Lowering, layer: LayerSpec) -> tuple[LearnedBits, ...]:
    if not layer.config.get("enable_iq", True):
        return ()
    if "iq_confs" not in layer.config:
        return (read_quantiser(low, layer, layer.config.get("iq_conf"), "iq"),)
    confs, n = layer.config["iq_confs"], len(layer.calls[0])
    listed = confs if isinstance(confs, list) else [confs] * n
    return tuple(read_quantiser(low, layer, conf, f"iq/{number}") for number, conf in enumerate(listed))


def _output_quantiser(low: Lowering, layer: LayerSpec) -> LearnedBits | None:
    if not layer.config.get("enable_oq"):
        return None
    return read_quantiser(low, layer, layer.config.get("oq_conf"), "oq")


def _prepare_quantiser(low: Lowering, layer: LayerSpec) -> LearnedBits:
    return read_quantiser(low, layer, layer.config["config"], "q")


def _lower_quantiser(low: Lowering, layer: LayerSpec, plan: LearnedBits, name: str, operands: list[Value]) -> Value:
    return lower_quantiser(low, layer, plan, operands[0], name, "q")


def _nothing(low: Lowering, layer: LayerSpec) -> None:
    return None


def first_type(low: Lowering, layer: LayerSpec) -> FixedType | None:
    """The type that holds all of what a layer of one input first casts it to; None where it casts to nothing."""
    if layer.kind == f"{PREFIX}Quantizer":
        quantiser = _prepare_quantiser(low, layer)
    elif "iq_conf" in layer.config and layer.config.get("enable_iq", True):
        (quantiser,) = _input_quantisers(low, layer)
    else:
        return None
    types, alive = quantiser.types(quantiser.k.shape[1:])
    living = [kind for kind, lives in zip(types, alive.tolist(), strict=True) if lives]
    return covering_type(living) if living else None


def unknown_layer(low: Lowering, layer: LayerSpec) -> UnsupportedError:
    """The refusal of a class of HGQ2 without a row."""
    kind = layer.kind.removeprefix(PREFIX)
    return UnsupportedError(
        "fasttrig does not read this layer of HGQ2",
        where=low.where(layer),
        got=kind,
        want=", ".join(name.removeprefix(PREFIX) for name in HGQ_LAYERS),
        try_=_WAYS.get(kind, "docs/reference/supported.md lists the layers that are read; rebuild the model of those"),
    )


_WAYS = {
    "QSoftmax": "leave it out: the scores before it have the same order; Activation('softmax') at the end is the link",
    "QBatchNormalization": "QBatchNormDense, or QEinsumDenseBatchnorm, which fold it into their kernel",
}

_MERGES = ("QAdd", "QSubtract", "QMultiply", "QMaximum", "QMinimum", "QAveragePow2", "QDot")
HGQ_JOINING = tuple(f"{PREFIX}{name}" for name in _MERGES)
"""Layers of several operands."""

_LARGEST = ("QMaxPooling1D", "QMaxPooling2D", "QGlobalMaxPooling1D", "QGlobalMaxPooling2D")
_AVERAGES = ("QAveragePooling1D", "QAveragePooling2D", "QGlobalAveragePooling1D", "QGlobalAveragePooling2D")

_ROWS: dict[str, LayerRow] = {
    "Quantizer": LayerRow(_prepare_quantiser, _lower_quantiser, "`Cast`, or `ElementCast` where bits differ"),
    "QDense": _row(prepare_dense, lower_dense, "`MatMul`, then relu; quantisers of weights, input and output"),
    "QBatchNormDense": _row(prepare_dense, lower_dense, "`MatMul` of the folded kernel"),
    **dict.fromkeys(
        ("QConv1D", "QConv2D"),
        _row(prepare_convolution, lower_convolution, "`Window` and `MatMul`; strides, dilation, groups, padding"),
    ),
    "QEinsumDense": _row(prepare_einsum, lower_einsum, "`Transpose`, `MatMul`; one product over axes of the input"),
    "QEinsumDenseBatchnorm": _row(prepare_einsum, lower_einsum, "the same with the folded kernel"),
    "QUnaryFunctionLUT": LayerRow(prepare_unary, lower_unary, "`Cast` and `Table`; one number of bits for all results"),
    "QAdd": _row(_nothing, lower_add, "`Add`"),
    "QSubtract": _row(_nothing, lower_subtract, "`Scale` by -1 and `Add`"),
    "QMultiply": _row(_nothing, lower_multiply, "`Multiply`"),
    "QMaximum": _row(_nothing, lower_extreme, "`Reduce` (max)"),
    "QMinimum": _row(_nothing, lower_extreme, "`Reduce` (min)"),
    "QAveragePow2": _row(_nothing, lower_average, "`Add` and `Scale`, of 2, 4, 8, ... tensors"),
    "QDot": _row(prepare_dot, lower_dot, "`Multiply` and `Reduce`"),
    **dict.fromkeys(_LARGEST, _row(prepare_pooling, lower_pooling, "`Window` and `Reduce` (max)")),
    **dict.fromkeys(
        _AVERAGES, _row(prepare_pooling, lower_pooling, "`Window`, `Reduce` (sum), `Scale`; over 2, 4, 8, ... elements")
    ),
}

HGQ_LAYERS = {f"{PREFIX}{name}": row for name, row in _ROWS.items()}
"""By layer class, as ``hgq>QDense``. docs/reference/supported.md lists the same layers."""
