"""Network: BatchNorm of 27 features, dense 64-32-32-2, softmax: 5,102 parameters, of which 5,048 are trained. Weights
fixed<8,2>, activations ufixed<8,3>, the normalised features fixed<10,4>.

This is the architecture of the H(bb) tagger of the CMS open data, quantised; nothing was scaled down. Its features are
those of our sample `hbb`: they resemble the features of CMS, but are not the same.
"""

from qkeras import QActivation, QDense, quantized_bits, quantized_relu
from tf_keras import Input, Model, layers

WIDTHS = (64, 32, 32)


def quantised_network(n_features, n_classes):
    """QKeras leaves the sign out of `integer`: quantized_bits(8, 1) is ap_fixed<8,2>."""
    bits = {"kernel_quantizer": quantized_bits(8, 1, alpha=1), "bias_quantizer": quantized_bits(8, 1, alpha=1)}
    x = features = Input((n_features,), name="features")
    x = layers.BatchNormalization(name="normalisation")(x)
    x = QActivation(quantized_bits(10, 3, alpha=1), name="normalised")(x)
    for number, width in enumerate(WIDTHS, start=1):
        x = QDense(width, activation=quantized_relu(8, 3), name=f"fc{number}", **bits)(x)
    x = QDense(n_classes, name="logits", **bits)(x)
    return Model(features, layers.Activation("softmax", name="softmax")(x), name="hbb_dense")


def float_network(n_features, n_classes):
    x = features = Input((n_features,), name="features")
    x = layers.BatchNormalization(name="normalisation")(x)
    for number, width in enumerate(WIDTHS, start=1):
        x = layers.Dense(width, activation="relu", name=f"fc{number}")(x)
    x = layers.Dense(n_classes, name="logits")(x)
    return Model(features, layers.Activation("softmax", name="softmax")(x), name="hbb_dense_float")
