"""QKeras' quantizers run in float64: its module sees a Keras backend and a TensorFlow that name no float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Float64Backend:
    """Keras' backend as QKeras sees it, with the float32 that `quantized_relu` names replaced by float64."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def cast(self, x: Any, dtype: str) -> Any:
        return self._backend.cast(x, "float64" if dtype == "float32" else dtype)

    def pow(self, x: Any, a: Any) -> Any:
        if any(getattr(getattr(part, "dtype", None), "is_floating", False) for part in (x, a)):
            return self._backend.pow(self._backend.cast(x, "float64"), self._backend.cast(a, "float64"))
        return self._backend.pow(x, a)


class Float64Tensorflow:
    """TensorFlow as QKeras sees it: Python numbers in `where` take the tensor's precision, not float32."""

    def __init__(self, tensorflow: Any) -> None:
        self._tensorflow = tensorflow

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tensorflow, name)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        like = y if hasattr(y, "dtype") else x
        return self._tensorflow.where(
            condition, *(self._tensorflow.convert_to_tensor(part, like.dtype) for part in (x, y))
        )


@contextmanager
def quantizers_in(qkeras: Any, float64: bool) -> Iterator[None]:
    """Let the quantizers of `qkeras` compute in float64 inside the block, if `float64` is true."""
    module = qkeras.quantizers
    kept = module.K, module.tf
    if float64:
        module.K, module.tf = Float64Backend(module.K), Float64Tensorflow(module.tf)
    try:
        yield
    finally:
        module.K, module.tf = kept
