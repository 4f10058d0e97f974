"""Conditions, words and the graph of a decision: equal to what the text says, in exact numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FixedType, Overflow, Rounding, to_value
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.decision.condition import ReadNumber, holds, parse
from fasttrig.decision.decision import Tagger, combined_graph, decide
from fasttrig.decision.words import words_for
from fasttrig.emulator.evaluate import evaluate
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const
from fasttrig.passes.pipeline import compile_graph
from fasttrig.settings import DecisionSettings, PreparationSettings

FEATURES = ("mass", "pt[0]")
TAGGERS = {"net": ("q", "t"), "bdt": ("W",)}


def tagger(name: str, seed: int, features: tuple[FeatureMap, ...], n_outputs: int) -> Tagger:
    """One random dense layer behind an input map, its sum rounded to 1/8."""
    rng = np.random.default_rng(seed)
    kind = FixedType(8, 4)
    b = GraphBuilder(name)
    narrow = tuple(feature.type for feature in features)
    x = b.input("x", (len(features),), kind, channel_types=narrow)
    weight = Const.covering("w", rng.integers(-7, 8, (len(features), n_outputs)), 2)
    total = b.matmul("sum", x, weight, Const.covering("b", rng.integers(-9, 9, n_outputs), 2))
    y = b.cast("y", total, FixedType(9, 6), Rounding.RND, Overflow.SAT)
    return Tagger(name, b.graph(y), InputMap(features, kind), TAGGERS[name])


MASS = FeatureMap("mass", "GeV", 60.0, 3, FixedType(8, 4))
COARSE_MASS = FeatureMap("mass", "GeV", 64.0, 4, FixedType(6, 4))
PT = FeatureMap("pt[0]", "GeV", -2.5, 0, FixedType(7, 4))
NET = tagger("net", 1, (MASS, PT), 2)
BDT = tagger("bdt", 2, (COARSE_MASS,), 1)

names = st.sampled_from(["mass", "pt[0]", "net.q", "net.t", "bdt.W", 'net["t"]', "net[0]"])
numbers = st.one_of(
    st.integers(-9, 99).map(str), st.sampled_from(["0.1", "-0.375", "62.125", "1e-3", "7.3", "300", "-300"])
)
atoms = st.one_of(
    names, st.tuples(st.sampled_from(["max", "min"]), names, names).map(lambda t: f"{t[0]}({t[1]}, {t[2]})")
)
sums = st.one_of(
    atoms,
    st.tuples(numbers, atoms).map(lambda t: f"({t[0]}) * {t[1]}"),
    st.tuples(atoms, st.sampled_from(["+", "-"]), atoms).map(" ".join),
    st.tuples(numbers, atoms, atoms, numbers).map(lambda t: f"{t[0]} * {t[1]} - {t[2]} + {t[3]}"),
)
cuts = st.tuples(sums, st.sampled_from(["<", "<=", ">", ">="]), st.one_of(numbers, sums)).map(" ".join)
conditions = st.recursive(
    cuts,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({' '.join(t)})"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=4,
)


def events(words: InputMap, n: int = 60) -> np.ndarray:
    rng = np.random.default_rng(5)
    raw = np.stack([rng.integers(f.type.min_raw, f.type.max_raw + 1, n) for f in words.features], axis=1)
    return raw << np.array([words.type.fraction_bits - f.type.fraction_bits for f in words.features])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(where=conditions, seed=conditions, otherwise=st.sampled_from([0.0, -2.125]))
def test_the_graph_decides_what_the_text_says(where, seed, otherwise):
    """Graph against the text read in rational numbers, on the taggers' own outputs; ties included."""
    try:
        chosen = DecisionSettings(scores="net", where=where, otherwise=otherwise, seeds={"one": seed, "two": where})
        decision = decide(chosen, (NET, BDT), {})
    except InputError as error:  # a sum may cancel
        assert "of numbers alone" in error.what
        return
    graph = compile_graph(combined_graph("all", decision))
    raw = events(decision.words)
    columns = dict(zip(decision.words.names, to_value(raw, decision.words.type).T, strict=True))
    margins = {}
    for one in (NET, BDT):
        x = np.stack([columns[name] for name in one.inputs.names], axis=1)
        out = evaluate(one.graph, {"x": one.inputs.to_raw(x)}).outputs["y"]
        margins[one.name] = [to_value(out, one.graph.outputs[0].type)]
    want = decision.outputs(columns, margins, exact=True)
    found = evaluate(graph, {"words": raw}).outputs
    for value, numbers in zip(graph.outputs, want, strict=True):
        np.testing.assert_array_equal(to_value(found[value.name], value.type), numbers, err_msg=f"{where} / {seed}")


