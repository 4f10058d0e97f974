"""Layers of two operands: element by element, side by side, or their dot product."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fasttrig.base.fixed import Overflow
from fasttrig.frontends.hls4ml_project.layer import ProjectLayer, fixed_of
from fasttrig.ir.ops import Const, Reduction, Value

_SIZES = ("n_elem", "n_elem1", "n_elem2")


def merge(layer: ProjectLayer) -> None:
    """``nnet::add<in1_T, in2_T, res_T, CONFIG_T>(data1, data2, res)``, and the others of `MERGES`."""
    layer.takes(4, 3)
    name = layer.call.function.removeprefix("nnet::")
    layer.understands(*_SIZES, bodies=(name,))
    size = layer.whole("n_elem")
    sizes = [layer.whole(part) for part in _SIZES[1:]] if layer.reading.headers.is_of(name, "1.3.0") else [size, size]
    left, right = (_repeated(layer, place, own, size) for place, own in enumerate(sizes))
    layer.write_cast(MERGES[name](layer, left, right), size)


def _repeated(layer: ProjectLayer, place: int, own: int, size: int) -> Value:
    """The operand at ``i % own`` for all `size` elements."""
    operand = layer.operand(place, own)
    if own == size:
        return operand
    index = [element % own for element in range(size)]
    name = layer.name(f"repeated{place + 1}")
    return layer.reading.builder.gather(name, operand, 0, index, origin=layer.origin)


def _sum(layer: ProjectLayer, left: Value, right: Value) -> Value:
    return layer.reading.builder.add(layer.name("exact"), left, right, origin=layer.origin)


def _difference(layer: ProjectLayer, left: Value, right: Value) -> Value:
    return _sum(layer, left, _scaled(layer, right, -1, 0, "turned"))


def _product(layer: ProjectLayer, left: Value, right: Value) -> Value:
    return layer.reading.builder.multiply(layer.name("exact"), left, right, origin=layer.origin)


def _average(layer: ProjectLayer, left: Value, right: Value) -> Value:
    return _scaled(layer, _sum(layer, left, right), 1, 1, "half")


def _scaled(layer: ProjectLayer, value: Value, factor: int, fraction_bits: int, part: str) -> Value:
    """`value` times ``factor * 2**-fraction_bits``."""
    scale = Const.covering(layer.name(f"{part}_factor"), np.full(value.size, factor), fraction_bits)
    zero = Const.covering(layer.name(f"{part}_zero"), np.zeros(value.size, dtype=np.int64), 0)
    return layer.reading.builder.scale(layer.name(part), value, scale, zero, origin=layer.origin)


def _greater(layer: ProjectLayer, left: Value, right: Value) -> Value:
    return _chosen(layer, right, left, left, right)


def _smaller(layer: ProjectLayer, left: Value, right: Value) -> Value:
    return _chosen(layer, left, right, left, right)


def _chosen(layer: ProjectLayer, less: Value, more: Value, left: Value, right: Value) -> Value:
    """`left` where ``less < more``, else `right`; both cast to the result before the choice."""
    built, target = layer.reading.builder, layer.result.type
    condition = built.compare(layer.name("chooses"), less, more, origin=layer.origin)
    casts = (layer.cast(value, target, part) for value, part in ((left, "first"), (right, "second")))
    return built.select(layer.name("chosen"), condition, *casts, origin=layer.origin)


MERGES: dict[str, Callable[[ProjectLayer, Value, Value], Value]] = {
    "add": _sum,
    "subtract": _difference,
    "multiply": _product,
    "average": _average,
    "maximum": _greater,
    "minimum": _smaller,
}


def dot(layer: ProjectLayer) -> None:
    """``nnet::dot1d``: each product and each sum in ``accum_t``."""
    layer.takes(4, 3)
    if layer.word("product") != "nnet::product::mult":
        raise layer.refusal("a product that fasttrig does not read", layer.word("product"), "nnet::product::mult")
    layer.understands("n_in", "n_out", "accum_t", "product", bodies=("dot1d", "product::mult", "cast"))
    n_in, accum, built = layer.whole("n_in"), layer.type("accum_t"), layer.reading.builder
    left, right = layer.operand(0, n_in), layer.operand(1, n_in)
    if "ap_uint<1>" in (layer.array(0).type.text, layer.array(1).type.text):
        raise layer.refusal("a dot product of binary data", "ap_uint<1>")
    products = layer.cast(_product(layer, left, right), accum, "products")
    total = built.reduce(layer.name("total"), products, 0, Reduction.SUM, origin=layer.origin)
    if accum.overflow is not Overflow.WRAP and not fixed_of(accum).contains(total.type):
        raise layer.refusal("a dot product whose order matters", accum.text, "an accumulator that wraps or is wide")
    layer.write_cast(layer.cast(total, accum, "sum"), 1)


def concatenate(layer: ProjectLayer) -> None:
    """``nnet::concatenate1d`` and ``nnet::concatenate2d``: each number cast to the result."""
    layer.takes(4, 3)
    name = layer.call.function.removeprefix("nnet::")
    axes = int(name.removeprefix("concatenate").removesuffix("d"))
    parts = (name,) if axes == 1 else (name, f"{name}_0", f"{name}_1")
    settings = [f"n_elem{operand}_{axis}" for operand in (1, 2) for axis in range(3)]
    layer.understands(*settings, bodies=parts)
    shapes = [tuple(layer.whole(f"n_elem{operand}_{axis}") for axis in range(axes)) for operand in (1, 2)]
    axis = axes - 1 if axes == 1 or layer.whole("axis") in (axes, -1) else 0
    built, shaped = layer.reading.builder, []
    for place, shape in enumerate(shapes):
        operand = layer.operand(place, int(np.prod(shape)))
        shaped.append(built.reshape(layer.name(f"part{place + 1}"), operand, shape, origin=layer.origin))
    if shapes[0][:axis] + shapes[0][axis + 1 :] != shapes[1][:axis] + shapes[1][axis + 1 :]:
        raise layer.refusal("two shapes that do not fit together", f"{shapes[0]} and {shapes[1]}")
    joined = built.concat(layer.name("joined"), tuple(shaped), axis=axis, origin=layer.origin)
    layer.write_cast(built.reshape(layer.name("flat"), joined, (joined.size,), origin=layer.origin))
