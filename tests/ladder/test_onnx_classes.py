"""Two classes in one score, or in two: onnxruntime is the judge of what the columns are."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType

onnxruntime = pytest.importorskip("onnxruntime")
X = np.linspace(-1, 1, 17, dtype=np.float32)[:, None]
POSITIVE, MIXED = (0.125, 0.25, 0.375, 0.5), (-0.125, 0.25, -0.375, 0.5)


def classifier(ids: tuple[int, ...], weights: tuple[float, ...], transform: str) -> Any:
    """Two stumps with two leaves each, two labels."""
    from onnx import TensorProto, helper

    node = helper.make_node(
        "TreeEnsembleClassifier",
        ["x"],
        ["label", "scores"],
        domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0, 1, 1, 1],
        nodes_nodeids=[0, 1, 2, 0, 1, 2],
        nodes_featureids=[0] * 6,
        nodes_values=[0.5, 0.0, 0.0, -0.5, 0.0, 0.0],
        nodes_modes=["BRANCH_LT", "LEAF", "LEAF"] * 2,
        nodes_truenodeids=[1, 0, 0] * 2,
        nodes_falsenodeids=[2, 0, 0] * 2,
        class_treeids=[0, 0, 1, 1],
        class_nodeids=[1, 2, 1, 2],
        class_ids=list(ids),
        class_weights=list(weights),
        post_transform=transform,
        classlabels_int64s=[0, 1],
    )
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 2]),
    ]
    graph = helper.make_graph([node], "trees", [x], outputs)
    imports = [helper.make_opsetid("ai.onnx.ml", 1), helper.make_opsetid("", 15)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


ONE_SCORE, SECOND_ONLY, BOTH = (0, 0, 0, 0), (1, 1, 1, 1), (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("ids", "weights", "transform"),
    list(product((ONE_SCORE, SECOND_ONLY, BOTH), (POSITIVE, MIXED), ("NONE", "LOGISTIC", "SOFTMAX"))),
)
def test_columns_of_two_classes(ids: tuple[int, ...], weights: tuple[float, ...], transform: str) -> None:
    model = classifier(ids, weights, transform)
    theirs = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": X})[1]
    design = fasttrig.read(model, input_type=FixedType(8, 2), leaf_fraction_bits=8)
    ours = design.emulate(X).scores
    assert np.abs(ours - theirs[:, -ours.shape[1] :]).max() < 1e-6
    one_margin = ids == ONE_SCORE and weights == MIXED and transform != "LOGISTIC"
    assert ours.shape[1] == (1 if one_margin else 2)


def test_an_event_without_a_leaf_of_the_second_class_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="no leaf of a class"):
        fasttrig.read(classifier((0, 1, 0, 1), POSITIVE, "NONE"), input_type=FixedType(8, 2))
