"""A project with two inputs (one a set from lists of varying length) and two outputs: built, emulated, traced."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fasttrig
from fasttrig.base.errors import DataError, FasttrigError, InputError
from fasttrig.base.fixed import FixedType
from fasttrig.data.inputs import InputMap
from fasttrig.data.labelled import load_sample
from fasttrig.data.readers import iter_table
from fasttrig.settings import load_project
from tests.commandline import fasttrig as run

N_EVENTS, N_TRACKS = 900, 4
MODEL = f"""
[model]
name = "two_inputs"
file = "two_inputs.h5"
float_file = "float.h5"
[data]
sample = "events.parquet"
features = ["mass", "width", "pt,eta[0:{N_TRACKS}]"]
classes = ["signal", "background"]
target = "energy"
target_unit = "GeV"
thresholds = [1.0]
[inputs]
type = "fixed<9,4>"
[inputs.types]
"eta[1]" = "fixed<6,3>"
[target]
rtl_language = "verilog"
"""


def events() -> pa.Table:
    rng = np.random.default_rng(3)
    lengths = rng.integers(0, N_TRACKS + 3, N_EVENTS)
    lists = {name: [rng.normal(1, spread, n).tolist() for n in lengths] for name, spread in (("pt", 4), ("eta", 1))}
    return pa.table(
        {
            "mass": rng.normal(80, 10, N_EVENTS),
            "width": rng.normal(0, 2, N_EVENTS),
            **{name: pa.array(rows, pa.list_(pa.float64())) for name, rows in lists.items()},
            "energy": rng.normal(0, 2, N_EVENTS),
            "label": rng.integers(0, 2, N_EVENTS),
            "split": np.arange(N_EVENTS) % 3,
        }
    )


def save_models(folder) -> None:
    """A network on numbers and on a set, with class logits and a second head; and its float twin."""
    from fasttrig.reference.keras_runtime import import_framework

    keras, qkeras = import_framework()
    bits = {"kernel_quantizer": "quantized_bits(5,1,alpha=1)", "bias_quantizer": "quantized_bits(5,1,alpha=1)"}
    for quantised, name in ((True, "two_inputs.h5"), (False, "float.h5")):

        def dense(n, name, relu=False, quantised=quantised):
            if not quantised:
                return keras.layers.Dense(n, activation="relu" if relu else None, name=name)
            activation = "quantized_relu(6,3)" if relu else None
            return qkeras.QDense(n, activation=activation, name=name, **bits)

        numbers, tracks = keras.Input((2,), name="numbers"), keras.Input((N_TRACKS, 2), name="tracks")
        each = dense(3, "per_track", relu=True)(tracks)
        pooled = keras.layers.GlobalMaxPooling1D(name="pooled")(each)
        both = keras.layers.Concatenate(name="both")([numbers, pooled])
        heads = [dense(2, "classes")(both), dense(1, "regression")(both)]
        keras.utils.set_random_seed(1)
        keras.Model([numbers, tracks], heads).save(folder / name)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    pytest.importorskip("tensorflow")
    folder = tmp_path_factory.mktemp("two_inputs")
    (folder / "model.toml").write_text(MODEL)
    pq.write_table(events(), folder / "events.parquet")
    save_models(folder)
    loaded = load_project(folder)
    train = load_sample(loaded, "train")
    chosen = InputMap.choose(train.x, train.names, train.units, loaded.inputs.type, types=loaded.inputs.types)
    (folder / "inputs.json").write_text(chosen.to_json())
    return folder


def test_features_of_lists_are_padded(project):
    sample = load_sample(load_project(project), "test")
    assert sample.names == ("mass", "width", *(f"{name}[{k}]" for k in range(N_TRACKS) for name in ("pt", "eta")))
    rows = [row for row, split in zip(events()["pt"].to_pylist(), np.arange(N_EVENTS) % 3, strict=True) if split == 2]
    want = [[(row + [0.0] * N_TRACKS)[k] for k in range(N_TRACKS)] for row in rows]
    assert np.array_equal(sample.x[:, 2::2], want)


def test_the_whole_build(project):
    done = run("build", ".", "--json", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    built = project / "build" / "two_inputs"
    report = json.loads((built / "report" / "report.json").read_text())
    status = {rung["rung"]: rung["status"] for rung in report["ladder"]}
    assert {status[name] for name in ("emulate", "emulate_compiled", "csim", "rtlsim")} == {"equal"}
    assert report["second_head"]["target"] == "energy" and report["second_head"]["quality_float"]["rms"] > 0
    assert report["agreement"]["n_events"] == report["second_head"]["n_events"] == N_EVENTS // 3
    assert "energy in GeV: prediction minus truth" in (built / "report" / "report.html").read_text()
    assert len(report["outputs"]) == 2 and len(report["inputs"]) == 2 + 2 * N_TRACKS
    design = fasttrig.read(built)
    assert design.graph.inputs[1].channel_types[3] == FixedType(6, 3)
    x = load_sample(load_project(project), "test").x
    flat = design.emulate(x).raw
    named = design.emulate(dict(zip(design.feature_names, x.T, strict=True))).raw
    by_input = design.emulate({"numbers": x[:, :2], "tracks": x[:, 2:].reshape(-1, N_TRACKS, 2)}).raw
    for name, raw in flat.items():
        assert np.array_equal(raw, named[name]) and np.array_equal(raw, by_input[name])
    done = run("emulate", built, "events.parquet", "-o", "scores.parquet", cwd=project)
    assert done.returncode == 0, done.stderr
    scores = pq.read_table(project / "scores.parquet")
    assert scores.num_rows == N_EVENTS and "pt" in scores.column_names
    traced = run("trace", ".", "--event", "0", cwd=project)
    assert traced.returncode == 0, traced.stderr


def test_a_target_without_an_output_is_refused(project, tmp_path):
    """A network with one output, and a twin with one output, where model.toml promises a number beside the classes."""
    from fasttrig.reference.keras_runtime import import_framework

    folder = shutil.copytree(project, tmp_path / "one_output", ignore=shutil.ignore_patterns("build"))
    keras, _ = import_framework()
    twin = keras.models.load_model(folder / "float.h5", compile=False)
    keras.Model(twin.inputs, twin.outputs[0]).save(folder / "float.h5")
    with pytest.raises(InputError, match="no second output like"):
        fasttrig.build(folder, out=tmp_path / "build")
    shutil.copy(folder / "float.h5", folder / "two_inputs.h5")
    with pytest.raises(FasttrigError, match="not quantised"):
        fasttrig.read(folder)


JAGGED = [[1.0, 2.0], [], [3.0], [4.0, 5.0, 6.0]]
FLAT = {"pt[0]": [1.0, 0.0, 3.0, 4.0], "pt[2]": [0.0, 0.0, 0.0, 6.0], "m": [0, 1, 2, 3]}


@pytest.mark.parametrize("ending", ["root", "parquet", "npz"])
def test_places_in_lists_of_every_format(ending, tmp_path):
    path = tmp_path / f"events.{ending}"
    padded = np.array([row + [0.0] * (3 - len(row)) for row in JAGGED])
    if ending == "root":
        ak, uproot = pytest.importorskip("awkward"), pytest.importorskip("uproot")
        with uproot.recreate(path) as file:
            file["events"] = {"pt": ak.Array(JAGGED), "m": np.arange(4)}
    elif ending == "parquet":
        table = pa.table({"pt": pa.array(JAGGED, pa.list_(pa.float64())), "m": np.arange(4)})
        pq.write_table(table, path, row_group_size=3)
    else:
        np.savez(path, pt=padded, m=np.arange(4))
    for chunk_rows in (1, 3, 100):
        parts = list(iter_table(path, list(FLAT), chunk_rows))
        for name, want in FLAT.items():
            assert np.concatenate([part[name] for part in parts]).tolist() == want


def test_a_place_in_a_column_without_lists(tmp_path):
    (tmp_path / "events.csv").write_text("m\n1\n2\n")
    with pytest.raises(DataError, match="a place in lists, the column has none"):
        list(iter_table(tmp_path / "events.csv", ["m[0]"]))
