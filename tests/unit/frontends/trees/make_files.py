"""Writes the small model files beside this module: ``python -m tests.unit.frontends.trees.make_files``.

`xgboost_3_2.json` and `.ubj` are written by XGBoost 3.2 itself. The files of older releases are SYNTHETIC: the same
trees, put into the layout that those releases wrote (scalar base score, booleans for default_left, no num_target, no
cats, no categories before 1.3), because the old releases do not run beside the new one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from tests.ladder.forest_cases import toy

FOLDER = Path(__file__).parent / "files"
BASE_SCORE = 0.3
"""Of the binary model: a probability in every release."""


def binary_model() -> Any:
    _, x, label = toy(300)
    parameters = {"objective": "binary:logistic", "max_depth": 2, "base_score": BASE_SCORE, "nthread": 1}
    return xgboost.train(parameters, xgboost.DMatrix(x, label=(label > 0).astype(float)), 3)


def three_classes() -> Any:
    _, x, label = toy(300)
    parameters = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "base_score": 0.5, "nthread": 1}
    return xgboost.train(parameters, xgboost.DMatrix(x, label=label), 2)


def in_old_layout(document: dict[str, Any], version: tuple[int, int, int]) -> dict[str, Any]:
    """The layout of a release before 3.1; `document` is changed."""
    document["version"] = list(version)
    learner = document["learner"]
    parameters = learner["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]").split(",")[0]
    model = learner["gradient_booster"]["model"]
    model.pop("cats", None)
    if version < (2, 0, 0):
        parameters.pop("boost_from_average", None)
        model.pop("iteration_indptr", None)
        model["gbtree_model_param"]["size_leaf_vector"] = "0"
    if version < (1, 6, 0):
        parameters.pop("num_target", None)
        model["gbtree_model_param"].pop("num_parallel_tree", None)
        learner.pop("feature_names", None)
        learner.pop("feature_types", None)
    for tree in model["trees"]:
        tree["tree_param"]["size_leaf_vector"] = "0"
        if version < (2, 0, 0):
            tree["default_left"] = [bool(left) for left in tree["default_left"]]
        if version < (1, 3, 0):
            for key in [key for key in tree if key.startswith("categories") or key == "split_type"]:
                tree.pop(key)
    return document


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, booster in (("binary", binary_model()), ("classes", three_classes())):
        booster.save_model(FOLDER / f"xgboost_3_2_{name}.json")
        booster.save_model(FOLDER / f"xgboost_3_2_{name}.ubj")
        for version in ((1, 0, 2), (1, 7, 6), (2, 1, 4), (3, 0, 5)):
            document = json.loads((FOLDER / f"xgboost_3_2_{name}.json").read_text())
            target = FOLDER / f"xgboost_{version[0]}_{version[1]}_{name}.json"
            target.write_text(json.dumps(in_old_layout(document, version)))
    _, x, _ = toy(50, seed=1)
    for name in ("binary", "classes"):
        booster = xgboost.Booster(model_file=FOLDER / f"xgboost_3_2_{name}.json")
        leaves = booster.predict(xgboost.DMatrix(x), pred_leaf=True).astype(int)
        np.savetxt(FOLDER / f"leaves_{name}.txt", leaves, fmt="%d")


if __name__ == "__main__":
    main()
