"""TMVA weight files (synthetic, see tmva.py) against TMVA's rules written down once more."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from fasttrig.base.fixed import FixedType, to_value
from fasttrig.emulator.evaluate import evaluate
from fasttrig.frontends.trees import Link, read_ensemble, read_trees, reads
from fasttrig.frontends.trees.tmva_xml import parse_weights
from tests.ladder.forest_cases import GRID, quantise
from tests.unit.frontends.trees.tmva import Stump, tmva_file, tmva_value

RNG = np.random.default_rng(0)
RAW = RNG.integers(GRID.min_raw, GRID.max_raw, (300, 2), endpoint=True)
X = to_value(RAW, GRID)


def stumps(n: int) -> list[Stump]:
    """Cuts on the grid, off it, and beside float32; both cut types."""
    cuts = ["5.000000e-01", "-1.2345678901234567e+00", "0.1", "3.75", "6.2499999999e+00", "-7.0e+00"]
    return [
        (str(i % 2), cuts[i % 6], str(i // 2 % 2), round(float(RNG.normal()), 3), round(float(RNG.normal()), 3))
        for i in range(n)
    ]


def compare(text: str, key: str, path: Path, n_outputs: int = 1, start: float = 0.0) -> Link:
    path.write_text(text)
    assert reads(path)
    graph, ensemble = read_trees(path, input_type=GRID, leaf_fraction_bits=16)
    want = [[start + tmva_value(text, event, key, j, n_outputs) for j in range(n_outputs)] for event in X.tolist()]
    assert np.abs(ensemble.margin(X) - np.array(want)).max() < 1e-12
    exits = ensemble.leaf_indices(X)
    sums = [[quantise(base, 16) for base in ensemble.base_margin] for _ in X]
    for tree, column in zip(ensemble.trees, exits.T, strict=True):
        raw = [quantise(leaf, 16) for leaf in tree.leaf[:, 0]]
        for event, leaf in enumerate(column.tolist()):
            sums[event][tree.output] += raw[leaf]
    assert evaluate(graph, RAW).outputs["margin"].tolist() == sums
    return ensemble.link


def test_gradient_boost(tmp_path: Path) -> None:
    assert compare(tmva_file(stumps(12)), "res", tmp_path / "w.xml") is Link.TANH
    x = read_ensemble(tmp_path / "w.xml").margin(X)
    own_link = 2 / (1 + np.exp(-2 * x)) - 1
    assert np.abs(read_ensemble(tmp_path / "w.xml").predict(X) - own_link).max() < 1e-12


def test_cuts_are_float32() -> None:
    """0.7 rounds down to float32: an event at that number is not below the cut."""
    text = tmva_file([("0", "0.7", "1", -1.0, 1.0)])
    event = [float(np.float32(0.7)), 0.0]
    assert parse_weights(text.encode(), "w.xml").margin([event]).tolist() == [[tmva_value(text, event, "res")]] == [[1]]


def test_gradient_boost_of_several_classes(tmp_path: Path) -> None:
    text = tmva_file(stumps(12), analysis=2, classes=3)
    assert compare(text, "res", tmp_path / "w.xml", n_outputs=3) is Link.SOFTMAX


def test_gradient_boost_of_a_regression_starts_at_its_first_weight(tmp_path: Path) -> None:
    text = tmva_file(stumps(6), analysis=1, weights=[2.5, *[1.0] * 5])
    assert compare(text, "res", tmp_path / "w.xml", start=2.5) is Link.NONE


@pytest.mark.parametrize(("yes_no", "key"), [("True", "nType"), ("False", "purity")])
def test_adaboost_is_a_weighted_mean(yes_no: str, key: str, tmp_path: Path) -> None:
    weights = RNG.uniform(0.1, 2, 8).tolist()
    text = tmva_file(stumps(8), boost="AdaBoost", weights=weights, yes_no=yes_no)
    text = text.replace('purity="', 'purity="1') if key == "purity" else text  # tell the two keys apart
    text = text.replace('purity="1-', 'purity="-1') if key == "purity" else text
    assert compare(text, key, tmp_path / "w.xml") is Link.NONE


def test_gzipped_and_with_blank_lines_first(tmp_path: Path) -> None:
    text = tmva_file(stumps(4), head="\n\n  \n")
    path = tmp_path / "weights.xml.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert reads(path)
    ensemble = read_ensemble(path)
    want = [tmva_value(text, event, "res") for event in X.tolist()]
    assert np.abs(ensemble.margin(X)[:, 0] - want).max() < 1e-12
    assert (ensemble.feature_names, ensemble.n_classes) == (("pt", "eta"), 2)
    graph, _ = read_trees(path, input_type=FixedType(12, 6))
    assert graph.name == "weights"
