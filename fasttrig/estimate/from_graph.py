"""The estimate of a graph: real weights with their bit patterns, real types, one layer of firmware per op."""

from __future__ import annotations

import math

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.estimate.constants import count_products
from fasttrig.estimate.devices import device_of
from fasttrig.estimate.estimate import Estimate, estimate_layers
from fasttrig.estimate.layer_costs import ForestSize, Layer, Matrix
from fasttrig.estimate.tools import CALIBRATED_TOOLS
from fasttrig.estimate.types import Width
from fasttrig.ir.forest import distinct_comparisons, tree_depths
from fasttrig.ir.graph import Graph
from fasttrig.ir.op_table import OpTable
from fasttrig.ir.ops import (
    PLAIN_OPS,
    Add,
    ArgMax,
    Cast,
    Compare,
    Concat,
    ElementCast,
    Forest,
    Gather,
    GatherBy,
    Input,
    MatMul,
    Multiply,
    Op,
    Reduce,
    Relu,
    Reshape,
    Scale,
    Select,
    Softmax,
    Table,
    TopK,
    Transpose,
    Window,
)
from fasttrig.passes.pipeline import without_loops
from fasttrig.settings import TargetSettings

_LAYERS: OpTable[[TargetSettings], Layer] = OpTable("estimates")


def from_graph(graph: Graph, settings: TargetSettings, *, stage: str = "csynth", tool: str | None = None) -> Estimate:
    """Estimate the HLS project that fasttrig writes for `graph`.

    Parameters
    ----------
    graph : Graph
        With its passes run, as the backends take it.
    settings : TargetSettings
        ``[target]``: part, clock, strategy, reuse factors, io_type and the backend.
    stage : str
        csynth or synth.
    tool : str
        Default: the newest calibrated tool of the backend.

    Raises
    ------
    UnsupportedError
        For the oneapi and catapult backends, of which no report is calibrated.
    """
    if settings.backend not in CALIBRATED_TOOLS:
        raise UnsupportedError(
            "fasttrig has no reports of this backend to base an estimate on",
            got=settings.backend,
            want=" or ".join(CALIBRATED_TOOLS),
        )
    layers = tuple(_LAYERS(op, settings) for op in without_loops(graph).ops)
    return estimate_layers(
        layers,
        part=settings.part,
        device=device_of(settings.model_dump()),
        clock_period_ns=settings.clock_period_ns,
        tool=tool or CALIBRATED_TOOLS[settings.backend],
        stream=settings.io_type == "io_stream",
        stage=stage,
    )


@_LAYERS.row(Input, Reshape, Concat, Transpose, Gather, Window)
def _wiring(op: Op, settings: TargetSettings) -> Layer:
    return Layer("wiring", op.name, op.result.size, settings.strategy)


@_LAYERS.row(MatMul)
def _matmul(op: MatMul, settings: TargetSettings) -> Layer:
    n_in, n_out = op.weight.shape
    said = settings.layers.get(op.name)
    reuse = (said.reuse_factor if said else None) or settings.reuse_factor
    raw = op.weight.raw
    largest = int(np.abs(raw).max(initial=1))
    matrix = Matrix(
        n_in,
        n_out,
        max(1.0, float(np.count_nonzero(raw))),
        math.log2(max(largest, 1)),
        min(reuse, n_in * n_out),
        count_products(raw),
    )
    positions = op.result.size // n_out
    return Layer(
        "dense" if positions == 1 else "conv1d",
        op.name,
        op.result.size,
        (said.strategy if said else None) or settings.strategy,
        (matrix,),
        positions,
        positions,
        input=_width(op.operand.type),
        weight=_width(op.weight.type),
        accum=_width(op.result.type),
        reuse_factor=reuse,
    )


@_LAYERS.row(Scale)
def _scale(op: Scale, settings: TargetSettings) -> Layer:
    return Layer(
        "batchnorm",
        op.name,
        op.result.size,
        settings.strategy,
        input=_width(op.operand.type),
        weight=_width(op.scale.type),
    )


@_LAYERS.row(Relu)
def _relu(op: Relu, settings: TargetSettings) -> Layer:
    return _activation(op, "relu", op.operand.type, settings)


@_LAYERS.row(Cast)
def _cast(op: Cast, settings: TargetSettings) -> Layer:
    """A cast that only drops bits is wiring; one that rounds or saturates is about a ReLU."""
    free = op.rounding.value == "TRN" and op.overflow.value == "WRAP"
    return _wiring(op, settings) if free else _activation(op, "relu", op.result.type, settings)


@_LAYERS.row(TopK)
def _top_k(op: TopK, settings: TargetSettings) -> Layer:
    """A maximum pooling for each of the k rounds: no report of a sorter is known."""
    n = op.operand.size
    return Layer(
        "pooling",
        op.name,
        n * op.k,
        settings.strategy,
        in_positions=n * op.k,
        window=op.operand.shape[-1],
        function="max",
        input=_width(op.operand.type),
    )


@_LAYERS.row(ElementCast)
def _element_cast(op: ElementCast, settings: TargetSettings) -> Layer:
    return _activation(op, "relu", op.result.type, settings)


@_LAYERS.row(Table)
def _table(op: Table, settings: TargetSettings) -> Layer:
    return _activation(op, "table", op.result.type, settings)


@_LAYERS.row(Softmax)
def _softmax(op: Softmax, settings: TargetSettings) -> Layer:
    return _activation(op, "softmax", op.result.type, settings)


def _activation(op: Op, function: str, type_: FixedType, settings: TargetSettings) -> Layer:
    return Layer("activation", op.name, op.result.size, settings.strategy, function=function, input=_width(type_))


@_LAYERS.row(Add, Compare, Select, GatherBy)
def _add(op: Op, settings: TargetSettings) -> Layer:
    return Layer("merge", op.name, op.result.size, settings.strategy, input=_width(op.result.type))


@_LAYERS.row(Multiply)
def _multiply(op: Multiply, settings: TargetSettings) -> Layer:
    """A merge; its multipliers are counted as hls4ml's reports of merges have them."""
    return Layer("merge", op.name, op.result.size, settings.strategy, input=_width(op.result.type))


@_LAYERS.row(Reduce)
def _reduce(op: Reduce, settings: TargetSettings) -> Layer:
    return Layer(
        "pooling",
        op.name,
        op.operand.size,
        settings.strategy,
        in_positions=op.operand.size,
        window=op.runs[1],
        function="average" if op.is_sum else "max",
        input=_width(op.operand.type),
    )


@_LAYERS.row(ArgMax)
def _argmax(op: ArgMax, settings: TargetSettings) -> Layer:
    n = op.operand.size
    return Layer(
        "pooling",
        op.name,
        n,
        settings.strategy,
        in_positions=n,
        window=n,
        function="max",
        input=_width(op.operand.type),
    )


@_LAYERS.row(Forest)
def _forest(op: Forest, settings: TargetSettings) -> Layer:
    nodes, trees = max(1, op.n_nodes), max(1, op.n_trees)
    comparisons = max(1, len(distinct_comparisons(op)[0])) if op.n_nodes else 1
    depth = int(tree_depths(op).max(initial=0))
    forest = ForestSize(trees, depth, nodes, comparisons, op.n_outputs, op.operand.type.width, "hls")
    return Layer("forest", op.name, op.n_outputs, settings.strategy, input=_width(op.operand.type), forest=forest)


def _width(type_: FixedType) -> Width:
    return Width(type_.width, type_.integer_bits)


_LAYERS.complete(PLAIN_OPS)
