"""Network: a deep set. Dense 3-16-16 on each of sixteen constituents with the same weights, their sum, then dense
16-32-16-5. Weights fixed<7,1>, activations ufixed<7,2>, after the sum ufixed<8,4>; the sum is exact.

Published deep sets have up to 150 constituents with 100 and more numbers each. This network has 16 constituents with 16
numbers each, so that it fits a trigger.
"""

from qkeras import QDense, quantized_bits, quantized_relu
from tf_keras import Input, Model, layers

from fasttrig.layers import SumOver

N_CONSTITUENTS, N_COLUMNS = 16, 3
PER_CONSTITUENT, CLASSIFIER = (16, 16), (32, 16)


def quantised_network(n_features, n_classes):
    return deep_set("jet_deepsets", quantised_dense, n_classes)


def float_network(n_features, n_classes):
    return deep_set("jet_deepsets_float", float_dense, n_classes)


def deep_set(name, dense, n_classes):
    """The same layers for both networks; `dense` makes one, with a ReLU or without."""
    x = constituents = Input((N_CONSTITUENTS, N_COLUMNS), name="constituents")
    for number, width in enumerate(PER_CONSTITUENT, start=1):
        x = dense(width, f"phi{number}")(x)
    x = SumOver(0, name="sum")(x)
    for number, width in enumerate(CLASSIFIER, start=1):
        x = dense(width, f"rho{number}", wide=True)(x)
    x = dense(n_classes, "logits", relu=False)(x)
    return Model(constituents, layers.Activation("softmax", name="softmax")(x), name=name)


def quantised_dense(width, name, relu=True, wide=False):
    """QKeras leaves the sign out of `integer`: quantized_bits(7, 0) is ap_fixed<7,1>."""
    activation = (quantized_relu(8, 4) if wide else quantized_relu(7, 2)) if relu else None
    bits = {"kernel_quantizer": quantized_bits(7, 0, alpha=1), "bias_quantizer": quantized_bits(7, 0, alpha=1)}
    return QDense(width, activation=activation, name=name, kernel_initializer="lecun_uniform", **bits)


def float_dense(width, name, relu=True, wide=False):
    return layers.Dense(width, activation="relu" if relu else None, name=name)
