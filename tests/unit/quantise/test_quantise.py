"""A float network becomes a model folder whose loss holds and whose rungs are equal."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fasttrig
from fasttrig.base.errors import InputError, RefusalError
from fasttrig.base.fixed import FixedType, to_value
from fasttrig.cli import app
from fasttrig.commands.shell import run_app
from fasttrig.data.labelled import load_sample
from fasttrig.emulator.evaluate import evaluate
from fasttrig.estimate.constants import signed_digits
from fasttrig.frontends.keras.qkeras import read_spec
from fasttrig.ladder.checks import float_scores
from fasttrig.ladder.framework_rung import domain, raw_outputs
from fasttrig.physics.classification import auc_per_class
from fasttrig.quantise.float_network import prepare
from fasttrig.quantise.rounding import best_weights, round_weights
from fasttrig.quantise.whole import quantise
from fasttrig.reference.qkeras_run import framework_predict
from fasttrig.settings import ModelProject, load_project
from tests.unit.frontends.framework import keras

N_FEATURES, N_EVENTS = 6, 6_000
LAYERS = keras.layers


def float_network(*, final: str | None = "softmax") -> Any:
    """Normalisations before, between and after dense layers, and a relu as a layer and as an option."""
    layers = [
        keras.Input((N_FEATURES,), name="x"),
        LAYERS.BatchNormalization(name="first"),
        LAYERS.Dense(10, name="fc1"),
        LAYERS.BatchNormalization(name="norm"),
        LAYERS.Activation("relu", name="act"),
        LAYERS.Dropout(0.1, name="drop"),
        LAYERS.Dense(8, activation="relu", name="fc2"),
        LAYERS.Dense(3, activation=final, name="head"),
    ]
    model = keras.Sequential(layers, name="tagger")
    rng = np.random.default_rng(5)
    for layer in model.layers:
        weights = [rng.normal(0, 0.6, w.shape) for w in layer.get_weights()]
        if len(weights) == 4:
            weights[0], weights[3] = np.abs(weights[0]) + 0.5, np.abs(weights[3]) + 0.5
        layer.set_weights(weights)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float network in a file, and a sample whose labels follow its scores."""
    folder = tmp_path_factory.mktemp("float")
    model, rng = float_network(), np.random.default_rng(1)
    x = rng.normal(0, 1, (N_EVENTS, N_FEATURES)) * 2.0 ** np.arange(N_FEATURES) + 3.0
    x = x.astype(np.float32).astype(np.float64)
    model.get_layer("first").set_weights(
        [np.ones(N_FEATURES), np.zeros(N_FEATURES), np.full(N_FEATURES, 3.0), 4.0 ** np.arange(N_FEATURES)]
    )
    scores = model.predict(x, verbose=0)
    model.save(folder / "tagger.h5")
    labels = (rng.random((N_EVENTS, 1)) > np.cumsum(scores, axis=1)).sum(axis=1).clip(0, 2)
    columns = {f"f{k}": x[:, k] for k in range(N_FEATURES)}
    split = np.arange(N_EVENTS) % 3
    pq.write_table(pa.table({**columns, "label": labels, "split": split}), folder / "sample.parquet")
    return folder


def project_of(folder: Path, **more: Any) -> ModelProject:
    features = tuple(f"f{k}" for k in range(N_FEATURES))
    return ModelProject.model_validate(
        {
            "model": {"name": "tiny", "file": "tiny.h5"},
            "data": {"sample": str(folder / "sample.parquet"), "features": features, "classes": ("a", "b", "c")},
            "inputs": {"type": "fixed<10,3>"},
            "folder": folder,
            **more,
        }
    )


@pytest.fixture(scope="module")
def made(folder: Path) -> Path:
    quantise(folder / "tagger.h5", project_of(folder), folder / "tiny", max_auc_loss=0.005)
    return folder / "tiny"


def test_the_loss_holds_on_events_that_nothing_saw(made: Path) -> None:
    design = fasttrig.read(made)
    assert design.project is not None
    sample = load_sample(design.project, "test")
    real, quantised = float_scores(design, sample), design.emulate(sample.x).scores
    classes = design.project.data.classes
    before, after = (np.mean(list(auc_per_class(of, sample.labels, classes).values())) for of in (real, quantised))
    assert before > 0.6 and before - after < 0.005 * 2, "twice: 2,000 test events have their own fluctuation"
    assert not np.array_equal(real, quantised)


def test_the_folder_is_equal_to_qkeras(made: Path) -> None:
    design = fasttrig.read(made)
    graph = design.as_read()
    raw = np.random.default_rng(0).integers(-512, 512, (400, N_FEATURES))
    found = raw_outputs(design, graph, {"x": raw})
    assert np.array_equal(found["head"], evaluate(design.graph, {"x": raw}).outputs["head"])
    assert "fasttrig's own" in domain(design, graph)


