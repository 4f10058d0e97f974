"""The dense tagger of a ``model.toml``: quantised with QKeras, and its float twin."""

from __future__ import annotations

from typing import Any

from fasttrig.base.errors import ProjectError
from fasttrig.base.fixed import FixedType
from fasttrig.reference.keras_runtime import import_framework
from fasttrig.settings import ModelProject, QuantiserSettings


def quantised_network(project: ModelProject, n_features: int) -> Any:
    """The QKeras model: QDense and QActivation pairs, a QDense and a softmax (or sigmoid) at the end."""
    keras, _ = import_framework()
    from qkeras import QActivation, QDense

    hidden, quantisers = _tables(project)
    x = inputs = keras.Input((n_features,), name="inputs")
    for number, width in enumerate(hidden, start=1):
        x = QDense(width, name=f"fc{number}", **_weights(quantisers))(x)
        x = QActivation(_relu(quantisers.activation), name=f"relu{number}")(x)
    x = QDense(n_outputs(project), name="logits", **_weights(quantisers))(x)
    return keras.Model(inputs, keras.layers.Activation(link(project), name=link(project))(x), name=project.model.name)


def float_network(project: ModelProject, n_features: int) -> Any:
    """The same architecture in ordinary Keras layers."""
    keras, _ = import_framework()
    hidden, _ = _tables(project)
    x = inputs = keras.Input((n_features,), name="inputs")
    for number, width in enumerate(hidden, start=1):
        x = keras.layers.Dense(width, activation="relu", name=f"fc{number}")(x)
    x = keras.layers.Dense(n_outputs(project), name="logits")(x)
    name = f"{project.model.name}_float"
    return keras.Model(inputs, keras.layers.Activation(link(project), name=link(project))(x), name=name)


def n_outputs(project: ModelProject) -> int:
    """One logit for two classes, else one per class."""
    return 1 if len(project.data.classes) == 2 else len(project.data.classes)


def link(project: ModelProject) -> str:
    """The final activation: sigmoid for two classes, else softmax."""
    return "sigmoid" if n_outputs(project) == 1 else "softmax"


def _tables(project: ModelProject) -> tuple[tuple[int, ...], QuantiserSettings]:
    if project.architecture is None or project.quantisers is None:
        raise ProjectError(
            "training needs an architecture and quantisers",
            where=str(project.path("model.toml")),
            want="tables [architecture] and [quantisers]",
        )
    return project.architecture.hidden, project.quantisers


def _weights(quantisers: QuantiserSettings) -> dict[str, Any]:
    return {
        "kernel_quantizer": _bits(quantisers.weight),
        "bias_quantizer": _bits(quantisers.bias),
        "kernel_initializer": "lecun_uniform",
    }


def _bits(fixed_type: FixedType) -> Any:
    """QKeras does not count the sign in `integer`; ap_fixed does."""
    from qkeras import quantized_bits

    if not fixed_type.signed:
        raise ProjectError(
            "the types of weights and biases must be signed",
            where="[quantisers]",
            got=str(fixed_type),
            want="fixed<W,I>",
        )
    return quantized_bits(fixed_type.width, fixed_type.integer_bits - 1, alpha=1)


def _relu(fixed_type: FixedType) -> Any:
    from qkeras import quantized_relu

    if fixed_type.signed:
        raise ProjectError(
            "the type of a relu must be unsigned",
            where="[quantisers] activation",
            got=str(fixed_type),
            want="ufixed<W,I>",
        )
    return quantized_relu(fixed_type.width, fixed_type.integer_bits)
