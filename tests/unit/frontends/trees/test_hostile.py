"""Files that nobody vouches for: whatever stands in them, a model or one of our errors comes out."""

from __future__ import annotations

import copy
import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fasttrig
from fasttrig.base.errors import FasttrigError, InputError, UnsupportedError
from fasttrig.frontends.trees import conifer_json, lightgbm_model, read_ensemble, reads, tmva_xml
from fasttrig.frontends.trees.files import read_document
from fasttrig.frontends.trees.ubjson import parse_ubjson
from fasttrig.frontends.trees.xgboost_model import read_parsed
from tests.unit.frontends.trees.test_pitfalls import conifer_document
from tests.unit.frontends.trees.tmva import tmva_file

FILES = Path(__file__).parent / "files"
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
DOCUMENT = read_document(FILES / "xgboost_3_2_binary.json")
UBJ = (FILES / "xgboost_3_2_binary.ubj").read_bytes()
LIGHTGBM = """tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=1
objective=binary sigmoid:1
tree_sizes=300

Tree=0
num_leaves=3
num_cat=0
split_feature=0 1
threshold=0.5 -1.25
decision_type=2 2
left_child=1 -1
right_child=-3 -2
leaf_value=0.5 -0.25 1
is_linear=0
shrinkage=1

end of trees
"""


@pytest.fixture
def no_xgboost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)


