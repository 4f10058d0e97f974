"""From real thresholds and leaves to integers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.trees import Ensemble, Link, SplitRule, Tree, lower_forest, thresholds_to_raw
from fasttrig.frontends.trees.lower import DEFAULT_RESOLUTION, default_leaf_fraction_bits
from fasttrig.ir.ops import Forest
from tests.strategies import fixed_types


@settings(max_examples=300, deadline=None)
@given(kind=fixed_types(max_width=20), rule=st.sampled_from(SplitRule), threshold=st.floats(width=32, allow_nan=False))
def test_thresholds_are_the_closed_form(kind: FixedType, rule: SplitRule, threshold: float) -> None:
    """ceil(t 2^f) and floor(t 2^f) + 1, clipped, for types that float32 holds."""
    raw = int(thresholds_to_raw([threshold], kind, rule, "float32")[0])
    if math.isinf(threshold):
        assert raw == (kind.max_raw + 1 if threshold > 0 else kind.min_raw)
        return
    scaled = Fraction(threshold) * Fraction(2) ** kind.fraction_bits
    exact = math.ceil(scaled) if rule is SplitRule.LT else math.floor(scaled) + 1
    assert raw == min(max(exact, kind.min_raw), kind.max_raw + 1)


@settings(max_examples=200, deadline=None)
@given(
    rule=st.sampled_from(SplitRule),
    threshold=st.floats(-8, 8, width=32),
    raw=st.integers(-(2**39), 2**39 - 1),
    near=st.integers(-40_000, 40_000),
    close=st.booleans(),
)
def test_wide_features_are_rounded_first(rule: SplitRule, threshold: float, raw: int, near: int, close: bool) -> None:
    kind = FixedType(40, 4)
    if close:
        raw = min(max(round(threshold * 2**36) + near, kind.min_raw), kind.max_raw)
    seen = np.float32(raw * 2.0**-36)
    goes_left = seen < np.float32(threshold) if rule is SplitRule.LT else seen <= np.float32(threshold)
    assert (raw < int(thresholds_to_raw([threshold], kind, rule, "float32")[0])) == goes_left


def ensemble(leaf: list[list[float]], base: list[float], threshold: float = 0.5) -> Ensemble:
    tree = Tree(
        np.array([0]),
        np.array([threshold]),
        np.array([1]),
        np.array([2]),
        np.array([False]),
        np.array(leaf),
        np.array([1, 2]),
    )
    return Ensemble("test", "test", "test", 2, (), 0, (tree,), np.array(base), SplitRule.LT, "float64", Link.NONE)


def test_leaves_round_half_to_even_and_the_type_holds_all_sums() -> None:
    graph = lower_forest(ensemble([[0.375], [-0.125]], [0.625]), FixedType(4, 2), (), 2)
    op = graph.ops[1]
    assert isinstance(op, Forest)
    assert op.leaf.raw.tolist() == [[2], [0]]  # 1.5 and -0.5 quarters
    assert op.base_margin.raw.tolist() == [2]
    assert op.result.type == FixedType(3, 1, signed=False)


def test_the_default_grid_resolves_the_span() -> None:
    one = ensemble([[0.3], [-0.7]], [0.0])
    bits = default_leaf_fraction_bits(one)
    roundings = 2 * 2.0 ** -(bits + 1)
    assert roundings <= 1.0 / DEFAULT_RESOLUTION < 2 * roundings
    assert default_leaf_fraction_bits(ensemble([[0.0], [0.0]], [0.0])) == 0


@pytest.mark.parametrize(
    ("types", "bits", "message"),
    [
        ((FixedType(4, 2),), 4, "number of channel types"),
        ((FixedType(4, 2), FixedType(4, 1)), 4, "does not fit into the input type"),
        ((FixedType(4, 2), FixedType(4, 2, signed=False)), 4, "does not fit into the input type"),
        ((), 70, "leaf value needs too many bits"),
        ((), 10**9, "leaf value needs too many bits"),
    ],
)
def test_refusals(types: tuple[FixedType, ...], bits: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        lower_forest(ensemble([[1.0], [2.0]], [0.0]), FixedType(4, 2), types, bits)


def test_an_impossible_ensemble_is_refused() -> None:
    with pytest.raises(InputError, match="base margin is NaN or infinite"):
        ensemble([[1.0], [2.0]], [np.nan])
    with pytest.raises(InputError, match="out of range"):
        ensemble([[1.0], [2.0]], [])


def test_the_graph_holds_no_path_of_this_machine(tmp_path):
    """The same model in two folders is the same graph, text and all."""
    import shutil
    from pathlib import Path

    import fasttrig

    texts = []
    for folder in (tmp_path / "a", tmp_path / "b > c"):
        shutil.copytree(Path(__file__).parents[4] / "models" / "jet_bdt", folder)
        texts.append(str(fasttrig.read(folder).graph))
    assert texts[0] == texts[1] and str(tmp_path) not in texts[0]
