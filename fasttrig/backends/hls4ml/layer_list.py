"""From ops to hls4ml layers: what each op becomes, with every type spelled out.

One row per op class. A `Cast` whose operand has no other user becomes the result type of the layer that makes the
operand, as hls4ml's own projects have it; alone it becomes a linear activation, which is one assignment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fasttrig.backends.hls4ml.names import layer_names
from fasttrig.backends.hls4ml.own_layers import too_coarse
from fasttrig.backends.hls4ml.planner import LAYERS, Hls4mlLayer, LayerPlan, Planner, drops_too_much
from fasttrig.backends.hls4ml.precision import Precision
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FLOAT64_BITS, FixedType, FloatArray, to_value
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import (
    PLAIN_OPS,
    Add,
    Cast,
    Concat,
    Const,
    Input,
    MatMul,
    Multiply,
    Relu,
    Reshape,
    Scale,
)

STREAM_READERS = 7
"""How often hls4ml can copy a stream."""


def plan(graph: Graph, io_type: str) -> LayerPlan:
    """The hls4ml layers of `graph`.

    Raises
    ------
    UnsupportedError
        For an op that hls4ml's templates cannot compute exactly.
    """
    planner = Planner(graph, io_type == "io_stream", layer_names(graph))
    for op in graph.ops:
        if op.result not in planner.made_by:
            LAYERS(op, planner)
    outputs = planner.separate_outputs()
    inputs = tuple(planner.made_by[op.result] for op in graph.inputs)
    if planner.streamed:
        _check_streams(planner.layers, outputs)
    return LayerPlan(tuple(planner.layers), inputs, outputs, planner.made_by)


def values_of(const: Const, where: str) -> FloatArray:
    """The constant as the doubles that hls4ml prints; same shape. Refuses integers that a double would round."""
    largest = int(np.abs(const.raw.astype(object)).max()) if const.raw.size else 0
    if largest.bit_length() > FLOAT64_BITS:
        raise UnsupportedError(
            "a constant is too wide for hls4ml, which stores weights as doubles",
            where=f"{where} > '{const.name}'",
            got=f"{const.type}, {largest.bit_length()} bits",
            want=f"at most {FLOAT64_BITS} bits",
            try_="quantise the weights to fewer bits",
        )
    return to_value(const.raw, const.type)


def _check_streams(layers: list[Hls4mlLayer], outputs: tuple[str, ...]) -> None:
    for layer in layers:
        readers = sum(other.inputs.count(layer.name) for other in layers) + outputs.count(layer.name)
        if readers > STREAM_READERS:
            raise UnsupportedError(
                "hls4ml cannot copy a stream to this many readers",
                where=layer.where,
                got=f"{readers} readers",
                want=f"at most {STREAM_READERS}",
                try_="io_type = 'io_parallel'",
            )


@LAYERS.row(Input)
def _input(op: Input, planner: Planner) -> None:
    attributes = {"input_shape": list(op.result.shape)}
    planner.put("InputLayer", (op,), {"result": Precision(op.result.type)}, inputs=(), attributes=attributes)


@LAYERS.row(MatMul)
def _matmul(op: MatMul, planner: Planner) -> None:
    accum = Precision(op.accum_type)
    if op.narrowed:
        accum = Precision(op.accum_type, op.accum_rounding, op.accum_overflow)
        _check_narrowed(op)
    n_in, n_out = op.weight.shape
    precisions = {"accum": accum, "weight": Precision(op.weight.type), "bias": Precision(op.bias.type)}
    weights = {"weight": op.weight, "bias": op.bias}
    if len(op.operand.shape) == 1:
        attributes: dict[str, Any] = {"n_in": n_in, "n_out": n_out}
        planner.add("Dense", op, inputs=(op.operand,), precisions=precisions, attributes=attributes, weights=weights)
        return
    if len(op.operand.shape) > 2 and planner.streamed:
        raise UnsupportedError(
            "hls4ml does not stream matrix products on tensors of this rank",
            where=op.where,
            got=str(op.operand.shape),
            want="(features,) or (time, features)",
            try_="reshape to (time, features) before it, or io_type = 'io_parallel'",
        )
    time = op.operand.size // n_in
    attributes = {
        "data_format": "channels_last",
        "n_chan": n_in,
        "n_filt": n_out,
        "in_width": time,
        "out_width": time,
        "filt_width": 1,
        "stride_width": 1,
        "pad_left": 0,
        "pad_right": 0,
    }
    if len(op.operand.shape) == 2:
        planner.add("Conv1D", op, inputs=(op.operand,), precisions=precisions, attributes=attributes, weights=weights)
        return
    source = planner.made_by[op.operand]
    _as_rows(op, planner, (time, n_in))
    planner.add("Conv1D", op, inputs=(op.operand,), precisions=precisions, attributes=attributes, weights=weights)
    _as_tensor(planner)
    planner.made_by[op.operand] = source


def _as_rows(op: MatMul, planner: Planner, shape: tuple[int, int]) -> None:
    """hls4ml reads sizes off its own tensors: the same array as (time, features)."""
    name, source = f"{planner.names[op.result]}_as_rows", planner.made_by[op.operand]
    precisions = {"result": planner.precision_of(op.operand)}
    planner.layers.append(Hls4mlLayer(name, "Reshape", (source,), {"target_shape": list(shape)}, precisions, (op,)))
    planner.made_by[op.operand] = name


def _as_tensor(planner: Planner) -> None:
    """The last layer's array in the shape of its value."""
    last = planner.layers[-1]
    name, attributes = f"{last.name}_as_tensor", {"target_shape": list(last.value.shape)}
    planner.layers.append(Hls4mlLayer(name, "Reshape", (last.name,), attributes, {"result": last.result}, last.ops))
    for op in last.ops:
        planner.made_by[op.result] = name


