"""The networks of a training: dense ones from ``[architecture] hidden``, any other from the user's own Python file."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from fasttrig.base.errors import InputError, ProjectError
from fasttrig.base.fixed import FloatArray
from fasttrig.reference.keras_runtime import import_framework
from fasttrig.settings import ModelProject
from fasttrig.training.networks import float_network, n_outputs, quantised_network

KINDS = {"float": "float_network", "quantised": "quantised_network"}
"""Networks in the order in which they are trained, and the function of an architecture file that makes each."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """The makers of both networks, and what the card says about them.

    Attributes
    ----------
    makers : kind of network -> a function that returns a fresh Keras model
    about : paragraphs for the card
    """

    makers: Mapping[str, Callable[[], Any]]
    about: tuple[str, ...]


def architecture_of(project: ModelProject, n_features: int) -> Architecture:
    """The networks that ``[architecture]`` asks for.

    Raises
    ------
    InputError
        If the architecture file cannot be run, or lacks a function.
    """
    assert project.architecture is not None
    if project.architecture.file is None:
        makers = {"float": float_network, "quantised": quantised_network}
        made = {kind: partial(make, project, n_features) for kind, make in makers.items()}
        return Architecture(made, (_dense_text(project, n_features),))
    path = project.path(project.architecture.file)
    module = _run(path)
    n_classes = len(project.data.classes)
    made = {kind: partial(_made, module, name, path, n_features, n_classes) for kind, name in KINDS.items()}
    return Architecture(made, tuple(" ".join(part.split()) for part in (module.__doc__ or "").split("\n\n") if part))


def fed(network: Any, flat: FloatArray) -> Any:
    """Features as `network` takes them: its inputs take turns, each with the numbers of its shape, last axis fastest.

    Parameters
    ----------
    flat : array of shape (n_events, n_features)
    """
    parts, first = [], 0
    for tensor in network.inputs:
        shape = tuple(tensor.shape[1:])
        size = int(tensor.shape[1:].num_elements())
        parts.append(flat[:, first : first + size].reshape(len(flat), *shape))
        first += size
    return parts[0] if len(parts) == 1 else parts


def _dense_text(project: ModelProject, n_features: int) -> str:
    assert project.architecture is not None and project.quantisers is not None
    widths = "-".join(map(str, (n_features, *project.architecture.hidden, n_outputs(project))))
    quantisers = project.quantisers
    return (
        f"Network: {widths}; weights {quantisers.weight}, activations {quantisers.activation}, input "
        f"{project.input_settings.type} (types as `ap_fixed` counts them)."
    )


def _run(path: Path) -> ModuleType:
    """Execute the user's file as a module of its own; nothing of it stays in `sys.modules`."""
    import_framework()  # first: it selects the Keras that QKeras needs
    try:
        code = compile(path.read_bytes(), str(path), "exec")
    except OSError as error:
        raise InputError("cannot read the architecture file", where=str(path), got=str(error)) from None
    except (SyntaxError, ValueError) as error:
        raise InputError("the architecture file is not valid Python", where=str(path), got=str(error)) from None
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    try:
        exec(code, module.__dict__)
    except Exception as error:
        raise _failed(path, error) from error
    for name in KINDS.values():
        if not callable(getattr(module, name, None)):
            raise InputError(
                "the architecture file lacks a function",
                where=str(path),
                want=f"def {name}(n_features, n_classes), which returns a tf_keras model",
            )
    return module


def _made(module: ModuleType, name: str, path: Path, n_features: int, n_classes: int) -> Any:
    try:
        network = getattr(module, name)(n_features, n_classes)
    except Exception as error:
        raise _failed(path, error) from error
    keras, _ = import_framework()
    where = f"{path} > {name}"
    if not isinstance(network, keras.Model):
        raise InputError("not a Keras model", where=where, got=type(network).__name__, want="a tf_keras.Model")
    size = sum(int(tensor.shape[1:].num_elements() or 0) for tensor in network.inputs)
    if size != n_features:
        raise InputError(
            "the inputs of the network do not take the features",
            where=where,
            got=f"inputs of {size} numbers",
            want=f"{n_features} numbers ([data] features)",
        )
    allowed = [(None, n_classes), (None, 1)] if n_classes == 2 else [(None, n_classes)]
    if network.output_shape not in allowed:
        raise InputError(
            "the output of the network does not fit the classes",
            where=where,
            got=str(network.output_shape),
            want=" or ".join(map(str, allowed)),
        )
    return network


def _failed(path: Path, error: Exception) -> ProjectError:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return ProjectError(
        "the architecture file raised an error",
        where=f"{path}, line {lines[-1]}" if lines else str(path),
        got=f"{type(error).__name__}: {error}",
    )
