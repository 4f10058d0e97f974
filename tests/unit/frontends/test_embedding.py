"""Embedding and QBatchNormalization against Keras and QKeras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import RefusalError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.qkeras import convert, read_qkeras
from fasttrig.reference.qkeras_run import framework_raw
from tests.unit.frontends.framework import keras, qdense, qkeras, require_equal

LAYERS = keras.layers
BITS = "quantized_bits(8,2,alpha=1)"


def embedded(n_rows: int, rows: np.ndarray, **options: Any) -> Any:
    """Five integers, each a row of `rows`, quantised and summed by a dense layer."""
    x = keras.Input((5,), name="x")
    found = LAYERS.Embedding(n_rows, rows.shape[1], name="e", **options)(x)
    narrow = qkeras.QActivation("quantized_bits(6,1,alpha=1)", name="q")(found)
    model = keras.Model(x, qdense(3, "d")(LAYERS.Flatten(name="f")(narrow)))
    model.get_layer("e").set_weights([rows])
    return model


@pytest.mark.parametrize("n_rows", [16, 11])
def test_rows_by_number(n_rows: int, tmp_path: Path) -> None:
    """All float32 numbers as trained, in a file; where the integer is no row, zeros."""
    rows = np.random.default_rng(1).normal(0, 1, (n_rows, 3)).astype(np.float32)
    model = embedded(n_rows, rows)
    graph = require_equal(model, FixedType(4, 4, signed=False))
    assert sum(type(op).__name__ == "Table" for op in graph.ops) == 3
    assert ("zeros from row 11 on" in "".join(op.origin for op in graph.ops)) == (n_rows == 11)
    model.save(tmp_path / "m.h5")
    assert read_qkeras(tmp_path / "m.h5", input_type=FixedType(4, 4, signed=False)).constants == graph.constants


@pytest.mark.parametrize(
    ("input_type", "options", "scale", "told"),
    [
        (FixedType(5, 5), {}, 1.0, "not the number of a row"),
        (FixedType(5, 4, signed=False), {}, 1.0, "not the number of a row"),
        (FixedType(3, 3, signed=False), {"mask_zero": True}, 1.0, "cannot hand a mask"),
        (FixedType(3, 3, signed=False), {}, 1e-12, "too many bits together"),
    ],
)
def test_refusals(input_type: FixedType, options: dict[str, bool], scale: float, told: str) -> None:
    rows = np.array([[1.0, -0.3 * scale]] * 8, dtype=np.float32)
    if options:  # Keras builds masks only where every layer takes one
        x = keras.Input((5,), name="x")
        model = keras.Model(x, LAYERS.Embedding(8, 2, name="e", **options)(x))
    else:
        model = embedded(8, rows)
    with pytest.raises(RefusalError, match=told):
        read_qkeras(model, input_type=input_type)


QUANTISERS = [
    {},
    {f"{part}_quantizer": BITS for part in ("gamma", "beta", "mean", "variance")},
    {f"{part}_quantizer": None for part in ("gamma", "beta", "mean", "variance")},
    {"gamma_quantizer": "quantized_relu_po2(6,2)", "variance_quantizer": "quantized_relu_po2(6)"},
]


@pytest.mark.parametrize("quantisers", QUANTISERS, ids=["default", "bits", "none", "po2"])
def test_qbatchnormalization(quantisers: dict[str, Any]) -> None:
    """The scale and offset that were rounded are those that QKeras computes with; the rest is exact."""
    model = keras.Sequential(
        [
            keras.Input((4,), name="x"),
            qkeras.QBatchNormalization(name="b", **quantisers),
            qkeras.QActivation("quantized_bits(8,3,alpha=1)", name="q"),
        ]
    )
    rng = np.random.default_rng(3)
    numbers = [rng.uniform(0.3, 1.7, 4), rng.normal(0, 1, 4), rng.normal(0, 1, 4), rng.uniform(0.2, 3, 4)]
    model.get_layer("b").set_weights([part.astype(np.float32) for part in numbers])
    graph = require_equal(model, FixedType(8, 3))
    _, scales = convert(model, input_type=FixedType(8, 3))
    (row,) = scales
    ends = keras.Model(model.inputs, model.get_layer("b").output)(np.array([[0.0] * 4, [1.0] * 4], dtype=np.float32))
    np.testing.assert_allclose(row.found, np.subtract(ends[1], ends[0]), rtol=1e-5)
    assert graph.outputs and np.abs(row.offset - np.asarray(ends[0])).max() < 0.02
    assert framework_raw(graph, model, {"x": np.zeros((1, 4), dtype=np.int64)}, scales=scales)
