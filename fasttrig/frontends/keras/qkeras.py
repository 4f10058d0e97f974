"""QKeras models into the integer IR, from a file (without TensorFlow) or from a live model object.

This is where the trap of the integer bits is passed: QKeras' ``integer`` leaves out the sign, ``FixedType`` counts it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from fasttrig.base.errors import GraphError, InputError, RefusalError, UnsupportedError, near_names
from fasttrig.base.fixed import FixedType
from fasttrig.base.names import check_model_name
from fasttrig.frontends.hgq.layers import first_type
from fasttrig.frontends.hgq.schema import PREFIX
from fasttrig.frontends.keras.activations import declared_type
from fasttrig.frontends.keras.final_link import LINKS
from fasttrig.frontends.keras.layers import lower, prepare
from fasttrig.frontends.keras.live_model import is_live_model, read_live_model
from fasttrig.frontends.keras.lowering import Lowering
from fasttrig.frontends.keras.model_file import read_model_file
from fasttrig.frontends.keras.parts import parts_of, read_parts
from fasttrig.frontends.keras.quantizers import quantizer_name, read_quantizer
from fasttrig.frontends.keras.saved_model import is_saved_model, read_saved_model
from fasttrig.frontends.scales import MAX_SCALE_ERROR_LSB, RoundedScale
from fasttrig.frontends.source import LayerSpec, ModelParts, ModelSpec, TensorRef
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value

InputTypes = FixedType | Mapping[str, FixedType] | None
ChannelTypes = Sequence[FixedType] | Mapping[str, Sequence[FixedType]] | None


def read_qkeras(
    source: str | os.PathLike[str] | Any,
    *,
    input_type: InputTypes = None,
    name: str | None = None,
    output_activation: Literal["postprocessor", "firmware"] = "postprocessor",
    channel_types: ChannelTypes = None,
    batchnorm_type: FixedType | None = None,
    max_scale_error_lsb: float = MAX_SCALE_ERROR_LSB,
) -> Graph:
    """Read a QKeras model into a verified integer graph: `convert` without what was rounded."""
    return convert(
        source,
        input_type=input_type,
        name=name,
        output_activation=output_activation,
        channel_types=channel_types,
        batchnorm_type=batchnorm_type,
        max_scale_error_lsb=max_scale_error_lsb,
    )[0]


def convert(
    source: str | os.PathLike[str] | Any,
    *,
    input_type: InputTypes = None,
    name: str | None = None,
    output_activation: Literal["postprocessor", "firmware"] = "postprocessor",
    channel_types: ChannelTypes = None,
    batchnorm_type: FixedType | None = None,
    max_scale_error_lsb: float = MAX_SCALE_ERROR_LSB,
) -> tuple[Graph, tuple[RoundedScale, ...]]:
    """Read a QKeras model into a verified integer graph, and the real scales that were rounded.

    Parameters
    ----------
    source : path or model
        A ``.h5`` or ``.keras`` file, an architecture ``.json`` with its weights next to it, `ModelParts`, a
        SavedModel folder of Keras 2, a live model, or a `ModelSpec`.
    input_type : FixedType, mapping of input layer name to FixedType, or None
        The grid of the inputs. None: taken from the QActivation right after the input.
    name : str, optional
        Name of the graph; by default that of the file or of the model.
    output_activation : {"postprocessor", "firmware"}
        A final softmax or sigmoid stays off the chip, or is built from tables.
    channel_types : sequence of FixedType, or mapping of input layer name to such a sequence
        Types of single features (last axis).
    batchnorm_type : FixedType, optional
        Round scales and offsets of BatchNormalization layers to this type.
    max_scale_error_lsb : float
        What the rounding of a real scale (alpha='auto', BatchNormalization) to an integer multiplier may change, in
        steps of the quantiser that follows; 0: real scales are refused.

    Raises
    ------
    RefusalError
        With every reason why the model cannot be converted exactly.
    InputError
        If the file or an argument cannot be used.
    """
    if not 0 <= max_scale_error_lsb < 2**10:
        raise InputError(
            "no such max_scale_error_lsb", got=str(max_scale_error_lsb), want="0 to refuse real scales, or such as 0.25"
        )
    if output_activation not in ("postprocessor", "firmware"):
        raise InputError("no such output_activation", got=repr(output_activation), want="'postprocessor' or 'firmware'")
    model = read_spec(source)
    low = Lowering(
        model,
        GraphBuilder(_checked_name(model, name)),
        link_layer=link_layer(model),
        firmware_links=output_activation == "firmware",
        batchnorm_type=batchnorm_type,
        max_scale_error_lsb=max_scale_error_lsb,
    )
    plans = _prepare_all(low)
    try:
        values = _inputs(low, input_type, channel_types)
    except InputError:
        if low.refusals:  # a type of the input would not help: all places at once
            raise RefusalError(low.refusals) from None
        raise
    _lower_all(low, plans, values)
    if low.refusals:
        raise RefusalError(low.refusals)
    outputs = [_output(model, values, ref) for ref in model.outputs]
    try:
        return low.builder.graph(*outputs, postprocessor=low.postprocessor), tuple(low.scales)
    except GraphError as error:
        raise GraphError(
            f"{error.what}   (reading {model.file_name})", where=error.where, got=error.got, want=error.want
        ) from error


def _output(model: ModelSpec, values: dict[TensorRef, Value], ref: TensorRef) -> Value:
    if ref not in values:
        raise InputError(
            "an output of the model is the result of a layer that is not called", where=model.source, got=ref.layer
        )
    return values[ref]


def read_spec(source: str | os.PathLike[str] | Any) -> ModelSpec:
    """The model as plain data, from a file or a live object."""
    if isinstance(source, ModelSpec):
        return source
    if isinstance(source, ModelParts):
        return read_parts(source)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if is_saved_model(path):
            return read_saved_model(path)
        return read_parts(parts_of(path)) if path.name.endswith(".json") else read_model_file(path)
    if is_live_model(source):
        return read_live_model(source)
    raise InputError("not a model", got=type(source).__name__, want="a path to .h5, .keras or .json, or a Keras model")


def link_layer(model: ModelSpec) -> str | None:
    """The layer whose softmax or sigmoid ends a model with one output and feeds nothing else."""
    if len(model.outputs) != 1:
        return None
    layer = model.layer(model.outputs[0].layer)
    name = "softmax" if layer.kind == "Softmax" else quantizer_name(layer.config.get("activation"))
    return layer.name if name in LINKS and not model.users(layer.name) else None


def _checked_name(model: ModelSpec, name: str | None) -> str:
    """The name asked for, else that of the file, else the model's own."""
    if name is not None:
        return check_model_name(name, where=model.source, try_="name={}")
    stem, dot, ending = model.file_name.rpartition(".")
    if dot and ending.lower() in ("h5", "hdf5", "keras", "json"):
        return check_model_name(
            stem, where=model.source, try_=f"rename the file to {{}}.{ending}, or name={{}} in Python"
        )
    return check_model_name(model.name, where=model.source, try_="name={}")


