"""The schema of layer configurations: the keys that fasttrig reads, with their types and bounds, checked at the door.

A configuration that does not fit is refused before it is used. So is a layer of a known class with a key that no
release of Keras or QKeras known here writes, unless its value is null: it may change what the layer computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from fasttrig.base.errors import InputError
from fasttrig.frontends.refusals import refuse_unknown

MAX_UNITS = 2**20
MAX_AXES = 8
MAX_NAME = 200

Units = Annotated[int, Field(ge=1, le=MAX_UNITS)]
InputShape = Annotated[list[Units | None], Field(min_length=1, max_length=MAX_AXES)]
Axis = Annotated[int, Field(ge=-MAX_AXES, le=MAX_AXES)]
Quantiser = str | dict[str, Any] | None
"""What `read_quantizer` reads."""


class _Config(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", protected_namespaces=())


class LayerConfig(_Config):
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = None
    batch_input_shape: InputShape | None = None
    batch_shape: InputShape | None = None


class _Activated(LayerConfig):
    activation: Quantiser = None


class _Dense(_Activated):
    units: Units
    use_bias: bool = True
    kernel_quantizer: Quantiser = None
    bias_quantizer: Quantiser = None


class _Normalised(LayerConfig):
    axis: Axis | Annotated[list[Axis], Field(max_length=MAX_AXES)] = -1
    epsilon: Annotated[FiniteFloat, Field(ge=0)] = 1e-3
    center: bool = True
    scale: bool = True


class _DenseBatchnorm(_Dense, _Normalised):
    pass


class _Embedding(LayerConfig):
    input_dim: Units
    output_dim: Units
    mask_zero: bool = False


class _QNormalised(_Normalised):
    gamma_quantizer: Quantiser = None
    beta_quantizer: Quantiser = None
    mean_quantizer: Quantiser = None
    variance_quantizer: Quantiser = None


class _Softmax(LayerConfig):
    axis: Axis | list[Axis] = -1


class _Rectified(LayerConfig):
    negative_slope: FiniteFloat | None = None
    alpha: FiniteFloat | None = None
    threshold: Annotated[FiniteFloat, Field(ge=0)] | None = None
    max_value: FiniteFloat | None = None


class _Thresholded(LayerConfig):
    theta: Annotated[FiniteFloat, Field(ge=0)] = 1.0


Sizes = Annotated[list[Units], Field(min_length=1, max_length=MAX_AXES)]
Pads = Annotated[int, Field(ge=0, le=MAX_UNITS)]
PadPair = Annotated[list[Pads], Field(min_length=1, max_length=2)]
Padding = Literal["valid", "same", "causal"]
DataFormat = Literal["channels_first", "channels_last"]


class _Convolution(_Activated):
    kernel_size: Units | Sizes
    strides: Units | Sizes = 1
    dilation_rate: Units | Sizes = 1
    padding: Padding = "valid"
    data_format: DataFormat | None = None
    groups: Units | None = None
    use_bias: bool = True
    bias_quantizer: Quantiser = None


class _DenseConvolution(_Convolution):
    filters: Units
    kernel_quantizer: Quantiser = None


class _ConvolutionBatchnorm(_DenseConvolution, _Normalised):
    pass


class _Depthwise(_Convolution):
    depth_multiplier: Units = 1
    depthwise_quantizer: Quantiser = None


class _DepthwiseBatchnorm(_Depthwise, _Normalised):
    pass


class _Separable(_Depthwise):
    filters: Units
    pointwise_quantizer: Quantiser = None


class _Recurrent(_Dense):
    recurrent_activation: Quantiser = None
    recurrent_quantizer: Quantiser = None
    state_quantizer: Quantiser = None
    return_sequences: bool = False
    go_backwards: bool = False
    reset_after: bool = False


class _Pooling(_Activated):
    pool_size: Units | Sizes
    strides: Units | Sizes | None = None
    padding: Padding = "valid"
    data_format: DataFormat | None = None
    average_quantizer: Quantiser = None


class _GlobalPooling(_Activated):
    data_format: DataFormat | None = None
    keepdims: bool = False
    average_quantizer: Quantiser = None


class _Upsampling(LayerConfig):
    size: Units | Sizes
    data_format: DataFormat | None = None


class _Padding(LayerConfig):
    padding: Pads | PadPair | Annotated[list[PadPair], Field(max_length=MAX_AXES)]
    data_format: DataFormat | None = None


class _Cropping(LayerConfig):
    cropping: Pads | PadPair | Annotated[list[PadPair], Field(max_length=MAX_AXES)]
    data_format: DataFormat | None = None


class _Permute(LayerConfig):
    dims: Sizes


class _Repeat(LayerConfig):
    n: Units


IndexPlace = Annotated[int, Field(ge=-MAX_UNITS, le=MAX_UNITS)]


class _Take(LayerConfig):
    index: Annotated[
        list[Annotated[int, Field(ge=-MAX_UNITS, le=MAX_UNITS)]], Field(min_length=1, max_length=MAX_UNITS)
    ]
    axis: Axis = 0


class _BestIndices(LayerConfig):
    k: Units
    largest: bool = True


class _Reduction(LayerConfig):
    axis: Axis = 0


class _Dot(LayerConfig):
    axes: Axis | Annotated[list[Axis], Field(min_length=2, max_length=2)]
    normalize: bool = False


class _Concatenate(LayerConfig):
    axis: Axis = -1


class _Flatten(LayerConfig):
    data_format: str | None = None


class _Bidirectional(LayerConfig):
    layer: dict[str, Any]
    backward_layer: dict[str, Any] | None = None
    merge_mode: Literal["concat", "sum", "mul", "ave"] | None = "concat"


class _PruningSchedule(_Config):
    class_name: Literal["ConstantSparsity", "PolynomialDecay"]
    config: dict[str, FiniteFloat | int | None]


class _Pruning(LayerConfig):
    layer: dict[str, Any]
    pruning_schedule: _PruningSchedule | None = None


class _Reshape(LayerConfig):
    target_shape: Annotated[list[Annotated[int, Field(ge=-1, le=MAX_UNITS)]], Field(max_length=MAX_AXES)]


_POOLING = ("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D", "QAveragePooling2D")
_RECURRENT = ("QSimpleRNN", "QLSTM", "QGRU")
_GLOBAL_POOLING = (
    *("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D"),
    "QGlobalAveragePooling2D",
)

SCHEMAS: dict[str, type[LayerConfig]] = {
    "Dense": _Dense,
    "QDense": _Dense,
    "QDenseBatchnorm": _DenseBatchnorm,
    "Activation": _Activated,
    "QActivation": _Activated,
    "BatchNormalization": _Normalised,
    "QBatchNormalization": _QNormalised,
    "Embedding": _Embedding,
    "Softmax": _Softmax,
    "ReLU": _Rectified,
    "LeakyReLU": _Rectified,
    "ThresholdedReLU": _Thresholded,
    "Concatenate": _Concatenate,
    "Flatten": _Flatten,
    "Reshape": _Reshape,
    "QConv1D": _DenseConvolution,
    "QConv2D": _DenseConvolution,
    "QConv2DTranspose": _DenseConvolution,
    "QConv2DBatchnorm": _ConvolutionBatchnorm,
    "QDepthwiseConv2D": _Depthwise,
    "QDepthwiseConv2DBatchnorm": _DepthwiseBatchnorm,
    "QSeparableConv1D": _Separable,
    "QSeparableConv2D": _Separable,
    **dict.fromkeys(_RECURRENT, _Recurrent),
    **dict.fromkeys(_POOLING, _Pooling),
    **dict.fromkeys(_GLOBAL_POOLING, _GlobalPooling),
    "UpSampling1D": _Upsampling,
    "UpSampling2D": _Upsampling,
    "ZeroPadding1D": _Padding,
    "ZeroPadding2D": _Padding,
    "Cropping1D": _Cropping,
    "Cropping2D": _Cropping,
    "Permute": _Permute,
    "RepeatVector": _Repeat,
    "Dot": _Dot,
    "PruneLowMagnitude": _Pruning,
    "Bidirectional": _Bidirectional,
    "QBidirectional": _Bidirectional,
    "Take": _Take,
    "BestIndices": _BestIndices,
    "SumOver": _Reduction,
    "MaxOver": _Reduction,
}
"""By layer class; any other class is checked for its name and input shape alone."""


_COMMON = {
    *("name", "trainable", "dtype", "batch_input_shape", "batch_shape", "optional", "ragged", "sparse"),
    *("activity_regularizer", "input_shape", "input_dim"),
}
_TRAINING = ("initializer", "regularizer", "constraint")
_OF_DENSE = {
    *("units", "activation", "use_bias"),
    *(f"{weight}_{word}" for weight in ("kernel", "bias") for word in (*_TRAINING, "quantizer", "range")),
}
_OF_NORMS = {
    *("axis", "momentum", "epsilon", "center", "scale", "moving_mean_initializer", "moving_variance_initializer"),
    *(f"{weight}_{word}" for weight in ("gamma", "beta") for word in (*_TRAINING, "quantizer", "range")),
    *("mean_quantizer", "variance_quantizer", "inverse_quantizer"),
    *("renorm", "renorm_clipping", "renorm_momentum", "fused", "virtual_batch_size", "adjustment", "synchronized"),
}
_OF_ACTIVATIONS = {"activation"}
_OF_SLIDING = {"kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups", "use_bias", "activation"}
_OF_CONVOLUTIONS = (_OF_DENSE - {"units"}) | _OF_SLIDING | {"filters"}
_OF_DEPTHWISE = (
    _OF_SLIDING
    | {key for key in _OF_DENSE if key.startswith("bias")}
    | {f"depthwise_{word}" for word in (*_TRAINING, "quantizer", "range")}
    | {"depth_multiplier"}
)
_OF_SEPARABLE = _OF_DEPTHWISE | {f"pointwise_{word}" for word in (*_TRAINING, "quantizer", "range")}
_OF_SEPARABLE |= {"filters", *(f"kernel_{word}" for word in _TRAINING)}
_NONE: set[str] = set()
_OF_GLOBAL_POOLING = {"data_format", "keepdims", "activation", "average_quantizer"}
_OF_POOLING = {"pool_size", "strides", "padding", "data_format", "activation", "average_quantizer"}
_OF_RECURRENT = _OF_DENSE | {
    *(f"recurrent_{word}" for word in (*_TRAINING, "quantizer", "range", "activation", "dropout")),
    *("state_quantizer", "state_range", "dropout", "unit_forget_bias", "implementation", "reset_after"),
    *("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "time_major", "zero_output_for_mask"),
}
_OF_FOLDING = _OF_NORMS | {"ema_freeze_delay", "folding_mode", "kernel_folding_mode"}
KNOWN_KEYS: dict[str, set[str]] = {
    "Dense": _OF_DENSE,
    "QDense": _OF_DENSE,
    "QDenseBatchnorm": _OF_DENSE | _OF_NORMS | {"ema_freeze_delay", "folding_mode", "kernel_folding_mode"},
    "Activation": _OF_ACTIVATIONS,
    "QActivation": _OF_ACTIVATIONS,
    "BatchNormalization": _OF_NORMS,
    "QBatchNormalization": _OF_NORMS,
    "Embedding": {
        *("input_dim", "output_dim", "mask_zero", "input_length", "sparse"),
        *(f"embeddings_{word}" for word in _TRAINING),
    },
    "Softmax": {"axis"},
    "ReLU": {"negative_slope", "threshold", "max_value"},
    "LeakyReLU": {"alpha", "negative_slope"},
    "ThresholdedReLU": {"theta"},
    "PReLU": {"shared_axes", *(f"alpha_{word}" for word in _TRAINING)},
    "Add": set(),
    "Concatenate": {"axis"},
    "Flatten": {"data_format"},
    "Reshape": {"target_shape"},
    "QConv1D": _OF_CONVOLUTIONS,
    "QConv2D": _OF_CONVOLUTIONS,
    "QConv2DTranspose": _OF_CONVOLUTIONS | {"output_padding"},
    "QConv2DBatchnorm": _OF_CONVOLUTIONS | _OF_FOLDING,
    "QDepthwiseConv2D": _OF_DEPTHWISE,
    "QDepthwiseConv2DBatchnorm": _OF_DEPTHWISE | _OF_FOLDING,
    "QSeparableConv1D": _OF_SEPARABLE,
    "QSeparableConv2D": _OF_SEPARABLE,
    **dict.fromkeys(_RECURRENT, _OF_RECURRENT),
    **dict.fromkeys(_POOLING, _OF_POOLING),
    **dict.fromkeys(_GLOBAL_POOLING, _OF_GLOBAL_POOLING),
    "UpSampling1D": {"size"},
    "UpSampling2D": {"size", "data_format", "interpolation"},
    "ZeroPadding1D": {"padding", "data_format"},
    "ZeroPadding2D": {"padding", "data_format"},
    "Cropping1D": {"cropping", "data_format"},
    "Cropping2D": {"cropping", "data_format"},
    "Permute": {"dims"},
    "RepeatVector": {"n"},
    "Dot": {"axes", "normalize"},
    "TimeDistributed": {"layer"},
    "Bidirectional": {"layer", "backward_layer", "merge_mode"},
    "QBidirectional": {"layer", "backward_layer", "merge_mode"},
    "PruneLowMagnitude": {"layer", "pruning_schedule", "block_size", "block_pooling_type", "sparsity_m_by_n"},
    "Take": {"index", "axis"},
    "BestIndices": {"k", "largest"},
    "TakeBy": _NONE,
    "SumOver": {"axis"},
    "MaxOver": {"axis"},
    **dict.fromkeys(("Subtract", "Multiply", "Maximum", "Minimum", "Average"), _NONE),
}
"""By layer class, beside the common ones; a key of any other class passes, for the class decides there."""


def check_layer(kind: str, config: Any, where: str, schema: type[LayerConfig] | None = None) -> None:
    """Raise where a layer's configuration is not as Keras writes it; `schema` is by default the one of its class.

    Raises
    ------
    InputError
        Naming the key, what it holds and what it should hold.
    """
    if not isinstance(config, Mapping):
        raise InputError(
            "a layer's configuration is not as Keras writes it",
            where=where,
            got=f"{type(config).__name__}: {str(config)[:80]}",
            want="an object of options by name",
        )
    if kind in KNOWN_KEYS:
        given = (str(key) for key, content in config.items() if content is not None)
        refuse_unknown(given, KNOWN_KEYS[kind] | _COMMON, where)
    try:
        (schema or SCHEMAS.get(kind, LayerConfig)).model_validate(dict(config))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = [str(part)[:80] for level, part in enumerate(first["loc"]) if level == 0 or isinstance(part, int)]
        raise InputError(
            "a layer's configuration is not as Keras writes it",
            where=" > ".join([where, *place]),
            got=repr(first["input"])[:80] if first["type"] != "missing" else "nothing",
            want=first["msg"],
            try_="save the model again: this file was changed or damaged",
        ) from None
