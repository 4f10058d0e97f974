"""conifer's JSON in types of every family: the graph against ``conifer.h`` itself, on events next to thresholds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.base.fixed import FixedType, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.trees import read_ensemble, read_trees
from fasttrig.reference.conifer_header import decision_function
from fasttrig.reference.tree_libraries import framework_raw

N_EVENTS = 2000
WRAPPING = ("ap_fixed<{}>", "ap_ufixed<{}>", "ap_fixed<{}, AP_RND>", "ap_fixed< {} ,AP_RND_CONV, AP_WRAP, 0>")
SATURATING = (
    "ap_fixed<{},AP_TRN,AP_SAT>",
    "ap_fixed<{},AP_RND_ZERO,AP_SAT_SYM>",
    "ap_ufixed<{},AP_TRN_ZERO,AP_SAT_ZERO>",
)


def random_document(seed: int, types: dict[str, str], **changed: Any) -> dict[str, Any]:
    """Two rounds or more of random trees; numbers that no grid holds, some on it and some beyond it."""
    rng = np.random.default_rng(seed)
    n_features, n_classes = int(rng.integers(1, 5)), int(rng.choice([2, 3, 4]))
    n_rounds = int(rng.integers(2, 7))

    def tree(depth: int) -> dict[str, list[Any]]:
        rows: dict[str, list[Any]] = {
            "feature": [],
            "threshold": [],
            "value": [],
            "children_left": [],
            "children_right": [],
        }

        def grown(depth: int) -> int:
            row = len(rows["feature"])
            split = depth > 0 and (row == 0 or rng.random() < 0.8)
            threshold = rng.choice([rng.normal(scale=3), rng.integers(-40, 40) / 8, rng.normal(scale=20)])
            rows["feature"].append(int(rng.integers(n_features)) if split else -2)
            rows["threshold"].append(float(threshold) if split else -2.0)
            rows["value"].append(float(rng.normal(scale=rng.choice([0.1, 1, 4]))))
            rows["children_left"].append(-1)
            rows["children_right"].append(-1)
            if split:
                rows["children_left"][row] = grown(depth - 1)
                rows["children_right"][row] = grown(depth - 1)
            return row

        grown(depth)
        return rows

    n_outputs = 1 if n_classes == 2 else n_classes
    document = {
        "n_classes": n_classes,
        "n_features": n_features,
        "n_trees": n_rounds,
        "max_depth": 3,
        "init_predict": rng.normal(size=n_outputs).tolist(),
        "norm": 1,
        "library": "test",
        "splitting_convention": str(rng.choice(["<", "<="])),
        "config": types,
        "trees": [[tree(3) for _ in range(n_outputs)] for _ in range(n_rounds)],
    }
    return {**document, **changed}


def edge_events(document: dict[str, Any], fixed_type: FixedType, seed: int) -> Any:
    """Raw events: each feature within two steps of a threshold, or anywhere, or at an end of its type."""
    rng = np.random.default_rng(seed)
    limits = [t for members in document["trees"] for tree in members for t in tree["threshold"]]
    shape = (N_EVENTS, document["n_features"])
    near = np.floor(rng.choice(limits, shape) * 2.0**fixed_type.fraction_bits).astype(np.int64)
    near = near + rng.integers(-2, 3, shape)
    far = rng.integers(fixed_type.min_raw, fixed_type.max_raw, shape, endpoint=True)
    ends = rng.choice([fixed_type.min_raw, fixed_type.max_raw], shape)
    kind = rng.random(shape)
    raw = np.where(kind < 0.8, near, np.where(kind < 0.95, far, ends))
    return np.clip(raw, fixed_type.min_raw, fixed_type.max_raw)


def check(tmp_path: Path, document: dict[str, Any], seed: int, input_type: FixedType | None = None) -> None:
    """The graph gives conifer's scores, by either of its sums; and the rung says the same."""
    path = tmp_path / "model.json"
    path.write_text(json.dumps(document))
    graph, ensemble = read_trees(path, input_type=input_type)
    (source,) = graph.inputs
    raw = edge_events(document, source.result.type, seed)
    found = evaluate(graph, raw).outputs["margin"]
    values = to_value(raw, source.result.type)
    for add_tree in (False, True):
        theirs = decision_function(document, values, add_tree=add_tree)
        assert np.array_equal(to_value(found, graph.outputs[0].type), theirs), f"add_tree={add_tree}"
    rung = framework_raw(graph, ensemble, path, {source.name: raw})
    assert np.array_equal(rung["margin"], found)


@pytest.mark.parametrize("family", [0, *(pytest.param(n, marks=pytest.mark.nightly) for n in (1, 2)), 3])
def test_types_that_wrap(family: int, tmp_path: Path) -> None:
    threshold, score = WRAPPING[family], WRAPPING[family - 1]
    types = {"precision": threshold.format("10,5"), "score_precision": score.format("9,4")}
    for seed in range(4):
        check(tmp_path, random_document(seed, types, norm=[1, 0.5, -0.3, 1][seed % 4]), seed)