def test_the_float_twin_is_the_network_of_the_file(folder: Path, made: Path) -> None:
    """With offsets and shifts of the features, and the normalisations, inside its first layers."""
    design = fasttrig.read(made)
    assert design.project is not None and design.inputs is not None
    sample = load_sample(design.project, "test")
    want = framework_predict(folder / "tagger.h5", sample.x)["head"]
    found = framework_predict(made / "tiny_float.h5", design.inputs.scaled(sample.x))
    (got,) = found.values()
    assert np.abs(got - want).max() < 1e-4 * np.abs(want).max()


def test_what_was_chosen_is_written_down(made: Path) -> None:
    settings = tomllib.loads((made / "model.toml").read_text())
    assert settings["model"]["quantisation"] == "fasttrig" and settings["data"]["sample"] == "../sample.parquet"
    rows = json.loads((made / "quantise.json").read_text())
    assert [row["layer"] for row in rows] == ["fc1", "fc2", "head"]
    assert all(row["lut"] < row["lut_before"] for row in rows), "nothing was saved"
    weights = {op.name: op.weight for op in fasttrig.read(made).graph.ops if op.name in ("fc1", "fc2", "head")}
    for row in rows:
        assert row["weight"] == str(weights[row["layer"]].type)
        assert row["digits"] == pytest.approx(float(signed_digits(weights[row["layer"]].raw).mean()))
    assert "norm, first" in (made / "README.md").read_text() or "first, norm" in (made / "README.md").read_text()


@pytest.mark.nightly
def test_the_same_bytes_again(folder: Path, made: Path) -> None:
    quantise(folder / "tagger.h5", project_of(folder), folder / "again", max_auc_loss=0.005)
    texts = [(folder / name / "quantise.json").read_text() for name in ("tiny", "again")]
    assert texts[0] == texts[1]
    specs = [read_spec(folder / name / "tiny.h5") for name in ("tiny", "again")]
    for first, second in zip(specs[0].layers, specs[1].layers, strict=True):
        assert all(np.array_equal(first.weights[key], second.weights[key]) for key in first.weights)


def test_a_loss_that_cannot_be_kept(folder: Path) -> None:
    coarse = project_of(folder, inputs={"type": "fixed<2,2>"})
    with pytest.raises(InputError, match="allowed loss cannot be kept") as caught:
        quantise(folder / "tagger.h5", coarse, folder / "none", max_auc_loss=1e-6)
    assert "--input-type" in caught.value.try_ and not (folder / "none").exists()


def test_all_layers_that_cannot_be_quantised_are_named(tmp_path: Path) -> None:
    layers = [
        keras.Input((4,), name="x"),
        LAYERS.Dense(4, activation="elu", name="a"),
        LAYERS.LayerNormalization(name="b"),
        LAYERS.Dense(2, name="c"),
    ]
    keras.Sequential(layers).save(tmp_path / "odd.h5")
    with pytest.raises(RefusalError) as caught:
        prepare(read_spec(tmp_path / "odd.h5"))
    assert [refusal.where.split(" > ", 1)[1] for refusal in caught.value.refusals] == [
        "layer 'a' (Dense) > activation",
        "layer 'b' (LayerNormalization)",
    ]


def test_rounding_makes_up_for_its_own_errors() -> None:
    """Against rounding each weight alone, on inputs that resemble each other: a smaller error of the outputs."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 3)) @ rng.normal(size=(3, 12)) + 0.1 * rng.normal(size=(4000, 12))
    weights = rng.normal(0, 0.5, (12, 5))
    kind = FixedType(4, 1)
    fitted, moments = best_weights(x, x @ weights, weights)
    assert np.abs(fitted - weights).max() < 0.05
    raw = round_weights(weights, moments, kind.fraction_bits, kind.width, np.zeros(5))
    nearest = np.clip(np.rint(weights / kind.lsb), kind.min_raw, kind.max_raw).astype(np.int64)
    errors = [float(np.mean((x @ (to_value(of, kind) - weights)) ** 2)) for of in (raw, nearest)]
    assert errors[0] < 0.2 * errors[1]
    dear = round_weights(weights, moments, kind.fraction_bits, kind.width, np.full(5, 0.05))
    assert signed_digits(dear).sum() < 0.7 * signed_digits(raw).sum(), "digits have a price"


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a sample whose labels have another name, and which is not divided into splits."""
    features = ",".join(f"f{k}" for k in range(N_FEATURES))
    table = pq.read_table(folder / "sample.parquet").drop(["split"])
    pq.write_table(table.rename_columns([*table.column_names[:-1], "truth"]), folder / "plain.parquet")
    output = folder / "by_command"
    arguments = ["quantise", str(folder / "tagger.h5"), "-o", str(output), "--max-auc-loss", "0.0005"]
    sample = [
        "--data",
        str(folder / "plain.parquet"),
        "--classes",
        "a,b,c",
        "--features",
        features,
        "--labels",
        "truth",
    ]
    assert run_app(app, [*arguments, *sample, "--features", features]) == 0
    said = capsys.readouterr().out
    assert "0.0005 allowed" in said and f"fasttrig build {output}" in said
    project = load_project(output)
    assert project.model.name == "by_command" and project.data.sample == "sample.parquet"
    split = pq.read_table(output / "sample.parquet")["split"].to_numpy()
    assert np.bincount(split).tolist() == [3000, 1500, 1500] and len(load_sample(project, "test").x) == 1500
    assert run_app(app, arguments) == 2
    said = capsys.readouterr().err
    assert "--data" in said and "--classes or --target" in said


