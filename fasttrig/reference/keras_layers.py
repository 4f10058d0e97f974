"""Layers of a Keras model at any depth, and replacements for parts of them while the framework runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from fasttrig.base.fixed import FloatArray


def leaves(model: Any, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """All layers that are no models, by their path from the outside in: ``encoder/fc1``."""
    found: dict[str, Any] = {}
    for layer in model.layers:
        here = (*path, layer.name)
        found |= leaves(layer, here) if hasattr(layer, "layers") else {"/".join(here): layer}
    return found


class Recorder:
    """Keeps what a layer gives, call by call, while the model is run eagerly."""

    def __init__(self, layer: Any) -> None:
        self._call, self._found = layer.call, list[np.ndarray]()
        layer.call = self

    def __call__(self, *operands: Any, **options: Any) -> Any:
        result = self._call(*operands, **options)
        self._found.append(np.asarray(result, dtype=np.float64))
        return result

    def output(self) -> FloatArray:
        """All events in their order."""
        return np.concatenate(self._found)


class Constant:
    """Stands in for a weight quantizer: the weight that it gave in float32."""

    def __init__(self, keras: Any, weight: np.ndarray) -> None:
        self._keras, self._weight = keras, weight

    def __call__(self, _weight: Any) -> Any:
        return self._keras.backend.constant(self._weight, dtype=self._keras.backend.floatx())


class Averages:
    """Stands in for a quantised average pooling: sums times the factor.

    QKeras divides by the number of elements and multiplies with it again, which is off the grid by one rounding.
    """

    def __init__(self, keras: Any, layer: Any, factor: float) -> None:
        self._keras, self._layer, self._factor = keras, layer, factor

    def __call__(self, inputs: Any, **_options: Any) -> Any:
        import tensorflow as tf

        layer = self._layer
        if not hasattr(layer, "pool_size"):
            sums = tf.reduce_sum(inputs, axis=(1, 2), keepdims=layer.keepdims)
        else:
            rows, columns = layer.pool_size
            sizes, strides = (1, rows, columns, 1), (1, *layer.strides, 1)
            patches = tf.image.extract_patches(inputs, sizes, strides, (1, 1, 1, 1), layer.padding.upper())
            shape = (-1, *patches.shape[1:3], rows * columns, inputs.shape[-1])
            sums = tf.reduce_sum(tf.reshape(patches, shape), axis=3)
        averages = sums * self._keras.backend.constant(self._factor, dtype=self._keras.backend.floatx())
        return averages if layer.activation is None else layer.activation(averages)


class EmbeddedRows:
    """Stands in for an Embedding: an integer that is no row gives zeros, as TensorFlow does on a GPU."""

    def __init__(self, keras: Any, rows: np.ndarray) -> None:
        self._rows, self._n_rows = Constant(keras, np.vstack([rows, np.zeros_like(rows[:1])])), len(rows)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        import tensorflow as tf

        found = tf.cast(inputs, tf.int32)
        return tf.gather(self._rows(None), tf.where(found < self._n_rows, found, self._n_rows))


class Affine:
    """Stands in for a batch normalisation whose scale and offset were rounded."""

    def __init__(self, keras: Any, scale: np.ndarray, offset: np.ndarray) -> None:
        self._scale, self._offset = Constant(keras, scale), Constant(keras, offset)

    def __call__(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        return inputs * self._scale(None) + self._offset(None)