def _check_narrowed(op: MatMul) -> None:
    product = op.product_type
    for what, source in (("product", product), ("bias", op.bias.type)):
        if drops_too_much(source, op.accum_type, op.accum_rounding):
            raise too_coarse(op, f"{what} {source}", str(op.accum_type))


@LAYERS.row(Scale)
def _scale(op: Scale, planner: Planner) -> None:
    n_channels = op.operand.shape[-1]
    planner.add(
        "BatchNormalization",
        op,
        inputs=(op.operand,),
        precisions={"scale": Precision(op.scale.type), "bias": Precision(op.offset.type)},
        attributes={"n_in": op.operand.size, "n_filt": n_channels if len(op.operand.shape) > 1 else -1},
        weights={"scale": op.scale, "bias": op.offset},
    )


@LAYERS.row(Cast)
def _cast(op: Cast, planner: Planner) -> None:
    """One assignment; from a wider copy where the operand has fewer bits than are dropped (see `drops_too_much`)."""
    attributes = {"activation": "linear", "n_in": op.operand.size}
    name, source = planner.names[op.result], planner.made_by[op.operand]
    if drops_too_much(op.operand.type, op.result.type, op.rounding):
        width = op.operand.type.fraction_bits - op.result.type.fraction_bits
        wide = replace(op.operand.type, width=width, integer_bits=width - op.operand.type.fraction_bits)
        copy = Hls4mlLayer(f"{name}_wide", "Activation", (source,), attributes, {"result": Precision(wide)}, (op,))
        planner.layers.append(copy)
        source = copy.name
    precisions = {"result": Precision(op.result.type, op.rounding, op.overflow)}
    planner.layers.append(Hls4mlLayer(name, "Activation", (source,), attributes, precisions, (op,)))
    planner.made_by[op.result] = name


@LAYERS.row(Relu)
def _relu(op: Relu, planner: Planner) -> None:
    n_in = op.operand.size
    if op.limit_raw is None and op.negative_shift is None:
        planner.add("Activation", op, inputs=(op.operand,), attributes={"activation": "relu", "n_in": n_in})
        return
    shift = op.negative_shift or 0
    low, high = op.operand.type.min_raw << shift, op.operand.type.max_raw << shift
    limit = high if op.limit_raw is None else op.limit_raw
    full = FixedType.covering(min(low, limit), max(high, limit), op.operand.type.fraction_bits + shift, signed=True)
    planner.add(
        "FasttrigRelu",
        op,
        inputs=(op.operand,),
        precisions={"full": Precision(full)},
        attributes={
            "output_shape": op.result.shape,
            "n_in": n_in,
            "leaky": op.negative_shift is not None,
            "negative_shift": shift,
            "limit_raw": limit,
        },
    )


@LAYERS.row(Add)
def _add(op: Add, planner: Planner) -> None:
    planner.add("Merge", op, inputs=(op.left, op.right), attributes={"op": "add"})


@LAYERS.row(Multiply)
def _multiply(op: Multiply, planner: Planner) -> None:
    planner.add("Merge", op, inputs=(op.left, op.right), attributes={"op": "multiply"})


@LAYERS.row(Concat)
def _concat(op: Concat, planner: Planner) -> None:
    """hls4ml joins two at a time: parts fold from the left, each step at the result's type."""
    if planner.streamed and op.axis != len(op.result.shape) - 1:
        raise UnsupportedError(
            "hls4ml cannot concatenate streams along this axis",
            where=op.where,
            got=f"axis {op.axis}, io_stream",
            want="the last axis",
            try_="io_type = 'io_parallel'",
        )
    if len(op.result.shape) > 3:
        raise UnsupportedError(
            "hls4ml concatenates tensors up to rank 3 only", where=op.where, got=str(op.result.shape)
        )
    attributes = {"op": f"concatenate{len(op.result.shape)}d", "axis": op.axis + 1}
    joined = planner.made_by[op.parts[0]]
    if len(op.parts) == 1:
        planner.add("Activation", op, inputs=op.parts, attributes={"activation": "linear", "n_in": op.result.size})
        return
    for number, part in enumerate(op.parts[1:-1], start=1):
        name = f"{planner.names[op.result]}_part{number}"
        inputs = (joined, planner.made_by[part])
        precisions = {"result": Precision(op.result.type)}
        planner.layers.append(Hls4mlLayer(name, "Concatenate", inputs, dict(attributes), precisions, (op,)))
        joined = name
    planner.add("Concatenate", op, inputs=(op.parts[0], op.parts[-1]), attributes=attributes)
    last = planner.layers.pop()
    planner.layers.append(replace(last, inputs=(joined, last.inputs[1])))


@LAYERS.row(Reshape)
def _reshape(op: Reshape, planner: Planner) -> None:
    """In a stream only a dense layer can read a flattened tensor in its old packing; for others it is repacked."""
    users = planner.graph.users(op.result)
    # Reason for asking the class: among hls4ml's layers only Dense reads a stream in any packing.
    in_place = all(isinstance(user, MatMul) for user in users) and len(op.result.shape) == 1
    kind = "Repack" if planner.streamed and not (users and in_place) else "Reshape"
    attributes = {"target_shape": list(op.result.shape)}
    same_array = planner.precision_of(op.operand) if kind == "Reshape" else Precision(op.result.type)
    planner.put(kind, (op,), {"result": same_array}, inputs=(op.operand,), attributes=attributes)


LAYERS.complete(PLAIN_OPS)
