"""A Keras model as plain data: layers with their configuration and weights, and who feeds whom.

Both ways in (a file, a live model) end here, so that all later steps see one form. Nothing is ever executed or
imported on behalf of a model: configurations are read as data, and a configuration that would need code is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import UnsupportedError

MAX_LAYERS = 4096
"""Layers of a model, and calls of its layers: far above any trigger model."""

MAX_MODEL_DEPTH = 16
"""Models inside models."""

MODEL_KINDS = ("Sequential", "Functional", "Model")

Weights = dict[str, npt.NDArray[np.float32]]

_TRUSTED_MODULES = (
    *("keras", "tf_keras", "tensorflow.keras", "qkeras", "builtins", "fasttrig", "hgq"),
    "tensorflow_model_optimization",
)
_TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint")
THRESHOLDS = ("binary_tanh", "binary_sigmoid")
"""Functions of QKeras that Keras writes by their names alone."""

_CODE_KINDS = ("Lambda", "__lambda__", "function", "LambdaLayer", "TFOpLambda", "SlicingOpLambda", "ClassMethod")


@dataclass(frozen=True, slots=True)
class ModelParts:
    """A model in two files: its architecture (``.json``) and its weights (``.h5``)."""

    architecture: Path
    weights: Path

    def __str__(self) -> str:
        return str(self.architecture)

    @property
    def name(self) -> str:
        return self.architecture.name


@dataclass(frozen=True, slots=True, order=True)
class TensorRef:
    """One output tensor of one call of a layer, as Keras counts: layer name, call index, output index."""

    layer: str
    call: int = 0
    tensor: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class LayerSpec:
    """One layer.

    Attributes
    ----------
    kind : str
        Class name, such as ``QDense``.
    config : mapping
        What ``get_config`` gave, as plain data.
    weights : dict of str to float32 array
        By Keras' own last name: ``kernel``, ``bias``, ``gamma``, ...
    calls : tuple of tuples of TensorRef
        The operands of each call; empty for an input layer.
    models : tuple of str
        Names of the models that the layer lies in, from the outside in; `name` starts with them: ``encoder/fc1``.
    """

    name: str
    kind: str
    config: Mapping[str, Any] = field(repr=False)
    weights: Weights = field(repr=False)
    calls: tuple[tuple[TensorRef, ...], ...] = ()
    models: tuple[str, ...] = ()

    @property
    def steps(self) -> list[str]:
        """The layer's place in the model, as origins and errors name it: ``model 'encoder'``, ``layer 'fc1'``."""
        own = self.name[sum(len(model) + 1 for model in self.models) :]
        return [*(f"model '{model}'" for model in self.models), f"layer '{own}'"]


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How a file stores a layer that lies in a wrapper: by the wrapper's class and name. `layer` is its own name."""

    kind: str
    name: str
    layer: str


@dataclass(frozen=True, slots=True, eq=False)
class ModelTree:
    """A model as the framework nests it: `models` holds the layers of `layers` that are models themselves.

    `wrappers` holds, by layer name, how the file stores those that lie in a wrapper.
    """

    layers: tuple[LayerSpec, ...]
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]
    models: Mapping[str, ModelTree]
    trainable: bool = True
    wrappers: Mapping[str, Wrapper] = field(default_factory=dict)

    def stored(self, layer: LayerSpec) -> tuple[str, str]:
        """Class and name under which a file keeps the weights of a layer."""
        wrapper = self.wrappers.get(layer.name)
        return (layer.kind, layer.name) if wrapper is None else (wrapper.kind, wrapper.name)