def in_tree(**columns: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    document["learner"]["gradient_booster"]["model"]["trees"][1].update(columns)
    return document


def column(name: str, row: int, content: Any) -> dict[str, Any]:
    found = list(DOCUMENT["learner"]["gradient_booster"]["model"]["trees"][1][name])
    found[row] = content
    return in_tree(**{name: found})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (column("left_children", 1, 0), "two parents"),
        (column("right_children", 0, 1), "two parents"),
        (column("left_children", 0, 1_000_000_000), "cannot be read"),
        (column("right_children", 0, -1), "points outside the tree"),
        (column("left_children", 0, -7), "cannot be read"),
        (column("split_indices", 0, 4), "cannot be read"),
        (column("parents", 1, 10**6), "cannot be read"),
        (column("split_conditions", 0, float("nan")), "a threshold is no number"),
        (column("split_conditions", 3, float("inf")), "a leaf is not finite"),
        (column("split_conditions", 0, "x"), "cannot be read"),
        (in_tree(left_children=[]), "cannot be read"),
        (in_tree(tree_param={"num_nodes": "1000000000"}), "cannot be read"),
        (in_tree(split_type=[1] * 7), "categorical"),
        (in_tree(tree_param={"size_leaf_vector": "2"}), "multi-target"),
    ],
)
def test_broken_trees(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_parsed(document, "file.json")
    assert "tree 1" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        (("gradient_booster", "name"), "gblinear", "not a model of trees"),
        (("gradient_booster", "model", "tree_info"), [0, 0, 1], "output that does not exist"),
        (("gradient_booster", "model", "tree_info"), [0, 0], "do not match"),
        (("gradient_booster", "model", "gbtree_model_param", "num_trees"), "1000000000", "do not match"),
        (("gradient_booster", "model", "iteration_indptr"), [0, 9, 2, 3], "do not match"),
        (("gradient_booster", "model", "cats"), {"enc": [1]}, "encoded categories"),
        (("learner_model_param", "base_score"), "abc", "cannot read the base score"),
        (("learner_model_param", "base_score"), "[1,2,3]", "wrong length"),
        (("learner_model_param", "base_score"), "1.5", "cannot convert the base score"),
        (("learner_model_param", "num_feature"), "many", "not a whole number"),
    ],
)
@pytest.mark.usefixtures("no_xgboost")
def test_broken_models(path: tuple[str, ...], content: Any, message: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    place = document["learner"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = content
    with pytest.raises(InputError, match=message):
        read_parsed(document, "file.json")


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document."""
    members = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(found for key, content in members for found in places(content, (*path, key)))]


NOT_FINITE = (float("nan"), float("inf"))
JUNK = st.sampled_from([None, -1, 0, 1, 2, 10**9, -(10**30), 0.5, *NOT_FINITE, "", "x", [], {}, [[]], True])


def mutated(document: Any, data: st.DataObject) -> Any:
    document = copy.deepcopy(document)
    for path in data.draw(st.lists(st.sampled_from(places(document)[1:]), min_size=1, max_size=3)):
        place = document
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = data.draw(JUNK)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change removed the place
    return document


def outcome(read: Callable[[], Any]) -> None:
    """A model, or one of our errors that says where."""
    try:
        read()
    except FasttrigError as error:
        assert str(error)


@FUZZ
@given(data=st.data())
@pytest.mark.usefixtures("no_xgboost")
def test_fuzzed_xgboost_documents(data: st.DataObject) -> None:
    outcome(lambda: read_parsed(mutated(DOCUMENT, data), "fuzz"))


@FUZZ
@given(data=st.data())
def test_fuzzed_conifer_documents(data: st.DataObject) -> None:
    outcome(lambda: conifer_json.read_parsed(mutated(conifer_document(), data), "fuzz"))


@FUZZ
@given(place=st.integers(0, len(UBJ) - 1), byte=st.integers(0, 255), end=st.integers(0, len(UBJ)))
def test_fuzzed_ubjson(place: int, byte: int, end: int) -> None:
    outcome(lambda: parse_ubjson(UBJ[:place] + bytes([byte]) + UBJ[place + 1 :], "fuzz"))
    outcome(lambda: parse_ubjson(UBJ[:end], "fuzz"))


GREEDY = (
    b"[$d#l\x7f\xff\xff\xff",
    b"[$T#l\x7f\xff\xff\xff",
    b"[#l\x7f\xff\xff\xff",
    b"{" * 3,
    b"[" * 100_000,
    b"Sl\x7f\xff\xff\xffx",
    b"[$d",
    b"Sl\xff\xff\xff\xff",
    b"?",
)


@pytest.mark.parametrize("content", GREEDY)
def test_ubjson_that_claims_too_much(content: bytes) -> None:
    with pytest.raises(InputError, match="not a UBJSON file"):
        parse_ubjson(content, "test")


def test_ubjson_entries_without_bytes_are_counted_together() -> None:
    """Each array may claim as many constants as the file has bytes; all of them together may not."""
    content = b"[" + b"[$T#I\x07\xd0" * 400 + b"]"
    with pytest.raises(InputError, match="claims more entries"):
        parse_ubjson(content, "test")


def test_a_gzip_bomb_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "bomb.json"
    path.write_bytes(gzip.compress(b"[" + b"[]," * (24 << 20) + b"[]]", compresslevel=1))
    with pytest.raises(InputError, match="too large"):
        read_document(path)


def test_json_that_nests_too_deep(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 1_000_000)
    with pytest.raises(InputError, match="not a JSON file"):
        read_ensemble(tmp_path / "deep.json")
    assert reads(tmp_path / "deep.json")  # and is refused with this reason, not with its suffix
    with pytest.raises(InputError, match="not a JSON file"):
        fasttrig.read(tmp_path / "deep.json")


WORDS = st.sampled_from(["", "-1", "99999999999999999999", "nan", "inf", "1 2", "x", "-", "1"])


@FUZZ
@given(line=st.integers(0, LIGHTGBM.count("\n") - 1), word=WORDS, cut=st.integers(0, len(LIGHTGBM)))
def test_fuzzed_lightgbm(line: int, word: str, cut: int) -> None:
    lines = LIGHTGBM.splitlines()
    lines[line] = lines[line].partition("=")[0] + "=" + word
    outcome(lambda: lightgbm_model.parse_model("\n".join(lines), "fuzz"))
    outcome(lambda: lightgbm_model.parse_model(LIGHTGBM[:cut], "fuzz"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("is_linear=0", "is_linear=1", "linear function"),
        ("decision_type=2 2", "decision_type=1 2", "categorical"),
        ("left_child=1 -1", "left_child=0 -1", "two parents"),
        ("left_child=1 -1", "left_child=1 -4", "points outside the tree"),
        ("num_leaves=3", "num_leaves=1000000000", "cannot be read"),
        ("threshold=0.5 -1.25", "threshold=0.5 nan", "no number"),
        ("end of trees", "", "is truncated"),
        ("tree_sizes=300", "tree_sizes=300 300", "trees are missing"),
    ],
)
def test_broken_lightgbm(old: str, new: str, message: str) -> None:
    assert old in LIGHTGBM
    with pytest.raises(InputError, match=message):
        lightgbm_model.parse_model(LIGHTGBM.replace(old, new), "test")


def test_zero_as_missing_is_read_where_it_changes_nothing() -> None:
    """Zero goes where its neighbours go: default left on a threshold above zero, right below."""
    plain = lightgbm_model.parse_model(LIGHTGBM, "test")
    harmless = lightgbm_model.parse_model(LIGHTGBM.replace("decision_type=2 2", "decision_type=6 4"), "test")
    x = np.random.default_rng(0).normal(size=(100, 2))
    assert np.array_equal(plain.margin(x), harmless.margin(x))


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
STUMPS = [("0", "0.5", "1", -1.0, 1.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (tmva_file(STUMPS).replace("?>", "?>" + BOMB, 1), "must not define"),
        (tmva_file(STUMPS).replace("</Weights>", ""), "not an XML file"),
        (tmva_file(STUMPS).replace('NTrees="1"', 'NTrees="1000000000"'), "trees are missing"),
        (tmva_file(STUMPS).replace("<Weights ", '<Weights PreselectionLowBkgVar0="1" '), "cuts before the trees"),
        (tmva_file(STUMPS).replace("<Weights ", '<Weights Unheard="1" '), "does not know"),
        (tmva_file(STUMPS, coefficients=2), "oblique"),
        (tmva_file(STUMPS, transformations=1), "variable transformations are not supported"),
        (tmva_file(STUMPS, boost="AdaBoostR2"), "not a sum of trees"),
        (tmva_file(STUMPS, boost="AdaBoost", analysis=1), "weighted median"),
        (tmva_file(STUMPS, method="MLP::MLP"), "not a sum of trees"),
        (tmva_file([("7", "0.5", "1", -1.0, 1.0)]), "feature that does not exist"),
        (tmva_file([("0", "nan", "1", -1.0, 1.0)]), "no number"),
        (tmva_file([("0", "x", "1", -1.0, 1.0)]), "not a number"),
        (tmva_file([("0", "0.5", "1", -1.0, float("inf"))]), "not finite"),
        (tmva_file(STUMPS).replace('pos="r"', 'pos="l"'), "neither the left nor the right"),
    ],
)
def test_broken_tmva(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tmva_xml.parse_weights(text.encode(), "weights.xml")


def test_tmva_before_4_1_and_cuts_that_are_off() -> None:
    text = tmva_file(STUMPS)
    old = text.replace("AnalysisType=", "TreeType=").replace(
        "<Weights ", '<Weights PreselectionLowBkgVar0="0" PreselectionLowBkgVar0Value="-5" '
    )
    assert old != text
    x = [[0.0, 0.0], [1.0, 0.0]]
    found, want = (tmva_xml.parse_weights(content.encode(), "w.xml").margin(x).tolist() for content in (old, text))
    assert found == want


def test_lightgbm_v2_ends_without_a_line() -> None:
    old = LIGHTGBM.replace("version=v4", "version=v2").replace("end of trees\n", "")
    assert len(lightgbm_model.parse_model(old, "test").trees) == 1


def test_a_deep_tmva_tree_is_no_recursion() -> None:
    depth = 3_000
    node = '<Node pos="{}" NCoef="0" IVar="0" Cut="{}" cType="1" res="1.0">'
    leaf = '<Node pos="l" NCoef="0" IVar="-1" Cut="0" cType="1" res="{}"/>'
    inside = "".join(node.format("r" if d else "s", d) + leaf.format(d) for d in range(depth))
    tree = f'{inside}<Node pos="r" IVar="-1" Cut="0" res="-1"/>{"</Node>" * depth}'
    text = tmva_file(STUMPS)
    start, stop = text.index("<Node"), text.index("</BinaryTree>")
    ensemble = tmva_xml.parse_weights((text[:start] + tree + text[stop:]).encode(), "deep.xml")
    assert ensemble.margin([[-1.0, 0], [100.5, 0], [1e9, 0]]).tolist() == [[0], [101], [-1]]


@FUZZ
@given(place=st.integers(0, len(tmva_file(STUMPS)) - 1), letter=st.sampled_from(list('<>/="&x0 \x00')))
def test_fuzzed_tmva(place: int, letter: str) -> None:
    text = tmva_file(STUMPS)
    outcome(lambda: tmva_xml.parse_weights((text[:place] + letter + text[place + 1 :]).encode(), "fuzz"))


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.pickle"])
def test_pickles_are_never_opened(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    assert reads(tmp_path / name)
    with pytest.raises(UnsupportedError, match="a pickle runs code"):
        read_ensemble(tmp_path / name)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("m.json", b"{}"), ("m.json", b"[1]"), ("m.ubj", b"{}"), ("m.txt", b"hello"), ("m.xml", b"<a/>")],
)
def test_other_files_are_not_ours(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert not reads(tmp_path / name)
    with pytest.raises(InputError):
        read_ensemble(tmp_path / name)


def test_missing_files_and_foreign_objects(tmp_path: Path) -> None:
    assert not reads(tmp_path / "none.json")
    assert not reads(object())
    with pytest.raises(InputError, match="no such model file"):
        read_ensemble(tmp_path / "none.json")
    with pytest.raises(UnsupportedError, match="fasttrig does not read this kind of tree model"):
        read_ensemble(object())


def test_a_broken_gzip(tmp_path: Path) -> None:
    packed = gzip.compress(tmva_file(STUMPS).encode())
    (tmp_path / "w.xml.gz").write_bytes(packed[:-20])
    with pytest.raises(InputError, match="cannot be read"):
        read_ensemble(tmp_path / "w.xml.gz")


def onnx_trees(kind: str = "Classifier", **changes: Any) -> Any:
    onnx = pytest.importorskip("onnx")
    prefix = "class" if kind == "Classifier" else "target"
    attributes: dict[str, Any] = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_values": [0.5, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        f"{prefix}_treeids": [0, 0],
        f"{prefix}_nodeids": [1, 2],
        f"{prefix}_ids": [0, 1],
        f"{prefix}_weights": [1.0, 2.0],
        **({"classlabels_int64s": [0, 1, 2]} if kind == "Classifier" else {"n_targets": 2}),
        **changes,
    }
    node = onnx.helper.make_node(f"TreeEnsemble{kind}", ["x"], ["y"], domain="ai.onnx.ml", **attributes)
    value = onnx.helper.make_tensor_value_info
    body = onnx.helper.make_graph([node], "trees", [value("x", 1, [None, 2])], [value("y", 1, [None, 1])])
    return onnx.helper.make_model(body)


def test_onnx_labels_that_no_leaf_names_are_outputs() -> None:
    ensemble = read_ensemble(onnx_trees())
    assert ensemble.margin([[0.0, 0.0], [1.0, 0.0]]).tolist() == [[1, 0, 0], [0, 2, 0]]


@pytest.mark.parametrize(
    "changes",
    [
        {"nodes_truenodeids": [0, 0, 0]},
        {
            "nodes_treeids": [0, 0, 0, 0],
            "nodes_nodeids": [0, 1, 2, 3],
            "nodes_featureids": [0, 0, 0, 0],
            "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LEQ"],
            "nodes_values": [0.5, 0.0, 0.0, 0.0],
            "nodes_truenodeids": [1, 0, 0, 3],
            "nodes_falsenodeids": [2, 0, 0, 3],
        },
    ],
)
def test_onnx_cycles_and_orphans(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="cannot be reached from its root"):
        read_ensemble(onnx_trees(**changes))


def test_onnx_targets_beyond_any_model_are_refused_before_they_are_allocated() -> None:
    with pytest.raises(InputError, match="number of outputs"):
        read_ensemble(onnx_trees("Regressor", n_targets=20_000))


def test_onnx_external_data_is_not_opened(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    (tmp_path / "secret.bin").write_bytes(np.ones(3).tobytes())
    tensor = onnx.TensorProto(name="v", data_type=onnx.TensorProto.DOUBLE, dims=[3])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret.bin")
    path = tmp_path / "m.onnx"
    path.write_bytes(onnx_trees("Regressor", nodes_values_as_tensor=tensor).SerializeToString())
    with pytest.raises(UnsupportedError, match="another file"):
        read_ensemble(path)


def test_onnx_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    (tmp_path / "m.onnx").write_bytes(json.dumps(DOCUMENT).encode())
    with pytest.raises(InputError, match="not an ONNX file"):
        read_ensemble(tmp_path / "m.onnx")


@pytest.mark.usefixtures("no_xgboost")
@pytest.mark.parametrize("document", [DOCUMENT, conifer_document(config={"precision": "float"}, feature_map={"a": 0})])
def test_arguments_nested_a_hundred_deep(document: dict[str, Any]) -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    read = read_parsed if "learner" in document else conifer_json.read_parsed
    for path in places(document)[1:]:
        changed = copy.deepcopy(document)
        place: Any = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = deep
        outcome(lambda changed=changed: read(changed, "fuzz"))
