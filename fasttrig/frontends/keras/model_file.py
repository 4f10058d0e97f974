"""Reads Keras model files (``.h5``, ``.keras``) as data, without TensorFlow or Keras.

Files are not trusted: nothing in them is run, unpickled or followed out of the file, and sizes are bounded before
memory is taken. Weights are found as Keras addresses them: in ``.h5`` by layer name, in ``.keras`` (Keras 2.12 and
later, and Keras 3) by class name in snake case and a count, in the order of the layers.
"""

from __future__ import annotations

import io
import json
import lzma
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fasttrig.base.errors import InputError, MissingPackageError
from fasttrig.base.hdf5_heaps import require_sound_heaps
from fasttrig.base.lfs import refuse_pointer
from fasttrig.frontends.hgq.schema import PREFIX
from fasttrig.frontends.hgq.weights import kept_names, named_weights, numbered_weights
from fasttrig.frontends.keras.model_config import model_spec
from fasttrig.frontends.keras.stored_weights import Budget, inner_weights, norm_names, read_array, variable_names
from fasttrig.frontends.keras.wrappers import (
    BIDIRECTIONAL,
    DIRECTIONS,
    PRUNING,
    directed,
    inner_layer,
    kernels_in_order,
    numbered_masks,
    require_masked,
    without_books,
)
from fasttrig.frontends.source import LayerSpec, ModelSpec, ModelTree, Weights

MAX_FILE_BYTES = 256 * 2**20
MAX_CONFIG_BYTES = 4 * 2**20
MAX_MEMBERS = 10_000
"""Bounds on what a file may make us read: far above any trigger model. Python takes up to 60 bytes a byte of JSON."""

ZIP_ENTRY = b"PK\x01\x02"

_ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)

_HDF5_DAMAGE = (
    OSError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    RuntimeError,
    OverflowError,
    MemoryError,
)

