"""A stand-in for QDenseBatchnorm, which QKeras has in its repository and not in the 0.9.0 wheel.

Only inference, and only what its published equations say: kernel and bias are folded with the moving statistics, then
quantised, then applied. TensorFlow does the arithmetic, so the frontend's NumPy folding is compared with something.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.unit.frontends.framework import BITS, keras, qkeras


class QDenseBatchnorm(qkeras.QDense):
    """Dense layer with a batch normalisation folded into its weights before they are quantised."""

    def __init__(
        self,
        units: int,
        folding_mode: str = "ema_stats_folding",
        ema_freeze_delay: Any = None,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        **options: Any,
    ) -> None:
        for key in ("axis", "momentum"):
            options.pop(key, None)
        norm = {key: options.pop(key) for key in list(options) if key.startswith(("beta_", "gamma_", "moving_"))}
        super().__init__(units, **options)
        self.batchnorm = keras.layers.BatchNormalization(epsilon=epsilon, center=center, scale=scale)
        self.folding = {"folding_mode": folding_mode, "ema_freeze_delay": ema_freeze_delay}
        assert not any(value not in (None, "zeros", "ones") and not isinstance(value, dict) for value in norm.values())

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.batchnorm.build((None, self.units))
        self.count = self.add_weight(name="iteration", shape=(), dtype="int64", trainable=False)

    def get_folded_weights(self) -> list[Any]:
        norm = self.batchnorm
        inverse = tf.math.rsqrt(norm.moving_variance + norm.epsilon)
        inverse = inverse if norm.gamma is None else inverse * norm.gamma
        bias = self.bias if self.use_bias else 0.0
        return [inverse * self.kernel, inverse * (bias - norm.moving_mean) + norm.beta]

    def call(self, inputs: Any, training: Any = None) -> Any:
        kernel, bias = self.get_folded_weights()
        kernel = self.kernel_quantizer_internal(kernel) if self.kernel_quantizer else kernel
        bias = self.bias_quantizer_internal(bias) if self.bias_quantizer else bias
        result = keras.backend.bias_add(keras.backend.dot(inputs, kernel), bias)
        return self.activation(result) if self.activation is not None else result

    def get_config(self) -> dict[str, Any]:
        norm = {key: value for key, value in self.batchnorm.get_config().items() if key not in ("name", "dtype")}
        return super().get_config() | norm | self.folding


def folded_dense(units: int, name: str, seed: int = 0, **options: Any) -> QDenseBatchnorm:
    """A layer that draws its statistics and weights when it is built."""
    rng = np.random.default_rng(seed)

    class Drawn(QDenseBatchnorm):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.set_weights([_draw(rng, variable) for variable in self.weights])

    Drawn.__name__, Drawn.__module__ = "QDenseBatchnorm", "qkeras.qdense_batchnorm"  # where the repository has it
    return Drawn(units, name=name, **({"kernel_quantizer": BITS, "bias_quantizer": BITS} | options))


def _draw(rng: np.random.Generator, variable: Any) -> np.ndarray:
    if "iteration" in variable.name:
        return np.array(100)
    if "variance" in variable.name or "gamma" in variable.name:
        return rng.uniform(0.3, 3.0, variable.shape)
    return rng.normal(0, 0.5, variable.shape)
