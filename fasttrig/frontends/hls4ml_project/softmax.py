"""The softmax of the headers: tables of exponentials and of inverses, addressed by the highest bits of a number."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding
from fasttrig.frontends.hls4ml_project.activations import Float32Array, exp_float32, fixed_value, looked_up
from fasttrig.frontends.hls4ml_project.layer import ProjectLayer, fixed_of
from fasttrig.frontends.trees.conifer_types import CppType
from fasttrig.ir.ops import Const, Reduction, Value

_BODIES = (
    *("softmax", "softmax_idx_from_real_val", "softmax_real_val_from_idx", "exp_fcn_float", "init_exp_table"),
    *("init_invert_table", "reduce", "Op_add", "ceillog2", "floorlog2", "pow2", "softmax_implementation"),
)
_SETTINGS = (
    *("n_in", "n_slice", "n_outer", "n_inner", "exp_table_size", "inv_table_size", "implementation", "exp_scale"),
    *("exp_table_t", "inv_table_t", "accum_t", "inv_inp_t", "inp_norm_t"),
)


@dataclass(frozen=True, slots=True)
class _Tables:
    """What a generation of the headers takes from the configuration: sizes and types by their settings."""

    n_slice: str
    exp_size: str
    inverse_size: str
    accum: str
    inverse_input: str


_FIRST = _Tables("n_in", "table_size", "table_size", "exp_table_t", "exp_table_t")
"""Up to release 1.1: one size, and the sum in the type of the exponentials."""

_SECOND = _Tables("n_slice", "exp_table_size", "inv_table_size", "accum_t", "inv_inp_t")


def softmax(layer: ProjectLayer) -> None:
    """``nnet::softmax<data_T, res_T, CONFIG_T>(data, res)``, implementations latency and stable."""
    layer.takes(3, 2)
    kind = layer.word("implementation").rpartition("::")[2]
    own = {"stable": ("softmax_stable", "Op_max"), "latency": ("softmax_latency",)}.get(kind)
    if own is None:
        raise layer.refusal("a softmax that fasttrig does not read", kind, "stable or latency")
    layer.understands(*_SETTINGS, bodies=(*_BODIES, *own))
    is_first = layer.reading.headers.is_of(own[0], "1.1.0")
    tables = _FIRST if is_first else _SECOND
    if not is_first and layer.number("exp_scale") != 1.0:
        raise layer.refusal("a softmax with a scale", str(layer.number("exp_scale")), "1.0")
    operand = layer.operand(0, layer.whole(tables.n_slice))
    of_type, is_negative = layer.array(0).type, False
    if kind == "stable" and is_first:
        operand = _above_least(layer, operand)
    elif kind == "stable":
        operand, of_type, is_negative = _below_greatest(layer, operand), layer.type("inp_norm_t"), True
    exponentials = _exponentials(layer, tables, operand, of_type, negative=is_negative)
    inverse = _inverse(layer, tables, exponentials)
    built = layer.reading.builder
    spread = built.gather(layer.name("inverses"), inverse, 0, [0] * operand.size, origin=layer.origin)
    layer.write_cast(built.multiply(layer.name("product"), exponentials, spread, origin=layer.origin))


def _above_least(layer: ProjectLayer, operand: Value) -> Value:
    """``data_T(ap_fixed<width, iwidth, AP_RND, AP_SAT>(data[i] - x_max))``, of the first generation."""
    built, n_slice = layer.reading.builder, operand.shape[0]
    minus = Const.covering(layer.name("minus"), np.full(n_slice, -1), 0)
    zero = Const.covering(layer.name("none"), np.zeros(n_slice, dtype=np.int64), 0)
    above = built.scale(layer.name("above"), _difference(layer, operand), minus, zero, origin=layer.origin)
    signed = replace(fixed_of(layer.array(0).type), signed=True)
    saturated = layer.fixed_cast(above, signed, Rounding.RND, Overflow.SAT, "saturated")
    return layer.cast(saturated, layer.array(0).type, "index_input")


def _below_greatest(layer: ProjectLayer, operand: Value) -> Value:
    """``inp_norm_t(x_max - data[i])``."""
    return layer.cast(_difference(layer, operand), layer.type("inp_norm_t"), "normed")


def _difference(layer: ProjectLayer, operand: Value) -> Value:
    """``x_max - data[i]``, exact."""
    built, n_slice = layer.reading.builder, operand.shape[0]
    greatest = built.reduce(layer.name("greatest"), operand, 0, Reduction.MAX, origin=layer.origin)
    spread = built.gather(layer.name("greatests"), greatest, 0, [0] * n_slice, origin=layer.origin)
    minus = Const.covering(layer.name("minus_one"), np.full(n_slice, -1), 0)
    zero = Const.covering(layer.name("zero"), np.zeros(n_slice, dtype=np.int64), 0)
    turned = built.scale(layer.name("turned"), operand, minus, zero, origin=layer.origin)
    return built.add(layer.name("below"), spread, turned, origin=layer.origin)


def _exponentials(layer: ProjectLayer, tables: _Tables, operand: Value, of_type: CppType, *, negative: bool) -> Value:
    """``accum_t(exp_table[top bits])``."""
    index, x = _top_bits(layer, operand, fixed_of(of_type), layer.whole(tables.exp_size), "exp_index")
    table_type = layer.type("exp_table_t")
    raw = fixed_value(table_type, exp_float32(-x if negative else x))
    table = layer.const("exponentials", fixed_of(table_type), raw)
    return layer.cast(looked_up(layer, index, table, "exp"), layer.type(tables.accum), "exp")


def _inverse(layer: ProjectLayer, tables: _Tables, exponentials: Value) -> Value:
    """``invert_table[top bits of inv_inp_t(sum)]``; the sum of numbers that are not negative saturates at its end."""
    accum, sum_type = layer.type(tables.accum), layer.type(tables.inverse_input)
    if accum.overflow is not Overflow.WRAP and not _saturates_once(layer, accum):
        raise layer.refusal("a sum of exponentials whose order matters", accum.text, "types that saturate")
    built = layer.reading.builder
    exact = built.reduce(layer.name("total"), exponentials, 0, Reduction.SUM, origin=layer.origin)
    total = layer.cast(layer.cast(exact, accum, "accumulated"), sum_type, "inverse_input")
    index, x = _top_bits(layer, total, fixed_of(sum_type), layer.whole(tables.inverse_size), "inverse_index")
    table_type = layer.type("inv_table_t")
    if table_type.overflow is not Overflow.SAT:
        raise layer.refusal("a table of inverses that does not saturate at 1 / 0", table_type.text, "AP_SAT")
    with np.errstate(divide="ignore"):
        raw = fixed_value(table_type, np.float32(1) / x)
    table = layer.const("inverses_table", fixed_of(table_type), raw)
    return looked_up(layer, index, table, "inverse")


def _saturates_once(layer: ProjectLayer, accum: CppType) -> bool:
    """Whether a sum in any order is the exact sum, saturated: no exponential is negative."""
    return accum.overflow is Overflow.SAT and layer.type("exp_table_t").overflow is Overflow.SAT


def _top_bits(
    layer: ProjectLayer, operand: Value, of_type: FixedType, n_entries: int, part: str
) -> tuple[Value, Float32Array]:
    """The highest bits of a number as an index, and the numbers that they stand for, the least first."""
    width = n_entries.bit_length() - 1
    if n_entries != 1 << width or width > of_type.width:
        raise layer.refusal("a table that its index does not fit", f"{n_entries} entries, {of_type}", "a power of two")
    kind = replace(of_type, width=width)
    index = layer.fixed_cast(operand, kind, Rounding.TRN, Overflow.WRAP, part)
    raw: IntArray = np.arange(kind.min_raw, kind.max_raw + 1)
    return index, np.ldexp(raw.astype(np.float64), -kind.fraction_bits).astype(np.float32)
