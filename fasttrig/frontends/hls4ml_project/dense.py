"""Dense layers and normalisations: bias first, each product cast to the accumulator, the sum cast to the result."""

from __future__ import annotations

import numpy as np

from fasttrig.base.fixed import FixedType, IntArray, Overflow
from fasttrig.frontends.hls4ml_project.layer import ProjectLayer, fixed_of
from fasttrig.frontends.trees.conifer_types import CppType
from fasttrig.ir.ops import Const, MatMul, Value

_LATENCY, _RF_LEQ, _RF_GT = (
    *("nnet::DenseLatency", "nnet::DenseResource_rf_leq_nin"),
    "nnet::DenseResource_rf_gt_nin_rem0",
)
_PRODUCTS = {
    "nnet::product::mult": "product::mult",
    "nnet::product::weight_binary": "product::weight_binary",
    "nnet::product::weight_ternary": "product::weight_ternary",
}
_BODIES = {
    _LATENCY: ("dense_latency",),
    _RF_LEQ: ("dense_resource_rf_leq_nin",),
    _RF_GT: ("dense_resource_rf_gt_nin_rem0",),
}


def dense(layer: ProjectLayer) -> None:
    """``nnet::dense<data_T, res_T, CONFIG_T>(data, res, weights, biases)``."""
    layer.takes(3, 4)
    layer.reading.headers.require(["dense"])
    kernel = _by_strategy(layer) if layer.reading.headers.is_of("dense", "0.8.1") else layer.word("kernel")
    if kernel not in _BODIES:
        raise layer.refusal("a strategy of dense layers that fasttrig does not read", kernel, ", ".join(_BODIES))
    product = _product(layer)
    settings = ("n_in", "n_out", "accum_t", "bias_t", "weight_t", "kernel", "product")
    layer.understands(*settings, bodies=("dense", *_BODIES[kernel], product, "cast"))
    if "kernel" in layer.config.types:
        layer.reading.headers.require([kernel.removeprefix("nnet::")])
    n_in, n_out = layer.whole("n_in"), layer.whole("n_out")
    weight_type, bias_type = layer.type("weight_t"), layer.type("bias_t")
    transposed = kernel != _LATENCY
    shape = (n_out, n_in) if transposed else (n_in, n_out)
    weight = layer.weights(2, weight_type, *shape)
    if transposed:
        weight = weight.T
    operand = layer.operand(0, n_in)
    refuse_binary(layer, layer.array(0).type)
    order = _order(layer, kernel, n_in)
    if order is not None:
        operand = layer.reading.builder.gather(layer.name("in_order"), operand, 0, order, origin=layer.origin)
        weight = weight[order]
    factors = products_weight(layer, product, weight_type, weight)
    bias = layer.const("bias", fixed_of(bias_type), layer.weights(3, bias_type, n_out))
    layer.write_cast(multiplied(layer, operand, factors, bias), n_out)


def _order(layer: ProjectLayer, kernel: str, n_in: int) -> list[int] | None:
    """The order in which the kernel adds, where it is not that of the inputs and an accumulator may saturate."""
    reuse = layer.whole("reuse_factor")
    if kernel == _RF_GT and (reuse <= n_in or reuse % n_in):
        raise layer.refusal("a reuse factor that this kernel cannot have", str(reuse), f"a multiple of {n_in}")
    if kernel != _RF_LEQ:
        return None
    if not 0 < reuse <= n_in or n_in % reuse:
        raise layer.refusal("a reuse factor with which this kernel mixes up its weights", str(reuse), f"divides {n_in}")
    if reuse == 1 or layer.type("accum_t").overflow is Overflow.WRAP:
        return None
    return [first + step * reuse for first in range(reuse) for step in range(n_in // reuse)]


def _by_strategy(layer: ProjectLayer) -> str:
    """The kernel that the ``dense`` of the releases before 1.0 chooses."""
    if layer.word("strategy") == "nnet::latency":
        return _LATENCY
    layer.reading.headers.require(["dense_resource"])
    reuse, n_in = layer.whole("reuse_factor"), layer.whole("n_in")
    if reuse > n_in and reuse % n_in:
        raise layer.refusal("a reuse factor that fasttrig does not read", str(reuse), f"divides {n_in}, or a multiple")
    return _RF_LEQ if reuse <= n_in else _RF_GT


def _product(layer: ProjectLayer) -> str:
    product = layer.word("product")
    if product not in _PRODUCTS:
        raise layer.refusal("a product that fasttrig does not read", product, ", ".join(_PRODUCTS))
    return _PRODUCTS[product]


def refuse_binary(layer: ProjectLayer, of_type: CppType) -> None:
    """``ap_uint<1>`` data mean -1 and 1 in some products and sums: not read."""
    if of_type.text == "ap_uint<1>":
        raise layer.refusal("a dense layer of binary data", of_type.text, "numbers of more bits")


def products_weight(layer: ProjectLayer, product: str, of_type: CppType, raw: IntArray) -> Const:
    """The weights as the factors that they are: of binary ones, 0 means -1."""
    if product == "product::mult":
        return layer.const("weight", fixed_of(of_type), raw)
    if fixed_of(of_type).fraction_bits or (product == "product::weight_ternary" and of_type.text != "ap_int<2>"):
        raise layer.refusal(f"weights of {product} in a type that fasttrig does not read", of_type.text)
    factors = np.where(raw == 0, -1, 1) if product == "product::weight_binary" else np.where(raw == -2, 1, raw)
    return layer.const("weight", FixedType(2, 2), factors)


def multiplied(layer: ProjectLayer, operand: Value, weight: Const, bias: Const) -> Value:
    """The sums in ``accum_t``, each product and each sum cast to it; plain where nothing can be lost."""
    accum, built = layer.type("accum_t"), layer.reading.builder
    exact = built.matmul(layer.name("sum"), operand, weight, bias, origin=layer.origin)
    if fixed_of(accum).contains(exact.type):
        return exact
    narrowed = MatMul(
        result=Value(exact.name, exact.shape, fixed_of(accum)),
        operand=operand,
        weight=weight,
        bias=bias,
        narrowed=True,
        accum_rounding=accum.rounding,
        accum_overflow=accum.overflow,
        origin=layer.origin,
    )
    built.ops[-1] = narrowed
    return narrowed.result


def normalize(layer: ProjectLayer) -> None:
    """``nnet::normalize<data_T, res_T, CONFIG_T>(data, res, scale, bias)``."""
    layer.takes(3, 4)
    product = _product(layer)
    if product != "product::mult":
        raise layer.refusal("a normalisation with a product that fasttrig does not read", product, "product::mult")
    layer.understands("n_in", "n_filt", "bias_t", "scale_t", "product", bodies=("normalize", product))
    n_in, n_filt = layer.whole("n_in"), layer.whole("n_filt")
    n_filt = n_in if n_filt == -1 else n_filt
    if n_filt < 1 or n_in % n_filt:
        raise layer.refusal("a number of filters that does not divide the inputs", str(n_filt), str(n_in))
    operand, built = layer.operand(0, n_in), layer.reading.builder
    scale_type, bias_type = layer.type("scale_t"), layer.type("bias_t")
    scale = np.tile(layer.weights(2, scale_type, n_filt), n_in // n_filt)
    bias = np.tile(layer.weights(3, bias_type, n_filt), n_in // n_filt)
    scaled = built.scale(
        layer.name("scaled"),
        operand,
        layer.const("scale", fixed_of(scale_type), scale),
        layer.const("bias", fixed_of(bias_type), bias),
        origin=layer.origin,
    )
    layer.write_cast(scaled, n_in)