@pytest.mark.parametrize(
    "score", [SATURATING[0], *(pytest.param(t, marks=pytest.mark.nightly) for t in SATURATING[1:])]
)
def test_types_that_saturate_where_no_sum_does(score: str, tmp_path: Path) -> None:
    types = {"precision": "ap_fixed<10,5,AP_RND,AP_SAT>", "score_precision": score.format("20,9")}
    for seed in range(3):
        check(tmp_path, random_document(seed, types, norm=[1, 3, 0.25][seed]), seed)


@pytest.mark.parametrize("score", SATURATING)
def test_sums_that_can_saturate_are_refused(score: str, tmp_path: Path) -> None:
    document = random_document(0, {"precision": "ap_fixed<10,5>", "score_precision": score.format("8,1")})
    (tmp_path / "model.json").write_text(json.dumps(document))
    with pytest.raises(UnsupportedError, match="depends on the order of the trees"):
        read_trees(tmp_path / "model.json")


@pytest.mark.parametrize("threshold", ["ap_int<8>", "ap_uint<6>"])
def test_integers(threshold: str, tmp_path: Path) -> None:
    for seed in range(3):
        types = {"Precision": "ap_int<12>", "InputPrecision": threshold, "ScorePrecision": "ap_int<12>"}
        check(tmp_path, away_from_zero(random_document(seed, types)), seed)


def away_from_zero(document: dict[str, Any]) -> dict[str, Any]:
    """Without negative fractions, which the vendor's integers take for 1."""

    def moved(value: float) -> float:
        return value - 1 if -0.5 < value < 0 else value

    for members in document["trees"]:
        for tree in members:
            tree["threshold"], tree["value"] = ([moved(v) for v in tree[key]] for key in ("threshold", "value"))
    return document | {"init_predict": [moved(v) for v in document["init_predict"]]}


def test_negative_fractions_of_integers_are_refused(tmp_path: Path) -> None:
    document = random_document(0, {"precision": "ap_int<12>"}, norm=-0.25)
    (tmp_path / "model.json").write_text(json.dumps(away_from_zero(document)))
    with pytest.raises(UnsupportedError, match="small negative fraction"):
        read_trees(tmp_path / "model.json")


@pytest.mark.parametrize("precision", ["float", "double"])
def test_floats_are_compared_in_their_format(precision: str, tmp_path: Path) -> None:
    """Leaves take a grid of ours; the leaf in which each event ends is conifer's."""
    grid = FixedType(30, 6)
    path = tmp_path / "model.json"
    for seed in range(3):
        document = random_document(seed, {"precision": precision})
        path.write_text(json.dumps(document))
        graph, ensemble = read_trees(path, input_type=grid)
        raw = edge_events(document, grid, seed)
        rung = framework_raw(graph, ensemble, path, {"x": raw})
        assert np.array_equal(rung["margin"], evaluate(graph, raw).outputs["margin"])


def test_the_numbers_of_a_file_are_cast_before_they_are_used(tmp_path: Path) -> None:
    """The threshold 0.99 is 0.9375 in eight bits, so that both inputs go right; 0.31 is 0.25."""
    tree = {
        "feature": [0, -2, -2],
        "threshold": [0.99, 0, 0],
        "value": [0, -0.31, 0.31],
        "children_left": [1, -1, -1],
        "children_right": [2, -1, -1],
    }
    document = random_document(0, {"precision": "ap_fixed<8,4>"}, n_classes=2, n_features=1, n_trees=1, trees=[[tree]])
    document |= {"init_predict": [0.0], "splitting_convention": "<"}
    path = tmp_path / "model.json"
    path.write_text(json.dumps(document))
    graph, _ = read_trees(path)
    found = evaluate(graph, np.array([[15], [16]])).outputs["margin"]
    assert to_value(found, graph.outputs[0].type)[:, 0].tolist() == [0.25, 0.25]
    check(tmp_path, document, 1)


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"precision": "ap_fixed<8,4>", "threshold_precision": "ap_fixed<8,3>"}, "does not hold every input"),
        ({"precision": "ap_fixed<8,4>", "score_precision": "ap_fixed<64,4>"}, "wider than the doubles"),
        ({"precision": "half"}, "unknown type"),
    ],
)
def test_types_that_are_refused(types: dict[str, str], message: str, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(random_document(3, types)))
    with pytest.raises(UnsupportedError, match=message):
        read_trees(tmp_path / "model.json")


def test_a_weight_type_without_one_is_refused(tmp_path: Path) -> None:
    document = random_document(1, {"precision": "ap_fixed<8,1>"})
    for members in document["trees"]:
        for tree in members:
            tree["weight"] = [[int(i == f) for i in range(document["n_features"])] for f in tree["feature"]]
    (tmp_path / "model.json").write_text(json.dumps(document))
    with pytest.raises(UnsupportedError, match="cannot hold"):
        read_trees(tmp_path / "model.json")


@pytest.mark.parametrize(
    "changed",
    [
        {"config": 5},
        {"norm": 1e308},
        {"n_features": 1_000_000_000},
        {"n_classes": -1},
        {"presel": [1]},
        {"init_predict": [float("inf")] * 4},
    ],
)
def test_hostile_entries_are_refused_at_once(changed: dict[str, Any], tmp_path: Path) -> None:
    document = random_document(0, {"precision": "ap_fixed<10,5>"}, **changed)
    (tmp_path / "model.json").write_text(json.dumps(document))
    with pytest.raises((InputError, UnsupportedError)):
        read_ensemble(tmp_path / "model.json")
