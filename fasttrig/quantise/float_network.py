"""A float Keras network made ready: normalisations folded, the layers that hold weights found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from fasttrig.base.errors import RefusalError, UnsupportedError
from fasttrig.base.fixed import FloatArray
from fasttrig.data.inputs import InputMap
from fasttrig.frontends.keras.layers import LAYERS
from fasttrig.frontends.keras.normalisation import scale_and_offset
from fasttrig.frontends.source import LayerSpec, ModelSpec, TensorRef

QUANTISED_KINDS = {"Dense": "QDense", "Conv1D": "QConv1D", "Conv2D": "QConv2D"}
"""Float layers with weights, and the QKeras layers that they become."""

ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh", "softmax")
_KEPT = (
    *("InputLayer", "Activation", "ReLU", "BatchNormalization", "Flatten", "Reshape", "Permute", "Dropout"),
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Softmax", "GaussianNoise"),
    *("MaxPooling1D", "MaxPooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "AveragePooling1D"),
    *("AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "ZeroPadding1D", "ZeroPadding2D"),
    *("Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D", "RepeatVector", "SpatialDropout1D"),
)


@dataclass(frozen=True, slots=True, eq=False)
class FloatNetwork:
    """A float network whose normalisations are folded into its weights where a dense layer or convolution is next."""

    spec: ModelSpec
    folded: tuple[str, ...]

    @property
    def weighted(self) -> tuple[LayerSpec, ...]:
        """The layers with weights, in the order of the data."""
        return tuple(layer for layer in self.spec.layers if layer.kind in QUANTISED_KINDS)


def prepare(spec: ModelSpec) -> FloatNetwork:
    """Check a float network and fold its normalisations.

    Raises
    ------
    RefusalError
        With every layer that cannot be rebuilt with QKeras.
    """
    refusals = list(_refusals(spec))
    if refusals:
        raise RefusalError(refusals)
    spec = _split_activations(_without_models(spec))
    layers = {layer.name: layer for layer in spec.layers}
    folded: list[str] = []
    for norm in [layer for layer in spec.layers if layer.kind == "BatchNormalization"]:
        made = _fold_back(layers, norm, spec) or _fold_forward(layers, norm, spec)
        if made is not None:
            layers[made.name] = made
            layers = _without(layers, norm)
            folded.append(norm.name)
            spec = replace(spec, layers=tuple(layers.values()), outputs=_moved(spec.outputs, norm))
    return FloatNetwork(replace(spec, layers=_in_order(layers)), tuple(folded))


def reads_features_alone(network: FloatNetwork) -> bool:
    """Whether only dense layers read the input, so that each feature can have an offset and a shift of its own."""
    (source,) = network.spec.inputs
    return all(user.kind == "Dense" for user in network.spec.users(source.layer))


def with_input_map(network: FloatNetwork, inputs: InputMap) -> FloatNetwork:
    """The network of scaled features, ``(x - offset) * 2**-shift``, instead of features in their own units.

    Offsets and shifts go into the layers that read the input: any into dense layers, into convolutions one shift
    without offsets.

    Raises
    ------
    UnsupportedError
        If another layer reads the input.
    """
    spec = network.spec
    (source,) = spec.inputs
    scale = np.array([2.0**feature.shift for feature in inputs.features])
    offset = np.array([feature.offset for feature in inputs.features])
    layers = {layer.name: layer for layer in spec.layers}
    for user in spec.users(source.layer):
        if user.kind == "Dense":
            layers[user.name] = _absorbed(user, scale, offset)
        elif user.kind in QUANTISED_KINDS and not offset.any() and len(set(scale)) == 1:
            bias = user.weights.get("bias", np.zeros(user.weights["kernel"].shape[-1]))
            layers[user.name] = _with_weights(user, user.weights["kernel"] * scale[0], np.asarray(bias))
        else:
            raise UnsupportedError(
                "offsets and shifts of the features cannot go into this layer",
                where=spec.where(user),
                got=user.kind,
                want="a dense layer or a convolution right after the input",
                try_="give --inputs inputs.json, and train the float network on features scaled by it",
            )
    return replace(network, spec=replace(spec, layers=tuple(layers.values())))


def _refusals(spec: ModelSpec) -> Iterable[UnsupportedError]:
    for layer in spec.layers:
        if layer.kind.startswith("Q") and layer.kind in LAYERS:
            yield _refusal(spec, layer, "this layer is quantised already", f"fasttrig build {spec.file_name}")
        elif layer.kind not in (*QUANTISED_KINDS, *_KEPT):
            yield _refusal(spec, layer, "fasttrig cannot quantise this layer yet", "rebuild the network without it")
        elif layer.kind in QUANTISED_KINDS and len(layer.calls) > 1:
            yield _refusal(spec, layer, "a layer that is called more than once cannot be quantised", "copy the layer")
        elif int(layer.config.get("groups", 1) or 1) != 1:
            yield _refusal(spec, layer, "fasttrig cannot quantise grouped convolutions yet", "use groups=1")
        name = layer.config.get("activation", "linear")
        if name not in ACTIVATIONS:
            yield UnsupportedError(
                "fasttrig cannot quantise this activation",
                where=spec.where(layer, "activation"),
                got=str(name)[:80],
                want=", ".join(ACTIVATIONS),
                try_="retrain with relu",
            )
    if len(spec.inputs) != 1:
        yield UnsupportedError(
            "only networks with one input are quantised", where=spec.source, got=f"{len(spec.inputs)} inputs", want="1"
        )


def _refusal(spec: ModelSpec, layer: LayerSpec, what: str, try_: str) -> UnsupportedError:
    return UnsupportedError(what, where=spec.where(layer), got=layer.kind, want=", ".join(QUANTISED_KINDS), try_=try_)


def _without_models(spec: ModelSpec) -> ModelSpec:
    """Layers of models inside the model under names of their own: ``encoder/fc1`` becomes ``encoder_fc1``."""
    taken: set[str] = set()
    names: dict[str, str] = {}
    for layer in spec.layers:
        wanted = name = layer.name.replace("/", "_")
        count = 1
        while name in taken:
            count += 1
            name = f"{wanted}_{count}"
        taken.add(name)
        names[layer.name] = name

    def moved(refs: tuple[TensorRef, ...]) -> tuple[TensorRef, ...]:
        return tuple(replace(ref, layer=names[ref.layer]) for ref in refs)

    layers = tuple(
        replace(layer, name=names[layer.name], models=(), calls=tuple(moved(call) for call in layer.calls))
        for layer in spec.layers
    )
    return replace(spec, layers=layers, inputs=moved(spec.inputs), outputs=moved(spec.outputs))


def _split_activations(spec: ModelSpec) -> ModelSpec:
    """Every activation in a layer of its own, ``fc1_relu``; layers with weights are linear."""
    layers: list[LayerSpec] = []
    renamed: dict[str, TensorRef] = {}
    for layer in spec.layers:
        name = layer.config.get("activation")
        calls = tuple(tuple(renamed.get(ref.layer, ref) for ref in call) for call in layer.calls)
        layer = replace(layer, calls=calls)
        if layer.kind in QUANTISED_KINDS and name not in (None, "linear"):
            layers.append(replace(layer, config={**layer.config, "activation": "linear"}))
            after = f"{layer.name}_{name}"
            config = {"name": after, "activation": name}
            layers.append(LayerSpec(after, "Activation", config, {}, ((TensorRef(layer.name),),)))
            renamed[layer.name] = TensorRef(after)
        else:
            layers.append(layer)
    outputs = tuple(renamed.get(ref.layer, ref) for ref in spec.outputs)
    return replace(spec, layers=tuple(layers), outputs=outputs)


def _fold_back(layers: dict[str, LayerSpec], norm: LayerSpec, spec: ModelSpec) -> LayerSpec | None:
    """The layer before `norm` with its scale and offset inside; None where that is not the same function."""
    before = layers[norm.calls[0][0].layer]
    alone = len(spec.users(before.name)) == 1 and all(ref.layer != before.name for ref in spec.outputs)
    linear = before.config.get("activation", "linear") in (None, "linear")
    if len(norm.calls) != 1 or before.kind not in QUANTISED_KINDS or not alone or not linear:
        return None
    scale, offset = scale_and_offset(norm, spec.where(norm))
    kernel, bias = before.weights["kernel"] * scale, before.weights.get("bias", 0.0) * scale + offset
    return _with_weights(before, kernel, bias)


def _fold_forward(layers: dict[str, LayerSpec], norm: LayerSpec, spec: ModelSpec) -> LayerSpec | None:
    """The dense layer after `norm` with its scale and offset inside."""
    users = spec.users(norm.name)
    if len(norm.calls) != 1 or len(users) != 1 or users[0].kind != "Dense":
        return None
    return _absorbed(layers[users[0].name], *scale_and_offset(norm, spec.where(norm)))


def _absorbed(layer: LayerSpec, scale: FloatArray, offset: FloatArray) -> LayerSpec:
    """A dense layer of ``u`` that gives what `layer` gives of ``u * scale + offset``; arrays of shape (n_in,)."""
    kernel = layer.weights["kernel"].astype(np.float64)
    return _with_weights(layer, scale[:, None] * kernel, layer.weights.get("bias", 0.0) + offset @ kernel)


def _with_weights(layer: LayerSpec, kernel: FloatArray, bias: FloatArray) -> LayerSpec:
    config = {**layer.config, "use_bias": True}
    weights = {"kernel": kernel.astype(np.float32), "bias": np.asarray(bias, dtype=np.float32)}
    return replace(layer, config=config, weights=weights)


def _without(layers: dict[str, LayerSpec], gone: LayerSpec) -> dict[str, LayerSpec]:
    """All layers but `gone`; its users read what it read."""
    source = gone.calls[0][0]
    return {
        name: replace(
            layer,
            calls=tuple(tuple(source if ref.layer == gone.name else ref for ref in call) for call in layer.calls),
        )
        for name, layer in layers.items()
        if name != gone.name
    }


def _moved(refs: tuple[TensorRef, ...], gone: LayerSpec) -> tuple[TensorRef, ...]:
    return tuple(gone.calls[0][0] if ref.layer == gone.name else ref for ref in refs)


def _in_order(layers: dict[str, LayerSpec]) -> tuple[LayerSpec, ...]:
    """Every layer after those that it reads."""
    done: dict[str, LayerSpec] = {}
    waiting = list(layers.values())
    while waiting:
        ready = [layer for layer in waiting if all(ref.layer in done for call in layer.calls for ref in call)]
        done |= {layer.name: layer for layer in ready}
        waiting = [layer for layer in waiting if layer.name not in done]
    return tuple(done.values())
