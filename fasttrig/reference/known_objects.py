"""What Keras is given to load a file of QKeras: its classes, its functions, and newer releases' options of them."""

from __future__ import annotations

from typing import Any

from fasttrig.reference.pruning import pruning_wrapper

_NEWER_OPTIONS = ("post_training_scale",)
"""What later releases write as None into a configuration and 0.9.0 does not know; fasttrig reads None alone."""


def known_objects(qkeras: Any) -> dict[str, Any]:
    """Classes and functions by the names that files use."""
    objects: dict[str, Any] = {}
    qkeras.utils._add_supported_quantized_objects(objects)
    quantizers = qkeras.quantizers
    for name in ("binary_tanh", "binary_sigmoid"):
        objects[name] = getattr(quantizers, name)
    return objects | pruning_wrapper() | {"quantized_bits": _of_any_release(quantizers.quantized_bits)}


def _of_any_release(quantizer: type) -> type:
    """A subclass of a quantizer that takes the options of later releases, as long as they are None."""

    def initialise(self: Any, *arguments: Any, **options: Any) -> None:
        for option in _NEWER_OPTIONS:
            if options.pop(option, None) is not None:
                raise ValueError(f"{quantizer.__name__}: {option} is not None")
        quantizer.__init__(self, *arguments, **options)  # type: ignore[misc]

    return type(quantizer.__name__, (quantizer,), {"__init__": initialise, "__module__": quantizer.__module__})