_MEMBERS = {"config.json": MAX_CONFIG_BYTES, "model.weights.h5": MAX_FILE_BYTES // 2}


def read_model_file(path: str | os.PathLike[str]) -> ModelSpec:
    """The model in a ``.h5`` or ``.keras`` file.

    Raises
    ------
    InputError
        If the file cannot be opened, is truncated, is not of either format or exceeds the bounds.
    """
    path = Path(path)
    source = str(path)
    content = read_bounded(path, "a .h5 or .keras file")
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


def read_bounded(path: Path, want: str, limit: int | None = None) -> bytes:
    """The content of a model file of at most `limit` bytes (`MAX_FILE_BYTES`); `want` says what it should be."""
    limit = MAX_FILE_BYTES if limit is None else limit
    source = str(path)
    if not path.is_file():
        raise InputError("no such model file", where=source, want=want)
    if path.stat().st_size > limit:
        raise InputError(
            "the model file is too large",
            where=source,
            got=f"{path.stat().st_size} bytes",
            want=f"at most {limit} bytes",
        )
    content = path.read_bytes()
    refuse_pointer(content, source, want)
    return content


def _read_h5(content: bytes, source: str) -> ModelSpec:
    with open_hdf5(content, source) as file:
        text = _attribute(file, "model_config", source)
        if text is None:
            raise InputError(
                "the file holds weights only",
                where=source,
                got="no attribute 'model_config'",
                want="a whole model",
                try_="save with model.save(), or give the architecture: read('model.json', weights='weights.h5')",
            )
        config = parse_config(text, source, "model_config")
        group = file.get("model_weights", file)
        return model_spec(config, source, lambda tree: weights_by_name(group, tree, source))


def weights_by_name(group: Any, tree: ModelTree, source: str) -> dict[str, Weights]:
    budget = Budget()
    found: dict[str, Weights] = {}
    for layer in tree.layers:
        stored_kind, stored_name = tree.stored(layer)
        if stored_name not in group:
            continue
        here = group[stored_name]
        names = [_text(item) for item in _attribute(here, "weight_names", source, default=())]
        names = kept_names(names) if layer.kind.startswith(PREFIX) else names
        inner = tree.models.get(layer.name)
        place = f"{source} > {'layer' if inner is None else 'model'} '{layer.name}'"
        arrays = [read_array(here, item, place, budget) for item in names]
        if inner is not None:
            found |= inner_weights(inner, (layer.name,), [_short(item) for item in names], arrays, place)
            continue
        short = [_short(item) for item in names]
        short = directed(short) if layer.kind in BIDIRECTIONAL else short
        short = named_weights(names) if layer.kind.startswith(PREFIX) else short
        found[layer.name] = dict(zip(short, arrays, strict=True))
        if len(found[layer.name]) != len(names):
            raise InputError("two weights of a layer share a name", where=place, got=", ".join(names)[:200])
        if stored_kind == PRUNING:
            found[layer.name] = without_books(found[layer.name], place)
    return found


def _read_keras(content: bytes, source: str) -> ModelSpec:
    if content.count(ZIP_ENTRY) > MAX_MEMBERS:
        raise InputError("the .keras file has too many members", where=source, want=f"at most {MAX_MEMBERS}")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        config = parse_config(_member(archive, "config.json", source), source, "config.json")
        weights = _member(archive, "model.weights.h5", source)
    except _ZIP_DAMAGE as error:
        raise InputError(
            "the .keras file cannot be read",
            where=source,
            got=str(error),
            want="a zip archive",
            try_="save or copy the model again: the file looks truncated",
        ) from error
    with open_hdf5(weights, f"{source} > model.weights.h5") as file:
        return model_spec(config, source, lambda tree: weights_by_class(file, tree, source))


def _member(archive: zipfile.ZipFile, name: str, source: str) -> bytes:
    """One member, at most up to its bound, regardless of the size that the archive claims."""
    bound = _MEMBERS[name]
    try:
        if archive.getinfo(name).file_size > bound:
            raise _too_large(name, source)
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
        raise _too_large(name, source)
    return content


def _too_large(name: str, source: str) -> InputError:
    return InputError(
        "a member of the .keras file is too large", where=f"{source} > {name}", want=f"at most {_MEMBERS[name]} bytes"
    )


def weights_by_class(file: Any, tree: ModelTree, source: str) -> dict[str, Weights]:
    root = file["layers"] if "layers" in file else file.get("_layer_checkpoint_dependencies")
    if root is None:
        raise InputError(
            "the weights are not as Keras writes them", where=source, got=", ".join(file)[:80], want="a group 'layers'"
        )
    return _weights_of_group(root, tree, (), source, Budget())


def _weights_of_group(
    root: Any, tree: ModelTree, models: tuple[str, ...], source: str, budget: Budget
) -> dict[str, Weights]:
    counts: dict[str, int] = {}
    found: dict[str, Weights] = {}
    for layer in tree.layers:
        stored_kind, _ = tree.stored(layer)
        key = snake_case(stored_kind)
        count = counts.get(key, 0)
        counts[key] = count + 1
        name = f"{key}_{count}" if count else key
        if name not in root:
            continue
        if layer.name in tree.models:
            group = root[name]
            inner = group["layers"] if "layers" in group else group.get("_layer_checkpoint_dependencies", {})
            where = f"{source} > model '{layer.name}'"
            found |= _weights_of_group(inner, tree.models[layer.name], (*models, layer.name), where, budget)
        else:
            where = f"{source} > layer '{layer.name}'"
            if layer.kind in BIDIRECTIONAL:
                found["/".join((*models, layer.name))] = _both_ways(root[name], layer, where, budget)
                continue
            if layer.kind.startswith(PREFIX):
                read = lambda group, key, where=where: read_array(group, key, where, budget)  # noqa: E731
                found["/".join((*models, layer.name))] = numbered_weights(root[name], layer.kind, layer.config, read)
                continue
            group = root[name] if stored_kind == layer.kind else root[name].get("layer", {})
            weights = _numbered(group, layer.kind, layer.config, where, budget)
            if stored_kind == PRUNING:
                books = _named(root[name], [], where, budget)
                require_masked(kernels_in_order(weights), numbered_masks(list(books.values())), where)
            found["/".join((*models, layer.name))] = weights
    return found


def _both_ways(group: Any, layer: LayerSpec, where: str, budget: Budget) -> Weights:
    kind, config = inner_layer(layer.config, where)
    return {
        f"{direction}{key}": array
        for direction in DIRECTIONS
        for key, array in _numbered(group.get(f"{direction}layer", {}), kind, config, where, budget).items()
    }


def _numbered(group: Any, kind: str, config: Mapping[str, Any], where: str, budget: Budget) -> Weights:
    """Variables ``vars/0``, ``vars/1``, ... under the names that the layer's configuration implies."""
    named = _named(group, variable_names(kind, config), where, budget)
    if "cell" in group:
        named |= _named(group["cell"], variable_names(kind, config), where, budget)
    if "batchnorm" in group:
        named |= _named(group["batchnorm"], norm_names(config), where, budget)
    return named


def _named(group: Any, names: list[str], where: str, budget: Budget) -> Weights:
    present = sorted(group["vars"], key=int) if "vars" in group else []
    extra = [f"variable_{index}" for index in range(len(names), len(present))]
    return {
        name: read_array(group["vars"], key, where, budget)
        for name, key in zip([*names, *extra], present, strict=False)
    }


def snake_case(kind: str) -> str:
    """Keras' own spelling of a class name in weight files: ``QDense`` -> ``q_dense``."""
    kind = kind.removeprefix(PREFIX)
    spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub("([a-z])([A-Z])", r"\1_\2", spaced).lower()


@contextmanager
def open_hdf5(content: bytes, source: str) -> Iterator[Any]:
    try:
        import h5py
    except ImportError as error:
        raise MissingPackageError("reading Keras files needs h5py", where=source, try_="pip install h5py") from error
    require_sound_heaps(content, source)
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            yield file
    except _HDF5_DAMAGE as error:
        raise InputError(
            "the HDF5 content cannot be read",
            where=source,
            got=str(error)[:200],
            want="a model as Keras writes it",
            try_="save or copy the model again: the file looks truncated",
        ) from error


def _attribute(node: Any, name: str, source: str, default: Any = None) -> Any:
    """An attribute whose declared size is checked before memory is taken for it."""
    if name not in node.attrs:
        return default
    known = node.attrs.get_id(name)
    n_bytes = math.prod(known.shape or ()) * known.dtype.itemsize
    if n_bytes > MAX_CONFIG_BYTES:
        raise InputError(
            "an attribute of the file is too large",
            where=f"{source} > {name}",
            got=f"{n_bytes} bytes declared",
            want=f"at most {MAX_CONFIG_BYTES} bytes",
        )
    return node.attrs[name]


def _short(name: str) -> str:
    """``fc1/kernel:0`` -> ``kernel``."""
    return name.rsplit("/", 1)[-1].split(":", 1)[0]


def _text(item: Any) -> str:
    return item.decode() if isinstance(item, bytes) else str(item)


def parse_config(text: Any, source: str, what: str) -> Any:
    if isinstance(text, (str, bytes)) and len(text) > MAX_CONFIG_BYTES:
        raise InputError(
            "the model's configuration is too large",
            where=f"{source} > {what}",
            got=f"{len(text)} characters",
            want=f"at most {MAX_CONFIG_BYTES}",
        )
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(
            "the model's configuration is not JSON", where=f"{source} > {what}", got=str(error)[:120]
        ) from error
