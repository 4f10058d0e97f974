"""The classes of `fasttrig.layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fasttrig.reference.keras_runtime import import_framework

keras, _qkeras = import_framework()


def pairs(n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Receivers and senders of all edges between `n` objects, each of shape (n * (n - 1),), receiver by receiver."""
    edges = [(receiver, sender) for receiver in range(n) for sender in range(n) if sender != receiver]
    receivers, senders = zip(*edges, strict=True) if edges else ((), ())
    return receivers, senders


@keras.saving.register_keras_serializable("fasttrig")
class Take(keras.layers.Layer):  # type: ignore[name-defined]
    """Entries of `axis` by `index`; shapes: (..., n, ...) -> (..., len(index), ...)."""

    def __init__(self, index: Sequence[int], axis: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.index, self.axis = [int(place) for place in index], int(axis)

    def call(self, inputs: Any) -> Any:
        import tensorflow as tf

        return tf.gather(inputs, self.index, axis=self.axis + 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "index": self.index, "axis": self.axis}


class _Reduced(keras.layers.Layer):  # type: ignore[name-defined]
    """Base of reductions of one axis; the only axis becomes one of size 1."""

    def __init__(self, axis: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.axis = int(axis)

    def reduced(self, inputs: Any, *, keepdims: bool) -> Any:
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        return self.reduced(inputs, keepdims=len(inputs.shape) == 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


@keras.saving.register_keras_serializable("fasttrig")
class SumOver(_Reduced):
    """The sum along `axis`; shapes: (..., n, ...) -> (..., ...)."""

    def reduced(self, inputs: Any, *, keepdims: bool) -> Any:
        import tensorflow as tf

        return tf.reduce_sum(inputs, axis=self.axis + 1, keepdims=keepdims)


@keras.saving.register_keras_serializable("fasttrig")
class MaxOver(_Reduced):
    """The greatest element along `axis`; shapes: (..., n, ...) -> (..., ...)."""

    def reduced(self, inputs: Any, *, keepdims: bool) -> Any:
        import tensorflow as tf

        return tf.reduce_max(inputs, axis=self.axis + 1, keepdims=keepdims)


@keras.saving.register_keras_serializable("fasttrig")
class BestIndices(keras.layers.Layer):  # type: ignore[name-defined]
    """Indices of the `k` greatest entries of the last axis (the least, if not `largest`), the first of equals first.

    Shapes: (..., n) -> (..., k).
    """

    def __init__(self, k: int, largest: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.k, self.largest = int(k), bool(largest)

    def call(self, inputs: Any) -> Any:
        import tensorflow as tf

        found = tf.math.top_k(inputs if self.largest else -inputs, self.k).indices
        return tf.cast(found, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k, "largest": self.largest}


@keras.saving.register_keras_serializable("fasttrig")
class TakeBy(keras.layers.Layer):  # type: ignore[name-defined]
    """Entries of the first axis of the first input by the indices in the second: (n, ...) and (m...) -> (m..., ...)."""

    def call(self, inputs: Any) -> Any:
        import tensorflow as tf

        entries, index = inputs
        return tf.gather(entries, tf.cast(index, tf.int32), axis=1, batch_dims=1)
