"""Reads Keras model files (``.h5``, ``.keras``) as data, without TensorFlow or Keras.

Files are not trusted: nothing in them is run, unpickled or followed out of the file, and sizes are bounded before
memory is taken. Weights are found as Keras addresses them: in ``.h5`` by layer name, in ``.keras`` (Keras 2.12 and
later, and Keras 3) by class name in snake case and a count, in the order of the layers.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError, MissingPackageError
from fasttrig.frontends.source import ModelSpec, Weights, model_spec

MAX_FILE_BYTES = 512 * 2**20
MAX_CONFIG_BYTES = 32 * 2**20
MAX_ELEMENTS = 2**26
"""Bounds on what a file may make us read: far above any trigger model."""

_MEMBERS = {"config.json": MAX_CONFIG_BYTES, "model.weights.h5": MAX_FILE_BYTES}
_NORM_VARIABLES = (("gamma", "scale"), ("beta", "center"))


def read_model_file(path: str | os.PathLike[str]) -> ModelSpec:
    """The model in a ``.h5`` or ``.keras`` file.

    Raises
    ------
    InputError
        If the file cannot be opened, is truncated, is not of either format or exceeds the bounds.
    """
    path = Path(path)
    source = str(path)
    if not path.is_file():
        raise InputError("no such model file", where=source, want="a .h5 or .keras file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InputError(
            "the model file is too large",
            where=source,
            got=f"{path.stat().st_size} bytes",
            want=f"at most {MAX_FILE_BYTES} bytes",
        )
    content = path.read_bytes()
    if content.startswith(b"PK"):
        return _read_keras(content, source)
    if content.startswith(b"\x89HDF\r\n\x1a\n"):
        return _read_h5(content, source)
    raise InputError(
        "not a Keras model file",
        where=source,
        got=f"first bytes {content[:8]!r}",
        want="HDF5 (.h5) or zip (.keras)",
        try_="save the model with model.save('model.h5') or model.save('model.keras')",
    )


def _read_h5(content: bytes, source: str) -> ModelSpec:
    with _hdf5(content, source) as file:
        text = file.attrs.get("model_config")
        if text is None:
            raise InputError(
                "the file holds weights only",
                where=source,
                got="no attribute 'model_config'",
                want="a whole model",
                try_="save with model.save(), not save_weights()",
            )
        config = _json(text, source, "model_config")
        group = file.get("model_weights", file)
        return model_spec(config, source, lambda layers: _weights_by_name(group, layers, source))


def _weights_by_name(group: Any, layers: list[tuple[str, str]], source: str) -> dict[str, Weights]:
    found: dict[str, Weights] = {}
    for name, _kind in layers:
        if name not in group:
            continue
        here = group[name]
        names = [_text(item) for item in here.attrs.get("weight_names", [])]
        found[name] = {_short(item): _array(here, item, f"{source} > layer '{name}'") for item in names}
        if len(found[name]) != len(names):
            raise InputError(
                "two weights of a layer share a name", where=f"{source} > layer '{name}'", got=", ".join(names)
            )
    return found


def _read_keras(content: bytes, source: str) -> ModelSpec:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        config = _json(_member(archive, "config.json", source), source, "config.json")
        weights = _member(archive, "model.weights.h5", source)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError(
            "the .keras file cannot be read",
            where=source,
            got=str(error),
            want="a zip archive",
            try_="save or copy the model again: the file looks truncated",
        ) from error
    with _hdf5(weights, f"{source} > model.weights.h5") as file:
        return model_spec(config, source, lambda layers: _weights_by_class(file, layers, config, source))


def _member(archive: zipfile.ZipFile, name: str, source: str) -> bytes:
    """One member, never more of it than its bound, whatever the archive claims."""
    bound = _MEMBERS[name]
    try:
        with archive.open(name) as stream:
            content = stream.read(bound + 1)
    except KeyError as error:
        raise InputError(
            "the .keras file lacks a member",
            where=source,
            got=", ".join(archive.namelist()[:8]),
            want=name,
            try_="save the whole model with model.save('model.keras')",
        ) from error
    if len(content) > bound:
        raise InputError(
            "a member of the .keras file is too large", where=f"{source} > {name}", want=f"at most {bound} bytes"
        )
    return content


def _weights_by_class(file: Any, layers: list[tuple[str, str]], config: Any, source: str) -> dict[str, Weights]:
    root = file["layers"] if "layers" in file else file.get("_layer_checkpoint_dependencies")
    if root is None:
        raise InputError(
            "the weights are not as Keras writes them", where=source, got=", ".join(file)[:80], want="a group 'layers'"
        )
    configs = {_name_of(entry): entry["config"] for entry in config["config"]["layers"]}
    counts: dict[str, int] = {}
    found: dict[str, Weights] = {}
    for name, kind in layers:
        key = snake_case(kind)
        count = counts.get(key, 0)
        counts[key] = count + 1
        group = f"{key}_{count}" if count else key
        where = f"{source} > layer '{name}'"
        if group in root:
            found[name] = _numbered(root[group], kind, configs.get(name, {}), where)
    return found


def _name_of(entry: Any) -> str:
    return str(entry.get("name") or entry["config"].get("name"))


def _numbered(group: Any, kind: str, config: dict[str, Any], where: str) -> Weights:
    """Variables ``vars/0``, ``vars/1``, ... under the names that the layer's configuration implies."""
    named = _named(group, _variable_names(kind, config), where)
    if "batchnorm" in group:
        named |= _named(group["batchnorm"], _norm_names(config), where)
    return named


