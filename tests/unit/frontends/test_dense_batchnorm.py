"""QDenseBatchnorm: the folded weights are what is quantised, in float32, as TensorFlow computes them."""

from __future__ import annotations

import numpy as np
import pytest

from fasttrig.base.errors import MissingPackageError, RefusalError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.reference.qkeras_run import framework_predict
from tests.unit.frontends.dense_batchnorm import folded_dense
from tests.unit.frontends.framework import keras, qdense, require_equal

INPUT = FixedType(10, 4)


def model(seed: int = 0, **options):
    x = keras.Input((8,), name="x")
    hidden = folded_dense(12, "fold", seed, activation="quantized_relu(6,1)", **options)(x)
    return keras.Model(x, qdense(3, "fc")(hidden))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_bias": False},
        {"scale": False},
        {"epsilon": 0.01},
        {"folding_mode": "batch_stats_folding"},
        {"kernel_quantizer": "quantized_bits(5,0,alpha='auto_po2')"},
    ],
)
def test_folded_weights_agree(options) -> None:
    graph = require_equal(model(**options), INPUT)
    assert [op.name for op in graph.ops] == ["x", "fold", "fold_relu", "fc"]


def test_files_keep_the_statistics_apart(tmp_path) -> None:
    live = model()
    want = [line.split(" from ")[0] for line in str(read_qkeras(live, input_type=INPUT, name="n")).splitlines()]
    for ending in ("h5", "keras"):
        live.save(tmp_path / f"n.{ending}")
        text = str(read_qkeras(tmp_path / f"n.{ending}", input_type=INPUT)).splitlines()
        assert [line.split(" from ")[0] for line in text] == want
    with pytest.raises(MissingPackageError, match="cannot load this model"):
        framework_predict(tmp_path / "n.h5", np.zeros((2, 8)))


def test_a_weight_on_a_tie_is_refused() -> None:
    """With scale 1 exactly, 0.5 / 32 is half a step: two units in the last place decide."""
    net = model(epsilon=2.0**-10)
    layer = net.get_layer("fold")
    weights = {variable.name.rsplit("/", 1)[-1]: variable for variable in layer.weights}
    for name, value in (("gamma:0", 1.0), ("moving_variance:0", 1 - 2.0**-10), ("moving_mean:0", 0.0), ("beta:0", 0.0)):
        weights[name].assign(np.full(weights[name].shape, value))
    kernel = np.zeros((8, 12))
    kernel[2, 5] = 2.5 / 32
    weights["kernel:0"].assign(kernel)
    with pytest.raises(RefusalError) as caught:
        read_qkeras(net, input_type=INPUT)
    (refusal,) = caught.value.refusals
    assert "tie" in refusal.what and "(2, 5)" in refusal.got and refusal.where.endswith("> kernel_quantizer")


def test_without_center_the_layer_is_refused() -> None:
    from fasttrig.frontends.keras.layers import prepare
    from fasttrig.frontends.keras.lowering import Lowering
    from fasttrig.frontends.keras.qkeras import read_spec
    from fasttrig.frontends.source import ModelSpec
    from fasttrig.ir.builder import GraphBuilder

    spec = read_spec(model())
    layer = spec.layer("fold")
    off = type(layer)(layer.name, layer.kind, dict(layer.config) | {"center": False}, layer.weights, layer.calls)
    with pytest.raises(Exception, match="needs center=True"):
        prepare(Lowering(ModelSpec("m", "m.h5", (off,), (), ()), GraphBuilder("m")), off)