@dataclass(frozen=True, slots=True, eq=False)
class ModelSpec:
    """A flat model: its layers in the framework's order, its inputs and outputs in the caller's order."""

    name: str
    source: str
    layers: tuple[LayerSpec, ...]
    inputs: tuple[TensorRef, ...]
    outputs: tuple[TensorRef, ...]

    @property
    def file_name(self) -> str:
        """The last part of the source: what origins start with."""
        return self.source.replace("\\", "/").rsplit("/", 1)[-1]

    def layer(self, name: str) -> LayerSpec:
        return next(layer for layer in self.layers if layer.name == name)

    def users(self, name: str) -> tuple[LayerSpec, ...]:
        return tuple(layer for layer in self.layers if any(ref.layer == name for call in layer.calls for ref in call))

    def where(self, layer: LayerSpec, *parts: str) -> str:
        """The path of an error: ``models/jet.h5 > layer 'fc1' (QDense) > kernel_quantizer``."""
        *models, own = layer.steps
        return " > ".join([self.source, *models, f"{own} ({layer.kind})", *parts])

    def origin(self, layer: LayerSpec, *parts: str) -> str:
        """The path of an op: ``jet.h5 > layer 'fc1' > kernel``."""
        return " > ".join([self.file_name, *layer.steps, *parts])


def refuse_code(config: Any, source: str, *, training_too: bool = False) -> None:
    """Refuse a configuration that names code: lambdas, functions, classes of unknown modules.

    Initializers, regularizers and constraints act in training only and are not read; they are looked at only with
    `training_too`, which is for a configuration that Keras is going to load.
    """
    for path, node in _walk(config, "config", () if training_too else _TRAINING_ONLY):
        kind, module = node.get("class_name"), node.get("module")
        if kind == "function" and isinstance(node.get("config"), str) and node["config"] in THRESHOLDS:
            continue
        if isinstance(kind, str) and kind in _CODE_KINDS:
            raise UnsupportedError(
                "fasttrig does not run code from a model file",
                where=f"{source} > {_path(path)}",
                got=str(kind)[:80],
                want="layers whose meaning follows from their configuration",
                try_="replace the Lambda layer or operator by a Keras or QKeras layer",
            )
        if isinstance(module, str) and module.split(".")[0] == "HGQ":
            raise not_read_yet(f"{module}.{kind}"[:120], f"{source} > {_path(path)}")
        if module is not None and not _trusted(module):
            raise UnsupportedError(
                "fasttrig does not know the module of this object",
                where=f"{source} > {_path(path)}",
                got=f"{module}.{kind}"[:120],
                want="keras or qkeras objects",
            )


def not_read_yet(got: str, where: str) -> UnsupportedError:
    """The refusal of a model of HGQ 1."""
    return UnsupportedError(
        "fasttrig does not read files of HGQ 1 yet",
        where=where,
        got=got,
        want="a model of QKeras or of HGQ2",
        try_="retrain with HGQ2, or convert the model with hls4ml, which reads HGQ 1",
    )


def is_hgq(entry: Mapping[str, Any]) -> bool:
    """Whether a layer of a configuration is of HGQ2: ``.keras`` files say its module, ``.h5`` files ``hgq>QDense``."""
    module = str(entry.get("module")).split(".")[0]
    return module == "hgq" or str(entry.get("class_name")).startswith("hgq>")


def _trusted(module: Any) -> bool:
    return isinstance(module, str) and module.split(".")[0] in {name.split(".")[0] for name in _TRUSTED_MODULES}


FoundLink = tuple[Any, str] | None
"""A path from its end: the link before, and the step. It becomes text only for an error, because keys may be long."""


def _walk(content: Any, path: str, skip: tuple[str, ...]) -> Iterator[tuple[FoundLink, Mapping[str, Any]]]:
    """Every mapping inside plain data, with its path; without recursion, so that depth cannot hurt."""
    stack: list[tuple[FoundLink, Any]] = [((None, path), content)]
    while stack:
        here, node = stack.pop()
        if isinstance(node, Mapping):
            yield here, node
            items = ((f" > {str(key)[:80]}", value) for key, value in node.items() if not str(key).endswith(skip))
        elif isinstance(node, (list, tuple)):
            items = ((f"[{index}]", value) for index, value in enumerate(node))
        else:
            continue
        stack.extend(((here, step), value) for step, value in items if isinstance(value, (Mapping, list, tuple)))


def _path(link: FoundLink) -> str:
    steps: list[str] = []
    while link is not None:
        link, step = link
        steps.append(step)
    return "".join(reversed(steps))
