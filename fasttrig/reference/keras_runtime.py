"""TensorFlow with Keras 2, which QKeras needs: the only place for settings that must precede the first import."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType

from fasttrig.base.errors import MissingPackageError

_PACKAGES = ("tensorflow", "tf_keras", "qkeras")
_HINT = "pip install tensorflow tf-keras qkeras pyparsing   (`fasttrig doctor` says what is there)"


def import_framework() -> tuple[ModuleType, ModuleType]:
    """(tf_keras, qkeras), with Keras 2 selected, TensorFlow's chatter off, and no GPU asked for.

    Raises
    ------
    MissingPackageError
        When one of them is not installed, or TensorFlow was imported before with Keras 3 selected.
    """
    if "tensorflow" not in sys.modules:
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    try:
        with _quiet():
            tensorflow, keras, qkeras = (importlib.import_module(name) for name in _PACKAGES)
    except ImportError as error:
        raise MissingPackageError(
            "running the framework needs TensorFlow, tf-keras and QKeras", got=str(error), try_=_HINT
        ) from error
    dense = tensorflow.keras.layers.Dense.__module__
    if "tf_keras" not in dense:
        raise MissingPackageError(
            "TensorFlow was imported with Keras 3, which QKeras cannot run under",
            got=dense,
            want="Keras 2",
            try_="set TF_USE_LEGACY_KERAS=1 before the first import of tensorflow",
        )
    _restore_names(tensorflow)
    return keras, qkeras


def _restore_names(tensorflow: ModuleType) -> None:
    """QKeras' transposed convolution and its recurrent cells call names that TensorFlow 2.21 has elsewhere."""
    array_ops, nest = (importlib.import_module(f"tensorflow.python.{name}") for name in ("ops.array_ops", "util.nest"))
    for owner, name, function in (
        (array_ops, "stack", tensorflow.stack),
        (array_ops, "unstack", tensorflow.unstack),
        (nest, "is_sequence", tensorflow.nest.is_nested),
    ):
        if not hasattr(owner, name):
            setattr(owner, name, function)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TensorFlow writes to file descriptor 2 before its log level counts; errors still come as exceptions."""
    if all(name in sys.modules for name in _PACKAGES):
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
