"""`fasttrig trace`: the numbers are the emulator's, the marks are where a bit or a range gives way."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fasttrig.base.errors import DataError, InputError
from fasttrig.data.labelled import load_sample
from fasttrig.design import load_built
from fasttrig.emulator.evaluate import evaluate
from fasttrig.emulator.forest import leaf_indices
from fasttrig.settings import load_project
from fasttrig.trace.trace import trace
from fasttrig.trace.traced_event import choose_event, open_design
from tests.commandline import fasttrig

EVENT = 17


@pytest.fixture(scope="module")
def traced(started):
    """Both builds, traced from inside the project folder, as a user does."""
    found = {}
    for kind in ("network", "bdt"):
        project = started[kind]
        arguments = ("trace", f"build/{project.built.name}", "--event", EVENT, "--json")
        done = fasttrig(*arguments, cwd=project.folder)
        assert done.returncode == 0, done.stderr
        found[kind] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("kind", ["network", "bdt"])
def test_every_tensor_is_the_emulators_and_the_c_simulations(started, traced, kind):
    design = load_built(started[kind].built)
    raw = np.load(started[kind].built / "vectors" / "vectors.npz")[f"in_{design.graph.inputs[0].name}"]
    want = evaluate(design.graph, raw[EVENT : EVENT + 1], keep={op.name for op in design.graph.ops}).trace
    assert [op["name"] for op in traced[kind]["ops"]] == [op.name for op in design.graph.ops]
    for op in traced[kind]["ops"]:
        assert op["raw"] == want[op["name"]].ravel().tolist()
        assert op["fixed"] == (want[op["name"]] / 2.0 ** _fraction_bits(op["type"])).ravel().tolist()
        assert op["csim_raw"] in (None, op["raw"])
    bits = traced[kind]["bits"]
    assert bits["equal"] and bits["first_differing_op"] is None and bits["compared"] >= 1


def _fraction_bits(text: str) -> int:
    width, integer = map(int, re.findall(r"-?\d+", text))
    return width - integer


def test_the_float_model_stands_beside_the_layers_of_its_names(traced):
    ops = {op["name"]: op for op in traced["network"]["ops"]}
    assert set(traced["network"]["scores"]) == {"fixed", "real", "float"} and not traced["network"]["notes"]
    for name in ("relu1", "relu2", "logits"):  # Dense(relu) of the twin ends where the ReLU behind QDense does
        assert ops[name]["float"] is not None and 0.3 < ops[name]["float_weight_correlation"] <= 1.0
    assert min(ops["relu1"]["float"]) >= 0.0 and ops["fc1"]["float"] is None


def test_what_real_numbers_would_give(started, traced):
    """From the features in their own units, with the design's weights: done here once more, by hand."""
    project = load_project(started["network"].folder)
    design = load_built(started["network"].built)
    x = design.inputs.scaled(load_sample(project, "test").x[EVENT : EVENT + 1])
    for op in traced["network"]["ops"]:
        if op["kind"] == "MatMul":
            weights = design.graph.op(op["name"])
            x = x @ (weights.weight.raw / 2.0**weights.weight.type.fraction_bits)
            x = x + weights.bias.raw / 2.0**weights.bias.type.fraction_bits
        if op["kind"] == "Cast":
            x = np.maximum(x, 0)
        assert np.allclose(op["real"], x.ravel(), rtol=1e-12, atol=1e-12)


def test_the_leaf_of_every_tree_adds_up(started, traced):
    design = load_built(started["bdt"].built)
    forest = design.graph.ops[-1]
    trees = traced["bdt"]["trees"]
    raw = np.array(traced["bdt"]["ops"][0]["raw"])[None]
    assert [one["leaf"] for one in trees] == leaf_indices(forest, raw)[0].tolist()
    total = forest.base_margin.raw.copy()
    for one in trees:
        total[one["output"]] += one["raw"][0]
    assert total.tolist() == traced["bdt"]["ops"][-1]["raw"]


