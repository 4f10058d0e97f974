"""Few fixtures, real things."""

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_h5(tmp_path_factory) -> Path:
    """A small trained-looking QKeras network: 4 inputs, 6 hidden units, 3 classes, softmax at the end."""
    from fasttrig.reference.keras_runtime import import_framework

    keras, _ = import_framework()
    from qkeras import QActivation, QDense, quantized_bits, quantized_relu

    keras.utils.set_random_seed(7)
    weights = {"kernel_quantizer": quantized_bits(5, 0, alpha=1), "bias_quantizer": quantized_bits(5, 0, alpha=1)}
    x = inputs = keras.Input((4,), name="inputs")
    x = QDense(6, name="fc1", bias_initializer="random_normal", **weights)(x)
    x = QActivation(quantized_relu(4, 1), name="relu1")(x)
    x = QDense(3, name="logits", bias_initializer="random_normal", **weights)(x)
    model = keras.Model(inputs, keras.layers.Activation("softmax", name="softmax")(x), name="tiny")
    path = tmp_path_factory.mktemp("tiny") / "tiny.h5"
    model.save(path, include_optimizer=False)
    return path
