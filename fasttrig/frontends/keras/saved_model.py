"""TensorFlow SavedModel folders of Keras 2: the configuration from keras_metadata.pb, weights from the checkpoint.

Nothing of the graph in saved_model.pb is run or read. The checkpoint holds the graph of the objects of the model:
``layer-2`` of a model is its third layer, whose ``kernel`` names a tensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.keras.model_config import model_spec
from fasttrig.frontends.keras.model_file import MAX_CONFIG_BYTES, MAX_FILE_BYTES, parse_config, read_bounded
from fasttrig.frontends.keras.stored_weights import Budget
from fasttrig.frontends.keras.tensor_bundle import Fields, TensorBundle, number, read_bundle, read_fields, texts
from fasttrig.frontends.keras.wrappers import DIRECTIONS, PRUNING, without_books
from fasttrig.frontends.source import LayerSpec, ModelSpec, ModelTree, Weights

GRAPH_FILE, METADATA_FILE = "saved_model.pb", "keras_metadata.pb"
_INDEX, _DATA = "variables.index", "variables.data-00000-of-00001"
_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
_MODELS = ("_tf_keras_network", "_tf_keras_sequential", "_tf_keras_model")
_WEIGHTS = (
    *("kernel", "bias", "depthwise_kernel", "pointwise_kernel", "recurrent_kernel"),
    *("gamma", "beta", "moving_mean", "moving_variance", "mask", "alpha"),
)
_PARTS = ("cell", "batchnorm", "layer")
"""Objects of a layer that hold weights for it: a recurrent cell, a folded normalisation, the layer in a wrapper."""

_CONVERT = "load it where it was trained and save it again: keras.models.load_model(folder).save('model.keras')"


def is_saved_model(path: Path) -> bool:
    """Whether a path is a folder that ``model.save(folder)`` wrote."""
    return (path / GRAPH_FILE).is_file()


def read_saved_model(folder: Path) -> ModelSpec:
    """The model in a SavedModel folder.

    Raises
    ------
    InputError
        If a file of the folder is missing, damaged or too large.
    UnsupportedError
        If Keras did not write the folder, or not as a Sequential or a Functional model.
    """
    source = str(folder)
    if not (folder / METADATA_FILE).is_file():
        raise UnsupportedError(
            "this SavedModel holds no Keras model",
            where=source,
            got=f"no {METADATA_FILE}",
            want="a folder that model.save(folder) of Keras 2 wrote (model.export() keeps operations only)",
            try_=_CONVERT,
        )
    config = saved_configuration(folder)
    bundle = read_bundle(
        read_bounded(folder / "variables" / _INDEX, _INDEX, MAX_FILE_BYTES),
        read_bounded(folder / "variables" / _DATA, f"one file {_DATA}", MAX_FILE_BYTES),
        f"{source} > variables",
    )
    try:
        objects = _Objects.of(bundle)
    except ValueError as error:
        raise _damaged(source, error) from error
    return model_spec(config, source, lambda tree: objects.weights(tree, source))


def saved_configuration(folder: Path) -> Any:
    """``{"class_name": ..., "config": ...}`` of the model in a SavedModel folder, as plain data."""
    metadata = read_bounded(folder / METADATA_FILE, METADATA_FILE, 4 * MAX_CONFIG_BYTES)
    try:
        return _configuration(metadata, str(folder))
    except ValueError as error:
        raise _damaged(str(folder), error) from error


def _damaged(source: str, error: Exception) -> InputError:
    return InputError(
        "the SavedModel cannot be read", where=source, got=str(error)[:120], want="the files of Keras 2", try_=_CONVERT
    )


def _configuration(metadata: bytes, source: str) -> Any:
    """``{"class_name": ..., "config": ...}`` of the root object; tuples as lists."""
    for content in texts(read_fields(metadata), 1):
        node = read_fields(content)
        if texts(node, 3) != [b"root"]:
            continue
        kind = b"".join(texts(node, 4)).decode()
        document = parse_config(b"".join(texts(node, 5)), source, METADATA_FILE)
        if kind in _MODELS and isinstance(document, dict) and "config" in document:
            return _plain({"class_name": document.get("class_name"), "config": document["config"]})
        raise UnsupportedError(
            "fasttrig cannot read this kind of SavedModel",
            where=source,
            got=kind[:80],
            want="a Sequential or a Functional model",
            try_=_CONVERT,
        )
    raise ValueError(f"no root in {METADATA_FILE}")


def _plain(content: Any, depth: int = 0) -> Any:
    if depth > 200:
        raise ValueError("the configuration is nested too deeply")
    if isinstance(content, dict):
        if content.get("class_name") == "__tuple__" and isinstance(content.get("items"), list):
            return _plain(content["items"], depth + 1)
        return {key: _plain(value, depth + 1) for key, value in content.items() if key != "shared_object_id"}
    return [_plain(item, depth + 1) for item in content] if isinstance(content, list) else content


@dataclass(frozen=True, slots=True)
class _Objects:
    """The checkpoint's graph of objects."""

    nodes: list[Fields]
    bundle: TensorBundle

    @classmethod
    def of(cls, bundle: TensorBundle) -> _Objects:
        return cls([read_fields(node) for node in texts(read_fields(bundle.text(_OBJECTS)), 1)], bundle)

    def weights(self, tree: ModelTree, source: str) -> dict[str, Weights]:
        """Weights of all layers, by path.

        Raises
        ------
        InputError
            If the checkpoint is damaged.
        """
        try:
            return dict(self._of_model(0, tree, (), source, Budget()))
        except (ValueError, IndexError) as error:
            raise InputError(
                "the checkpoint of this SavedModel cannot be read",
                where=self.bundle.where,
                got=str(error)[:120],
                want="the variables of the model, in one file",
                try_=_CONVERT,
            ) from error

    def _of_model(
        self, node: int, tree: ModelTree, models: tuple[str, ...], source: str, budget: Budget
    ) -> Iterator[tuple[str, Weights]]:
        children = self._children(node)
        stored = [layer for layer in tree.layers if not _is_implied(layer, tree)]
        # A Sequential keeps its own InputLayer out of its layers.
        first = 1 if f"layer-{len(stored) - 1}" not in children and stored[0].kind == "InputLayer" else 0
        for index, layer in enumerate(stored[first:]):
            child = children.get(f"layer-{index}")
            if child is None:
                raise ValueError(f"no layer-{index} for {layer.name[:80]!r}")
            if layer.name in tree.models:
                inner = tree.models[layer.name]
                yield from self._of_model(child, inner, (*models, layer.name), source, budget)
                continue
            where = f"{source} > layer '{layer.name}'"
            found = dict(self._of_layer(child, budget))
            if tree.stored(layer)[0] == PRUNING:
                found = without_books(found, where)
            yield "/".join((*models, layer.name)), found

    def _of_layer(self, node: int, budget: Budget) -> Iterator[tuple[str, Any]]:
        children = self._children(node)
        for direction in DIRECTIONS:
            if f"{direction}layer" in children:
                found = self._of_layer(children[f"{direction}layer"], budget)
                yield from ((f"{direction}{name}", array) for name, array in found)
        if f"{DIRECTIONS[0]}layer" in children:
            return
        for name in _PARTS:
            if name in children:
                yield from self._of_layer(children[name], budget)
        for name in _WEIGHTS:
            if name in children:
                for attribute in texts(self.nodes[children[name]], 2):
                    key = b"".join(texts(read_fields(attribute), 3)).decode()
                    yield name, self.bundle.array(key, budget)

    def _children(self, node: int) -> dict[str, int]:
        children = [read_fields(child) for child in texts(self.nodes[node], 1)]
        return {b"".join(texts(child, 2)).decode(): number(child, 1) for child in children}


def _is_implied(layer: LayerSpec, tree: ModelTree) -> bool:
    """Whether the reader made this input layer: the configuration had none."""
    return layer.kind == "InputLayer" and "dtype" not in layer.config and layer is tree.layers[0]
