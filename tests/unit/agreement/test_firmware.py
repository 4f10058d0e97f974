"""Decisions on raw words: thresholds, leads and counts against values written by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import DataError, ProjectError
from fasttrig.base.fixed import FixedType
from fasttrig.data.labelled import LabelledSample, load_sample
from fasttrig.data.outputs import output_rows, word_names
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.graph import Postprocessor
from fasttrig.physics.firmware import firmware_physics
from fasttrig.physics.working_points import (
    count_words,
    cut_points,
    lead_over,
    leads,
    least_word,
    threshold_for,
)
from fasttrig.settings import PairSettings, load_project

MODELS = Path(__file__).parents[3] / "models"


def test_a_lead_is_over_the_largest_of_the_others():
    words = np.array([[5, 3, -2], [1, 7, 7], [0, 0, 0]])
    assert leads(words).tolist() == [[2, -2, -7], [-6, 0, 0], [0, 0, 0]]
    assert lead_over(words, 0, [1, 2]).tolist() == [2, -6, 0]
    assert lead_over(words, 2, [0]).tolist() == [-7, 6, 0]


def test_thresholds_keep_the_target_at_least_and_say_what_ties_make_of_it():
    words = np.array([4, 4, 4, 4, 4, 1, 0, 9, 9, 8])
    assert threshold_for(words, 0.3) == 8
    assert threshold_for(words, 0.5) == 4  # five words of four, tied: 0.8 of the events pass
    points = cut_points("s", "word", words, np.arange(10) < 9, 1000.0)
    assert [point.threshold_raw for point in points] == [4, 4, 1]
    assert points[0].efficiency == pytest.approx(7 / 9) and points[0].rate_khz == 1000.0
    assert cut_points("s", "word", words, np.zeros(10, bool), 1000.0) == []
    count = count_words("s", words)
    assert (count.n_distinct, count.largest_tie, count.largest_tie_raw) == (5, 0.5, 4)


@pytest.mark.parametrize("type_", [FixedType(8, 4), FixedType(8, 4, False), FixedType(70, 66)], ids=str)
@pytest.mark.parametrize("cut", [-1e30, -0.3, 0.0, 0.0625, 1.03])
def test_the_least_word_that_reaches_a_cut(type_, cut):
    found = least_word(type_, lambda raw: raw.astype(float) / 16, cut)
    assert found == type_.min_raw or (found - 1) / 16 < cut
    assert found / 16 >= cut
    assert least_word(type_, lambda raw: np.tanh(raw.astype(float)), 1.5) == type_.max_raw + 1


def test_outputs_say_type_scale_and_link():
    b = GraphBuilder("g")
    x, z = b.input("x", (1,), FixedType(6, 3)), b.input("z", (2,), FixedType(4, 4, False))
    graph = b.graph(x, z, postprocessor=Postprocessor.SIGMOID)
    first, second = output_rows(graph, ("b", "s"))
    assert (first["type"], first["fraction_bits"], first["signed"], first["link"]) == ("fixed<6,3>", 3, True, "sigmoid")
    assert (second["width"], second["fraction_bits"], second["signed"], second["link"]) == (4, 0, False, "none")
    assert word_names(graph, ("b", "s")) == ("s",) == tuple(first["words"]) and second["words"] == []
    assert word_names(graph, ()) == ()


def single(postprocessor):
    """A design of one word about the second of two classes."""
    design = fasttrig.read(MODELS / "jet_mlp")
    b = GraphBuilder("one")
    graph = b.graph(b.input("x", (1,), FixedType(8, 4)), postprocessor=postprocessor)
    project = design.project.model_copy(update={"data": design.project.data.model_copy(update={"classes": ("b", "s")})})
    return replace(design, graph=graph, classes=("b", "s"), project=project)


def test_a_single_word_is_about_the_second_class():
    design = single(Postprocessor.SIGMOID)
    raw = np.array([[-30], [-3], [0], [2], [40], [-1]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    sample = LabelledSample(np.zeros((6, 1)), labels, ("x",), ("",))
    scores = design.interpret({"x": raw}, "raw").scores
    found = firmware_physics(design, sample, {"x": raw}, scores)
    assert {row.output for row in found.rankings} == {"s"} and not found.pairs
    assert {row.ranked_by for row in found.rankings} == {"score", "word"}
    assert len({row.auc for row in found.rankings}) == 1
    assert found.confusion == ((1.0, 0.0), pytest.approx((1 / 3, 2 / 3)))


def test_pairs_that_the_settings_name_are_measured():
    design = fasttrig.read(MODELS / "jet_mlp")
    physics = design.project.physics.model_copy(update={"pairs": (PairSettings(signal="W", against=("g", "q")),)})
    design = replace(design, project=design.project.model_copy(update={"physics": physics}))
    sample = load_sample(design.project, "test")
    found = design.emulate(sample.x)
    pairs = firmware_physics(design, sample, found.raw, found.scores).pairs
    assert len(pairs) == 21 and pairs[-1].against == ("g", "q")
    words, labels = found.raw["logits"], sample.labels
    lead = words[:, 2] - words[:, :2].max(axis=1)
    threshold = threshold_for(lead[labels == 2], 0.5)
    kept = np.mean(lead[np.isin(labels, [0, 1])] >= threshold)
    assert pairs[-1].threshold_raw["0.5"] == threshold
    assert pairs[-1].background_rejection["0.5"] == pytest.approx(1 / kept)
    for pair in pairs:
        signal, others = design.classes.index(pair.signal), [design.classes.index(name) for name in pair.against]
        passes = (words[:, signal][:, None] - words[:, others] >= pair.threshold_raw["0.3"]).all(axis=1)
        assert pair.efficiency["0.3"] == np.mean(passes[labels == signal]) >= 0.3
        kept = np.mean(passes[np.isin(labels, others)])
        assert pair.background_rejection["0.3"] == (pytest.approx(1 / kept) if kept else None)
    by_name = {(pair.signal, pair.against): pair.auc for pair in pairs}
    assert by_name["W", ("Z",)] == pytest.approx(by_name["Z", ("W",)], abs=1e-12)


def test_profiles_hold_the_shares_of_their_bins():
    design = fasttrig.read(MODELS / "jet_mlp")
    sample = load_sample(design.project, "test")
    assert [profile.name for profile in sample.profiles] == ["jet_pt", "jet_mass"]
    found = design.emulate(sample.x)
    profiles = firmware_physics(design, sample, found.raw, found.scores).profiles
    assert len(profiles) == 10
    mass = next(row for row in profiles if (row.column, row.output) == ("jet_mass", "W"))
    values, words = sample.profiles[1].values, found.raw["logits"][:, 2]
    inside = (values >= mass.edges[4]) & (values < mass.edges[5]) & (sample.labels == 2)
    assert mass.efficiency[4] == np.mean(words[inside] >= mass.threshold_raw)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[physics.pairs]]\nsignal = "W"\nagainst = ["x"]', "no class 'x'"),
        ('[[physics.pairs]]\nsignal = "W"\nagainst = ["W"]', "its own background"),
        ("[physics]\ninput_rate_khz = 0", "greater than 0"),
    ],
)
def test_settings_that_cannot_be(tmp_path, text, told):
    (tmp_path / "model.toml").write_text((MODELS / "jet_mlp" / "model.toml").read_text() + "\n" + text + "\n")
    with pytest.raises(ProjectError, match=told):
        load_project(tmp_path)


@pytest.mark.parametrize(("column", "told"), [("jet_ptt", "jet_pt"), ("constituent_pt", "one number per event")])
def test_profiles_that_the_sample_cannot_give(column, told):
    project = load_project(MODELS / "jet_mlp")
    physics = project.physics.model_copy(update={"profiles": (column,)})
    with pytest.raises(DataError, match=told):
        load_sample(project.model_copy(update={"physics": physics}), "test")
