"""Networks of positions: windows, products, reductions; drawn at random, or of given layers."""

from __future__ import annotations

import numpy as np
from csim_graphs import random_const

from fasttrig.base.fixed import FixedType, Overflow, Rounding
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Const, Reduction, Value

ACTIVATION = FixedType(5, 2, signed=False)
SIGNED = FixedType(5, 3)


class Network:
    """Layers one after the other, with random weights."""

    def __init__(self, seed: int, shape: tuple[int, ...], channel_types: tuple[FixedType, ...] = ()) -> None:
        self.rng, self.builder = np.random.default_rng(seed), GraphBuilder(f"n{seed}")
        self.value = self.builder.input("x", shape, FixedType(6, 3), channel_types=channel_types)
        self.count = 0

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def window(self, kernel: tuple[int, ...], **fields) -> None:
        """Neighbourhoods, each as one vector; stride and dilation 1, no pads by default."""
        rank = len(kernel)
        default = {"stride": (1,) * rank, "dilation": (1,) * rank, "before": (0,) * rank, "after": (0,) * rank}
        self.value = self.builder.window(self.name("window"), self.value, kernel, **(default | fields))

    def dense(self, n: int, kind: FixedType | None = ACTIVATION) -> None:
        weight_type = FixedType(3, 1)
        shape = (self.value.shape[-1], n)
        raw = random_const(self.rng, "w", shape, weight_type).raw.copy()
        raw[0] |= 1  # every output depends on an input
        weight = Const(self.name("w"), weight_type, raw)
        bias = random_const(self.rng, self.name("b"), shape[1:], weight_type)
        self.value = self.builder.matmul(self.name("dense"), self.value, weight, bias)
        if kind is not None:
            self.value = self.builder.cast(self.name("cast"), self.value, kind, Rounding.RND, Overflow.SAT)

    def conv(self, n: int, kernel: tuple[int, ...], kind: FixedType = ACTIVATION, **fields) -> None:
        self.window(kernel, **fields)
        *spatial, elements, channels = self.value.shape
        self.reshape((*spatial, elements * channels))
        self.dense(n, kind)

    def pool(self, kernel: tuple[int, ...], reduction: Reduction, **fields) -> None:
        self.window(kernel, **fields)
        self.reduce(len(self.value.shape) - 2, reduction)

    def reduce(self, axis: int, reduction: Reduction) -> None:
        self.value = self.builder.reduce(self.name("reduce"), self.value, axis, reduction)

    def reshape(self, shape: tuple[int, ...]) -> None:
        self.value = self.builder.reshape(self.name("reshape"), self.value, shape)

    def graph(self, *others: Value) -> Graph:
        return self.builder.graph(self.value, *others)


def drawn(seed: int) -> Graph:
    """One to three windows with any stride, dilation and pads; then one number a position, a sum, or a dense head."""
    rng = np.random.default_rng(seed)
    rank, channels = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    mixed = tuple(FixedType(int(rng.integers(2, 4)) + 1, 2) for _ in range(channels))
    size = 14 if rank == 1 else 7
    shape = tuple(int(n) for n in rng.integers(size - 3, size + 1, rank))
    net = Network(seed, (*shape, channels), mixed if rng.integers(2) else ())
    for _ in range(rng.integers(1, 4)):
        spatial = np.array(net.value.shape[:-1])
        kernel = rng.integers(1, np.minimum(spatial, 3) + 1)
        dilation = np.where((kernel - 1) * 2 < spatial, rng.integers(1, 3, rank), 1)
        widest = np.minimum(dilation * (kernel - 1), 2) + 1
        fields = {
            "stride": rng.integers(1, 3, rank),
            "dilation": dilation,
            "before": rng.integers(0, widest),
            "after": rng.integers(0, 3, rank),
        }
        words = {name: tuple(map(int, numbers)) for name, numbers in fields.items()}
        kind = SIGNED if rng.integers(2) else ACTIVATION
        if rng.integers(3):
            net.conv(int(rng.integers(1, 4)), tuple(map(int, kernel)), kind, **words)
        else:
            net.pool(tuple(map(int, kernel)), list(Reduction)[rng.integers(3)], **words)
    *spatial, channels = net.value.shape
    n_positions = int(np.prod(spatial))
    end = int(rng.integers(4))
    if end == 0:
        net.reshape((n_positions * channels,))
    if end in (1, 2):
        net.reshape((n_positions, channels))
        net.reduce(0, list(Reduction)[rng.integers(3)])
    net.dense(2, None)
    return net.graph()
