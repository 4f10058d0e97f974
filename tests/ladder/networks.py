"""Random QKeras networks from a seed: the quantizers, scales and shapes that the frontend takes, and saturation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.fixed import FixedType
from fasttrig.reference.keras_runtime import import_framework


@dataclass(slots=True)
class Draws:
    """Seeded choices."""

    rng: np.random.Generator

    def whole(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def one_of(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)


def random_network(seed: int) -> tuple[Any, FixedType]:
    """A built tf_keras model with randomised weights, and the type of its input.

    Depth 1 to 4, widths 1 to 24, 2 to 12 bits; sums and concatenations with earlier layers; a softmax at the end of
    some. Weights are drawn up to four times wider than their quantizers reach.
    """
    keras, qkeras = import_framework()
    draw = Draws(np.random.default_rng(seed))
    input_type = FixedType(width := draw.whole(3, 12), draw.whole(-1, min(width, 6)), draw.chance(0.8))
    value = inputs = keras.Input((draw.whole(1, 16),), name="x")
    earlier: list[Any] = []
    for index in range(draw.whole(1, 4)):
        value = _block(keras, qkeras, draw, value, earlier, f"fc{index}")
        earlier.append(value)
    value = _dense(qkeras, draw, draw.whole(1, 6), "logits")(value)
    if draw.chance(0.3):
        value = keras.layers.Activation("softmax", name="softmax")(value)
    model = keras.Model(inputs, value, name=f"random{seed}")
    for layer in model.layers:
        layer.set_weights([_weights(draw, layer, weight) for weight in layer.get_weights()])
    return model, input_type


def _block(keras: Any, qkeras: Any, draw: Draws, value: Any, earlier: list[Any], name: str) -> Any:
    """One dense layer and its activation, perhaps joined with what came before."""
    units = draw.whole(1, 24)
    partner = draw.one_of(*earlier) if earlier and draw.chance(0.4) else None
    adds = partner is not None and draw.chance(0.5)
    dense = _dense(qkeras, draw, int(partner.shape[-1]) if adds else units, name)
    made = dense(value)
    if adds:
        made = keras.layers.Add(name=f"{name}_sum")([made, partner])
    if draw.chance(0.15):
        made = keras.layers.LeakyReLU(draw.one_of(0.5, 0.125), name=f"{name}_leaky")(made)
    if draw.chance(0.1):
        made = keras.layers.Dropout(0.2, name=f"{name}_drop")(made)
    made = qkeras.QActivation(_activation(draw), name=f"{name}_act")(made)
    if partner is not None and not adds:
        made = keras.layers.Concatenate(name=f"{name}_join")([partner, made])
    return made


def _dense(qkeras: Any, draw: Draws, units: int, name: str) -> Any:
    return qkeras.QDense(
        units, name=name, kernel_quantizer=_kernel(draw), use_bias=draw.chance(0.8), bias_quantizer=_bias(draw)
    )


def _kernel(draw: Draws) -> str:
    bits, integer, symmetric = draw.whole(2, 12), draw.whole(0, 2), draw.whole(0, 1)
    return draw.one_of(
        f"quantized_bits({bits},{integer},{symmetric},alpha=1)",
        f"quantized_bits({bits},{integer},{symmetric},alpha=1)",
        f"quantized_bits({bits},{integer},{symmetric},alpha={draw.one_of(0.25, 0.5, 2.0)})",
        f"quantized_bits({bits},{integer},alpha='auto_po2')",
        f"quantized_bits({bits},{integer})",
        f"quantized_bits({bits},{integer},keep_negative=False,alpha=1)",
        draw.one_of("ternary()", "ternary(alpha=1)", "ternary(alpha=0.5,threshold=0.25)"),
        draw.one_of("binary()", "binary(alpha=1)", "binary(alpha='auto_po2')"),
        f"quantized_po2({draw.whole(3, 4)},{draw.one_of(1, 4)})",
    )


def _bias(draw: Draws) -> str:
    bits, integer = draw.whole(2, 12), draw.whole(0, 3)
    return draw.one_of(
        f"quantized_bits({bits},{integer},alpha=1)",
        f"quantized_bits({bits},{integer})",
        "quantized_po2(4)",
        "ternary(alpha=1)",
    )


def _activation(draw: Draws) -> str:
    bits, integer = draw.whole(2, 10), draw.whole(0, 4)
    return draw.one_of(
        f"quantized_relu({bits},{integer})",
        f"quantized_relu({bits},{integer})",
        f"quantized_relu({max(4, bits)},{integer},negative_slope={draw.one_of(0.5, 0.25, 0.125)})",
        f"quantized_bits({bits},{integer},{draw.whole(0, 1)},alpha={draw.one_of(1, 1, 0.5)})",
        f"quantized_tanh({bits},symmetric={draw.one_of(True, False)})",
        f"quantized_sigmoid({bits})",
        draw.one_of("binary()", "binary(use_01=True,alpha=1)", "ternary(threshold=0.375)"),
    )


def _weights(draw: Draws, layer: Any, weight: np.ndarray) -> np.ndarray:
    """Normal numbers of a random spread; for half of the channels the last draw is repeated on a coarse grid: ties."""
    values = draw.rng.normal(0.0, draw.one_of(0.1, 0.5, 1.0, 4.0), weight.shape)
    coarse = np.rint(values * 64) / 64
    return np.where(draw.rng.random(weight.shape) < 0.5, coarse, values).astype(np.float32)