def test_words_lose_nothing_and_words_given_by_hand_do():
    """Without [words] each tagger sees the integers of its own input map, clipped ones too."""
    words = words_for([NET.inputs, BDT.inputs], {})
    assert [str(feature.type) for feature in words.features] == ["fixed<10,9>", "fixed<8,5>"]
    decision = decide(DecisionSettings(), (NET, BDT), {})
    graph = combined_graph("all", decision)
    x = np.random.default_rng(1).normal(60, 90, (400, 2))
    x[:, 1] /= 20
    kept = evaluate(graph, {"words": decision.words.to_raw(x)}, keep={"net_x", "bdt_x"}).trace
    np.testing.assert_array_equal(kept["net_x"], NET.inputs.to_raw(x))
    np.testing.assert_array_equal(kept["bdt_x"], BDT.inputs.to_raw(x[:, :1]))
    coarse = decide(DecisionSettings(), (NET, BDT), {"mass": FixedType(6, 9)})
    kept = evaluate(combined_graph("all", coarse), {"words": coarse.words.to_raw(x)}, keep={"net_x"}).trace
    assert (kept["net_x"] != NET.inputs.to_raw(x)).any()


def test_exact_where_float64_is_not():
    """0.1 * a + 0.2 * b > 0.3 at a = b = 1: false, although 0.1 + 0.2 > 0.3 in float64."""
    condition = parse("0.1 * mass + 0.2 * net.t > 0.3", FEATURES, TAGGERS, "here")
    one = np.array([Fraction(1)], dtype=object)
    assert not holds(condition, lambda quantity: one)[0]
    assert holds(condition, lambda quantity: one * Fraction(11, 10))[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mas > 3", "did you mean 'mass'"),
        ("net.x > 3", "tagger 'net' has no such output"),
        ("nett.q > 3", "did you mean 'net'"),
        ("net.q == 3", "want:  <, <=, > or >="),
        ("mass * net.q > 3", "a product of two quantities"),
        ("mass / 2 > 3", "no such feature or output"),
        ("__import__('os').system('true') > 3", "no such"),
        ("abs(mass) > 3", "max or min"),
        ("mass", "this is no condition"),
        ("mass > True", "this is no number"),
        ("mass > 1e999", "this is no number"),
        ("mass > 'a'", "this is no number"),
        ("mass - mass > 2", "of numbers alone"),
        ("mass >", "cannot read this condition"),
        ("(" * 3000, "too long"),
    ],
)
def test_what_is_no_condition(text, told):
    with pytest.raises(InputError) as caught:
        parse(text, FEATURES, TAGGERS, "decision.where")
    assert told in str(caught.value) and "decision.where" in str(caught.value)


def test_a_deep_condition_is_read():
    condition = parse("not " * 400 + "mass > 1", FEATURES, TAGGERS, "here")
    masses = np.array([0.0, 2.0])
    assert holds(condition, lambda quantity: masses).tolist() == [False, True]


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"scores": "nett"}, "no such tagger"),
        ({"scores": "net", "where": "mass > 1", "otherwise": "bdt"}, "do not fit"),
        ({"scores": "net", "where": "mass > 1", "otherwise": 0.1}, "a multiple of 0.125 from -32.0 to 31.875"),
        ({"scores": "net", "where": "mass > 1", "otherwise": 99.0}, "none of the scores' type"),
    ],
)
def test_decisions_that_cannot_be(chosen, told):
    with pytest.raises(InputError) as caught:
        decide(DecisionSettings(**chosen), (NET, BDT), {})
    assert told in str(caught.value)


