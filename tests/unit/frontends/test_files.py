"""Model files as untrusted data: every format, no TensorFlow, nothing run, and broken files named as such."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from fasttrig.base.errors import InputError, MissingPackageError, RefusalError, UnsupportedError
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras import model_file as keras_file
from fasttrig.frontends.keras import stored_weights
from fasttrig.frontends.keras.model_file import read_model_file, snake_case
from fasttrig.frontends.keras.qkeras import read_qkeras
from fasttrig.frontends.source import TensorRef
from fasttrig.reference.qkeras_run import framework_predict
from tests.unit.frontends.framework import keras, qdense, qkeras, sequential

INPUT = FixedType(8, 4)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """One model as .h5 and as .keras."""
    folder = tmp_path_factory.mktemp("files")
    model = sequential(
        qdense(6, "zeta", activation="quantized_relu(4,1)"),
        keras.layers.BatchNormalization(name="norm"),
        qdense(5, "alpha"),
        qkeras.QActivation(qkeras.quantized_bits(6, 1, alpha=1), name="q"),
        qdense(3, "mid"),
    )
    model.get_layer("norm").set_weights([np.full(6, 0.5), np.full(6, 0.25), np.full(6, 2.0), np.full(6, 3.0)])
    for ending in ("h5", "keras"):
        model.save(folder / f"net.{ending}")
    weights = {f"{x.name}_{i}": w for x in model.layers for i, w in enumerate(x.get_weights())}
    np.savez(folder / "weights.npz", **weights)
    return folder


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_weights_go_to_their_layers(files: Path, ending: str) -> None:
    spec = read_model_file(files / f"net.{ending}")
    want = np.load(files / "weights.npz")
    assert [layer.name for layer in spec.layers] == ["x", "zeta", "norm", "alpha", "q", "mid"]
    for name in ("zeta", "alpha", "mid"):
        assert np.array_equal(spec.layer(name).weights["kernel"], want[f"{name}_0"])
        assert np.array_equal(spec.layer(name).weights["bias"], want[f"{name}_1"])
    names = ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [float(spec.layer("norm").weights[key][0]) for key in names] == [0.5, 0.25, 2.0, 3.0]
    assert spec.inputs == (TensorRef("x"),) and spec.outputs == (TensorRef("mid"),)


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_reading_loads_no_framework(files: Path, ending: str) -> None:
    script = f"""
import sys
from fasttrig.base.fixed import FixedType
from fasttrig.frontends.keras.qkeras import read_qkeras
graph = read_qkeras({str(files / f"net.{ending}")!r}, input_type=FixedType(8, 4), batchnorm_type=FixedType(18, 8))
assert graph.ops
heavy = {{"tensorflow", "keras", "tf_keras", "qkeras"}} & set(sys.modules)
sys.exit(f"loaded: {{heavy}}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


DATA = Path(__file__).parent / "data"
"""``k3.keras`` and ``k3.h5``: one model as Keras 3.15.1 wrote it; `write_keras3` makes them again."""


def write_keras3(folder: Path) -> None:
    """QKeras builds and saves under Keras 3 (it cannot run there): in a process of its own."""
    script = f"""
import os
os.environ["TF_USE_LEGACY_KERAS"] = "0"
import keras, numpy as np
from qkeras import QActivation, QDense, quantized_bits
x = keras.Input((4,), name="x")
bits = "quantized_bits(6,0,alpha=1)"
a = QDense(3, name="zeta", kernel_quantizer=bits, bias_quantizer=bits, activation="quantized_relu(4,1)")(x)
b = QDense(3, name="alpha", kernel_quantizer=bits, bias_quantizer=bits)(a)
c = keras.layers.LeakyReLU(0.25, name="leaky")(keras.layers.Add(name="sum")([a, b]))
model = keras.Model(x, QActivation(quantized_bits(5, 2, alpha=1), name="q")(c))
rng = np.random.default_rng(0)
for name in ("zeta", "alpha"):
    layer = model.get_layer(name)
    layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
model.save({str(folder / "k3.keras")!r})
model.save({str(folder / "k3.h5")!r})
"""
    subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True)


@pytest.fixture(params=["stored", pytest.param("fresh", marks=pytest.mark.nightly)])
def keras3_folder(request, tmp_path: Path) -> Path:
    if request.param == "stored":
        return DATA
    write_keras3(tmp_path)
    return tmp_path


