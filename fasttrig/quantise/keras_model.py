"""A network of plain data as a live Keras model, float or of QKeras: for the file, and for the float reference."""

from __future__ import annotations

from typing import Any

from fasttrig.frontends.source import LayerSpec, ModelSpec, TensorRef
from fasttrig.quantise.float_network import QUANTISED_KINDS
from fasttrig.reference.keras_runtime import import_framework

_SIZES = ("name", "units", "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias")
_QUANTISERS = ("kernel_quantizer", "bias_quantizer", "activation")
_OF_TRAINING = ("dtype", "trainable", "batch_input_shape", "autocast", "optional", "ragged", "sparse")
_QKERAS = (*QUANTISED_KINDS.values(), "QActivation")


def keras_model(spec: ModelSpec, name: str) -> Any:
    """The model with its weights.

    Raises
    ------
    MissingPackageError
        If TensorFlow, tf_keras or qkeras is missing.
    """
    keras, qkeras = import_framework()
    tensors: dict[TensorRef, Any] = {}
    made: dict[str, Any] = {}
    for layer in spec.layers:
        if layer.kind == "InputLayer":
            shape = layer.config.get("batch_input_shape") or layer.config["batch_shape"]
            tensors[TensorRef(layer.name)] = keras.Input(tuple(shape[1:]), name=layer.name)
            continue
        home = qkeras if layer.kind in _QKERAS else keras.layers
        made[layer.name] = getattr(home, layer.kind).from_config(_config(layer))
        for call, refs in enumerate(layer.calls):
            given = [tensors[ref] for ref in refs]
            tensors[TensorRef(layer.name, call)] = made[layer.name](given if len(given) > 1 else given[0])
    for layer in spec.layers:
        if layer.weights:
            variables = made[layer.name].weights
            keys = [variable.name.rsplit("/", 1)[-1].split(":", 1)[0] for variable in variables]
            made[layer.name].set_weights([layer.weights[key] for key in keys])
    inputs, outputs = ([tensors[ref] for ref in refs] for refs in (spec.inputs, spec.outputs))
    return keras.Model(
        inputs[0] if len(inputs) == 1 else inputs, outputs[0] if len(outputs) == 1 else outputs, name=name
    )


def _config(layer: LayerSpec) -> dict[str, Any]:
    if layer.weights and layer.kind != "BatchNormalization":
        keys = (*_SIZES, *_QUANTISERS)
        return {key: layer.config[key] for key in keys if key in layer.config} | {"name": layer.name}
    ends = ("_initializer", "_regularizer", "_constraint")
    kept = {key: content for key, content in layer.config.items() if key not in _OF_TRAINING and not key.endswith(ends)}
    return kept | {"name": layer.name}