def test_quantities_of_two_units_and_words_of_nobody():
    other = Tagger(
        "bdt", BDT.graph, InputMap((FeatureMap("mass", "MeV", 0.0, 0, FixedType(6, 4)),), BDT.inputs.type), ("W",)
    )
    with pytest.raises(InputError, match="two units"):
        decide(DecisionSettings(), (NET, other), {})
    with pytest.raises(InputError, match="no tagger reads this feature"):
        decide(DecisionSettings(), (NET, BDT), {"met": FixedType(8, 8)})
    assert str(ReadNumber("t", "net")) == "net.t"


def set_tagger() -> Tagger:
    """Three objects of (pt, eta), and the mass; each place with a map of its own."""
    rng = np.random.default_rng(7)
    pt = [FeatureMap(f"pt[{k}]", "GeV", 0.5 * k, k % 2, FixedType(8, 5)) for k in range(3)]
    eta = [FeatureMap(f"eta[{k}]", "", 0.0, -1, FixedType(6, 5)) for k in range(3)]
    features = (MASS, *(feature for pair in zip(pt, eta, strict=True) for feature in pair))
    kind = FixedType(9, 5)
    b = GraphBuilder("set")
    x = b.input("x", (7,), kind, channel_types=tuple(feature.type for feature in features))
    weight = Const.covering("w", rng.integers(-7, 8, (7, 2)), 1)
    graph = b.graph(b.matmul("sum", x, weight, Const.covering("b", np.zeros(2), 0)))
    return Tagger("set", graph, InputMap(features, kind), ("a", "b"))


@pytest.mark.parametrize("n_objects", [None, 5])
def test_objects_are_sorted_before_a_tagger_reads_them(n_objects):
    """Sorted by NumPy, then the tagger alone; equal keys keep their order, zeros come last."""
    one = set_tagger()
    settings = DecisionSettings(seeds={"hard": "pt[0] > 2 * pt[2] and set.a > -3"})
    decision = decide(
        settings, (one,), {"eta": FixedType(7, 5)}, PreparationSettings(sort_by="pt", n_objects=n_objects)
    )
    n = n_objects or 3
    assert decision.words.names == ("mass", *(f"{column}[{k}]" for k in range(n) for column in ("pt", "eta")))
    assert {str(f.type) for f in decision.words.features if f.name.startswith("eta")} == {"fixed<7,5>"}
    raw = events(decision.words, 300)
    raw[:100, 1 + 2 * (n - 1)] = raw[:100, 1]  # ties of the first and the last object
    raw[100:200, 1 + 2 * (n - 1) :] = 0
    values = to_value(raw, decision.words.type)
    objects = values[:, 1:].reshape(300, n, 2)
    order = np.argsort(-objects[:, :, 0], axis=1, kind="stable")[:, :3]
    x = np.concatenate([values[:, :1], np.take_along_axis(objects, order[:, :, None], axis=1).reshape(300, 6)], axis=1)
    want = evaluate(one.graph, {"x": one.inputs.to_raw(x)}).outputs["sum"]
    a = to_value(want, one.graph.outputs[0].type)[:, 0]
    graph = compile_graph(combined_graph("all", decision))
    found = evaluate(graph, {"words": raw}).outputs
    scores, seed = (to_value(found[value.name], value.type) for value in graph.outputs)
    np.testing.assert_array_equal(scores, to_value(want, one.graph.outputs[0].type))
    np.testing.assert_array_equal(seed[:, 0], (x[:, 1] > 2 * x[:, 5]) & (a > -3))
    columns = decision.arranged(dict(zip(decision.words.names, values.T, strict=True)))
    np.testing.assert_array_equal(decision.outputs(columns, {"set": [scores]}, exact=True)[1], seed)


@pytest.mark.parametrize(
    ("preparation", "told"),
    [
        ({"sort_by": "et"}, "the taggers read no such column of lists"),
        ({"sort_by": "mass"}, "the taggers read no such column of lists"),
        ({"sort_by": "pt", "n_objects": 2}, "fewer objects arrive than are read"),
    ],
)
def test_sortings_that_cannot_be(preparation, told):
    with pytest.raises(InputError, match=told):
        decide(DecisionSettings(), (set_tagger(),), {}, PreparationSettings(**preparation))