def test_the_layout_of_keras_3(keras3_folder: Path) -> None:
    texts = []
    for ending in ("keras", "h5"):
        path = keras3_folder / f"k3.{ending}"
        spec, rng = read_model_file(path), np.random.default_rng(0)
        for name, shape in (("zeta", (4, 3)), ("alpha", (3, 3))):
            weights = spec.layer(name).weights
            assert np.array_equal(weights["kernel"], rng.normal(0, 0.5, shape).astype(np.float32))
            assert np.array_equal(weights["bias"], rng.normal(0, 0.5, 3).astype(np.float32))
        graph = read_qkeras(path, input_type=INPUT)
        assert [op.name for op in graph.ops] == ["x", "zeta", "zeta_relu", "alpha", "sum", "leaky", "q"]
        texts.append([line.split(" from ")[0] for line in str(graph).splitlines()])
    assert texts[0] == texts[1]


def test_keras_2_does_not_run_a_file_of_keras_3() -> None:
    """The rung is then listed as not run, with this reason; the file itself is read."""
    with pytest.raises(MissingPackageError, match="cannot load this model"):
        framework_predict(DATA / "k3.keras", np.zeros((2, 4)))


@pytest.mark.parametrize(
    "kind",
    [
        "QDense",
        "QDenseBatchnorm",
        "LeakyReLU",
        "ReLU",
        "BatchNormalization",
        "Dense",
        "QActivation",
        "InputLayer",
        "Concatenate",
    ],
)
def test_class_names_are_spelled_as_keras_spells_them(kind: str) -> None:
    from tf_keras.src.utils.generic_utils import to_snake_case

    assert snake_case(kind) == to_snake_case(kind)


@pytest.mark.parametrize("ending", ["h5", "keras"])
@pytest.mark.parametrize("fraction", [0.0, 0.02, 0.3, 0.6, 0.95])
def test_truncated_files(files: Path, tmp_path: Path, ending: str, fraction: float) -> None:
    content = (files / f"net.{ending}").read_bytes()
    path = tmp_path / f"cut.{ending}"
    path.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(InputError) as caught:
        read_model_file(path)
    assert str(path) in caught.value.where and not isinstance(caught.value, UnsupportedError)


