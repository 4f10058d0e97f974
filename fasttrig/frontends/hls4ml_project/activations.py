"""Activations of a project: element by element, or by the tables that the headers fill."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding, from_value
from fasttrig.frontends.hls4ml_project.expressions import UnknownExpressionError, number_of
from fasttrig.frontends.hls4ml_project.layer import ProjectLayer, fixed_of
from fasttrig.frontends.trees.conifer_types import CppType
from fasttrig.ir.ops import Const, Value

Float32Array = npt.NDArray[np.float32]
_INT_BITS = 31


def linear(layer: ProjectLayer) -> None:
    """``nnet::linear``: a cast."""
    layer.takes(3, 2)
    layer.understands("n_in", bodies=("linear",))
    layer.write_cast(layer.operand(0, layer.whole("n_in")))


def relu(layer: ProjectLayer) -> None:
    """``nnet::relu``."""
    layer.takes(3, 2)
    layer.understands("n_in", bodies=("relu",))
    operand = layer.operand(0, layer.whole("n_in"))
    layer.write_cast(layer.reading.builder.relu(layer.name("positive"), operand, origin=layer.origin))


def relu_max(layer: ProjectLayer) -> None:
    """``nnet::relu1``, ``nnet::relu6`` and ``nnet::relu_max<data_T, res_T, limit, CONFIG_T>``."""
    fixed = {"nnet::relu1": 1, "nnet::relu6": 6}.get(layer.call.function)
    layer.takes(3 if fixed else 4, 2)
    limit = fixed or _number(layer, "".join(token.text for token in layer.call.template_arguments[2]))
    own = (layer.call.function.removeprefix("nnet::"),)
    layer.understands("n_in", bodies=("relu_max", *own))
    operand = layer.operand(0, layer.whole("n_in"))
    bits = operand.type.fraction_bits
    if bits < 0 or not isinstance(limit, int):
        raise layer.refusal("a limit that is not on the grid of the operand", f"{limit} in {operand.type}")
    raw = limit << bits
    layer.write_cast(layer.reading.builder.relu(layer.name("limited"), operand, limit_raw=raw, origin=layer.origin))


def leaky_relu(layer: ProjectLayer) -> None:
    """``nnet::leaky_relu<data_T, param_T, res_T, CONFIG_T>(data, alpha, res)``: one slope."""
    layer.takes(4, 3)
    layer.understands("n_in", "param_t", bodies=("leaky_relu",))
    declared, top = layer.reading.declared, layer.reading.top
    of_type = declared.type_of(top.source, layer.call.template_arguments[1], {})
    slope = _number(layer, "".join(token.text for token in layer.call.arguments[1]))
    n_in = layer.whole("n_in")
    _sloped(layer, n_in, of_type, np.full(n_in, fixed_value(of_type, np.array([slope]))[0]))


def prelu(layer: ProjectLayer) -> None:
    """``nnet::prelu<data_T, param_T, res_T, CONFIG_T>(data, alpha, res)``: a slope for each element."""
    layer.takes(4, 3)
    layer.understands("n_in", "param_t", bodies=("prelu",))
    of_type = layer.reading.declared.type_of(layer.reading.top.source, layer.call.template_arguments[1], {})
    n_in = layer.whole("n_in")
    _sloped(layer, n_in, of_type, layer.weights(1, of_type, n_in))


def _sloped(layer: ProjectLayer, n_in: int, of_type: CppType, slope: IntArray) -> None:
    """Two halves, each cast to the result, of which one is always 0."""
    built, operand, kind = layer.reading.builder, layer.operand(0, n_in), fixed_of(of_type)
    minus = Const.covering(layer.name("minus_one"), np.full(n_in, -1), 0)
    falling = Const.covering(layer.name("slope"), -slope, kind.fraction_bits)
    zero = Const.covering(layer.name("zero"), np.zeros(n_in, dtype=np.int64), 0)
    positive = built.relu(layer.name("positive"), operand, origin=layer.origin)
    turned = built.scale(layer.name("turned"), operand, minus, zero, origin=layer.origin)
    negative = built.relu(layer.name("negative"), turned, origin=layer.origin)
    sloped = built.scale(layer.name("sloped"), negative, falling, zero, origin=layer.origin)
    halves = [layer.cast(half, layer.result.type, part) for half, part in ((positive, "upper"), (sloped, "lower"))]
    layer.write_cast(built.add(layer.name("both"), *halves, origin=layer.origin))


def sigmoid(layer: ProjectLayer) -> None:
    """``nnet::sigmoid``: a table from -8 to 8."""
    bodies = ("sigmoid", "init_sigmoid_table", "sigmoid_fcn_float")
    _tabulated(layer, bodies, 4, _sigmoid, "sigmoid")


def tanh(layer: ProjectLayer) -> None:
    """``nnet::tanh``: a table from -4 to 4."""
    _tabulated(layer, ("tanh", "init_tanh_table"), 3, lambda x: _each(math.tanh, x), "tanh")


def _sigmoid(x: Float32Array) -> npt.NDArray[np.float64]:
    one = np.float32(1)
    return (1.0 / (one + exp_float32(-x)).astype(np.float64)).astype(np.float32).astype(np.float64)


def _tabulated(
    layer: ProjectLayer,
    bodies: tuple[str, ...],
    integer_bits: int,
    function: Callable[[Float32Array], npt.NDArray[np.float64]],
    name: str,
) -> None:
    """A look-up as the headers do it: the index is the operand's value, cut towards zero and kept inside the table."""
    layer.takes(3, 2)
    layer.understands("n_in", "table_size", "table_t", bodies=bodies)
    operand, n_entries = layer.operand(0, layer.whole("n_in")), layer.whole("table_size")
    width = n_entries.bit_length() - 1
    if n_entries != 1 << width or width < integer_bits + 1:
        raise layer.refusal("a table whose size is no power of two, or too small", str(n_entries))
    if operand.type.integer_bits + width - integer_bits + 1 > _INT_BITS:
        raise layer.refusal("an operand that overflows the index of the table", str(operand.type), "an int of 32 bits")
    index = layer.fixed_cast(operand, FixedType(width, integer_bits), Rounding.TRN_ZERO, Overflow.SAT, "index")
    x = (np.arange(-n_entries // 2, n_entries // 2) * 2.0 ** (integer_bits - width)).astype(np.float32)
    of_type = layer.type("table_t")
    table = layer.const("table", fixed_of(of_type), fixed_value(of_type, function(x)))
    layer.write_cast(looked_up(layer, index, table, name))


def looked_up(layer: ProjectLayer, index: Value, table: Const, function: str) -> Value:
    """`table` at `index`, whose type has one number for each entry."""
    name = layer.name(f"{function}_table")
    return layer.reading.builder.table(name, index, table, function, origin=layer.origin)


def exp_float32(x: Float32Array) -> Float32Array:
    """``std::exp(float)``: the float nearest to the exponential."""
    with np.errstate(over="ignore"):
        return np.exp(x.astype(np.float64)).astype(np.float32)


def _each(function: Callable[[float], float], x: Float32Array) -> npt.NDArray[np.float64]:
    return np.array([function(float(number)) for number in x])


def fixed_value(of_type: CppType, values: npt.ArrayLike) -> IntArray:
    """Raw integers of the numbers that a program assigns to variables of `of_type`."""
    largest = float(np.finfo(np.float32).max)
    held = np.clip(np.asarray(values, dtype=np.float64), -largest, largest)
    return from_value(held, fixed_of(of_type), of_type.rounding, of_type.overflow)


def _number(layer: ProjectLayer, text: str) -> int | float:
    """A literal of the call, with its sign."""
    try:
        return -number_of(text[1:]) if text.startswith("-") else number_of(text)
    except (UnknownExpressionError, IndexError):
        raise layer.refusal("an argument that is no number", text) from None
