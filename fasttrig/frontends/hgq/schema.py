"""The schema of HGQ2's layers: the keys that are read, with types and bounds; an unknown key is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from fasttrig.frontends.keras.schema import Axis, LayerConfig, Units, check_layer
from fasttrig.frontends.refusals import refuse_unknown

PREFIX = "hgq>"
"""Keras writes a class of HGQ2 as ``hgq>QDense``; so do kinds of layers here, for QKeras has a QDense too."""

Conf = dict[str, Any] | None
"""What `read_quantiser` reads."""
HgqSizes = (
    Annotated[int, Field(ge=1, le=2**16)] | Annotated[list[Annotated[int, Field(ge=1, le=2**16)]], Field(max_length=3)]
)


class _HgqLayer(LayerConfig):
    enable_iq: bool = True
    enable_oq: bool = False
    enable_ebops: bool = False
    oq_conf: Conf = None


class _HgqOne(_HgqLayer):
    iq_conf: Conf = None


class _HgqMany(_HgqLayer):
    iq_confs: list[dict[str, Any]] | dict[str, Any] | None = None


class _HgqWeighted(_HgqOne):
    activation: str | None = None
    kq_conf: Conf = None
    bq_conf: Conf = None
    parallelization_factor: int = -1


class _HgqDense(_HgqWeighted):
    units: Units
    use_bias: bool = True


class _HgqNormed(LayerConfig):
    scale: bool = True
    epsilon: Annotated[FiniteFloat, Field(ge=0)] = 1e-3
    momentum: FiniteFloat = 0.99
    synchronized: bool = False


class _HgqBatchNormDense(_HgqDense, _HgqNormed):
    pass


class _HgqEinsum(_HgqWeighted):
    equation: Annotated[str, Field(max_length=64)]
    output_shape: Any = None
    bias_axes: Annotated[str, Field(max_length=16)] | None = None


class _HgqEinsumBatchnorm(_HgqEinsum, _HgqNormed):
    center: bool = True
    normalize_axes: Annotated[str, Field(max_length=16)] | None = None


class _HgqSliding(LayerConfig):
    strides: HgqSizes | None = None
    padding: Literal["valid", "same", "causal"] = "valid"
    data_format: Literal["channels_last", "channels_first"] = "channels_last"


class _HgqConvolution(_HgqWeighted, _HgqSliding):
    filters: Units
    kernel_size: HgqSizes
    dilation_rate: HgqSizes = 1
    groups: Annotated[int, Field(ge=1)] = 1
    use_bias: bool = True
    rank: int = 1


class _HgqPooling(_HgqOne, _HgqSliding):
    pool_size: HgqSizes
    parallelization_factor: int = -1


class _HgqGlobalPooling(_HgqOne):
    data_format: Literal["channels_last", "channels_first"] = "channels_last"
    keepdims: bool = False
    parallelization_factor: int = -1


class _HgqTable(_HgqOne):
    activation: str
    allow_heterogeneous_table: bool = True
    allow_heterogeneous_input: bool = True


class _HgqDot(_HgqMany):
    axes: Axis | Annotated[list[Axis], Field(min_length=2, max_length=2)] = -1
    normalize: bool = False


class _HgqQuantizer(LayerConfig):
    config: dict[str, Any]


SCHEMAS: dict[str, type[LayerConfig]] = {
    "Quantizer": _HgqQuantizer,
    "QDense": _HgqDense,
    "QBatchNormDense": _HgqBatchNormDense,
    "QEinsumDense": _HgqEinsum,
    "QEinsumDenseBatchnorm": _HgqEinsumBatchnorm,
    "QUnaryFunctionLUT": _HgqTable,
    "QDot": _HgqDot,
    **dict.fromkeys(("QConv1D", "QConv2D"), _HgqConvolution),
    **dict.fromkeys(("QAdd", "QSubtract", "QMultiply", "QMaximum", "QMinimum", "QAveragePow2"), _HgqMany),
    **dict.fromkeys(("QMaxPooling1D", "QMaxPooling2D", "QAveragePooling1D", "QAveragePooling2D"), _HgqPooling),
    **dict.fromkeys(
        ("QGlobalMaxPooling1D", "QGlobalMaxPooling2D", "QGlobalAveragePooling1D", "QGlobalAveragePooling2D"),
        _HgqGlobalPooling,
    ),
}

_ALWAYS = {"trainable", "dtype", "beta0", "ebops_factor", "seed", "autocast"}
_TRAINING = ("_initializer", "_regularizer", "_constraint")


def check_hgq_layer(kind: str, config: Any, where: str) -> None:
    """Raise where the configuration of a layer of HGQ2 is not as HGQ2 writes it; other classes pass.

    Raises
    ------
    InputError
        Naming the key, what it holds and what it should hold.
    UnsupportedError
        For a key that is not known here.
    """
    schema = SCHEMAS.get(kind.removeprefix(PREFIX), LayerConfig)
    check_layer(kind, config, where, schema)
    if schema is not LayerConfig and isinstance(config, Mapping):
        given = (str(key) for key, content in config.items() if content not in (None, False))
        given = (key for key in given if not key.endswith(_TRAINING))
        refuse_unknown(given, set(schema.model_fields) | _ALWAYS, where)