def test_random_damage_is_an_input_error_or_harmless(files: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for ending in ("h5", "keras"):
        content = np.frombuffer((files / f"net.{ending}").read_bytes(), dtype=np.uint8)
        for _ in range(60):
            damaged = content.copy()
            damaged[rng.integers(0, len(damaged), 40)] = rng.integers(0, 256, 40)
            path = tmp_path / f"damaged.{ending}"
            path.write_bytes(damaged.tobytes())
            try:
                read_qkeras(path, input_type=INPUT, batchnorm_type=FixedType(18, 8))
            except InputError:
                continue


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04junk", b"\x89HDF\r\n\x1a\njunk", b"\x80\x04K\x01."])
def test_other_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_model_file(path)
    assert caught.value.what and caught.value.where


def test_missing_and_foreign_sources(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model file"):
        read_model_file(tmp_path / "none.h5")
    with pytest.raises(InputError, match="no such model file"):
        read_model_file(tmp_path)
    with pytest.raises(InputError, match="not a model"):
        read_qkeras(42)


def test_bounds_hold_before_memory_is_taken(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.keras"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (keras_file.MAX_CONFIG_BYTES + 1))
        archive.writestr("model.weights.h5", b"")
    assert bomb.stat().st_size < 200_000
    with pytest.raises(InputError, match="too large"):
        read_model_file(bomb)
    monkeypatch.setattr(stored_weights, "MAX_ELEMENTS", 10)
    with pytest.raises(InputError, match="declares too many weights"):
        read_model_file(files / "net.h5")
    monkeypatch.setattr(keras_file, "MAX_FILE_BYTES", 10)
    with pytest.raises(InputError, match="too large"):
        read_model_file(files / "net.h5")


def test_members_of_a_zip_are_read_by_name_and_nothing_is_extracted(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "evil.keras"
    shutil.copy(files / "net.keras", path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escaped.txt", "x")
    assert read_model_file(path).layers
    assert not list(tmp_path.parent.rglob("escaped.txt"))
    lacking = tmp_path / "lacking.keras"
    with zipfile.ZipFile(lacking, "w") as archive:
        archive.writestr("metadata.json", "{}")
    with pytest.raises(InputError, match="lacks a member"):
        read_model_file(lacking)


def edited_h5(files: Path, tmp_path: Path, edit) -> Path:
    path = tmp_path / "edited.h5"
    shutil.copy(files / "net.h5", path)
    with h5py.File(path, "r+") as file:
        edit(file)
    return path


def test_links_out_of_the_file_are_not_followed(files: Path, tmp_path: Path) -> None:
    def replace(link):
        def edit(file):
            group = file["model_weights/zeta/zeta"]
            del group["kernel:0"]
            group["kernel:0"] = link

        return edit

    for link in (
        h5py.ExternalLink(str(files / "net.h5"), "/model_weights/zeta/zeta/kernel:0"),
        h5py.SoftLink("/model_weights/alpha/alpha/kernel:0"),
    ):
        with pytest.raises(InputError, match="a weight is a link"):
            read_model_file(edited_h5(files, tmp_path, replace(link)))


def test_external_storage_is_not_read(files: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.ones(24, np.float32).tobytes())

    def edit(file):
        group = file["model_weights/zeta/zeta"]
        del group["kernel:0"]
        group.create_dataset("kernel:0", (4, 6), "f4", external=[(str(secret), 0, 96)])

    with pytest.raises(InputError, match="not stored in the file"):
        read_model_file(edited_h5(files, tmp_path, edit))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(files: Path, tmp_path: Path, value: float) -> None:
    def edit(file):
        file["model_weights/zeta/zeta/kernel:0"][1, 2] = value

    with pytest.raises(InputError, match="not a finite float32"):
        read_model_file(edited_h5(files, tmp_path, edit))


def test_a_missing_weight_and_a_file_of_weights_only(files: Path, tmp_path: Path) -> None:
    def drop(file):
        file["model_weights/zeta"].attrs["weight_names"] = np.array([b"zeta/kernel:0"], dtype="S20")

    with pytest.raises(InputError, match="a weight of this layer is missing"):
        read_qkeras(edited_h5(files, tmp_path, drop), input_type=INPUT)

    def headless(file):
        del file.attrs["model_config"]

    with pytest.raises(InputError, match="weights only"):
        read_model_file(edited_h5(files, tmp_path, headless))


def with_config(files: Path, tmp_path: Path, change) -> Path:
    """The .h5 file with its configuration changed by `change`."""

    def edit(file):
        config = json.loads(file.attrs["model_config"])
        changed = change(config)
        file.attrs["model_config"] = json.dumps(config if changed is None else changed)

    return edited_h5(files, tmp_path, edit)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"class_name": "Lambda", "config": {"name": "l", "function": ["4wEAAAA=", None, None]}}, "does not run code"),
        ({"class_name": "TFOpLambda", "config": {"name": "l", "function": "math.add"}}, "does not run code"),
        ({"module": "os.path", "class_name": "QDense", "config": {"name": "l"}}, "does not know the module"),
        ({"module": "HGQ.layers", "class_name": "HDense", "config": {"name": "l"}}, "HGQ 1 yet"),
        (
            {"class_name": "QDense", "config": {"name": "l", "activation": {"class_name": "function", "config": "x"}}},
            "does not run code",
        ),
        (
            {"class_name": "QDense", "config": {"name": "l", "activation": {"class_name": "__lambda__", "config": {}}}},
            "does not run code",
        ),
    ],
)
def test_code_in_a_configuration_is_refused(files: Path, tmp_path: Path, entry: dict, message: str) -> None:
    path = with_config(files, tmp_path, lambda config: config["config"]["layers"].append(entry))
    with pytest.raises(UnsupportedError, match=message) as caught:
        read_model_file(path)
    assert "layers[6]" in caught.value.where


def squared_error(y_true, y_pred):
    """A loss of the user's own: it stays in the file's compile_config."""
    return keras.backend.mean(keras.backend.square(y_true - y_pred))


class Halving(keras.regularizers.Regularizer):
    """A regularizer of the user's own."""

    def __call__(self, x):
        return 0.5 * keras.backend.sum(x * 0)

    def get_config(self):
        return {}


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_what_only_training_needs_is_not_read(tmp_path: Path, ending: str) -> None:
    """The user's own loss and regularizer do not touch inference; but Keras would import the latter."""
    model = sequential(qdense(3, "fc", kernel_regularizer=Halving()))
    model.compile("adam", squared_error)
    model.save(tmp_path / f"m.{ending}")
    assert read_qkeras(tmp_path / f"m.{ending}", input_type=INPUT).op("fc")
    with pytest.raises(UnsupportedError, match="does not know the module") as caught:
        framework_predict(tmp_path / f"m.{ending}", np.zeros((2, 4)))
    assert caught.value.where.endswith("kernel_regularizer") and "layer 'fc'" in caught.value.where
    plain = sequential(qdense(3, "fc"))
    plain.compile("adam", squared_error)
    plain.save(tmp_path / f"p.{ending}")
    assert framework_predict(tmp_path / f"p.{ending}", np.zeros((2, 4)))["fc"].shape == (2, 3)


def test_a_lambda_layer_is_refused_before_keras_sees_it(tmp_path: Path) -> None:
    model = sequential(qdense(3, "fc"), keras.layers.Lambda(lambda x: x * 2, name="double"))
    for ending in ("h5", "keras"):
        path = tmp_path / f"lambda.{ending}"
        model.save(path)
        with pytest.raises(UnsupportedError, match="does not run code"):
            framework_predict(path, np.zeros((2, 4)))


@pytest.mark.parametrize(
    "change",
    [
        lambda config: [],
        lambda config: {"class_name": "Functional"},
        lambda config: {"class_name": "Sequential", "config": {"layers": []}},
        lambda config: {"class_name": "Sequential", "config": {"layers": [3]}},
        lambda config: config | {"class_name": "MyModel"},
        lambda config: config["config"]["layers"].append(config["config"]["layers"][-1]),
        lambda config: {
            "class_name": "Functional",
            "config": {
                "layers": config["config"]["layers"][:1],
                "input_layers": [["x", 0, 0]],
                "output_layers": [["y", 0, 0]],
            },
        },
        lambda config: {
            "class_name": "Functional",
            "config": {
                "layers": [config["config"]["layers"][0] | {"name": "x", "inbound_nodes": []}],
                "input_layers": [["x", 0, 0]],
                "output_layers": [["x", 0, 3]],
            },
        },
        lambda config: {
            "class_name": "Functional",
            "config": {
                "layers": [config["config"]["layers"][0] | {"name": "x", "inbound_nodes": []}],
                "input_layers": [[3]],
                "output_layers": [],
            },
        },
    ],
)
def test_configurations_that_are_not_keras(files: Path, tmp_path: Path, change) -> None:
    with pytest.raises(InputError):
        read_model_file(with_config(files, tmp_path, change))


def test_deep_configurations_do_not_crash(files: Path, tmp_path: Path) -> None:
    deep = "[" * 50_000 + "]" * 50_000
    path = tmp_path / "deep.keras"
    with zipfile.ZipFile(files / "net.keras") as old, zipfile.ZipFile(path, "w") as new:
        new.writestr("config.json", deep)
        new.writestr("model.weights.h5", old.read("model.weights.h5"))
    with pytest.raises(InputError):
        read_model_file(path)


def test_a_model_without_an_input_shape(files: Path, tmp_path: Path) -> None:
    def change(config):
        config["config"]["layers"] = config["config"]["layers"][1:]
        for entry in config["config"]["layers"]:
            entry["config"].pop("batch_input_shape", None)
        config["config"].pop("build_input_shape", None)

    with pytest.raises(InputError, match="shape of its input"):
        read_model_file(with_config(files, tmp_path, change))


def test_weights_in_a_zip_member_that_is_no_hdf5(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.keras"
    with zipfile.ZipFile(files / "net.keras") as old, zipfile.ZipFile(path, "w") as new:
        new.writestr("config.json", old.read("config.json"))
        new.writestr("model.weights.h5", b"not hdf5")
    with pytest.raises(InputError, match="HDF5 content"):
        read_model_file(path)
    with h5py.File(buffer := io.BytesIO(), "w") as file:
        file["x"] = 1.0
    with zipfile.ZipFile(files / "net.keras") as old, zipfile.ZipFile(path, "w") as new:
        new.writestr("config.json", old.read("config.json"))
        new.writestr("model.weights.h5", buffer.getvalue())
    with pytest.raises(InputError, match="not as Keras writes them"):
        read_model_file(path)


def test_every_refusal_of_a_file_is_listed(files: Path) -> None:
    with pytest.raises(RefusalError) as caught:
        read_qkeras(files / "net.h5", input_type=INPUT, max_scale_error_lsb=0)
    assert [refusal.where for refusal in caught.value.refusals] == [
        f"{files / 'net.h5'} > layer 'norm' (BatchNormalization) > scale"
    ]
