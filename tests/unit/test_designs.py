"""Designs where analyses use them: pickled, and called on awkward chunks."""

from __future__ import annotations

import pickle
from pathlib import Path

import awkward
import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import DataError
from fasttrig.base.fixed import FixedType
from fasttrig.data.inputs import FeatureMap, InputMap
from fasttrig.data.labelled import load_sample
from fasttrig.design import Design
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="module")
def trees():
    design = fasttrig.read(MODELS / "jet_bdt")
    return design, load_sample(design.project, "test")


def records(sample, n=200):
    """Awkward records with the features and a field that the design does not read."""
    columns = {name: sample.x[:n, k] for k, name in enumerate(sample.names)}
    return awkward.Array({**columns, "run": np.arange(n)})


def test_a_pickled_design(trees):
    design, sample = trees
    other = pickle.loads(pickle.dumps(design))
    assert other.graph == design.graph
    np.testing.assert_array_equal(other.scores(sample.x[:50]), design.emulate(sample.x[:50]).scores)


def test_scores_of_awkward_records(trees):
    design, sample = trees
    events = records(sample)
    want = design.emulate(sample.x[:200]).scores
    assert isinstance(design.scores(events), awkward.Array)
    np.testing.assert_array_equal(design.scores(events), want)
    np.testing.assert_array_equal(np.concatenate([design.scores(events[:70]), design.scores(events[70:])]), want)


def test_what_a_graph_of_tasks_is_told(trees):
    """A typetracer has no numbers: the fields that are read, and the type of the scores, are all there is to say."""
    design, sample = trees
    events = records(sample)
    form = events.layout.form_with_key("node{id}")
    layout, report = awkward.typetracer.typetracer_with_report(form)
    found = design.scores(awkward.Array(layout))
    assert awkward.backend(found) == "typetracer" and str(found.type).endswith("* 5 * float64")
    touched = {form.contents[form.fields.index(name)].form_key for name in design.feature_names}
    assert touched <= set(report.data_touched)
    assert form.contents[form.fields.index("run")].form_key not in report.data_touched


def of_lists() -> Design:
    """A sum over the first two pT, with factors 1 and 2."""
    kind = FixedType(9, 8)
    b = GraphBuilder("lists")
    x = b.input("x", (2,), kind)
    y = b.matmul("y", x, Const.covering("w", np.array([[1], [2]]), 0), Const.covering("b", np.array([0]), 0))
    inputs = InputMap(tuple(FeatureMap(f"pt[{k}]", "GeV", 0.0, 0, kind) for k in range(2)), kind)
    return Design(b.graph(y), None, inputs)


def test_places_of_jagged_lists():
    events = awkward.Array({"pt": [[1.0, 2.5, 9.0], [], [4.0]], "eta": [[0.0], [], [1.0]]})
    np.testing.assert_array_equal(of_lists().scores(events)[:, 0], [6.0, 0.0, 4.0])


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (awkward.Array({"ptt": [[1.0]]}), "did you mean 'ptt'"),
        (awkward.Array({"pt": [1.0]}), "the field has none"),
        (awkward.Array({"pt": [[1.0, None]]}), "missing values"),
        (awkward.Array({"pt": [["a", "b"]]}), "must be one number an event"),
        (awkward.Array([[1.0, 2.0]]), "an array without fields"),
    ],
)
def test_events_that_cannot_be_read(events, told):
    with pytest.raises(DataError) as caught:
        of_lists().scores(events)
    assert told in str(caught.value)
