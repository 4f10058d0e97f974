"""What a model file says and its reader does not know is refused in every format: it may change the answer."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.trees import read_ensemble
from tests.unit.frontends.trees.test_pitfalls import conifer_document
from tests.unit.frontends.trees.tmva import tmva_file

FILES = Path(__file__).parent / "files"
XGBOOST: dict[str, Any] = json.loads((FILES / "xgboost_3_2_classes.json").read_text())


def changed(document: Any, *path: Any) -> Any:
    document = copy.deepcopy(document)
    place = document
    for key in path:
        place = place[key]
    place["clip_leaves"] = 3
    return document


TREES = ("learner", "gradient_booster", "model", "trees")


@pytest.mark.parametrize(
    "path", [(), ("learner",), TREES[:2], TREES[:3], (*TREES, 1)], ids=lambda path: "/".join(map(str, path)) or "top"
)
def test_xgboost(path: tuple[Any, ...], tmp_path: Path) -> None:
    read_ensemble(FILES / "xgboost_3_2_classes.json")
    (tmp_path / "model.json").write_text(json.dumps(changed(XGBOOST, *path)))
    with pytest.raises(UnsupportedError, match="clip_leaves"):
        read_ensemble(tmp_path / "model.json")


@pytest.mark.parametrize("path", [(), ("trees", 0, 0)], ids=["top", "tree"])
def test_conifer(path: tuple[Any, ...], tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(changed(conifer_document(), *path)))
    with pytest.raises(UnsupportedError, match="clip_leaves"):
        read_ensemble(tmp_path / "model.json")


@pytest.mark.parametrize("tag", ["Weights", "BinaryTree", "Node"])
def test_tmva_attributes(tag: str, tmp_path: Path) -> None:
    text = tmva_file([("0", "0.5", "1", -1.0, 1.0)])
    assert f"<{tag} " in text
    (tmp_path / "model.xml").write_text(text.replace(f"<{tag} ", f'<{tag} Clip="3" ', 1))
    with pytest.raises(UnsupportedError, match="Clip"):
        read_ensemble(tmp_path / "model.xml")


def test_tmva_elements_among_the_trees(tmp_path: Path) -> None:
    text = tmva_file([("0", "0.5", "1", -1.0, 1.0)])
    (tmp_path / "model.xml").write_text(text.replace("<BinaryTree", "<Calibration/><BinaryTree", 1))
    with pytest.raises(UnsupportedError, match="Calibration"):
        read_ensemble(tmp_path / "model.xml")


@pytest.fixture(scope="module")
def lightgbm_text() -> str:
    lightgbm = pytest.importorskip("lightgbm")
    x = np.random.default_rng(0).normal(size=(500, 2))
    parameters = {"verbosity": -1, "num_threads": 1, "num_leaves": 4, "objective": "binary"}
    return str(lightgbm.train(parameters, lightgbm.Dataset(x, label=x[:, 0] > 0), 2).model_to_string())


@pytest.mark.parametrize("before", ["version=", "num_leaves="])
def test_lightgbm(before: str, lightgbm_text: str, tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_text(lightgbm_text)
    read_ensemble(path)
    path.write_text(lightgbm_text.replace(before, f"clip_leaves=3\n{before}", 1))
    with pytest.raises(UnsupportedError, match="clip_leaves"):
        read_ensemble(path)


def test_onnx() -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[0, 0, 0],
        nodes_values=[0.5, 0.0, 0.0],
        nodes_modes=["BRANCH_LT", "LEAF", "LEAF"],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[1.0, 2.0],
    )
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("x", "y")]
    model = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:]))
    assert isinstance(model, onnx.ModelProto)
    read_ensemble(model)
    model.graph.node[0].attribute.append(helper.make_attribute("clip_leaves", 3))
    with pytest.raises(UnsupportedError, match="clip_leaves"):
        read_ensemble(model)


def test_orphans(tmp_path: Path) -> None:
    """Rows that no path from the root reaches: a file that lost a connection."""
    entry = conifer_document()["trees"][0][0]
    spare = {"feature": -2, "threshold": 0, "value": 9, "children_left": -1, "children_right": -1, "weight": [0, 0]}
    tree = {key: [*column, spare[key]] for key, column in entry.items()}
    (tmp_path / "conifer.json").write_text(json.dumps(conifer_document(trees=[[tree]])))
    pruned = copy.deepcopy(XGBOOST)
    split = next(row for row, left in enumerate(pruned_tree(pruned)["left_children"]) if row and left > 0)
    pruned_tree(pruned)["left_children"][split] = -1
    (tmp_path / "xgboost.json").write_text(json.dumps(pruned))
    for name in ("conifer.json", "xgboost.json"):
        with pytest.raises(InputError, match="cannot be reached from its root"):
            read_ensemble(tmp_path / name)
    pruned_tree(pruned)["tree_param"]["num_deleted"] = "2"  # XGBoost's own pruning leaves such rows, and says so
    (tmp_path / "xgboost.json").write_text(json.dumps(pruned))
    assert (
        read_ensemble(tmp_path / "xgboost.json").n_features
        == read_ensemble(FILES / "xgboost_3_2_classes.json").n_features
    )


def pruned_tree(document: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = document["learner"]["gradient_booster"]["model"]["trees"][0]
    return tree
