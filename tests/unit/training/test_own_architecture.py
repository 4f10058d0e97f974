"""[architecture] file: a deep set in the user's own Python file, trained, read and checked; and what is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fasttrig
from fasttrig.base.errors import InputError, ProjectError
from fasttrig.base.fixed import FixedType
from fasttrig.data.inputs import InputMap
from fasttrig.ladder.framework_rung import raw_outputs
from fasttrig.settings import load_project
from fasttrig.training.architecture import architecture_of
from fasttrig.training.whole import train_whole

N_EVENTS, N_OBJECTS = 600, 3
MODEL = f"""
[model]
name = "small_set"
file = "small_set.h5"
float_file = "small_set_float.h5"
batchnorm_type = "fixed<12,6>"
[data]
sample = "events.parquet"
features = ["mass", "pt,eta[0:{N_OBJECTS}]"]
classes = ["background", "signal"]
[inputs]
type = "fixed<8,4>"
[architecture]
file = "networks/architecture.py"
[training]
epochs = 2
batch_size = 64
"""
ARCHITECTURE = '''"""Network: a small deep set.

It has two inputs.
"""

from qkeras import QActivation, QDense, quantized_bits, quantized_relu
from tf_keras import Input, Model, layers

from fasttrig.layers import SumOver


def quantised_network(n_features, n_classes):
    bits = {"kernel_quantizer": quantized_bits(5, 0, alpha=1), "bias_quantizer": quantized_bits(5, 0, alpha=1)}
    return network(lambda width, **options: QDense(width, **bits, **options), quantized_bits(8, 3, alpha=1), n_classes)


def float_network(n_features, n_classes):
    return network(layers.Dense, "linear", n_classes)


def network(dense, after_normalisation, n_classes):
    mass, objects = Input((1,), name="mass"), Input((3, 2), name="objects")
    activation = QActivation if after_normalisation != "linear" else layers.Activation
    x = activation(after_normalisation, name="normalised")(layers.BatchNormalization(name="normalisation")(objects))
    x = SumOver(0, name="sum")(dense(4, name="each")(x))
    x = dense(n_classes, name="logits")(layers.Concatenate(name="both")([mass, x]))
    return Model([mass, objects], layers.Activation("softmax", name="softmax")(x), name="small_set")
'''


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, N_EVENTS)
    lists = {
        name: rng.normal(labels[:, None], spread, (N_EVENTS, N_OBJECTS)) for name, spread in (("pt", 3), ("eta", 1))
    }
    columns = {name: pa.array(rows.tolist(), pa.list_(pa.float64())) for name, rows in lists.items()}
    table = {"mass": rng.normal(size=N_EVENTS), **columns, "label": labels, "split": np.arange(N_EVENTS) % 3}
    pq.write_table(pa.table(table), tmp_path / "events.parquet")
    (tmp_path / "model.toml").write_text(MODEL)
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "architecture.py").write_text(ARCHITECTURE)
    return tmp_path


def test_a_deep_set_is_trained_and_read(folder):
    trained, files = train_whole(load_project(folder))
    assert trained.agreement.accuracy_float > 0.6
    card = (folder / "README.md").read_text()
    assert "- Network: a small deep set.\n- It has two inputs.\n" in card and "rounded to fixed<12,6>" in card
    design = fasttrig.read(folder)
    assert [op.result.shape for op in design.graph.inputs] == [(1,), (3, 2)]
    normalisation = next(op for op in design.graph.ops if op.name == "normalisation")
    assert normalisation.scale.type == FixedType(12, 6)
    raw, _ = design.quantise(np.random.default_rng(2).normal(size=(200, 7)))
    emulated = design.emulate_raw(raw).raw
    for name, words in raw_outputs(design, design.as_read(), raw).items():
        assert np.array_equal(words, emulated[name])
    assert {path.name for path in files} >= {"small_set.h5", "small_set_float.h5", "inputs.json", "README.md"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("from qkeras", "import no_such_package\nfrom qkeras", "line 6"),
        ("def quantised_network(", "def quantised_network", "not valid Python"),
        ("def float_network", "def another_network", "def float_network"),
        ("Input((3, 2)", "Input((3, 1)", "7 numbers"),
        ("dense(n_classes,", "dense(n_classes + 1,", "(None, 2) or (None, 1)"),
        ('"linear", n_classes)', '"linear", n_classes).name', "tf_keras.Model"),
        ("SumOver(0", "1 / 0 or SumOver(0", "ZeroDivisionError"),
    ],
)
def test_a_file_that_makes_no_network_is_refused(old, new, said, folder):
    path = folder / "networks" / "architecture.py"
    path.write_text(ARCHITECTURE.replace(old, new))
    with pytest.raises(InputError) as error:
        for make in architecture_of(load_project(folder), 7).makers.values():
            make()
    assert said in str(error.value) and str(path) in str(error.value)


def test_settings_that_contradict_each_other_are_refused(folder):
    text = MODEL.replace('file = "networks/architecture.py"', 'file = "a.py"\nhidden = [4]')
    (folder / "model.toml").write_text(text)
    with pytest.raises(ProjectError, match=r"either hidden"):
        load_project(folder)
    (folder / "model.toml").write_text(MODEL.replace('file = "small_set.h5"', 'file = "networks/architecture.py"'))
    with pytest.raises(ProjectError, match="another purpose"):
        train_whole(load_project(folder))


def test_the_objects_of_a_set_share_their_map():
    x = np.random.default_rng(1).normal(size=(1000, 5)) * [1.0, 8.0, 1.0, 0.5, 1.0]
    chosen = InputMap.choose(x, ["m", "pt[0]", "eta[0]", "pt[1]", "eta[1]"], [""] * 5, FixedType(10, 3))
    shifts = {feature.name: (feature.offset, feature.shift) for feature in chosen.features}
    assert shifts["pt[0]"] == shifts["pt[1]"] and shifts["eta[0]"] == shifts["eta[1]"]
    assert shifts["pt[0]"][1] > shifts["eta[0]"][1]
