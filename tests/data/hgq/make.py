"""Random networks of HGQ2 with their own outputs; run it in HGQ2's environment (`make hgq` makes one).

    python tests/data/hgq/make.py FOLDER SEED N     N networks of every kind, from the seed on
    python tests/data/hgq/make.py                   the files next to this one, which the tests read by day

Bits, weights and modes are random, nothing is trained: widths from zero up, other in every element.
"""

import os
import sys
import zipfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
from hgq.config import QuantizerConfig
from hgq.layers import (
    QAdd,
    QAveragePow2,
    QBatchNormDense,
    QConv1D,
    QConv2D,
    QDense,
    QDot,
    QEinsumDense,
    QEinsumDenseBatchnorm,
    QGlobalAveragePooling1D,
    QMaximum,
    QMaxPooling1D,
    QMaxPooling2D,
    QMinimum,
    QMultiply,
    QSubtract,
    Quantizer,
    QUnaryFunctionLUT,
)
from hgq.quantizer.internal.fixed_point_quantizer import FixedPointQuantizerBase

N_EVENTS = 100
ROUNDINGS = ("RND", "TRN", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_MIN_INF", "RND_INF")
OVERFLOWS = ("WRAP", "SAT", "SAT_SYM")


class Draw:
    """Random configurations of quantisers."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def conf(self, place, **options):
        q_type = str(self.rng.choice(["kif", "kbi"]))
        modes = {"round_mode": str(self.rng.choice(ROUNDINGS)), "overflow_mode": str(self.rng.choice(OVERFLOWS))}
        return QuantizerConfig(q_type, place, **{**modes, **options})

    def dense(self, **more):
        return {"iq_conf": self.conf("datalane"), "kq_conf": self.conf("weight"), "bq_conf": self.conf("bias"), **more}

    def output(self):
        return {"enable_oq": True, "oq_conf": self.conf("datalane")}

    def merge(self, n=2):
        return {"iq_confs": [self.conf("datalane") for _ in range(n)]}


def dense(draw):
    x = inputs = keras.Input((6,), name="x")
    x = Quantizer(draw.conf("datalane"), name="scaled")(x)
    x = QDense(5, activation="relu", name="fc1", **draw.dense(), **draw.output())(x)
    x = QBatchNormDense(4, activation="relu", name="fc2", **draw.dense(bq_conf=safe(draw)))(x)
    x = QDense(3, name="fc3", use_bias=False, **draw.dense())(x)
    return inputs, x


def safe(draw):
    """A bias quantiser whose rounding float32 sums of any order share nearly always."""
    return draw.conf("bias", round_mode="RND")


def merges(draw):
    x = inputs = keras.Input((4,), name="x")
    a = QDense(3, name="a", **draw.dense())(x)
    b = QDense(3, name="b", **draw.dense())(x)
    made = [
        layer(name=layer.__name__.lower(), **draw.merge())([a, b])
        for layer in (QAdd, QSubtract, QMultiply, QMaximum, QMinimum, QAveragePow2)
    ]
    dot = QDot(axes=-1, name="dot", **draw.merge())([a, b])
    x = keras.layers.Concatenate(name="all")([*made, dot])
    return inputs, QDense(2, name="last", **draw.dense())(x)


def convolution1d(draw):
    x = inputs = keras.Input((7, 3), name="x")
    padding = str(draw.rng.choice(["valid", "same"]))
    x = QConv1D(4, 3, strides=int(draw.rng.integers(1, 3)), padding=padding, name="conv", **draw.dense())(x)
    x = QMaxPooling1D(2, name="pool", iq_conf=draw.conf("datalane"))(x)
    x = keras.layers.Flatten(name="flat")(x)
    return inputs, QDense(2, name="last", **draw.dense())(x)


def convolution2d(draw):
    x = inputs = keras.Input((5, 4, 2), name="x")
    x = QConv2D(3, (2, 2), padding="same", activation="relu", name="conv", **draw.dense())(x)
    x = QMaxPooling2D(2, name="pool", iq_conf=draw.conf("datalane"))(x)
    x = keras.layers.Flatten(name="flat")(x)
    return inputs, QDense(2, name="last", **draw.dense())(x)


def einsum(draw):
    x = inputs = keras.Input((4, 3), name="x")
    x = QEinsumDense("bnc,cd->bnd", (4, 5), bias_axes="d", activation="relu", name="each", **draw.dense())(x)
    x = QEinsumDenseBatchnorm("bnc,nm->bmc", (2, 5), bias_axes="m", name="mix", **draw.dense())(x)
    x = QEinsumDense("bmc,mcd->bd", 4, name="both", **draw.dense())(x)
    return inputs, x


def pooled(draw):
    x = inputs = keras.Input((4, 3), name="x")
    x = QDense(4, activation="relu", name="each", **draw.dense())(x)
    x = QGlobalAveragePooling1D(name="mean", iq_conf=draw.conf("datalane"))(x)
    return inputs, QDense(2, name="last", **draw.dense())(x)


def table(draw):
    x = inputs = keras.Input((5,), name="x")
    x = QDense(4, name="fc1", **draw.dense())(x)
    rnd = str(draw.rng.choice(["RND", "RND_CONV"]))
    name = str(draw.rng.choice(["tanh", "sigmoid", "relu", "softplus", "silu"]))
    x = QUnaryFunctionLUT(name, name="lut", iq_conf=draw.conf("datalane"), oq_conf=draw.conf("table", round_mode=rnd))(
        x
    )
    return inputs, QDense(2, name="last", **draw.dense())(x)


def wide(draw):
    """Quantisers alone, over all widths that float32 holds: from 24 fraction bits to 23 integer bits."""
    x = inputs = keras.Input((24,), name="x")
    for name in ("q0", "q1"):
        mode = str(draw.rng.choice(["SAT", "SAT_SYM"]))
        x = Quantizer(draw.conf("datalane", overflow_mode=mode), name=name)(x)
    return inputs, x


def equations(draw):
    x = inputs = keras.Input((2, 3, 4), name="x")
    first = [
        ("...c,cd->...d", (5,), "d"),
        ("abcd,de->aebc", (5, 2, 3), None),
        ("abcd,cde->abe", (2, 5), "e"),
    ]
    equation, shape, axes = first[draw.rng.integers(len(first))]
    return inputs, QEinsumDense(equation, shape, bias_axes=axes, name="first", **draw.dense())(x)


def slides(draw):
    """A causal or dilated convolution, or one with groups."""
    x = inputs = keras.Input((7, 4), name="x")
    same = draw.conf("datalane", homogeneous_axis=(0, 1))  # HGQ2 pads before it quantises
    options = [{"padding": "causal"}, {"dilation_rate": 2}, {"groups": 2}, {"padding": "same", "strides": 2}]
    return inputs, QConv1D(4, 3, name="conv", **options[draw.rng.integers(len(options))], **draw.dense(iq_conf=same))(x)


BY_DAY = (dense, merges, convolution1d, convolution2d, einsum, pooled, table, wide)
KINDS = {function.__name__: function for function in (*BY_DAY, equations, slides)}


def scramble(model, rng):
    """Random weights, and random bits for every element of every quantiser."""
    for layer in model.layers:
        for variable in layer._trainable_variables + layer._non_trainable_variables:
            name, shape = variable.name, variable.shape
            if name in ("kernel", "bias"):
                variable.assign(rng.normal(0, 1, shape))
            elif name in ("moving_mean", "bn_gamma", "gamma"):
                variable.assign(rng.normal(0.5, 1, shape))
            elif name == "moving_variance":
                variable.assign(rng.uniform(0.3, 2, shape))
    for quantiser in quantisers(model):
        k, i, f = (rng.integers(low, high, quantiser._k.shape) for low, high in ((0, 2), (-1, 4), (-1, 5)))
        k = np.where(rng.random(k.shape) < 0.6, 1, k)
        if model.name == "wide":
            i, f = rng.integers(-23, 24, i.shape), rng.integers(-24, 25, i.shape)
            f = np.minimum(f, 23 - i)
        quantiser._k.assign(k.astype("uint8"))
        quantiser._i.assign(i + rng.uniform(-0.4, 0.4, i.shape))
        if hasattr(quantiser, "_f"):
            quantiser._f.assign(f + rng.uniform(-0.4, 0.4, f.shape))
        else:
            quantiser._b.assign(np.maximum(i + f, 0) + rng.uniform(-0.4, 0.4, i.shape))


def quantisers(model):
    return [layer for layer in model._flatten_layers() if isinstance(layer, FixedPointQuantizerBase)]


def save(folder, kind, seed, suffix="keras"):
    draw = Draw(seed)
    keras.backend.clear_session()
    model = keras.Model(*KINDS[kind](draw), name=kind)
    scramble(model, draw.rng)
    x = np.round(draw.rng.normal(0, 3, (N_EVENTS, *model.input_shape[1:])) * 2**8) / 2**8
    x = x.astype(np.float32)
    path = Path(folder) / f"{kind}_{seed}.{suffix}"
    model.save(path)
    if suffix == "keras":
        deflate(path)
    np.savez_compressed(path.with_suffix(f".{suffix}.npz"), x=x, y=model.predict(x, verbose=0))


def deflate(path):
    """The same members, smaller: Keras stores them as they are."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def main():
    if len(sys.argv) == 1:
        here = Path(__file__).parent
        for kind in BY_DAY:
            save(here, kind.__name__, 1)
        save(here, "pooled", 2, "h5")
        return
    folder, seed, n = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(seed, seed + n):
        for kind in KINDS:
            save(folder, kind, number, "h5" if number % 5 == 0 else "keras")


if __name__ == "__main__":
    main()