def _named(group: Any, names: list[str], where: str) -> Weights:
    present = sorted(group["vars"], key=int) if "vars" in group else []
    extra = [f"variable_{index}" for index in range(len(names), len(present))]
    return {name: _array(group["vars"], key, where) for name, key in zip([*names, *extra], present, strict=False)}


def _variable_names(kind: str, config: dict[str, Any]) -> list[str]:
    if kind.endswith("BatchNormalization"):
        return _norm_names(config)
    return ["kernel", "bias"] if config.get("use_bias", True) else ["kernel"]


def _norm_names(config: dict[str, Any]) -> list[str]:
    return [name for name, switch in _NORM_VARIABLES if config.get(switch, True)] + ["moving_mean", "moving_variance"]


def snake_case(kind: str) -> str:
    """Keras' own spelling of a class name in weight files: ``QDense`` -> ``q_dense``."""
    spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub("([a-z])([A-Z])", r"\1_\2", spaced).lower()


@contextmanager
def _hdf5(content: bytes, source: str) -> Iterator[Any]:
    try:
        import h5py
    except ImportError as error:
        raise MissingPackageError("reading Keras files needs h5py", where=source, try_="pip install h5py") from error
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            yield file
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
        raise InputError(
            "the HDF5 content cannot be read",
            where=source,
            got=str(error)[:200],
            want="a model as Keras writes it",
            try_="save or copy the model again: the file looks truncated",
        ) from error


def _array(group: Any, key: str, where: str) -> np.ndarray:
    """One dataset of floating-point numbers that lies in this very file."""
    import h5py

    node = group
    for part in key.split("/"):
        if not isinstance(node.get(part, getlink=True), h5py.HardLink):
            raise InputError("a weight is a link", where=where, got=key, want="numbers stored in the file itself")
        node = node[part]
    if not isinstance(node, h5py.Dataset) or node.external or node.is_virtual:
        raise InputError("a weight is not stored in the file", where=where, got=key, want="a plain dataset")
    if node.size > MAX_ELEMENTS or node.dtype.kind not in "fiu":
        raise InputError(
            "a weight cannot be used",
            where=where,
            got=f"{key}: {node.shape} of {node.dtype}",
            want=f"numbers, at most {MAX_ELEMENTS}",
        )
    return check_weight(np.asarray(node[()]), key, where)


def check_weight(array: np.ndarray, key: str, where: str) -> np.ndarray:
    """A weight as float32; refuses what float32 does not hold, and what is not finite. Counters pass as they are."""
    single = np.asarray(array, dtype=np.float32)
    if array.dtype.kind in "iu":
        return single
    if not np.isfinite(single).all() or not np.array_equal(single.astype(np.float64), array.astype(np.float64)):
        raise InputError(
            "a weight is not a finite float32 number",
            where=where,
            got=f"{key} of {array.dtype}",
            want="finite float32 numbers",
            try_="look at the training: NaN weights, or a float64 model (retrain in float32)",
        )
    single.setflags(write=False)
    return single


def _short(name: str) -> str:
    """``fc1/kernel:0`` -> ``kernel``."""
    return name.rsplit("/", 1)[-1].split(":", 1)[0]


def _text(item: Any) -> str:
    return item.decode() if isinstance(item, bytes) else str(item)


def _json(text: Any, source: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(
            "the model's configuration is not JSON", where=f"{source} > {what}", got=str(error)[:120]
        ) from error