@pytest.mark.nightly
def test_a_network_of_images_and_one_of_every_activation(tmp_path: Path) -> None:
    """Convolution, pooling, a merge, tanh and sigmoid inside, one sigmoid at the end; equal to QKeras."""
    x = keras.Input((6, 6, 1), name="x")
    first = LAYERS.Conv2D(4, 3, padding="same", name="conv")(x)
    first = LAYERS.Activation("relu", name="relu")(LAYERS.BatchNormalization(name="norm")(first))
    pooled = LAYERS.MaxPooling2D(2, name="pool")(first)
    second = LAYERS.Conv2D(4, 2, activation="relu", name="conv2")(pooled)
    flat = LAYERS.Flatten(name="flat")(second)
    parts = [LAYERS.Dense(6, activation=name, name=f"d_{name}")(flat) for name in ("tanh", "sigmoid", "linear")]
    merged = LAYERS.Concatenate(name="merged")(parts)
    model = keras.Model(x, LAYERS.Dense(1, activation="sigmoid", name="head")(merged), name="images")
    rng = np.random.default_rng(3)
    for layer in model.layers:
        layer.set_weights(
            [np.abs(rng.normal(0, 0.5, w.shape)) * rng.choice([-1, 1], w.shape) for w in layer.get_weights()]
        )
    model.get_layer("norm").set_weights([np.linspace(0.5, 2, 4) for _ in range(4)])
    model.save(tmp_path / "images.h5")
    images = np.abs(rng.normal(0, 3, (3000, 36)))
    scores = model.predict(images.reshape(-1, 6, 6, 1), verbose=0)[:, 0]
    labels = (rng.random(3000) < (scores - scores.min()) / (scores.max() - scores.min())).astype(int)
    columns = {f"f{k}": images[:, k] for k in range(36)}
    pq.write_table(pa.table({**columns, "label": labels, "split": np.arange(3000) % 3}), tmp_path / "sample.parquet")
    project = ModelProject.model_validate(
        {
            "model": {"name": "images", "file": "images.h5"},
            "data": {"sample": str(tmp_path / "sample.parquet"), "features": tuple(columns), "classes": ("a", "b")},
            "inputs": {"type": "ufixed<8,4>"},
            "folder": tmp_path,
        }
    )
    found = quantise(tmp_path / "images.h5", project, tmp_path / "out", max_auc_loss=0.01)
    assert found.loss <= 0.01 and found.lut < 0.7 * found.lut_widest
    design = fasttrig.read(tmp_path / "out")
    graph = design.as_read()
    raw = rng.integers(0, 256, (100, 6, 6, 1))
    got = raw_outputs(design, graph, {"x": raw})
    assert np.array_equal(got["head"], evaluate(design.graph, {"x": raw}).outputs["head"])


@pytest.mark.nightly
def test_a_regression(folder: Path, tmp_path: Path) -> None:
    """The RMS error may grow by a share; the output is a number without a link."""
    model = float_network(final=None)
    x = keras.Input((N_FEATURES,), name="x")
    number = LAYERS.Dense(1, name="number")(model(x))
    keras.Model(x, number, name="outer").save(tmp_path / "number.h5")
    table = pq.read_table(folder / "sample.parquet").drop(["label"])
    features = np.stack([table[f"f{k}"].to_numpy() for k in range(N_FEATURES)], axis=1)
    truth = framework_predict(tmp_path / "number.h5", features)["number"][:, 0]
    noise = np.random.default_rng(2).normal(0, 0.2 * truth.std(), len(truth))
    pq.write_table(table.append_column("y", pa.array(truth + noise)), tmp_path / "sample.parquet")
    data = {"sample": str(tmp_path / "sample.parquet"), "features": project_of(folder).data.features, "target": "y"}
    project = ModelProject.model_validate({**project_of(folder).model_dump(), "folder": folder, "data": data})
    found = quantise(tmp_path / "number.h5", project, tmp_path / "out", max_rms_growth=0.05)
    assert found.figure == "RMS error" and 0 < found.loss <= 0.05 and found.test_loss < 0.1
    assert found.lut < 0.8 * found.lut_widest
    assert fasttrig.read(tmp_path / "out").project.data.target == "y"