def test_a_changed_weight_in_hls_is_found(started, tmp_path, monkeypatch):
    """hls/ edited after the build: its output differs, the graph's own C-simulation does not, and trace says so."""
    monkeypatch.chdir(started["network"].folder)
    built = Path(shutil.copytree(started["network"].built, tmp_path / "my_tagger"))
    weights = sorted((built / "hls/firmware/weights").glob("b*.h"))[-1]
    text = weights.read_text()
    place = text.rindex("{")
    weights.write_text(text[:place] + re.sub(r"-?\d+\.\d+", "0.96875", text[place:]))
    done = fasttrig("trace", built, "--event", EVENT, "--no-float")
    assert done.returncode == 1 and "hls/ gives another logits than its own graph" in done.stdout


def test_the_first_differing_bit_is_marked(started, monkeypatch):
    monkeypatch.chdir(started["network"].folder)
    opened = open_design("build/my_tagger", Path.cwd())
    found = trace(opened, choose_event(opened, EVENT, None), with_csim=False, with_float=False)
    tensors = [replace(tensor, simulated=tensor.raw + (tensor.name in ("relu2", "logits"))) for tensor in found.tensors]
    wrong = replace(found, tensors=tuple(tensors))
    assert wrong.first_wrong_bit.name == "relu2" and not wrong.bits_equal


def test_an_event_of_a_file_and_of_a_model(started, tmp_path):
    """The same event from the test split, from a CSV file, and as raw integers from .npy gives the same bits."""
    project = load_project(started["bdt"].folder)
    opened = open_design(str(started["bdt"].folder), tmp_path)
    sample = load_sample(project, "test")
    rows = [",".join(sample.names), *(",".join(repr(float(v)) for v in row) for row in sample.x[:3])]
    (tmp_path / "events.csv").write_text("\n".join(rows) + "\n")
    np.save(tmp_path / "raw.npy", opened.design.inputs.to_raw(sample.x[:3]))
    found = [
        trace(
            opened, choose_event(opened, 2, file and str(tmp_path / file), raw=raw), with_csim=False, with_float=False
        )
        for file, raw in ((None, False), ("events.csv", False), ("raw.npy", True))
    ]
    with pytest.raises(InputError, match="of which file"):
        choose_event(opened, 2, None, raw=True)
    assert found[0].event.truth in project.data.classes and found[0].n_compared == 0
    for other in found[1:]:
        assert all(np.array_equal(a.raw, b.raw) for a, b in zip(found[0].tensors, other.tensors, strict=True))
    assert np.array_equal(found[0].tensors[0].real, found[1].tensors[0].real)
    assert "only as raw integers" in " ".join(found[2].notes)


def test_tables_for_a_person(started):
    done = fasttrig("trace", "build/my_trees", "-e", EVENT, "--no-csim", "--no-float", cwd=started["bdt"].folder)
    assert done.returncode == 0
    for told in (
        "event 17 of the test split of jets5, truth",
        "not compared with a C-simulation",
        "margin  Forest",
        "real: no rounding",
    ):
        assert told in done.stdout, done.stdout
    assert re.search(r"3\d more", done.stdout)
    full = fasttrig(
        "trace", "build/my_trees", "-e", EVENT, "--no-csim", "--no-float", "--full", cwd=started["bdt"].folder
    )
    assert not re.search(r"\d more", full.stdout) and len(full.stdout.splitlines()) > 16 + 5 + 30


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--event", "99999999"), "no such event"),
        (("--event", "-1"), "--event"),
        (("--event", "0", "--events", "nothing.csv"), "nothing.csv"),
    ],
)
def test_an_event_that_is_not_there(started, arguments, told):
    done = fasttrig("trace", "build/my_trees", *arguments, cwd=started["bdt"].folder)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr


def test_a_model_that_changed_since_the_build_is_not_used(started, tmp_path, monkeypatch):
    """Another float model under the same name would be shown beside the wrong firmware."""
    folder = shutil.copytree(started["bdt"].folder, tmp_path / "copy")
    (folder / "my_trees_float.json").write_text((folder / "my_trees.json").read_text())
    monkeypatch.chdir(folder)
    opened = open_design("build/my_trees", Path.cwd())
    assert opened.project is None and "my_trees_float.json differs" in opened.reason
    event = choose_event(opened, EVENT, None)
    assert event.features is None
    with pytest.raises(DataError, match="no such event"):
        choose_event(opened, 10**9, None)
