"""Stored model files: XGBoost's old layouts (synthetic, see make_files.py), with and without XGBoost at hand."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from fasttrig.base.errors import MissingPackageError
from fasttrig.frontends.trees import read_ensemble, reads
from fasttrig.frontends.trees.files import read_document
from fasttrig.frontends.trees.xgboost_model import read_parsed
from tests.ladder.forest_cases import toy

FILES = Path(__file__).parent / "files"
VERSIONS = ("1_0", "1_7", "2_1", "3_0", "3_2")
BASE = {"binary": [-0.8472978472709656], "classes": [0.5, 0.5, 0.5]}
"""logit(0.3) as XGBoost 3.2 computes it, in float32."""


@pytest.fixture(params=["with xgboost", "without xgboost"])
def installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "without xgboost":
        monkeypatch.setitem(sys.modules, "xgboost", None)
    return str(request.param)


@pytest.mark.parametrize("kind", ["binary", "classes"])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_layout_says_the_same(version: str, kind: str, installed: str) -> None:
    path = FILES / f"xgboost_{version}_{kind}.json"
    assert reads(path)
    ensemble = read_ensemble(path)
    _, x, _ = toy(50, seed=1)
    stored_leaves = np.loadtxt(FILES / f"leaves_{kind}.txt", dtype=int)
    assert np.array_equal(ensemble.library_leaves(x), stored_leaves)
    assert ensemble.base_margin.tolist() == BASE[kind]
    newest = read_ensemble(FILES / f"xgboost_3_2_{kind}.json")
    assert np.array_equal(ensemble.margin(x), newest.margin(x))
    assert ensemble.link is newest.link
    assert ensemble.library == f"xgboost {version.replace('_', '.')} gbtree"


@pytest.mark.parametrize("kind", ["binary", "classes"])
def test_ubjson_holds_what_json_holds(kind: str, installed: str) -> None:
    _, x, _ = toy(50, seed=1)
    one, other = (read_ensemble(FILES / f"xgboost_3_2_{kind}.{suffix}") for suffix in ("json", "ubj"))
    assert np.array_equal(one.margin(x), other.margin(x))
    assert [tree.threshold.tolist() for tree in one.trees] == [tree.threshold.tolist() for tree in other.trees]


def test_a_pickled_boosters_document_is_found_inside() -> None:
    document = read_document(FILES / "xgboost_1_7_binary.json")
    wrapped = {"Model": document, "Config": {}}
    plain = read_ensemble(FILES / "xgboost_1_7_binary.json")
    inside = read_parsed(wrapped["Model"], "test")
    _, x, _ = toy(50, seed=1)
    assert np.array_equal(plain.margin(x), inside.margin(x))


def test_a_newer_file_needs_xgboost_to_measure() -> None:
    document = read_document(FILES / "xgboost_3_2_binary.json")
    document["version"] = [9, 1, 0]
    with pytest.raises(MissingPackageError, match=r"at most 3\.4") as caught:
        read_parsed(document, "new.json")
    assert "install xgboost 9.1.0" in str(caught.value)


def test_a_custom_objective_needs_xgboost_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)
    document = read_document(FILES / "xgboost_2_1_binary.json")
    document["learner"]["objective"]["name"] = "my:own"
    with pytest.raises(MissingPackageError, match="custom objective"):
        read_parsed(document, "own.json")
