"""`fasttrig compare-data`: recorded words against the emulator, and the input that explains a difference."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fasttrig
from fasttrig.base.errors import DataError
from fasttrig.data.labelled import load_sample
from fasttrig.ir.ops import Forest
from fasttrig.streaming.emulate_files import emulate_file
from fasttrig.streaming.recorded import compare_recorded
from tests.commandline import fasttrig as run

WRONG = np.arange(100, 1800, 100)
"""Rows whose mass arrived one step too low."""


@pytest.fixture(scope="module")
def recorded(started, tmp_path_factory):
    """2,000 events with the words of a firmware that got another mass on 17 of them."""
    folder = tmp_path_factory.mktemp("recorded")
    design = fasttrig.read(started["bdt"].folder)
    sample = load_sample(design.project, "test")
    x = sample.x[:2000]
    place = sample.names.index("mass_mmdt")
    feature = design.inputs.features[place]
    x[WRONG, place] = feature.offset + threshold(design, place) * feature.step  # one step lower is another subtree
    pq.write_table(pa.table(dict(zip(sample.names, x.T, strict=True))), folder / "events.parquet")
    good = folder / "good.parquet"
    emulate_file(design, folder / "events.parquet", good, compiled=False)
    table = pq.read_table(good)
    moved = x.copy()
    moved[WRONG, place] -= feature.step
    words = design.emulate(moved).raw[design.graph.outputs[0].name]
    for k, name in enumerate(design.classes):
        column = f"{design.graph.name}_raw_{name}"
        table = table.set_column(table.column_names.index(column), column, pa.array(words[:, k]))
    pq.write_table(table, folder / "bad.parquet")
    differ = (words != design.emulate(x).raw[design.graph.outputs[0].name]).any(axis=1)
    return folder, design, np.flatnonzero(differ)


def threshold(design, place):
    """That of a tree whose first decision is on the feature, in the feature's own steps: reached by every event."""
    (forest,) = design.graph.ops_of(Forest)
    root = next(root for root in forest.tree_root.raw if forest.feature.raw[root] == place)
    kind = design.inputs.features[place].type
    return int(forest.threshold.raw[root]) >> design.inputs.type.fraction_bits - kind.fraction_bits


def test_equal_words(recorded, started):
    folder, design, _ = recorded
    found = compare_recorded(design, [folder / "good.parquet"])
    assert (found.n_events, found.n_different, found.events, found.guesses) == (2000, 0, [], [])
    done = run("compare-data", started["bdt"].built, folder / "good.parquet")
    assert done.returncode == 0 and "all words of 2,000 events are equal" in done.stdout


def test_the_input_that_explains_them(recorded, started):
    folder, design, differ = recorded
    assert 0 < len(differ) <= len(WRONG) and set(differ) <= set(WRONG), "the change of the mass must show"
    done = run("compare-data", started["bdt"].folder, folder / "bad.parquet", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and (found["n_events"], found["n_different"]) == (2000, len(differ))
    assert [event["row"] for event in found["events"]] == differ.tolist()
    assert found["guesses"][0] == {"feature": "mass_mmdt", "steps": -1, "n_explained": len(differ)}
    words = design.emulate(_inputs(folder)[differ[:1]]).raw[design.graph.outputs[0].name][0]
    for name, (_, mine) in found["events"][0]["words"].items():
        assert mine == words[design.classes.index(name.rsplit("_", 1)[1])]
    shown = run("compare-data", started["bdt"].folder, folder / "bad.parquet")
    assert f"with mass_mmdt one step lower, {len(differ)} of the first {len(differ)} of them are equal" in shown.stdout


def _inputs(folder):
    table = pq.read_table(folder / "events.parquet")
    return np.stack([table[name].to_numpy() for name in table.column_names], axis=1)


def test_files_that_hold_no_words(recorded, started, tmp_path):
    folder, design, _ = recorded
    with pytest.raises(DataError, match="no column of recorded words"):
        compare_recorded(design, [folder / "events.parquet"])
    table = pq.read_table(folder / "good.parquet")
    name = f"{design.graph.name}_raw_{design.classes[0]}"
    halves = pa.array(table[name].to_numpy() + 0.5)
    pq.write_table(table.set_column(table.column_names.index(name), name, halves), tmp_path / "half.parquet")
    with pytest.raises(DataError, match="one whole number a row"):
        compare_recorded(design, [tmp_path / "half.parquet"])
