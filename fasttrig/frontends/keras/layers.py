"""One row per layer class: what can be checked without its operands, and the ops it becomes."""

from __future__ import annotations

import difflib

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.hgq.layers import HGQ_JOINING, HGQ_LAYERS, unknown_layer
from fasttrig.frontends.hgq.schema import PREFIX
from fasttrig.frontends.keras.activation_layers import (
    lower_activation,
    lower_elu,
    lower_relu,
    prepare_activation,
    prepare_elu,
    prepare_prelu,
    prepare_relu,
    prepare_softmax,
    prepare_thresholded,
)
from fasttrig.frontends.keras.bidirectional import lower_bidirectional, prepare_bidirectional
from fasttrig.frontends.keras.convolution import (
    lower_convolution,
    prepare_convolution,
    prepare_convolution_batchnorm,
    prepare_depthwise,
    prepare_depthwise_batchnorm,
    prepare_separable,
    prepare_transposed,
)
from fasttrig.frontends.keras.dense import (
    lower_dense,
    prepare_dense,
    prepare_dense_batchnorm,
    refuse_dense,
)
from fasttrig.frontends.keras.embedding import lower_embedding, prepare_embedding
from fasttrig.frontends.keras.layer_parts import require_channels_last
from fasttrig.frontends.keras.layer_row import LayerRow, PreparedLayer
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.merging import (
    lower_add,
    lower_average,
    lower_concat,
    lower_dot,
    lower_extreme,
    lower_multiply,
    lower_subtract,
    prepare_dot,
)
from fasttrig.frontends.keras.normalisation import lower_batchnorm, plan_batchnorm, plan_qbatchnorm
from fasttrig.frontends.keras.pooling import lower_pooling, prepare_pooling
from fasttrig.frontends.keras.recurrent import GATES, lower_recurrent, prepare_recurrent
from fasttrig.frontends.keras.shapes import (
    lower_best_indices,
    lower_cropping,
    lower_flatten,
    lower_permute,
    lower_reduction,
    lower_repeat,
    lower_reshape,
    lower_take,
    lower_take_by,
    lower_upsampling,
    lower_zero_padding,
    prepare_upsampling,
)
from fasttrig.frontends.keras.wrappers import BIDIRECTIONAL
from fasttrig.frontends.source import LayerSpec, not_read_yet
from fasttrig.ir.ops import Value


def prepare(low: Lowering, layer: LayerSpec) -> PreparedLayer:
    """Everything of a layer that does not depend on its operands; all of its refusals are collected."""
    row = LAYERS.get(layer.kind)
    if row is not None:
        return row.prepare(low, layer)
    if layer.kind.startswith(PREFIX):
        raise unknown_layer(low, layer)
    if layer.kind in _HGQ:
        raise not_read_yet(layer.kind, low.where(layer))
    raise UnsupportedError(
        "fasttrig does not know this layer",
        where=low.where(layer),
        got=layer.kind,
        want="a layer of Keras or QKeras that it can compute exactly",
        try_=REFUSED_LAYERS.get(layer.kind) or _hint(layer.kind),
    )


def _hint(kind: str) -> str:
    """A known name that differs by a typing error; a resembling name of another layer would mislead."""
    close = difflib.get_close_matches(kind, LAYERS, n=1, cutoff=0.85)
    if close and close[0].startswith("Q") == kind.startswith("Q"):
        return f"did you mean {close[0]!r}?"
    return "docs/reference/supported.md lists the layers that are read; rebuild the model of those"


def lower(low: Lowering, layer: LayerSpec, plan: PreparedLayer, operands: list[Value]) -> Value:
    """The ops of one call of a layer; returns what the layer gives."""
    joins = layer.kind in _JOINING
    if not operands or (len(operands) > 1 and not joins):
        raise InputError(
            "a layer is called with the wrong number of tensors",
            where=low.where(layer),
            got=str(len(operands)),
            want="one or more" if joins else "1",
        )
    return LAYERS[layer.kind].lower(low, layer, plan, layer.name, operands)


def _same(low: Lowering, layer: LayerSpec, plan: PreparedLayer, name: str, operands: list[Value]) -> Value:
    """A layer that does nothing in inference."""
    return operands[0]


def _nothing(low: Lowering, layer: LayerSpec) -> PreparedLayer:
    return None


_JOINING = (
    "Concatenate",
    "Add",
    "Subtract",
    "Multiply",
    "Maximum",
    "Minimum",
    "Average",
    "Dot",
    "TakeBy",
    *HGQ_JOINING,
)

_CONVOLUTION = "`Window` and `MatMul`, then its activation; strides, dilation, groups, padding valid, same, causal"

_LARGEST = ("MaxPooling1D", "MaxPooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D")

_AVERAGES = (
    *("AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D"),
    *("QAveragePooling2D", "QGlobalAveragePooling2D"),
)