def _prepare_all(low: Lowering) -> dict[str, Any]:
    """The plan of every layer without a refusal."""
    plans: dict[str, Any] = {}
    for layer in low.model.layers:
        if layer.kind == "InputLayer":
            continue
        known = len(low.refusals)
        plan = low.attempt(lambda layer=layer: prepare(low, layer))  # type: ignore[misc]
        if len(low.refusals) == known:
            plans[layer.name] = plan
    return plans


def _lower_all(low: Lowering, plans: dict[str, Any], values: dict[TensorRef, Value]) -> None:
    """Lower every call whose operands exist and whose layer was not refused; the order follows the data."""
    waiting = [(layer, call) for layer in low.model.layers for call in range(len(layer.calls))]
    while waiting:
        ready = [item for item in waiting if all(ref in values for ref in item[0].calls[item[1]])]
        if not ready:
            break
        for layer, call in ready:
            waiting.remove((layer, call))
            if layer.name not in plans:
                continue
            operands = [values[ref] for ref in layer.calls[call]]
            with low.collected():
                values[TensorRef(layer.name, call)] = lower(low, layer, plans[layer.name], operands)
    if waiting and not low.refusals:
        names = ", ".join(sorted({layer.name for layer, _ in waiting}))
        raise InputError("the model's layers form a cycle", where=low.model.source, got=names)


def _inputs(low: Lowering, input_type: InputTypes, channel_types: ChannelTypes) -> dict[TensorRef, Value]:
    names = [ref.layer for ref in low.model.inputs]
    for given in (input_type, channel_types):
        for name in given if isinstance(given, Mapping) else ():
            if name not in names:
                raise InputError(
                    "the model has no such input", where=low.model.source, got=repr(name), try_=near_names(name, names)
                )
    return {ref: _input(low, ref, input_type, channel_types) for ref in low.model.inputs}


def _input(low: Lowering, ref: TensorRef, input_type: InputTypes, channel_types: ChannelTypes) -> Value:
    layer = low.model.layer(ref.layer)
    fixed_type = input_type.get(layer.name) if isinstance(input_type, Mapping) else input_type
    channels = channel_types.get(layer.name) if isinstance(channel_types, Mapping) else channel_types
    if fixed_type is None:
        fixed_type = _type_behind(low, layer)
    return low.builder.input(
        low.names.new(layer.name),
        _input_shape(low, layer),
        fixed_type,
        channel_types=tuple(channels or ()),
        origin=low.origin(layer),
    )


def _input_shape(low: Lowering, layer: LayerSpec) -> tuple[int, ...]:
    shape = layer.config.get("batch_input_shape") or layer.config.get("batch_shape")
    if not isinstance(shape, (list, tuple)) or len(shape) < 2 or any(size is None for size in shape[1:]):
        raise InputError(
            "the shape of this input is not fixed",
            where=low.where(layer),
            got=str(shape),
            want="(None, n_features), all sizes known",
            try_="rebuild the model with keras.Input(shape=(n_features,))",
        )
    return tuple(int(size) for size in shape[1:])


def _type_behind(low: Lowering, layer: LayerSpec) -> FixedType:
    """The type that every user of this input casts it to first."""
    users = low.model.users(layer.name)
    found = {_first_cast(low, user) for user in users}
    if len(found) == 1 and None not in found:
        return next(fixed_type for fixed_type in found if fixed_type is not None)
    raise InputError(
        "the type of this input is not known",
        where=low.where(layer),
        got=f"input_type=None, and the input goes to {', '.join(f'{user.name} ({user.kind})' for user in users)}",
        want="a type, or one QActivation('quantized_bits(...)') right after the input",
        try_="--input-type 'fixed<16,6>' of `fasttrig estimate`; type = \"fixed<16,6>\" in [inputs] of model.toml; "
        f"input_type=FixedType(16, 6), or {{'{layer.name}': FixedType(16, 6)}}, of fasttrig.read",
    )


def _first_cast(low: Lowering, layer: LayerSpec) -> FixedType | None:
    if layer.kind.startswith(PREFIX):
        return first_type(low, layer)
    if layer.kind != "QActivation":
        return None
    try:
        quantizer = read_quantizer(layer.config.get("activation"), low.where(layer, "activation"))
    except UnsupportedError:
        return None
    return declared_type(quantizer) if quantizer is not None and quantizer.name == "quantized_bits" else None
