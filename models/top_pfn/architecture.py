"""Network: a particle flow network. Dense 3-16-16 on each of fifteen constituents with the same weights, their sum,
then dense 16-32-16-2. Weights fixed<8,1>, activations ufixed<8,2>, after the sum ufixed<9,4>; the sum is exact.

The network of the comparison of top taggers (1902.09914) has up to 200 constituents with 256 numbers each, and 82
thousand parameters. This network has 15 constituents with 16 numbers each.
"""

from qkeras import QDense, quantized_bits, quantized_relu
from tf_keras import Input, Model, layers

from fasttrig.layers import SumOver

N_CONSTITUENTS, N_COLUMNS = 15, 3
PER_CONSTITUENT, CLASSIFIER = (16, 16), (32, 16)


def quantised_network(n_features, n_classes):
    return deep_set("top_pfn", quantised_dense, n_classes)


def float_network(n_features, n_classes):
    return deep_set("top_pfn_float", float_dense, n_classes)


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
    """QKeras leaves the sign out of `integer`: quantized_bits(8, 0) is ap_fixed<8,1>."""
    activation = (quantized_relu(9, 4) if wide else quantized_relu(8, 2)) if relu else None
    bits = {"kernel_quantizer": quantized_bits(8, 0, alpha=1), "bias_quantizer": quantized_bits(8, 0, alpha=1)}
    return QDense(width, activation=activation, name=name, kernel_initializer="lecun_uniform", **bits)


def float_dense(width, name, relu=True, wide=False):
    return layers.Dense(width, activation="relu" if relu else None, name=name)
