"""A Keras model in two files: the architecture as JSON (``model.to_json()``) and the weights as HDF5."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError
from fasttrig.frontends.keras.model_config import model_spec
from fasttrig.frontends.keras.model_file import (
    MAX_CONFIG_BYTES,
    open_hdf5,
    parse_config,
    read_bounded,
    weights_by_class,
    weights_by_name,
)
from fasttrig.frontends.source import ModelParts, ModelSpec, ModelTree, Weights

_BESIDE_ANY = ("model_weights.h5", "model.weights.h5", "weights.h5")
_KERAS_KEYS = ("class_name", "config")


def parts_of(architecture: Path) -> ModelParts:
    """The architecture with the weights next to it: ``NAME_weights.h5``, ``NAME.weights.h5``, ..., ``weights.h5``.

    Raises
    ------
    InputError
        If there is no such file, or the choice is not clear.
    """
    stem = architecture.name.removesuffix(".json")
    own = [f"{stem}_weights.h5", f"{stem}.weights.h5", f"{stem}.h5"]
    if "architecture" in stem or "arch" in stem:
        own += [stem.replace("architecture", "weights").replace("arch", "weights") + ".h5"]
    for names in (own, _BESIDE_ANY):
        found = [name for name in dict.fromkeys(names) if (architecture.parent / name).is_file()]
        if len(found) == 1:
            return ModelParts(architecture, architecture.parent / found[0])
        if found:
            raise InputError(
                "several files next to this architecture may hold its weights",
                where=str(architecture),
                got=", ".join(found),
                want="one of them",
                try_=_HOW,
            )
    raise InputError(
        "this file holds the architecture only, without weights",
        where=str(architecture),
        got="no weights next to it",
        want=", ".join(dict.fromkeys([*own, *_BESIDE_ANY])),
        try_=_HOW,
    )


_HOW = "fasttrig.read('model.json', weights='model.weights.h5'), or weights_file in [model] of model.toml"


def read_parts(parts: ModelParts) -> ModelSpec:
    """The model of an architecture and its weights.

    Raises
    ------
    InputError
        If one of the files cannot be read, the JSON is no Keras model, or the weights are not those of the model.
    """
    source, weights_source = str(parts.architecture), str(parts.weights)
    config = parse_config(
        read_bounded(parts.architecture, "a .json file", MAX_CONFIG_BYTES), source, "the architecture"
    )
    if not isinstance(config, dict) or not all(key in config for key in _KERAS_KEYS):
        keys = ", ".join(map(str, config))[:120] if isinstance(config, dict) else type(config).__name__
        raise InputError(
            "this JSON is no model that fasttrig knows",
            where=source,
            got=f"keys {keys}" if isinstance(config, dict) else keys,
            want="a model of XGBoost or conifer, or a Keras architecture ('class_name', 'config')",
            try_="write it with model.to_json()",
        )
    content = read_bounded(parts.weights, "the weights as .h5")
    with open_hdf5(content, weights_source) as file:
        return model_spec(config, source, lambda tree: _weights(file, tree, weights_source))


def _weights(file: Any, tree: ModelTree, source: str) -> dict[str, Weights]:
    """Weights as ``save_weights`` writes them, by layer name or by class, or those of a whole model's file."""
    if "layers" in file or "_layer_checkpoint_dependencies" in file:
        return weights_by_class(file, tree, source)
    group = file.get("model_weights", file)
    known = {tree.stored(layer)[1] for layer in tree.layers}
    _refuse_others((name for name in group if name not in known and len(group[name])), known, source)
    return weights_by_name(group, tree, source)


def _refuse_others(names: Iterable[str], known: set[str], source: str) -> None:
    others = sorted(names)
    others = [name for name in others if name != "top_level_model_weights"]
    if others:
        raise InputError(
            "these weights are not those of the architecture",
            where=source,
            got=", ".join(others)[:200],
            want=f"layers of the architecture: {', '.join(sorted(known))}"[:200],
        )
