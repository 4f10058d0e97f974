"""The models of models/: what each is, and by night that each builds without a mismatch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fasttrig
from fasttrig.settings import load_project
from fasttrig.training.architecture import architecture_of
from fasttrig.training.golden import GOLDEN_FILES
from tests.commandline import fasttrig as run

MODELS = sorted(path.parent.name for path in Path("models").glob("*/model.toml"))
BY_DAY = ("jet_mlp", "jet_bdt")
"""Built by other tests and by `ci/check.sh`."""


def test_hbb_dense_is_the_network_of_the_talk():
    """27 inputs, BatchNorm, 64-32-32-2: 5,102 parameters, of which 5,048 are trained."""
    project = load_project("models/hbb_dense")
    assert len(project.data.features) == 27
    for make in architecture_of(project, 27).makers.values():
        network = make()
        trained = sum(int(weight.shape.num_elements()) for weight in network.trainable_weights)
        assert (network.count_params(), trained) == (5102, 5048)
        assert network.output_shape == (None, 2)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_reads_and_gives_its_golden_outputs(name):
    from fasttrig.toolchain.vectors import write_hex

    project = load_project(f"models/{name}")
    design = fasttrig.read(f"models/{name}")
    files = [project.path(file) for file in GOLDEN_FILES]
    from fasttrig.data.labelled import load_sample

    raw, _ = design.quantise(load_sample(project, "test").x[:256])
    assert files[0].read_text() == write_hex(list(raw.values()), [op.result.type for op in design.graph.inputs])
    found = design.emulate_raw(raw).raw
    outputs = design.graph.outputs
    assert files[1].read_text() == write_hex([found[out.name] for out in outputs], [out.type for out in outputs])
    assert all(path.stat().st_size < 230_000 for path in project.model_files().values())


@pytest.mark.nightly
@pytest.mark.parametrize("name", [name for name in MODELS if name not in BY_DAY])
def test_a_model_builds_without_a_mismatch(name, tmp_path):
    done = run("build", name, "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = json.loads(done.stdout)
    status = {rung["rung"]: rung["status"] for rung in report["ladder"]}
    assert {status[rung] for rung in ("emulate", "emulate_compiled", "csim", "rtlsim")} == {"equal"}
