"""A project of two taggers and a decision: one firmware, and what its bits mean."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import fasttrig
from fasttrig.base.errors import FasttrigError
from fasttrig.data.labelled import load_sample
from fasttrig.report.document import Report
from tests.commandline import fasttrig as run

CLASSES = ("g", "q", "W", "Z", "t")


def margins(folder, x):
    design = fasttrig.read(folder)
    return design.emulate(x).values[design.graph.outputs[0].name]


def test_the_outputs_are_those_of_the_taggers_built_alone(started):
    """Trees and network emulated on their own, the decision of model.toml written out by hand."""
    folder = started["cascade"].folder
    design = fasttrig.read(folder)
    sample = load_sample(design.project, "test")
    trees, network = margins(folder / "trees", sample.x), margins(folder / "network", sample.x)
    g, q, w, z, t = network.T
    mass = sample.x[:, sample.names.index("mass_mmdt")]
    passed = trees[:, 2:].max(axis=1) > trees[:, :2].max(axis=1) - 0.5
    top = (t > np.max([w, z, g, q], axis=0)) & (mass > 120)
    heavy = (w + z + t > 0.5) | ~(mass < 200)
    found = design.emulate(sample.x)
    assert 0.1 < passed.mean() < 0.9 and 0.05 < top.mean() < heavy.mean() < 0.95
    np.testing.assert_array_equal(found.values["scores"], np.where(passed[:, None], network, trees))
    # the words round the mass down, by less than a step of the finest map that reads it
    step = design.inputs.features[design.inputs.names.index("mass_mmdt")].step
    clear = (np.abs(mass - 120) > step) & (np.abs(mass - 200) > step)
    np.testing.assert_array_equal(found.values["seeds"][clear], np.stack([top, heavy], axis=1)[clear])


def test_the_report_says_what_the_seeds_take(started):
    project = started["cascade"]
    report = Report.model_validate_json((project.built / "report" / "report.json").read_text())
    bits = {row.name: row for row in report.seeds}
    design = fasttrig.read(project.folder)
    sample = load_sample(design.project, "test")
    taken = design.emulate(sample.x).values["seeds"].astype(bool)
    assert list(bits) == ["top", "heavy"] and tuple(bits["top"].efficiency) == CLASSES
    for k, (name, other) in enumerate((("top", "heavy"), ("heavy", "top"))):
        for label, group in enumerate(CLASSES):
            assert bits[name].efficiency[group] == pytest.approx(taken[sample.labels == label, k].mean())
        assert bits[name].overlap == {other: pytest.approx(taken[taken[:, k], 1 - k].mean())}
        assert bits[name].alone == pytest.approx((taken[:, k] & ~taken[:, 1 - k]).mean())
        assert 0 < bits[name].changed < 0.1 and bits[name].condition == design.project.decision.seeds[name]
    assert report.model.file == "trees: my_cascade_trees.json, network: my_cascade_network.h5"
    words = json.loads((project.built / "outputs.json").read_text())["outputs"]
    assert [row["words"] for row in words] == [list(CLASSES), ["top", "heavy"]]
    assert "top" in (project.built / "report" / "report.html").read_text()


def test_an_event_is_traced_through_both_taggers(started):
    done = run("trace", started["cascade"].built, "--event", "3", cwd=started["cascade"].folder)
    assert done.returncode == 0 and "is not what was built" not in done.stdout
    assert all(name in done.stdout for name in ("trees_margin", "network_logits", "passed", "seed_top"))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('network = "network"', 'network = "networks"', "no such tagger"),
        ('network = "network"', 'network = "."', "a tagger that combines taggers"),
        ('scores = "network"', 'scores = "nets"', "no such tagger"),
        ("network.t >", "network.top >", "tagger 'network' has no such output"),
        ('otherwise = "trees"', "otherwise = 0.0001", "a multiple of"),
        ("[words]", "[words]\nmet = 'ufixed<8,8>'", "no tagger reads this feature"),
        ("[words]", "[inputs]\ntype = 'fixed<8,8>'\n[words]", "trained on their own"),
        ("version = 1 ", 'file = "x.h5"\nversion = 1 ', "want either a file in [model], or [taggers]"),
    ],
)
def test_what_model_toml_cannot_say(started, tmp_path, before, after, told):
    folder = shutil.copytree(started["cascade"].folder, tmp_path / "copy", ignore=shutil.ignore_patterns("build"))
    text = (folder / "model.toml").read_text()
    assert before in text
    (folder / "model.toml").write_text(text.replace(before, after, 1))
    with pytest.raises(FasttrigError) as caught:
        fasttrig.read(folder)
    assert told in str(caught.value)


def test_a_changed_budget_measures_nothing_again(started, tmp_path):
    folder = shutil.copytree(started["cascade"].folder, tmp_path / "copy")
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(text.replace("max_auc_loss = 0.02", "max_auc_loss = 0.021", 1))
    project = fasttrig.build(folder, target="fpga", out=folder / "build")
    assert project.report.good and [stage.name for stage in project.stages if stage.state == "done"] == ["verdict"]


def test_taggers_are_trained_alone(started):
    done = run("train", ".", cwd=started["cascade"].folder)
    assert done.returncode == 2 and "fasttrig train trees, fasttrig train network" in done.stderr