_INERT = ("Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "SpatialDropout1D", "ActivityRegularization")
"""Layers that act in training only."""


LAYERS: dict[str, LayerRow] = {
    "QDense": LayerRow(prepare_dense, lower_dense, "`MatMul`, then its activation"),
    "QDenseBatchnorm": LayerRow(prepare_dense_batchnorm, lower_dense, "`MatMul` of the folded kernel"),
    "Dense": LayerRow(refuse_dense, _same),
    "QActivation": LayerRow(prepare_activation, lower_activation, "the quantiser's ops, see below"),
    "Activation": LayerRow(
        prepare_activation,
        lower_activation,
        "linear, relu, binary_tanh, binary_sigmoid or a quantiser; softmax and sigmoid at the end of the model; elu, "
        "selu, softplus, softsign, swish, exponential, tanh, sigmoid as `Table`, where a quantiser alone reads them",
    ),
    "Softmax": LayerRow(prepare_softmax, lower_activation, "the link after the firmware, at the end of the model"),
    "ReLU": LayerRow(prepare_relu, lower_relu, "`Relu`; slopes that are powers of two"),
    "ThresholdedReLU": LayerRow(prepare_thresholded, lower_relu, "`Compare` and `Select`"),
    "ELU": LayerRow(prepare_elu, lower_elu, "`Table`, with the quantiser that reads it"),
    "PReLU": LayerRow(prepare_prelu, lower_relu, "`Relu`; one slope for all, a power of two"),
    "LeakyReLU": LayerRow(prepare_relu, lower_relu, "`Relu`; slopes that are powers of two"),
    "BatchNormalization": LayerRow(
        plan_batchnorm, lower_batchnorm, "`Scale`; scales that are on no small grid become integer multipliers, by name"
    ),
    "QBatchNormalization": LayerRow(plan_qbatchnorm, lower_batchnorm, "`Scale` of its quantised numbers; likewise"),
    "Concatenate": LayerRow(_nothing, lower_concat, "`Concat`"),
    "Add": LayerRow(_nothing, lower_add, "`Add`"),
    "Subtract": LayerRow(_nothing, lower_subtract, "`Scale` by -1 and `Add`"),
    "Multiply": LayerRow(_nothing, lower_multiply, "`Multiply`"),
    "Maximum": LayerRow(_nothing, lower_extreme, "`Reduce` (max)"),
    "Minimum": LayerRow(_nothing, lower_extreme, "`Reduce` (min)"),
    "Average": LayerRow(_nothing, lower_average, "`Add` and `Scale`, of 2, 4, 8, ... tensors"),
    "Dot": LayerRow(prepare_dot, lower_dot, "`Multiply` and `Reduce`"),
    "Embedding": LayerRow(prepare_embedding, lower_embedding, "`Table` for each column, and `Concat`"),
    "QConv1D": LayerRow(prepare_convolution, lower_convolution, _CONVOLUTION),
    "QConv2D": LayerRow(prepare_convolution, lower_convolution, _CONVOLUTION),
    "QConv2DBatchnorm": LayerRow(prepare_convolution_batchnorm, lower_convolution, "the same with the folded kernel"),
    "QDepthwiseConv2D": LayerRow(prepare_depthwise, lower_convolution, "`Window` and a sparse `MatMul`"),
    "QDepthwiseConv2DBatchnorm": LayerRow(
        prepare_depthwise_batchnorm, lower_convolution, "the same with the folded kernel"
    ),
    "QSeparableConv1D": LayerRow(prepare_separable, lower_convolution, "`Window` and two products"),
    "QSeparableConv2D": LayerRow(prepare_separable, lower_convolution, "`Window` and two products"),
    "QConv2DTranspose": LayerRow(prepare_transposed, lower_convolution, "`Gather` with zeros, `Window` and `MatMul`"),
    **dict.fromkeys(_LARGEST, LayerRow(prepare_pooling, lower_pooling, "`Window` and `Reduce` (max)")),
    **dict.fromkeys(
        _AVERAGES,
        LayerRow(
            prepare_pooling,
            lower_pooling,
            "`Window`, `Reduce` (sum) and `Scale`; over 2, 4, 8, ... elements, or with an `average_quantizer`",
        ),
    ),
    "UpSampling1D": LayerRow(_nothing, lower_upsampling, "`Gather`"),
    "UpSampling2D": LayerRow(prepare_upsampling, lower_upsampling, "`Gather`; nearest"),
    "ZeroPadding1D": LayerRow(_nothing, lower_zero_padding, "`Gather` with pads"),
    "ZeroPadding2D": LayerRow(require_channels_last, lower_zero_padding, "`Gather` with pads"),
    "Cropping1D": LayerRow(_nothing, lower_cropping, "`Gather`"),
    "Cropping2D": LayerRow(require_channels_last, lower_cropping, "`Gather`"),
    "Take": LayerRow(_nothing, lower_take, "`Gather`: `fasttrig.layers`, entries of an axis by a fixed index"),
    "BestIndices": LayerRow(_nothing, lower_best_indices, "`TopK`: `fasttrig.layers`"),
    "TakeBy": LayerRow(_nothing, lower_take_by, "`GatherBy`: `fasttrig.layers`, entries by indices that are data"),
    "SumOver": LayerRow(_nothing, lower_reduction, "`Reduce` (sum): `fasttrig.layers`"),
    "MaxOver": LayerRow(_nothing, lower_reduction, "`Reduce` (max): `fasttrig.layers`"),
    "Permute": LayerRow(_nothing, lower_permute, "`Transpose`"),
    "RepeatVector": LayerRow(_nothing, lower_repeat, "`Gather`"),
    **dict.fromkeys(
        GATES,
        LayerRow(prepare_recurrent, lower_recurrent, "`Scan` over the steps; with a `state_quantizer`"),
    ),
    **dict.fromkeys(
        BIDIRECTIONAL,
        LayerRow(
            prepare_bidirectional,
            lower_bidirectional,
            "a recurrent layer of QKeras each way, merged by concat, sum, mul or ave",
        ),
    ),
    "Flatten": LayerRow(require_channels_last, lower_flatten, "`Reshape`"),
    "Reshape": LayerRow(_nothing, lower_reshape, "`Reshape`"),
    **dict.fromkeys(_INERT, LayerRow(_nothing, _same, "nothing: acts in training only")),
    **HGQ_LAYERS,
}
"""By layer class. docs/reference/supported.md lists the same layers."""

MODELS_INSIDE = "a model inside a model, at any depth, called once or often: its layers, laid flat"
"""Description of a Functional or Sequential model that is a layer; docs/reference/supported.md shows this text."""

_HGQ = (
    *("HQuantize", "HDense", "HDenseBatchNorm", "HConv1D", "HConv2D", "HConv1DBatchNorm", "HConv2DBatchNorm"),
    *("HActivation", "HAdd", "PFlatten", "PReshape", "PPermute", "PConcatenate", "PMaxPooling1D", "PMaxPooling2D"),
    *("PAveragePooling1D", "PAveragePooling2D", "Signature"),
)
"""Layers of HGQ 1, where a file does not say the module."""

WRAPPERS = {
    "PruneLowMagnitude": "the layer inside; its kernel must be zero where the mask is",
    "TimeDistributed": "the layer inside, where it works on the last axis: dense layers, activations, normalisations",
}
"""By wrapper class, what it becomes; `frontends/keras/wrappers.py` reads them."""

REFUSED_LAYERS = {
    "QAdaptiveActivation": "its range follows the data; retrain with QActivation('quantized_bits(...)')",
    "BinaryDense": "a class of your own code, which a file does not hold; rebuild it as QDense with"
    " kernel_quantizer='binary(alpha=1)' and set its weights",
    "TernaryDense": "a class of your own code, which a file does not hold; rebuild it as QDense with"
    " kernel_quantizer='ternary(alpha=1,threshold=0.5)' and set its weights",
    "SELU": "no layer of Keras; Activation('selu') in front of a quantiser is read",
    "Conv1D": "its kernel is not quantised; `fasttrig quantise` the float network, or retrain with QConv1D",
    "Conv2D": "its kernel is not quantised; `fasttrig quantise` the float network, or retrain with QConv2D",
    "DepthwiseConv2D": "its kernel is not quantised; retrain with QDepthwiseConv2D",
    "DepthwiseConv1D": "its kernel is not quantised; retrain with QConv1D(groups=channels)",
    "SeparableConv1D": "its kernels are not quantised; retrain with QSeparableConv1D",
    "SeparableConv2D": "its kernels are not quantised; retrain with QSeparableConv2D",
    "Conv2DTranspose": "its kernel is not quantised; retrain with QConv2DTranspose",
    "SimpleRNN": "its weights are not quantised; retrain with QSimpleRNN",
    "LSTM": "its weights are not quantised; retrain with QLSTM",
    "GRU": "its weights are not quantised; retrain with QGRU",
    **dict.fromkeys(
        ("GarNet", "GarNetStack"),
        "its sums of exponentials are not quantised; rebuild it of QDense, Table activations and SumOver",
    ),
    **dict.fromkeys(
        ("FixedPointQuantizer", "HGQ>FixedPointQuantizer", "UnaryLUT", "HGQ>UnaryLUT"),
        "a proxy that HGQ writes for hls4ml; give fasttrig the model that HGQ trained",
    ),
    "LayerNormalization": "it divides by a square root; retrain with QDenseBatchnorm",
}
